// tandem - behaviour of finally
// SPDX-License-Identifier: BSL-1.0
#include <tandem/tasks/finally.hpp>

#include <memory>
#include <string>
#include <vector>

#include <tandem/sync/event.hpp>
#include <tandem/tasks/create_task.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/shield.hpp>
#include <tandem/tasks/task_group.hpp>
#include <tandem/tasks/timeout.hpp>

#include "support/probes.hpp"
#include "support/tandem_test.hpp"

using namespace std::chrono_literals;
using namespace tandem_test;
using tandem::task;

namespace {

task<> note_after(std::vector<int>& log, milliseconds delay, int what) {
    co_await tandem::sleep(delay);
    log.push_back(what);
}
task<> throw_other() {
    throw other_oops("cleanup");
    co_return;
}
task<> guarded_sleep(std::vector<int>& log, milliseconds sleeps, milliseconds cleans) {
    const auto cleanup = [&log, cleans]() -> task<> { return note_after(log, cleans, 1); };
    co_await tandem::finally(tandem::sleep(sleeps), cleanup);
    log.push_back(2);
    co_await tandem::this_task::checkpoint();
    log.push_back(3);
}

}  // namespace

TANDEM_TEST("finally: the cleanup runs after a value, which is then given",
            "[tasks][finally][virtual][corral:try-no-macros]") {
    std::vector<int> log;
    const auto cleanup = [&log]() -> task<> { return note_after(log, 5ms, 1); };
    const auto start = tandem::this_task::loop().now();
    const int n = co_await tandem::finally(value_after(10ms, 3), cleanup);
    CHECK(n == 3);
    CHECK(log == std::vector<int>({1}));
    CHECK(tandem::this_task::loop().now() - start == 15ms);
}

TANDEM_TEST("finally: the cleanup runs after an exception, which is then rethrown",
            "[tasks][finally][virtual][corral:try-uncaught-exception]") {
    std::vector<int> log;
    const auto cleanup = [&log]() -> task<> { return note_after(log, 5ms, 1); };
    const std::exception_ptr e = co_await error_of(tandem::finally(fail_after(1ms), cleanup));
    CHECK(is<oops>(e));
    CHECK(log == std::vector<int>({1}));
    const std::exception_ptr at_once = co_await error_of(tandem::finally(fail_now(), cleanup));
    CHECK(is<oops>(at_once));
    CHECK(log == std::vector<int>({1, 1}));
}

TANDEM_TEST("finally: the cleanup runs to its end after a cancel, then the task stops",
            "[tasks][finally][virtual][corral:try-cancel]") {
    std::vector<int> log;
    auto h = tandem::create_task(guarded_sleep(log, 1h * 1, 20ms));
    co_await settle();
    h.cancel();
    co_await tandem::sleep(10ms);
    CHECK_FALSE(h.done());
    CHECK(log.empty());
    co_await tandem::sleep(20ms);
    CHECK(log == std::vector<int>({1}));
    CHECK(h.cancelled());
}

TANDEM_TEST("finally: cancelled while it cleans up after a value: the value is delivered, then the task stops",
            "[tasks][finally][virtual]") {
    std::vector<int> log;
    auto h = tandem::create_task(guarded_sleep(log, 1ms, 20ms));
    co_await tandem::sleep(10ms);
    h.cancel();
    co_await tandem::sleep(20ms);
    CHECK(log == std::vector<int>({1, 2}));
    CHECK(h.cancelled());
}

TANDEM_TEST("finally: a second cancel does not disturb the cleanup", "[tasks][finally][virtual]") {
    std::vector<int> log;
    auto h = tandem::create_task(guarded_sleep(log, 1h * 1, 20ms));
    co_await settle();
    CHECK(h.cancel());
    co_await tandem::sleep(5ms);
    CHECK_FALSE(h.cancel());
    co_await tandem::sleep(20ms);
    CHECK(log == std::vector<int>({1}));
    CHECK(h.cancelled());
}

