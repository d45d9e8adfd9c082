// tandem - behaviour of co_spawn: tasks started from Asio code
// SPDX-License-Identifier: BSL-1.0
#include <tandem/asio/co_spawn.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <tandem/asio/use_task.hpp>
#include <tandem/sync/queue.hpp>
#include <tandem/tasks/finally.hpp>
#include <tandem/tasks/shield.hpp>
#include <tandem/tasks/timeout.hpp>

#include "support/net.hpp"
#include "support/probes.hpp"
#include "support/tandem_test.hpp"

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace tandem_test;
using boost::system::system_error;
using tandem::task;
using tandem::use_task;

namespace {

bool says_aborted(const std::exception_ptr& e) {
    if (!e) return false;
    try {
        std::rethrow_exception(e);
    } catch (const system_error& known) {
        return known.code() == asio::error::operation_aborted;
    } catch (...) {
        return false;
    }
}

}  // namespace

TEST_CASE("co_spawn: calls back with the result, or with the exception", "[asio][co_spawn]") {
    asio::io_context ctx;
    tandem::event_loop loop(ctx);
    std::optional<std::string> got;
    std::string failed;
    bool ended = false;
    tandem::co_spawn(loop, value_after(1ms, std::string("value")), [&](std::exception_ptr e, std::string s) {
        CHECK(e == nullptr);
        got = s;
    });
    tandem::co_spawn(loop, fail_after(1ms, "bad"), [&](std::exception_ptr e, int n) {
        failed = text_of(e);
        CHECK(n == 0);
    });
    tandem::co_spawn(loop, sleep_for(1ms), [&](std::exception_ptr e) {
        CHECK(e == nullptr);
        ended = true;
    });
    CHECK_FALSE(got.has_value());  // never inside the call
    ctx.run();
    CHECK(got == "value");
    CHECK(failed == "bad");
    CHECK(ended);
}

TEST_CASE("co_spawn: by executor and by io_context; without a loop there it is an error",
          "[asio][co_spawn]") {
    asio::io_context ctx;
    CHECK_THROWS_AS(tandem::co_spawn(ctx, sleep_for(1ms), asio::detached), tandem::invalid_state_error);
    tandem::event_loop loop(ctx);
    int calls = 0;
    tandem::co_spawn(ctx.get_executor(), value_now(1), [&](std::exception_ptr, int n) { calls += n; });
    tandem::co_spawn(ctx, value_now(2), [&](std::exception_ptr, int n) { calls += n; });
    asio::any_io_executor any = ctx.get_executor();
    tandem::co_spawn(any, value_now(4), [&](std::exception_ptr, int n) { calls += n; });
    auto strand = asio::make_strand(ctx);
    tandem::co_spawn(strand, value_now(8), [&](std::exception_ptr, int n) { calls += n; });
    ctx.run();
    CHECK(calls == 15);
}

TEST_CASE("co_spawn: detached, and a task that fails with nobody to tell", "[asio][co_spawn]") {
    asio::io_context ctx;
    tandem::event_loop loop(ctx);
    int exits = 0;
    tandem::co_spawn(loop, sleep_and_count(1ms, exits), asio::detached);
    tandem::co_spawn(loop, fail_now(), asio::detached);
    ctx.run();
    CHECK(exits == 1);
}

TEST_CASE("co_spawn: use_future", "[asio][co_spawn][threads]") {
    asio::io_context ctx;
    tandem::event_loop loop(ctx);
    std::future<int> value = tandem::co_spawn(loop, value_after(1ms, 3), asio::use_future);
    std::future<int> error = tandem::co_spawn(loop, fail_after(1ms, "future"), asio::use_future);
    std::future<void> nothing = tandem::co_spawn(loop, sleep_for(1ms), asio::use_future);
    ctx.run();
    CHECK(value.get() == 3);
    CHECK_THROWS_WITH(error.get(), "future");
    nothing.get();
}

TEST_CASE("co_spawn: use_awaitable inside an asio coroutine", "[asio][co_spawn]") {
    asio::io_context ctx;
    tandem::event_loop loop(ctx);
    int sum = 0;
    std::string text;
    const auto outer = [](tandem::event_loop& l, int& to, std::string& error) -> asio::awaitable<void> {
        to += co_await tandem::co_spawn(l, value_after(1ms, 5), asio::use_awaitable);
        co_await tandem::co_spawn(l, sleep_for(1ms), asio::use_awaitable);
        try {
            co_await tandem::co_spawn(l, fail_after(1ms, "through"), asio::use_awaitable);
        } catch (const oops& e) {
            error = e.what();
        }
    };
    asio::co_spawn(ctx, outer(loop, sum, text), asio::detached);
    ctx.run();
    CHECK(sum == 5);
    CHECK(text == "through");
}

