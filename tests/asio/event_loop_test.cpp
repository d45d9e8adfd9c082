// tandem - behaviour of event_loop: its own io_context or yours, callbacks, ends of all kinds
// SPDX-License-Identifier: BSL-1.0
#include <tandem/asio/event_loop.hpp>

#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <tandem/asio/co_spawn.hpp>
#include <tandem/asio/use_task.hpp>
#include <tandem/sync/event.hpp>
#include <tandem/sync/queue.hpp>
#include <tandem/tasks/finally.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/race.hpp>
#include <tandem/tasks/timeout.hpp>

#include "support/net.hpp"
#include "support/probes.hpp"
#include "support/tandem_test.hpp"

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace tandem_test;
using tandem::task;
using tandem::use_task;

namespace {

task<int> answer() {
    co_await tandem::this_task::checkpoint();
    co_return 42;
}
task<> wait_for_ever(int& exits) {
    const counts_exit left(exits);
    tandem::event never;
    co_await never.wait();
}
task<> clean_slowly(std::vector<int>& log) {
    const auto cleanup = [&log]() -> task<> {
        const auto slow = [](std::vector<int>& to) -> task<> {
            co_await tandem::sleep(1ms);
            to.push_back(1);
        };
        return slow(log);
    };
    co_await tandem::finally(tandem::sleep(1h), cleanup);
}

}  // namespace

TEST_CASE("event_loop: runs tasks one after the other", "[asio][event_loop][asyncio:test_run]") {
    tandem::event_loop loop;
    CHECK(loop.run(answer()) == 42);
    CHECK(loop.run(answer()) == 42);
    CHECK_THROWS_AS(loop.run(fail_now()), oops);
    CHECK(loop.run(answer()) == 42);
}

TEST_CASE("event_loop: a run cancels and joins what create_task left, and the next run may start tasks again",
          "[asio][event_loop]") {
    tandem::event_loop loop;
    std::vector<int> log;
    const auto main = [](std::vector<int>& to) -> task<> {
        tandem::create_task(clean_slowly(to));
        co_await tandem::sleep(1ms);
    };
    loop.run(main(log));
    CHECK(log == std::vector<int>({1}));
    const auto second = []() -> task<int> {
        auto h = tandem::create_task(answer());
        co_return co_await h;
    };
    CHECK(loop.run(second()) == 42);
}

TEST_CASE("event_loop: running() is the loop of the task, an error outside", "[asio][event_loop]") {
    tandem::event_loop loop;
    CHECK_THROWS_AS(tandem::event_loop::running(), tandem::invalid_state_error);
    const auto main = [](tandem::event_loop& expected) -> task<> {
        CHECK(&tandem::event_loop::running() == &expected);
        CHECK(static_cast<tandem::loop_core*>(&expected) == &tandem::this_task::loop());
        co_return;
    };
    loop.run(main(loop));
    CHECK(tandem::loop_core::current() == nullptr);
}

TEST_CASE("event_loop: one loop per io_context", "[asio][event_loop]") {
    asio::io_context ctx;
    CHECK(tandem::event_loop::attached_to(ctx) == nullptr);
    {
        tandem::event_loop loop(ctx);
        CHECK(tandem::event_loop::attached_to(ctx) == &loop);
        CHECK(&loop.context() == &ctx);
        CHECK(loop.get_executor() == ctx.get_executor());
        CHECK_THROWS_AS(tandem::event_loop(ctx), std::logic_error);
        CHECK(tandem::event_loop::attached_to(ctx) == &loop);
    }
    CHECK(tandem::event_loop::attached_to(ctx) == nullptr);
    tandem::event_loop again(ctx);
    CHECK(again.run(answer()) == 42);
}

TEST_CASE("event_loop: inside a running loop run is an error, and the task is dropped",
          "[asio][event_loop][asyncio:test_recursive_run]") {
    tandem::event_loop loop;
    const auto main = [](tandem::event_loop& self) -> task<> {
        int live = 0;
        const auto keep = [](tracked) -> task<> { co_return; };
        CHECK_THROWS_AS(self.run(keep(tracked(live))), std::logic_error);
        tandem::event_loop other;
        CHECK_THROWS_AS(other.run(keep(tracked(live))), std::logic_error);
        CHECK(live == 0);
        co_return;
    };
    loop.run(main(loop));
}

