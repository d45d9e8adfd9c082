// tandem - behaviour of task_handle: state, result, cancellation, many awaiters
// SPDX-License-Identifier: BSL-1.0
#include <tandem/tasks/task_handle.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <tandem/sync/event.hpp>
#include <tandem/sync/queue.hpp>
#include <tandem/tasks/create_task.hpp>
#include <tandem/tasks/finally.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/shield.hpp>
#include <tandem/tasks/task_group.hpp>
#include <tandem/tasks/timeout.hpp>

#include "support/probes.hpp"
#include "support/tandem_test.hpp"

using namespace std::chrono_literals;
using namespace tandem_test;
using tandem::task;
using tandem::task_handle;

namespace {

class throws_on_second_move {
public:
    explicit throws_on_second_move(int moves) : left_(moves) {}
    throws_on_second_move(throws_on_second_move&& other) : left_(other.left_ - 1) {
        if (left_ < 0) throw oops("moved too often");
    }

private:
    int left_;
};

}  // namespace

TANDEM_TEST("task_handle: while the task runs it is not done, and has neither result nor exception",
            "[tasks][task_handle][virtual][asyncio:test_task_basics]") {
    auto h = tandem::create_task(value_after(10ms, 5));
    CHECK_FALSE(h.done());
    CHECK_FALSE(h.cancelled());
    CHECK_THROWS_AS(h.result(), tandem::invalid_state_error);
    CHECK_THROWS_AS(h.exception(), tandem::invalid_state_error);
    const int n = co_await h;
    CHECK(n == 5);
    CHECK(h.done());
    CHECK(h.result() == 5);
    CHECK(h.exception() == nullptr);
}

TANDEM_TEST("task_handle: an exception is thrown each time it is asked for", "[tasks][task_handle][virtual]"
                                                                             "[asyncio:test_exception_traceback]") {
    auto h = tandem::create_task(fail_after(1ms, "again"));
    for (int i = 0; i < 2; ++i) {
        const std::exception_ptr e = co_await error_of(h);
        CHECK(text_of(e) == "again");
        CHECK_THROWS_AS(h.result(), oops);
    }
    CHECK(is<oops>(h.exception()));
    CHECK_FALSE(h.cancelled());
}

TANDEM_TEST("task_handle: many tasks may await it, before and after its end", "[tasks][task_handle][virtual]") {
    auto h = tandem::create_task(value_after(5ms, std::string("shared")));
    int seen = 0;
    const auto waits = [](task_handle<std::string> target, int& count) -> task<> {
        const std::string& s = co_await target;
        if (s == "shared") ++count;
    };
    co_await tandem::with_task_group([&](tandem::task_group& g) -> task<> {
        for (int i = 0; i < 10; ++i) g.create_task(waits(h, seen));
        co_await g.join();
        g.create_task(waits(h, seen));
    });
    CHECK(seen == 11);
}

TANDEM_TEST("task_handle: two awaiters of a failed task both get the exception", "[tasks][task_handle][virtual]") {
    auto h = tandem::create_task(fail_after(5ms));
    const auto r = co_await tandem::gather(tandem::return_exceptions, h, h);
    CHECK(is<oops>(std::get<0>(r).exception()));
    CHECK(is<oops>(std::get<1>(r).exception()));
}

TANDEM_TEST("task_handle: awaiters are woken in the order in which they came", "[tasks][task_handle][virtual]") {
    auto h = tandem::create_task(value_after(5ms, 1));
    std::vector<int> log;
    const auto waits = [](task_handle<int> target, std::vector<int>& to, int who) -> task<> {
        co_await target;
        to.push_back(who);
    };
    co_await tandem::with_task_group([&](tandem::task_group& g) -> task<> {
        for (int i = 0; i < 5; ++i) {
            g.create_task(waits(h, log, i));
            co_await tandem::this_task::checkpoint();
        }
    });
    CHECK(log.size() == 5);
    if (!order_is_permuted()) CHECK(log == std::vector<int>({0, 1, 2, 3, 4}));
}