TEST_CASE("co_spawn: the slot of an asio coroutine cancels the task", "[asio][co_spawn]") {
    asio::io_context ctx;
    tandem::event_loop loop(ctx);
    int exits = 0;
    bool aborted = false;
    const auto outer = [](tandem::event_loop& l, int& count) -> asio::awaitable<void> {
        co_await tandem::co_spawn(l, sleep_and_count(milliseconds(3'600'000), count), asio::use_awaitable);
    };
    asio::cancellation_signal signal;
    asio::co_spawn(ctx, outer(loop, exits),
                   asio::bind_cancellation_slot(signal.slot(),
                                                [&](std::exception_ptr e) { aborted = says_aborted(e); }));
    asio::steady_timer timer(ctx, 2ms);
    timer.async_wait([&](boost::system::error_code) { signal.emit(asio::cancellation_type::terminal); });
    ctx.run();
    CHECK(exits == 1);
    CHECK(aborted);
}

TEST_CASE("co_spawn: bind_cancellation_slot cancels the task; it completes with operation_aborted",
          "[asio][co_spawn]") {
    asio::io_context ctx;
    tandem::event_loop loop(ctx);
    asio::cancellation_signal signal;
    int exits = 0;
    int calls = 0;
    bool aborted = false;
    tandem::co_spawn(loop, sleep_and_count(milliseconds(3'600'000), exits),
                     asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr e) {
                         ++calls;
                         aborted = says_aborted(e);
                     }));
    ctx.poll();
    CHECK(exits == 0);
    signal.emit(asio::cancellation_type::terminal);
    signal.emit(asio::cancellation_type::terminal);
    CHECK(exits == 0);  // nothing is destroyed inside emit
    ctx.run();
    CHECK(exits == 1);
    CHECK(calls == 1);
    CHECK(aborted);
    signal.emit(asio::cancellation_type::terminal);  // after the end: no effect
}

TEST_CASE("co_spawn: cancelled before its first turn the task never runs, and still completes",
          "[asio][co_spawn]") {
    asio::io_context ctx;
    tandem::event_loop loop(ctx);
    asio::cancellation_signal signal;
    bool ran = false;
    bool aborted = false;
    int live = 0;
    const auto body = [](bool& flag, tracked) -> task<> {
        flag = true;
        co_return;
    };
    tandem::co_spawn(loop, body(ran, tracked(live)),
                     asio::bind_cancellation_slot(signal.slot(),
                                                  [&](std::exception_ptr e) { aborted = says_aborted(e); }));
    signal.emit(asio::cancellation_type::terminal);
    ctx.run();
    CHECK_FALSE(ran);
    CHECK(aborted);
    CHECK(live == 0);
}

TEST_CASE("co_spawn: after a run of the loop, and between two, it starts tasks as before",
          "[asio][co_spawn]") {
    asio::io_context ctx;
    tandem::event_loop loop(ctx);
    std::vector<int> results;
    const auto keep = [&](std::exception_ptr e, int n) { results.push_back(e ? -1 : n); };
    CHECK(loop.run(value_now(1)) == 1);
    tandem::co_spawn(loop, value_after(milliseconds(1), 2), keep);
    ctx.run();
    CHECK(results == std::vector<int>({2}));
    tandem::co_spawn(loop, value_after(milliseconds(1), 3), keep);
    CHECK(loop.run(value_after(milliseconds(5), 4)) == 4);
    ctx.poll();
    CHECK(results == std::vector<int>({2, 3}));
    ctx.restart();
    asio::post(ctx, [&] { tandem::co_spawn(loop, value_now(5), keep); });
    ctx.run();
    CHECK(results == std::vector<int>({2, 3, 5}));
}

TEST_CASE("co_spawn: every type of cancellation cancels the task", "[asio][co_spawn]") {
    using type = asio::cancellation_type;
    for (const type t : {type::terminal, type::partial, type::total, type::all}) {
        asio::io_context ctx;
        tandem::event_loop loop(ctx);
        asio::cancellation_signal signal;
        int exits = 0;
        bool aborted = false;
        const auto handler = [&](std::exception_ptr e) { aborted = says_aborted(e); };
        tandem::co_spawn(loop, sleep_and_count(milliseconds(3'600'000), exits),
                         asio::bind_cancellation_slot(signal.slot(), handler));
        ctx.poll();
        signal.emit(t);
        ctx.run();
        CHECK(exits == 1);
        CHECK(aborted);
    }
}