TEST_CASE("event_loop: callbacks are called in order, timed ones by time", "[asio][event_loop]") {
    tandem::event_loop loop;
    std::vector<int> log;
    const auto main = [](std::vector<int>& to) -> task<> {
        tandem::loop_core& l = tandem::this_task::loop();
        const auto now = l.now();
        l.call_at(now + 3ms, [&to] { to.push_back(5); });
        l.call_later(2ms, [&to] { to.push_back(4); });
        l.call_later(-1s, [&to] { to.push_back(3); });
        l.call_soon([&to] { to.push_back(1); });
        l.call_soon([&to] { to.push_back(2); });
        CHECK(to.empty());
        co_await tandem::sleep(5ms);
        CHECK(l.now() - now >= 5ms);
    };
    loop.run(main(log));
    REQUIRE(log.size() == 5);
    CHECK(log[3] == 4);
    CHECK(log[4] == 5);
}

TEST_CASE("event_loop: a callback that was cancelled is not called, and is freed", "[asio][event_loop]") {
    tandem::event_loop loop;
    int calls = 0;
    int live = 0;
    const auto main = [](int& count, int& alive) -> task<> {
        tandem::loop_core& l = tandem::this_task::loop();
        auto soon = l.call_soon([&count, t = tracked(alive)] { ++count; });
        auto later = l.call_later(1h, [&count, t = tracked(alive)] { ++count; });
        auto done = l.call_soon([&count] { ++count; });
        CHECK(alive == 2);
        CHECK(soon.pending());
        soon.cancel();
        later.cancel();
        CHECK(soon.cancelled());
        CHECK_FALSE(later.pending());
        CHECK(alive == 0);
        co_await tandem::sleep(1ms);
        CHECK(count == 1);
        done.cancel();
        CHECK_FALSE(done.cancelled());
    };
    loop.run(main(calls, live));
}

TEST_CASE("event_loop: what a callback throws goes to on_unhandled; the loop goes on",
          "[asio][event_loop][asyncio:test_error_in_call_soon]") {
    tandem::event_loop loop;
    std::vector<std::string> seen;
    loop.on_unhandled([&](const tandem::unhandled_error& failure) { seen.push_back(text_of(failure.exception)); });
    const auto main = []() -> task<int> {
        tandem::this_task::loop().call_soon([] { throw oops("soon"); });
        tandem::this_task::loop().call_later(1ms, [] { throw oops("later"); });
        co_await tandem::sleep(3ms);
        co_return 1;
    };
    CHECK(loop.run(main()) == 1);
    CHECK(seen == std::vector<std::string>({"soon", "later"}));
}

TEST_CASE("event_loop: an error of a task that nobody asks for goes to on_unhandled with name and place",
          "[asio][event_loop]") {
    tandem::event_loop loop;
    std::string name;
    std::string file;
    loop.on_unhandled([&](const tandem::unhandled_error& failure) {
        name = failure.name;
        file = failure.where.file_name();
    });
    const auto main = []() -> task<> {
        tandem::create_task(fail_now(), "careless");
        co_await tandem::sleep(1ms);
    };
    loop.run(main());
    CHECK(name == "careless");
    CHECK(file.find("event_loop_test.cpp") != std::string::npos);
}

TEST_CASE("event_loop: a borrowed io_context that the user runs returns when the tasks have ended",
          "[asio][event_loop]") {
    asio::io_context ctx;
    tandem::event_loop loop(ctx);
    std::optional<int> result;
    tandem::co_spawn(loop, answer(), [&](std::exception_ptr e, int n) {
        CHECK(e == nullptr);
        result = n;
    });
    CHECK_FALSE(result.has_value());
    ctx.run();
    CHECK(result == 42);
    ctx.restart();
    tandem::co_spawn(ctx, answer(), [&](std::exception_ptr, int n) { result = n + 1; });
    ctx.run();
    CHECK(result == 43);
}