TANDEM_TEST("task_handle: awaited as an rvalue it gives the value away", "[tasks][task_handle][virtual]") {
    const auto make = []() -> task<std::unique_ptr<int>> {
        co_await tandem::sleep(1ms);
        co_return std::make_unique<int>(3);
    };
    auto h = tandem::create_task(make());
    auto copy = h;
    std::unique_ptr<int> p = co_await std::move(h);
    CHECK(*p == 3);
    const std::exception_ptr e = co_await error_of(copy);
    CHECK(is<tandem::invalid_state_error>(e));
    std::unique_ptr<int> q = co_await tandem::create_task(make());
    CHECK(*q == 3);
}

TANDEM_TEST("task_handle: references are handed through", "[tasks][task_handle][virtual]") {
    int target = 1;
    const auto refer = [](int& n) -> task<int&> {
        co_await tandem::this_task::checkpoint();
        co_return n;
    };
    auto h = tandem::create_task(refer(target));
    int& r = co_await h;
    CHECK(&r == &target);
    CHECK(&h.result() == &target);
}

TANDEM_TEST("task_handle: cancel stops the task; awaiting it gives cancelled_error",
            "[tasks][task_handle][virtual][asyncio:test_cancel][asyncio:test_cancel_inner_future]") {
    int exits = 0;
    auto h = tandem::create_task(sleep_and_count(1h, exits));
    co_await settle();
    CHECK(h.cancel());
    CHECK_FALSE(h.done());  // asked; it has yet to stop
    CHECK(exits == 0);      // no code of the user's runs in the canceller
    const std::exception_ptr e = co_await error_of(h);
    CHECK(is<tandem::cancelled_error>(e));
    CHECK(exits == 1);
    CHECK(h.cancelled());
    CHECK_FALSE(h.cancel());
    CHECK_THROWS_AS(h.result(), tandem::cancelled_error);
    CHECK_THROWS_AS(h.exception(), tandem::cancelled_error);
}

TANDEM_TEST("task_handle: cancel gives true for the first request only, and false after the end",
            "[tasks][task_handle][virtual][asyncio:test_cancelling][asyncio:test_uncancel_basic]") {
    auto h = tandem::create_task(value_after(1h, 1));
    auto copy = h;
    co_await settle();
    CHECK(h.cancel());
    CHECK_FALSE(copy.cancel());
    co_await settle();
    CHECK_FALSE(h.cancel());
    auto ended = tandem::create_task(value_now(1));
    co_await settle();
    CHECK_FALSE(ended.cancel());
    CHECK(ended.result() == 1);
}

TANDEM_TEST("task_handle: the reason of a cancel is in the error",
            "[tasks][task_handle][virtual][asyncio:test_cancel_with_message_then_future_result]"
            "[asyncio:test_cancel_with_message_then_future_exception]"
            "[asyncio:test_cancel_with_message_before_starting_task][asyncio:test_task_cancel_message_getter]") {
    for (const bool before_start : {true, false}) {
        auto h = tandem::create_task(value_after(1h, 1));
        if (!before_start) co_await settle();
        CHECK(h.cancel("no longer wanted"));
        CHECK_FALSE(h.cancel("another reason"));
        std::string reason;
        try {
            co_await h;
        } catch (const tandem::cancelled_error& e) {
            reason = e.reason();
        }
        CHECK(reason == "no longer wanted");
        reason.clear();
        try {
            h.result();
        } catch (const tandem::cancelled_error& e) {
            reason = e.reason();
        }
        CHECK(reason == "no longer wanted");
    }
}

TANDEM_TEST("task_handle: a task cancelled before its first turn never runs", "[tasks][task_handle][virtual]"
                                                                              "[trio:test_precancelled_task]") {
    std::vector<int> log;
    auto h = tandem::create_task(note(log, 1));
    CHECK(h.cancel());
    co_await settle();
    CHECK(h.cancelled());
    CHECK(log.empty());
}

