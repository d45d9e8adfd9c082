// tandem - tests of call_soon, call_later, call_at, their handles, and of the hooks for errors
// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/callback.hpp>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <tandem/core/loop_core.hpp>
#include <tandem/core/sleep.hpp>
#include <tandem/sync/event.hpp>
#include <tandem/tasks/create_task.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/race.hpp>
#include <tandem/tasks/task_group.hpp>
#include <tandem/tasks/timeout.hpp>

#include "support/tandem_test.hpp"

using namespace std::chrono_literals;
using tandem::task;
namespace this_task = tandem::this_task;

namespace {

tandem::loop_core& loop() { return this_task::loop(); }

task<> fails(const char* what, std::chrono::nanoseconds after) {
    co_await tandem::sleep(after);
    throw std::runtime_error(what);
}


}  // namespace

TANDEM_TEST("call_soon: runs later, in order, after what is ready", "[core][callback][virtual]") {
    std::string order;
    loop().call_soon([&order] { order += 'a'; });
    loop().call_soon([&order] {
        order += 'b';
        loop().call_soon([&order] { order += 'd'; });
    });
    loop().call_soon([&order] { order += 'c'; });
    CHECK(order.empty());
    co_await this_task::checkpoint();
    CHECK(order == "abc");
    co_await this_task::checkpoint();
    CHECK(order == "abcd");
}

TANDEM_TEST("call_later and call_at: at their time, equal ones in order", "[core][callback][virtual]") {
    std::string order;
    loop().call_later(2s, [&order] { order += 'c'; });
    loop().call_later(1s, [&order] { order += 'a'; });
    loop().call_at(tandem::time_point(1s), [&order] { order += 'b'; });
    loop().call_at(tandem::time_point(2s), [&order] { order += 'd'; });
    loop().call_later(-1s, [&order] { order += '-'; });
    co_await tandem::sleep(1ns);
    CHECK(order == "-");
    co_await tandem::sleep_until(tandem::time_point(1s + 1ns));
    CHECK(order == "-ab");
    co_await tandem::sleep(1s);
    CHECK(order == "-abcd");
}

TANDEM_TEST("call_handle: cancel before it runs", "[core][callback][virtual]") {
    int called = 0;
    auto soon = loop().call_soon([&called] { ++called; });
    auto late = loop().call_later(1s, [&called] { ++called; });
    CHECK(soon.pending());
    CHECK_FALSE(soon.cancelled());
    soon.cancel();
    late.cancel();
    late.cancel();
    CHECK(soon.cancelled());
    CHECK(late.cancelled());
    CHECK_FALSE(late.pending());
    CHECK(loop().statistics().timers == 0);
    co_await tandem::sleep(2s);
    CHECK(called == 0);
}

TANDEM_TEST("call_handle: cancel after it ran has no effect", "[core][callback][virtual]") {
    int called = 0;
    auto handle = loop().call_soon([&called] { ++called; });
    co_await this_task::checkpoint();
    CHECK_FALSE(handle.pending());
    handle.cancel();
    CHECK_FALSE(handle.cancelled());
    CHECK(called == 1);
}

TANDEM_TEST("call_handle: copies look at the same call, an empty one at none", "[core][callback][virtual]") {
    tandem::call_handle empty;
    empty.cancel();
    CHECK_FALSE(empty.pending());
    CHECK_FALSE(empty.cancelled());
    auto a = loop().call_soon([] {});
    auto b = a;
    empty = b;
    auto c = std::move(b);
    c.cancel();
    CHECK(a.cancelled());
    CHECK(empty.cancelled());
    co_return;
}

TANDEM_TEST("call_handle: the function is destroyed when cancelled or called", "[core][callback][virtual]") {
    auto token = std::make_shared<int>(1);
    auto late = loop().call_later(1h, [token] {});
    auto soon = loop().call_soon([token] {});
    CHECK(token.use_count() == 3);
    late.cancel();
    CHECK(token.use_count() == 2);
    co_await this_task::checkpoint();
    CHECK(token.use_count() == 1);
    CHECK_FALSE(soon.pending());
}

TANDEM_TEST("call_later: a callback may cancel itself and others", "[core][callback][virtual]") {
    int called = 0;
    tandem::call_handle first;
    tandem::call_handle second;
    first = loop().call_later(1s, [&] {
        ++called;
        first.cancel();
        second.cancel();
    });
    second = loop().call_later(1s, [&called] { called += 10; });
    co_await tandem::sleep(2s);
    CHECK(called == 1);
    CHECK_FALSE(first.cancelled());
    CHECK(second.cancelled());
}

TEST_CASE("call_soon: what the loop does not get to is destroyed uncalled", "[core][callback][virtual]") {
    const auto frames = tandem::detail::live_frames;
    auto token = std::make_shared<int>(0);
    tandem::call_handle kept;
    {
        tandem::testing::test_loop l;
        l.call_later(1h, [token] { ++*token; });
        kept = l.call_at(tandem::time_point(2h), [token] { ++*token; });
        l.call_soon([token] { ++*token; });
        l.call_soon_threadsafe([token] { ++*token; });
        CHECK(token.use_count() == 5);
    }
    CHECK(token.use_count() == 1);
    CHECK(*token == 0);
    CHECK(kept.cancelled());
    kept = tandem::call_handle();
    CHECK(tandem::detail::live_frames == frames);
}