TANDEM_TEST("finally: the cleanup sees no stop and no deadline", "[tasks][finally][virtual]") {
    bool saw_stop = true;
    bool saw_deadline = true;
    const auto body = [](bool& stop, bool& deadline) -> task<> {
        const auto cleanup = [&stop, &deadline]() -> task<> {
            const auto look = [](bool& s, bool& d) -> task<> {
                s = tandem::this_task::stop_requested();
                d = tandem::this_task::deadline().has_value();
                co_await tandem::sleep(50ms);
                s = s || tandem::this_task::stop_requested();
            };
            return look(stop, deadline);
        };
        co_await tandem::finally(tandem::sleep(1h), cleanup);
    };
    const std::exception_ptr e = co_await error_of(tandem::timeout(5ms, body(saw_stop, saw_deadline)));
    CHECK(is<tandem::timeout_error>(e));
    CHECK_FALSE(saw_stop);
    CHECK_FALSE(saw_deadline);
}

TANDEM_TEST("finally: an error of the cleanup alone is thrown bare; of both, a group of body and cleanup",
            "[tasks][finally][virtual][corral:try-raised-different]") {
    const auto cleanup = []() -> task<> { return throw_other(); };
    const std::exception_ptr alone = co_await error_of(tandem::finally(value_after(1ms, 1), cleanup));
    CHECK(is<other_oops>(alone));
    std::vector<std::string> texts;
    try {
        co_await tandem::finally(fail_after(1ms, "body"), cleanup);
    } catch (const tandem::exception_group& group) {
        for (const std::exception_ptr& e : group.exceptions()) texts.push_back(text_of(e));
    }
    CHECK(texts == std::vector<std::string>({"body", "cleanup"}));
}

TANDEM_TEST("finally: an error of the cleanup beats the stop", "[tasks][finally][virtual]") {
    const auto body = []() -> task<> {
        const auto cleanup = []() -> task<> { return throw_other(); };
        co_await tandem::finally(tandem::sleep(1h), cleanup);
    };
    auto h = tandem::create_task(body);
    co_await settle();
    h.cancel();
    const std::exception_ptr e = co_await error_of(h);
    CHECK(is<other_oops>(e));
}

TANDEM_TEST("finally: a callable that throws instead of giving a cleanup task is an error of the cleanup",
            "[tasks][finally][virtual]") {
    const auto cleanup = []() -> task<> { throw other_oops(); };
    const std::exception_ptr e = co_await error_of(tandem::finally(value_now(1), cleanup));
    CHECK(is<other_oops>(e));
}

TANDEM_TEST("finally: with a stop pending on entry neither body nor cleanup runs", "[tasks][finally][virtual]") {
    std::vector<int> log;
    const auto body = [](std::vector<int>& to) -> task<> {
        const auto cleanup = [&to]() -> task<> { return note_after(to, 0ms, 1); };
        while (!tandem::this_task::stop_requested()) co_await tandem::shield(tandem::sleep(1ms));
        co_await tandem::finally(note_after(to, 0ms, 2), cleanup);
    };
    auto h = tandem::create_task(body, std::ref(log));
    co_await settle();
    h.cancel();
    co_await tandem::sleep(10ms);
    CHECK(h.cancelled());
    CHECK(log.empty());
}

TANDEM_TEST("finally: nested cleanups run from the inside out", "[tasks][finally][virtual]") {
    std::vector<int> log;
    const auto inner = [](std::vector<int>& to) -> task<> {
        const auto cleanup = [&to]() -> task<> { return note_after(to, 5ms, 1); };
        co_await tandem::finally(tandem::sleep(1h), cleanup);
    };
    const auto outer = [](auto make, std::vector<int>& to) -> task<> {
        const auto cleanup = [&to]() -> task<> { return note_after(to, 5ms, 2); };
        co_await tandem::finally(make(to), cleanup);
    };
    auto h = tandem::create_task(outer(inner, log));
    co_await settle();
    h.cancel();
    co_await tandem::sleep(20ms);
    CHECK(log == std::vector<int>({1, 2}));
    CHECK(h.cancelled());
}