TANDEM_TEST("task_handle: cancelled while it gives its turn away it stops there",
            "[tasks][task_handle][virtual][asyncio:test_cancel_yield]") {
    for (const bool sleeps : {true, false}) {
        int turns = 0;
        const auto yields = [](bool by_sleep, int& count) -> task<int> {
            for (;;) {
                ++count;
                if (by_sleep) {
                    co_await tandem::sleep(0ms);
                } else {
                    co_await tandem::this_task::checkpoint();
                }
            }
        };
        auto h = tandem::create_task(yields(sleeps, turns));
        while (turns < 3) co_await tandem::this_task::checkpoint();
        const int seen = turns;
        h.cancel();
        const std::exception_ptr e = co_await error_of(h);
        CHECK(is<tandem::cancelled_error>(e));
        CHECK(turns == seen);
    }
}

TANDEM_TEST("task_handle: cancelling the target and its awaiter at once stops both",
            "[tasks][task_handle][virtual][asyncio:test_cancel_both_task_and_inner_future]") {
    auto target = tandem::create_task(value_after(1h, 1));
    bool caught = false;
    const auto waits = [](task_handle<int> t, bool& flag) -> task<> {
        try {
            co_await t;
        } catch (const tandem::cancelled_error&) {
            flag = true;
        }
    };
    auto h = tandem::create_task(waits(target, caught));
    co_await settle();
    target.cancel();
    h.cancel();
    co_await settle();
    CHECK(target.cancelled());
    CHECK(h.cancelled());
    CHECK_FALSE(caught);
}

TANDEM_TEST("task_handle: a catch (...) does not stop a cancellation",
            "[tasks][task_handle][virtual][asyncio:test_cancel_task_catching][asyncio:test_cancel_task_ignoring]"
            "[asyncio:test_baseexception_during_cancel]") {
    // In asyncio a task can swallow the one-shot CancelledError; here a stop is no exception.
    tandem::event first;
    tandem::event second;
    bool caught = false;
    const auto body = [](tandem::event& a, tandem::event& b, bool& flag) -> task<int> {
        co_await a.wait();
        try {
            co_await b.wait();
        } catch (...) {
            flag = true;
        }
        co_return 42;
    };
    auto h = tandem::create_task(body(first, second, caught));
    co_await settle();
    first.set();
    co_await settle();
    h.cancel();
    co_await settle();
    CHECK(h.cancelled());
    CHECK_FALSE(caught);
    CHECK(second.statistics().waiting == 0);
}

TANDEM_TEST("task_handle: a task that cancels itself stops at its next suspension",
            "[tasks][task_handle][virtual][asyncio:test_cancel_current_task][corral:self-cancel]") {
    task_handle<int> h;
    bool after = false;
    const auto body = [](task_handle<int>& self, bool& passed) -> task<int> {
        CHECK(self.cancel());
        CHECK(tandem::this_task::stop_requested());
        passed = true;
        co_await tandem::sleep(100s);
        passed = false;
        co_return 12;
    };
    h = tandem::create_task(body(h, after));
    co_await settle();
    CHECK(h.cancelled());
    CHECK(after);
    CHECK_FALSE(h.cancel());
}

TANDEM_TEST("task_handle: a task that returns right after it was cancelled has its value",
            "[tasks][task_handle][virtual][asyncio:test_cancel_at_end]") {
    // asyncio makes it a cancelled task; here what was committed is delivered.
    task_handle<int> h;
    const auto body = [](task_handle<int>& self) -> task<int> {
        self.cancel();
        co_return 12;
    };
    h = tandem::create_task(body(h));
    co_await settle();
    CHECK_FALSE(h.cancelled());
    CHECK(h.result() == 12);
}