TANDEM_TEST("call_soon: takes callables that can only be moved", "[core][callback][virtual]") {
    int seen = 0;
    loop().call_soon([&seen, p = std::make_unique<int>(5)] { seen = *p; });
    co_await this_task::checkpoint();
    CHECK(seen == 5);
}

TEST_CASE("call_soon_threadsafe: calls from many threads all arrive, each thread's in order", "[core][callback][threads]") {
    const auto body = []() -> task<> {
        constexpr int threads = 4;
        constexpr int calls = 5000;
        tandem::loop_core& here = this_task::loop();
        tandem::event all;
        std::vector<int> next(threads, 0);
        int arrived = 0;
        bool in_order = true;
        here.expect_remote();
        std::vector<std::thread> workers;
        for (int t = 0; t < threads; ++t) {
            workers.emplace_back([&, t] {
                for (int i = 0; i < calls; ++i) {
                    here.call_soon_threadsafe([&, t, i] {
                        in_order = in_order && next[static_cast<std::size_t>(t)]++ == i;
                        if (++arrived == threads * calls) {
                            here.remote_arrived();
                            all.set();
                        }
                    });
                }
            });
        }
        co_await all.wait();
        for (std::thread& w : workers) w.join();
        CHECK(in_order);
        CHECK(arrived == threads * calls);
    };
    tandem::testing::run_virtual(body());
}

// ---- hooks

TANDEM_TEST("on_unhandled: hears of what a callback throws; the loop goes on", "[core][hooks][virtual]") {
    std::vector<std::string> heard;
    loop().on_unhandled([&heard](const tandem::unhandled_error& e) {
        heard.push_back(e.name + ": " + tandem::detail::message_of(e.exception));
    });
    loop().call_soon([] { throw std::runtime_error("soon"); });
    loop().call_later(1s, [] { throw std::runtime_error("later"); });
    co_await tandem::sleep(2s);
    CHECK(heard == std::vector<std::string>{"a callback of the loop: soon", "a callback of the loop: later"});
}

TANDEM_TEST("on_unhandled: hears of a failed task whose handle was dropped, with name and place", "[core][hooks][virtual]") {
    std::vector<tandem::unhandled_error> heard;
    loop().on_unhandled([&heard](const tandem::unhandled_error& e) { heard.push_back(e); });
    tandem::create_task(fails("dropped", 1s), "worker");
    const auto line = static_cast<unsigned>(__LINE__ - 1);
    co_await tandem::sleep(2s);
    REQUIRE(heard.size() == 1);
    CHECK(heard[0].name == "worker");
    CHECK(heard[0].where.line() == line);
    CHECK(std::string(heard[0].where.file_name()).find("callback_test.cpp") != std::string::npos);
    CHECK(tandem::detail::message_of(heard[0].exception) == "dropped");
}

TANDEM_TEST("on_unhandled: a handle that is asked keeps it silent, one that never is reports at its end",
            "[core][hooks][virtual]") {
    int heard = 0;
    loop().on_unhandled([&heard](const tandem::unhandled_error&) { ++heard; });
    auto asked = tandem::create_task(fails("asked", 0s));
    auto never = tandem::create_task(fails("never", 0s));
    bool caught = false;
    try {
        co_await asked;
    } catch (const std::runtime_error&) {
        caught = true;
    }
    CHECK(caught);
    co_await tandem::sleep(1s);
    CHECK(heard == 0);
    never = tandem::task_handle<>();
    CHECK(heard == 1);
    asked = tandem::task_handle<>();
    CHECK(heard == 1);
}

TEST_CASE("on_unhandled: a handle that outlives its loop reports when the loop ends", "[core][hooks][virtual]") {
    int heard = 0;
    tandem::task_handle<> kept;
    {
        tandem::testing::test_loop l;
        l.on_unhandled([&heard](const tandem::unhandled_error&) { ++heard; });
        const auto body = [](tandem::task_handle<>& keep) -> task<> {
            keep = tandem::create_task(fails("kept", 0s));
            co_await tandem::sleep(1s);
        };
        l.run(body(kept));
        CHECK(heard == 0);
    }
    CHECK(heard == 1);
    CHECK_THROWS_AS(kept.result(), std::runtime_error);
}

TANDEM_TEST("on_unhandled: a cancelled task is no failure", "[core][hooks][virtual]") {
    int heard = 0;
    loop().on_unhandled([&heard](const tandem::unhandled_error&) { ++heard; });
    tandem::create_task(fails("x", 1h)).cancel();
    auto running = tandem::create_task(fails("y", 1h));
    co_await tandem::sleep(1s);
    running.cancel();
    co_await tandem::sleep(1s);
    CHECK(running.cancelled());
    CHECK(heard == 0);
}

TANDEM_TEST("on_suppressed: hears of the second failure of a gather and of a race's losers", "[core][hooks][virtual]") {
    std::vector<std::string> heard;
    loop().on_suppressed([&heard](std::exception_ptr e) { heard.push_back(tandem::detail::message_of(e)); });
    std::string first;
    try {
        co_await tandem::gather(fails("one", 1s), fails("two", 1s), fails("three", 1s));
    } catch (const std::runtime_error& e) {
        first = e.what();
    }
    CHECK(first == "one");
    CHECK(heard == std::vector<std::string>{"two", "three"});
    heard.clear();
    const auto wins = []() -> task<> { co_await tandem::sleep(1s); };
    const auto r = co_await tandem::race(wins(), fails("loser", 1s));
    CHECK(r.index() == 0);
    CHECK(heard == std::vector<std::string>{"loser"});
}