TEST_CASE("event_loop: a long timer that was cancelled does not keep the user's run", "[asio][event_loop]") {
    asio::io_context ctx;
    tandem::event_loop loop(ctx);
    const auto start = std::chrono::steady_clock::now();
    const auto body = []() -> task<> {
        co_await tandem::race(tandem::sleep(1h), tandem::sleep(1ms));
        co_await tandem::timeout(1h, tandem::sleep(1ms));
        auto h = tandem::create_task(sleep_for(milliseconds(3'600'000)));
        co_await tandem::sleep(1ms);
        h.cancel();
    };
    tandem::co_spawn(loop, body(), asio::detached);
    ctx.run();
    CHECK(std::chrono::steady_clock::now() - start < 1h);
    CHECK(loop.statistics().timers == 0);
}

TEST_CASE("event_loop: tasks and plain handlers share a borrowed io_context", "[asio][event_loop]") {
    asio::io_context ctx;
    tandem::event_loop loop(ctx);
    int ticks = 0;
    asio::steady_timer timer(ctx, 1ms);
    timer.async_wait([&](boost::system::error_code) { ++ticks; });
    asio::post(ctx, [&] { ++ticks; });
    CHECK(loop.run(answer()) == 42);
    ctx.run();
    CHECK(ticks == 2);
}

TEST_CASE("event_loop: run on a borrowed io_context that was stopped or ran dry before", "[asio][event_loop]") {
    asio::io_context ctx;
    ctx.run();  // dry: stopped
    tandem::event_loop loop(ctx);
    CHECK(loop.run(answer()) == 42);
    ctx.stop();
    CHECK(loop.run(answer()) == 42);
}

TEST_CASE("event_loop: two loops in two threads", "[asio][event_loop][threads]") {
    const auto work = [](int rounds) -> task<int> {
        tandem::queue<int> q(1);
        const auto produce = [](tandem::queue<int>& to, int n) -> task<> {
            for (int i = 0; i < n; ++i) co_await to.put(i);
            to.shutdown();
        };
        auto producer = tandem::create_task(produce(q, rounds));
        int sum = 0;
        for (;;) {
            const auto item = co_await q.next();
            if (!item) break;
            sum += *item;
            if (*item % 100 == 0) co_await tandem::sleep(10us);
        }
        co_await producer;
        co_return sum;
    };
    int results[2] = {0, 0};
    std::thread first([&] { results[0] = tandem::event_loop().run(work(2000)); });
    std::thread second([&] { results[1] = tandem::event_loop().run(work(2000)); });
    first.join();
    second.join();
    CHECK(results[0] == 1'999'000);
    CHECK(results[1] == 1'999'000);
}

TEST_CASE("event_loop: stop of the io_context cancels the tasks; run says cancelled_error", "[asio][event_loop]") {
    tandem::event_loop loop;
    std::vector<int> log;
    const auto main = [](std::vector<int>& to) -> task<> {
        auto h = tandem::create_task(clean_slowly(to));
        context().stop();
        co_await clean_slowly(to);
    };
    CHECK_THROWS_AS(loop.run(main(log)), tandem::cancelled_error);
    CHECK(log.size() >= 1);  // main's cleanup has run; its child may never have started
    CHECK(loop.run(answer()) == 42);
}

TEST_CASE("event_loop: what a plain handler throws leaves run after the tasks were joined", "[asio][event_loop]") {
    tandem::event_loop loop;
    std::vector<int> log;
    const auto main = [](std::vector<int>& to) -> task<> {
        asio::post(context(), [] { throw oops("plain handler"); });
        co_await clean_slowly(to);
    };
    std::string text;
    try {
        loop.run(main(log));
    } catch (const oops& e) {
        text = e.what();
    }
    CHECK(text == "plain handler");
    CHECK(log == std::vector<int>({1}));
    CHECK(loop.run(answer()) == 42);
}

TEST_CASE("event_loop: several plain handlers that throw: the first one is told, all tasks are joined",
          "[asio][event_loop]") {
    tandem::event_loop loop;
    std::vector<int> log;
    const auto main = [](std::vector<int>& to) -> task<> {
        for (int i = 0; i < 3; ++i) asio::post(context(), [] { throw oops("one of three"); });
        co_await clean_slowly(to);
    };
    CHECK_THROWS_AS(loop.run(main(log)), oops);
    CHECK(log == std::vector<int>({1}));
}