TANDEM_TEST("task_handle: a cancelled task that then awaits another leaves that one alone",
            "[tasks][task_handle][virtual][asyncio:test_cancel_awaited_task]") {
    task_handle<> h;
    task_handle<int> nested;
    const auto body = [](task_handle<>& self, task_handle<int>& inner) -> task<> {
        inner = tandem::create_task(value_after(10ms, 3));
        co_await tandem::this_task::checkpoint();
        self.cancel();
        co_await inner;
    };
    h = tandem::create_task(body(h, nested));
    co_await tandem::sleep(5ms);
    CHECK(h.cancelled());
    CHECK_FALSE(nested.done());
    const int n = co_await nested;
    CHECK(n == 3);
}

TANDEM_TEST("task_handle: cancelling an awaiter does not cancel the target; it leaves the line",
            "[tasks][task_handle][virtual][asyncio:test_yield_future_passes_cancel]") {
    auto target = tandem::create_task(value_after(10ms, 1));
    const auto waits = [](task_handle<int> t) -> task<int> { co_return co_await t; };
    auto a = tandem::create_task(waits(target));
    auto b = tandem::create_task(waits(target));
    co_await settle();
    a.cancel();
    co_await settle();
    CHECK(a.cancelled());
    CHECK_FALSE(target.done());
    const int n = co_await b;
    CHECK(n == 1);
}

TANDEM_TEST("task_handle: an awaiter cancelled in the turn in which the target ended has the value",
            "[tasks][task_handle][virtual]") {
    tandem::event go;
    const auto target_body = [](tandem::event& e) -> task<int> {
        co_await e.wait();
        co_return 4;
    };
    auto target = tandem::create_task(target_body(go));
    int got = 0;
    const auto waits = [](task_handle<int> t, int& to) -> task<> {
        to = co_await t;
        co_await tandem::this_task::checkpoint();
        to = -1;
    };
    task_handle<> h;
    const auto cancels = [](task_handle<int> t, task_handle<>& victim) -> task<> {
        co_await t;  // stands in line before the other
        victim.cancel();
    };
    auto c = tandem::create_task(cancels(target, h));
    co_await settle();
    h = tandem::create_task(waits(target, got));
    co_await settle();
    go.set();
    co_await settle();
    CHECK(h.done());
    if (!order_is_permuted()) CHECK(h.cancelled());
    if (!order_is_permuted()) CHECK(got == 4);
    co_await c;
}

TANDEM_TEST("task_handle: a task that awaits itself gets an error instead of a deadlock",
            "[tasks][task_handle][virtual][asyncio:test_task_awaits_on_itself]") {
    task_handle<> h;
    const auto body = [](task_handle<>& self) -> task<> { co_await self; };
    h = tandem::create_task(body(h));
    const std::exception_ptr e = co_await error_of(h);
    CHECK(is<std::logic_error>(e));
    // Also from a scope inside of itself.
    task_handle<> other;
    const auto nested = [](task_handle<>& self) -> task<> { co_await tandem::timeout(1s, self); };
    other = tandem::create_task(nested(other));
    const std::exception_ptr f = co_await error_of(other);
    CHECK(is<std::logic_error>(f));
}

TANDEM_TEST("task_handle: stays valid after task and group have gone", "[tasks][task_handle][virtual]") {
    task_handle<std::string> h;
    task_handle<int> failed;
    const std::exception_ptr e = co_await error_of(tandem::with_task_group([&](tandem::task_group& g) -> task<> {
        h = g.create_task(value_after(1ms, std::string("kept")), "named");
        failed = g.create_task(fail_after(2ms));
        co_return;
    }));
    CHECK(e != nullptr);
    CHECK(h.result() == "kept");
    CHECK(h.name() == "named");
    CHECK(is<oops>(failed.exception()));
    const std::string& s = co_await h;
    CHECK(s == "kept");
}