TANDEM_TEST("finally: a timeout inside the cleanup limits it", "[tasks][finally][virtual]") {
    const auto cleanup = []() -> task<> {
        const auto limited = []() -> task<> { co_await tandem::move_on_after(5ms, tandem::sleep(1h)); };
        return limited();
    };
    const auto start = tandem::this_task::loop().now();
    co_await tandem::finally(tandem::sleep(1ms), cleanup);
    CHECK(tandem::this_task::loop().now() - start == 6ms);
}

TANDEM_TEST("finally: a cleanup may start and join tasks", "[tasks][finally][virtual]") {
    int ends = 0;
    const auto body = [](int& count) -> task<> {
        const auto cleanup = [&count]() -> task<> {
            const auto grouped = [](int& c) -> task<> {
                co_await tandem::gather(sleep_and_count(5ms, c), sleep_and_count(6ms, c));
            };
            return grouped(count);
        };
        co_await tandem::finally(tandem::sleep(1h), cleanup);
    };
    auto h = tandem::create_task(body, std::ref(ends));
    co_await settle();
    h.cancel();
    co_await tandem::sleep(10ms);
    CHECK(ends == 2);
    CHECK(h.cancelled());
}

TANDEM_TEST("finally: the body is stopped before the cleanup starts", "[tasks][finally][virtual]") {
    int exits = 0;
    int seen = -1;
    const auto body = [](int& count, int& saw) -> task<> {
        const auto cleanup = [&count, &saw]() -> task<> {
            saw = count;
            return sleep_for(1ms);
        };
        co_await tandem::finally(sleep_and_count(1h, count), cleanup);
    };
    auto h = tandem::create_task(body, std::ref(exits), std::ref(seen));
    co_await settle();
    h.cancel();
    co_await tandem::sleep(5ms);
    CHECK(seen == 1);
}

TANDEM_TEST("finally: move-only values and references of the body pass", "[tasks][finally][virtual]") {
    const auto cleanup = []() -> task<> { return sleep_for(1ms); };
    const auto make = []() -> task<std::unique_ptr<int>> { co_return std::make_unique<int>(3); };
    auto owned = co_await tandem::finally(make(), cleanup);
    CHECK(*owned == 3);
    int target = 0;
    const auto refer = [](int& t) -> task<int&> { co_return t; };
    int& r = co_await tandem::finally(refer(target), cleanup);
    CHECK(&r == &target);
}

TANDEM_TEST("finally: the cleanup of a group's children runs when a sibling fails", "[tasks][finally][virtual]") {
    std::vector<int> log;
    const std::exception_ptr e = co_await error_of(tandem::with_task_group([&](tandem::task_group& g) -> task<> {
        for (int i = 0; i < 3; ++i) g.create_task(guarded_sleep(log, 1h * 1, 5ms));
        g.create_task(fail_after(1ms));
        co_return;
    }));
    CHECK(is<tandem::exception_group>(e));
    CHECK(log == std::vector<int>({1, 1, 1}));
}

TANDEM_TEST("finally: moved(fn) and captured state live until the cleanup has ended", "[tasks][finally][virtual]") {
    int live = 0;
    int seen = 0;
    auto cleanup = [kept = tracked(live), &live, &seen]() -> task<> {
        const auto look = [](int& alive, int& to) -> task<> {
            co_await tandem::sleep(1ms);
            to = alive;
        };
        return look(live, seen);
    };
    co_await tandem::finally(tandem::sleep(1ms), tandem::moved(cleanup));
    CHECK(seen == 2);  // what was moved from, and what the call keeps
    CHECK(live == 1);
}