TEST_CASE("co_spawn: a result that comes in spite of the cancel is delivered", "[asio][co_spawn]") {
    asio::io_context ctx;
    tandem::event_loop loop(ctx);
    asio::cancellation_signal signal;
    int got = 0;
    const auto body = []() -> task<int> { co_return co_await tandem::shield(value_after(2ms, 9)); };
    tandem::co_spawn(loop, body(),
                     asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr e, int n) {
                         CHECK(e == nullptr);
                         got = n;
                     }));
    ctx.poll();
    signal.emit(asio::cancellation_type::terminal);
    ctx.run();
    CHECK(got == 9);
}

TEST_CASE("co_spawn: the handler is called on its own executor, which is kept busy meanwhile",
          "[asio][co_spawn][threads]") {
    asio::io_context ctx;
    asio::io_context elsewhere;
    tandem::event_loop loop(ctx);
    int got = 0;
    std::thread::id id;
    tandem::co_spawn(loop, value_after(2ms, 4),
                     asio::bind_executor(elsewhere.get_executor(), [&](std::exception_ptr, int n) {
                         got = n;
                         id = std::this_thread::get_id();
                     }));
    std::thread other([&] { elsewhere.run(); });  // does not return before the handler was called
    const std::thread::id expected = other.get_id();
    ctx.run();
    other.join();
    CHECK(got == 4);
    CHECK(id == expected);
}

TEST_CASE("co_spawn: with use_task from another task of the same loop", "[asio][co_spawn]") {
    tandem::event_loop loop;
    const auto main = [](tandem::event_loop& l) -> task<int> {
        const int n = co_await tandem::co_spawn(l, value_after(1ms, 6), use_task);
        int exits = 0;
        const std::exception_ptr e = co_await error_of(tandem::timeout(
            2ms, tandem::co_spawn(l, sleep_and_count(milliseconds(3'600'000), exits), use_task)));
        CHECK(is<tandem::timeout_error>(e));
        CHECK(exits == 1);
        const auto r = co_await tandem::co_spawn(l, fail_now("tuple"), asio::as_tuple(use_task));
        CHECK(text_of(std::get<0>(r)) == "tuple");
        co_return n;
    };
    CHECK(loop.run(main(loop)) == 6);
}

TEST_CASE("co_spawn: move-only results and handlers", "[asio][co_spawn]") {
    asio::io_context ctx;
    tandem::event_loop loop(ctx);
    const auto make = []() -> task<std::unique_ptr<int>> { co_return std::make_unique<int>(2); };
    int got = 0;
    tandem::co_spawn(loop, make(),
                     [&got, extra = std::make_unique<int>(3)](std::exception_ptr, std::unique_ptr<int> p) {
                         got = *p + *extra;
                     });
    ctx.run();
    CHECK(got == 5);
}

TEST_CASE("co_spawn: a loop that ends first completes every handler once, with operation_aborted",
          "[asio][co_spawn]") {
    asio::io_context ctx;
    int aborted = 0;
    int calls = 0;
    {
        tandem::event_loop loop(ctx);
        for (int i = 0; i < 5; ++i) {
            tandem::co_spawn(loop, value_after(milliseconds(3'600'000), i), [&](std::exception_ptr e, int) {
                ++calls;
                aborted += says_aborted(e) ? 1 : 0;
            });
        }
        ctx.poll();
    }
    ctx.restart();
    ctx.run();
    CHECK(calls == 5);
    CHECK(aborted == 5);
}

TEST_CASE("co_spawn: an io_context destroyed with a loop that never ran frees task and handler",
          "[asio][co_spawn]") {
    int live = 0;
    {
        asio::io_context ctx;
        tandem::event_loop loop(ctx);
        const auto keep = [](tracked) -> task<> { co_return; };
        tandem::co_spawn(loop, keep(tracked(live)), [t = tracked(live)](std::exception_ptr) {});
        CHECK(live == 2);
    }
    CHECK(live == 0);
}

TEST_CASE("co_spawn: a handler that throws throws out of the user's run; the loop can go on",
          "[asio][co_spawn]") {
    asio::io_context ctx;
    tandem::event_loop loop(ctx);
    tandem::co_spawn(loop, value_now(1), [](std::exception_ptr, int) { throw oops("handler"); });
    int got = 0;
    tandem::co_spawn(loop, value_after(1ms, 2), [&](std::exception_ptr, int n) { got = n; });
    CHECK_THROWS_WITH(ctx.run(), "handler");
    ctx.run();
    CHECK(got == 2);
}