TEST_CASE("event_loop: destroyed with parked tasks it cancels and joins them", "[asio][event_loop]") {
    const auto frames = tandem::detail::live_frames;
    asio::io_context ctx;
    int exits = 0;
    std::vector<int> log;
    int aborted = 0;
    {
        tandem::event_loop loop(ctx);
        const auto count_aborted = [&](std::exception_ptr e) { aborted += e ? 1 : 0; };
        for (int i = 0; i < 3; ++i) tandem::co_spawn(loop, wait_for_ever(exits), count_aborted);
        tandem::co_spawn(loop, clean_slowly(log), count_aborted);
        ctx.poll();
        tandem::co_spawn(loop, wait_for_ever(exits), count_aborted);  // never had a turn
        CHECK(exits == 0);
    }
    CHECK(exits == 3);
    CHECK(log == std::vector<int>({1}));
    CHECK(tandem::detail::live_frames == frames);
    ctx.restart();
    ctx.run();
    CHECK(aborted == 5);
}

TEST_CASE("event_loop: handlers that outlive their loop find out", "[asio][event_loop]") {
    asio::io_context ctx;
    int calls = 0;
    int live = 0;
    {
        tandem::event_loop loop(ctx);
        loop.call_soon([&calls, t = tracked(live)] { ++calls; });
        loop.call_later(1ms, [&calls, t = tracked(live)] { ++calls; });
        loop.call_soon_threadsafe([&calls, t = tracked(live)] { ++calls; });
        CHECK(live == 3);
    }
    CHECK(live == 0);
    ctx.run();
    CHECK(calls == 0);
}

TEST_CASE("event_loop: a turn that was queued for a loop that has gone does no harm to the next one",
          "[asio][event_loop]") {
    asio::io_context ctx;
    for (int i = 0; i < 3; ++i) {
        tandem::event_loop gone(ctx);
        gone.call_soon([] {});
        gone.call_later(0ms, [] {});
    }
    tandem::event_loop loop(ctx);
    int calls = 0;
    loop.call_soon([&] { ++calls; });
    tandem::co_spawn(loop, answer(), [&](std::exception_ptr, int n) { calls += n; });
    ctx.run();
    CHECK(calls == 43);
    CHECK(loop.run(answer()) == 42);
}

TEST_CASE("event_loop: callbacks run without a main task, driven by the user", "[asio][event_loop]") {
    asio::io_context ctx;
    tandem::event_loop loop(ctx);
    std::vector<int> log;
    loop.call_soon([&] { log.push_back(1); });
    loop.call_later(1ms, [&] { log.push_back(2); });
    ctx.run();
    CHECK(log == std::vector<int>({1, 2}));
}

TEST_CASE("event_loop: a batch of no steps is refused", "[asio][event_loop]") {
    tandem::event_loop loop;
    CHECK_THROWS_AS(loop.set_batch(0, 1ms), std::invalid_argument);
    loop.set_batch(1, 0ns);
    CHECK(loop.run(answer()) == 42);
}

TEST_CASE("event_loop: sleeps end in order and not before their time", "[asio][event_loop]") {
    tandem::event_loop loop;
    std::vector<int> log;
    const auto sleeps = [](std::vector<int>& to, int n) -> task<> {
        const auto start = tandem::this_task::loop().now();
        co_await tandem::sleep(milliseconds(n));
        CHECK(tandem::this_task::loop().now() - start >= milliseconds(n));
        to.push_back(n);
    };
    const auto main = [](auto make, std::vector<int>& to) -> task<> {
        co_await tandem::gather(make(to, 9), make(to, 1), make(to, 5));
    };
    loop.run(main(sleeps, log));
    CHECK(log == std::vector<int>({1, 5, 9}));
}

TEST_CASE("event_loop: keeps task_locals of one run out of the next", "[asio][event_loop][asyncio:test_run_keeps_context]") {
    // asyncio's Runner keeps one context over its runs; here each main task starts from the initial values.
    static tandem::task_local<int> var(-1);
    tandem::event_loop loop;
    const auto swap = [](int n) -> task<int> {
        const int before = var.get();
        co_await tandem::this_task::checkpoint();
        var.set(n);
        co_return before;
    };
    CHECK(loop.run(swap(1)) == -1);
    CHECK(loop.run(swap(2)) == -1);
    CHECK(var.get() == -1);
}