TANDEM_TEST("task_handle: an empty one says so", "[tasks][task_handle][virtual]") {
    const task_handle<int> empty;
    CHECK_FALSE(static_cast<bool>(empty));
    CHECK_THROWS_AS(empty.result(), tandem::invalid_state_error);
    CHECK_THROWS_AS(empty.name(), tandem::invalid_state_error);
    CHECK_FALSE(empty.cancel());
    const std::exception_ptr e = co_await error_of(empty);
    CHECK(is<tandem::invalid_state_error>(e));
}

TANDEM_TEST("task_handle: moves and copies look at the same task", "[tasks][task_handle][virtual]") {
    auto h = tandem::create_task(value_after(1ms, 1));
    auto moved = std::move(h);
    CHECK_FALSE(static_cast<bool>(h));
    auto copy = moved;
    task_handle<int> assigned;
    assigned = copy;
    const auto& itself = assigned;
    assigned = itself;
    CHECK(assigned.id() == moved.id());
    co_await settle();
    co_await settle();
    CHECK(copy.done());
    CHECK(assigned.result() == 1);
    moved = task_handle<int>();
    CHECK(copy.result() == 1);
}

TANDEM_TEST("task_handle: a copy constructor that throws while the value is kept becomes the task's error",
            "[tasks][task_handle][virtual]") {
    // The value is moved into the handle's block; a move that throws must not be lost.
    const auto make = []() -> task<throws_on_second_move> { co_return throws_on_second_move(1); };
    auto h = tandem::create_task(make());
    auto copy = h;
    co_await settle();
    CHECK(h.done());
    CHECK_FALSE(h.cancelled());
    CHECK(is<oops>(h.exception()));
}

TANDEM_TEST("task_handle: is level-triggered: every further suspension stops, too",
            "[tasks][task_handle][virtual][asyncio:test_uncancel_structured_blocks][trio:test_cancel_points]") {
    std::vector<int> log;
    const auto body = [](std::vector<int>& to) -> task<> {
        const auto cleanup = [&to]() -> task<> { return note(to, 1); };
        co_await tandem::finally(tandem::sleep(1h), cleanup);
        to.push_back(2);
    };
    const auto outer = [](auto make, std::vector<int>& to) -> task<> {
        try {
            co_await make(to);
        } catch (...) {
            to.push_back(3);
        }
        to.push_back(4);
    };
    auto h = tandem::create_task(outer(body, log));
    co_await settle();
    h.cancel();
    co_await settle();
    CHECK(h.cancelled());
    CHECK(log == std::vector<int>({1}));
}

TANDEM_TEST("task_handle: 100 awaiters cancelled in any order leave no trace", "[tasks][task_handle][virtual]") {
    auto target = tandem::create_task(value_after(1h, 1));
    const auto waits = [](task_handle<int> t) -> task<int> { co_return co_await t; };
    std::vector<task_handle<int>> hs;
    for (int i = 0; i < 100; ++i) hs.push_back(tandem::create_task(waits(target)));
    co_await settle();
    for (std::size_t i = 0; i < 100; ++i) hs[(i * 37) % 100].cancel();
    co_await settle();
    int stopped = 0;
    for (const auto& h : hs) stopped += h.cancelled() ? 1 : 0;
    CHECK(stopped == 100);
    target.cancel();
    co_await settle();
    CHECK(target.cancelled());
}

TANDEM_TEST("task_handle: handles between two tasks that await each other end by a timeout",
            "[tasks][task_handle][virtual]") {
    task_handle<> a;
    task_handle<> b;
    const auto waits = [](task_handle<>& other) -> task<> { co_await other; };
    a = tandem::create_task(waits(b));
    b = tandem::create_task(waits(a));
    const auto r = co_await tandem::move_on_after(10ms, a);
    CHECK_FALSE(r.has_value());
    a.cancel();
    co_await settle();
    CHECK(a.cancelled());
    const std::exception_ptr e = co_await error_of(b);
    CHECK(is<tandem::cancelled_error>(e));
}
