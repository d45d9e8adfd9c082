// tandem - behaviour of timeout, timeout_at, move_on_after, deadline
// SPDX-License-Identifier: BSL-1.0
#include <tandem/tasks/timeout.hpp>

#include <memory>
#include <string>
#include <vector>

#include <tandem/sync/event.hpp>
#include <tandem/sync/queue.hpp>
#include <tandem/sync/semaphore.hpp>
#include <tandem/tasks/create_task.hpp>
#include <tandem/tasks/finally.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/shield.hpp>
#include <tandem/tasks/task_group.hpp>

#include "support/probes.hpp"
#include "support/tandem_test.hpp"

using namespace std::chrono_literals;
using namespace tandem_test;
using tandem::task;

namespace {

tandem::loop_core& loop() { return tandem::this_task::loop(); }

task<> throw_other() {
    throw other_oops();
    co_return;
}
/// Python's `try: sleep finally: raise`.
task<> crash_when_cancelled() {
    const auto cleanup = []() -> task<> { return throw_other(); };
    co_await tandem::finally(tandem::sleep(1h), cleanup);
}
/// Python's `except CancelledError: await sleep(...); raise`.
task<> linger(milliseconds lingers, int& ends) {
    const auto cleanup = [&ends, lingers]() -> task<> { return sleep_and_count(lingers, ends); };
    co_await tandem::finally(tandem::sleep(1h), cleanup);
}
/// Holds up the cancellation and has a value in the end.
task<int> value_in_spite(milliseconds delay) { co_return co_await tandem::shield(value_after(delay, 1)); }
task<int> get_one(tandem::queue<int>& q) { co_return co_await q.get(); }

}  // namespace

TANDEM_TEST("timeout: fires at its time and not before",
            "[tasks][timeout][virtual][asyncio:test_timeout_basic][asyncio:test_waiter_cancelled]"
            "[asyncio:test_asyncio_wait_for_timeout][asyncio:test_wait_for]") {
    const auto start = loop().now();
    int exits = 0;
    const std::exception_ptr e = co_await error_of(tandem::timeout(10ms, sleep_and_count(10s, exits)));
    CHECK(is<tandem::timeout_error>(e));
    CHECK(exits == 1);
    CHECK(loop().now() - start == 10ms);
}

TANDEM_TEST("timeout_at: fires at that time", "[tasks][timeout][virtual][asyncio:test_timeout_at_basic]") {
    const auto end = loop().now() + 10ms;
    const std::exception_ptr e = co_await error_of(tandem::timeout_at(end, tandem::sleep(10s)));
    CHECK(is<tandem::timeout_error>(e));
    CHECK(loop().now() == end);
}

TANDEM_TEST("timeout: of two nested ones due in one tick only the outer throws",
            "[tasks][timeout][virtual][asyncio:test_nested_timeouts]") {
    int exits = 0;
    bool inner_threw = false;
    const auto end = loop().now() + 10ms;
    const auto body = [](tandem::time_point when, int& count, bool& threw) -> task<> {
        const counts_exit left(count);
        try {
            co_await tandem::timeout_at(when, tandem::sleep(10s));
        } catch (const tandem::timeout_error&) {
            threw = true;
        }
    };
    const std::exception_ptr e = co_await error_of(tandem::timeout_at(end, body(end, exits, inner_threw)));
    CHECK(is<tandem::timeout_error>(e));
    CHECK(exits == 1);
    CHECK_FALSE(inner_threw);
}

TANDEM_TEST("timeout: a body that ends in time gives its value and leaves no timer",
            "[tasks][timeout][virtual][asyncio:test_timeout_not_called][asyncio:test_wait_for_race_condition]") {
    const auto start = loop().now();
    const int n = co_await tandem::timeout(10s, value_after(10ms, 4));
    CHECK(n == 4);
    CHECK(loop().now() - start == 10ms);
    CHECK(loop().statistics().timers == 0);
}

TANDEM_TEST("timeout: without a limit it never fires",
            "[tasks][timeout][virtual][asyncio:test_timeout_disabled][asyncio:test_timeout_at_disabled]"
            "[asyncio:test_wait_for_blocking]") {
    const int n = co_await tandem::timeout(tandem::duration::max(), value_after(1h, 5));
    CHECK(n == 5);
    const int m = co_await tandem::timeout_at(tandem::time_point::max(), value_after(1h, 6));
    CHECK(m == 6);
    const int k = co_await tandem::timeout(std::chrono::hours::max(), value_after(1h, 7));
    CHECK(k == 7);
}

TANDEM_TEST("timeout: zero stops the body at its first suspension",
            "[tasks][timeout][virtual][asyncio:test_timeout_zero][asyncio:test_timeout_zero_sleep_zero]"
            "[asyncio:test_wait_for_timeout_less_then_0_or_0]") {
    const auto start = loop().now();
    for (const auto delay : {10'000ms, 0ms}) {
        int exits = 0;
        const std::exception_ptr e = co_await error_of(tandem::timeout(0ms, sleep_and_count(delay, exits)));
        CHECK(is<tandem::timeout_error>(e));
        CHECK(exits == 1);
    }
    const std::exception_ptr e = co_await error_of(tandem::timeout(0ms, tandem::this_task::checkpoint()));
    CHECK(is<tandem::timeout_error>(e));
    CHECK(loop().now() == start);
}

TANDEM_TEST("timeout: a time in the past is like zero",
            "[tasks][timeout][virtual][asyncio:test_timeout_in_the_past_sleep_zero]") {
    const auto start = loop().now();
    const std::exception_ptr first = co_await error_of(tandem::timeout(-11s, tandem::sleep(0ms)));
    const std::exception_ptr second = co_await error_of(tandem::timeout_at(start - 1h, tandem::sleep(1h)));
    CHECK(is<tandem::timeout_error>(first));
    CHECK(is<tandem::timeout_error>(second));
    CHECK(loop().now() == start);
}

TANDEM_TEST("timeout: what never suspends is never timed out, not even with zero",
            "[tasks][timeout][virtual][asyncio:test_wait_for_timeout_less_then_0_or_0_future_done]"
            "[asyncio:test_wait_for_timeout_less_then_0_or_0_coroutine_do_not_started]") {
    const int n = co_await tandem::timeout(0ms, value_now(1));
    CHECK(n == 1);
    const int m = co_await tandem::timeout(-1h, value_now(2));
    CHECK(m == 2);
    tandem::event set;
    set.set();
    co_await tandem::timeout(0ms, set.wait());
    CHECK(loop().statistics().timers == 0);
}

TANDEM_TEST("timeout: an operation that never suspends costs no step and no timer", "[tasks][timeout][virtual]") {
    const auto before = loop().statistics().steps;
    for (int i = 0; i < 100; ++i) co_await tandem::timeout(1s, value_now(i));
    CHECK(loop().statistics().timers == 0);
    // At most one resumption for each; nothing goes through the timers.
    CHECK(loop().statistics().steps - before <= 200);
}

TANDEM_TEST("timeout: an exception of the body passes",
            "[tasks][timeout][virtual][asyncio:test_foreign_exception_passed]") {
    const std::exception_ptr e = co_await error_of(tandem::timeout(10ms, fail_now()));
    CHECK(is<oops>(e));
    CHECK(loop().statistics().timers == 0);
}

TANDEM_TEST("timeout: an exception thrown while the body is timed out passes instead of timeout_error",
            "[tasks][timeout][virtual][asyncio:test_foreign_exception_on_timeout]"
            "[asyncio:test_wait_for_reraises_exception_during_cancellation]") {
    const std::exception_ptr e = co_await error_of(tandem::timeout(10ms, crash_when_cancelled()));
    CHECK(is<other_oops>(e));
}

TANDEM_TEST("timeout: a cancel from outside is no timeout",
            "[tasks][timeout][virtual][asyncio:test_foreign_cancel_doesnt_timeout_if_not_expired]"
            "[asyncio:test_cancel_blocking_wait_for][asyncio:test_cancel_wait_for]"
            "[asyncio:test_asyncio_wait_for_cancelled]") {
    int exits = 0;
    bool caught = false;
    const auto body = [](int& count, bool& threw) -> task<> {
        try {
            co_await tandem::timeout(10s, sleep_and_count(10s, count));
        } catch (...) {
            threw = true;
        }
    };
    auto h = tandem::create_task(body, std::ref(exits), std::ref(caught));
    co_await settle();
    h.cancel();
    co_await settle();
    CHECK(h.cancelled());
    CHECK(exits == 1);
    CHECK_FALSE(caught);
    CHECK(loop().statistics().timers == 0);
}

TANDEM_TEST("timeout: a task that cancels itself inside stops, it does not time out", "[tasks][timeout][virtual]") {
    tandem::task_handle<> self;
    const auto body = [](tandem::task_handle<>& me) -> task<> {
        const auto inner = [](tandem::task_handle<>& h) -> task<> {
            h.cancel();
            co_await tandem::sleep(10s);
        };
        co_await tandem::timeout(10s, inner(me));
    };
    self = tandem::create_task(body, std::ref(self));
    co_await settle();
    CHECK(self.cancelled());
}

TANDEM_TEST("timeout: the task that was timed out goes on unharmed",
            "[tasks][timeout][virtual][asyncio:test_outer_task_is_not_cancelled]") {
    const auto body = []() -> task<int> {
        bool threw = false;
        try {
            co_await tandem::timeout(1ms, tandem::sleep(10s));
        } catch (const tandem::timeout_error&) {
            threw = true;
        }
        CHECK_FALSE(tandem::this_task::stop_requested());
        co_await tandem::sleep(1ms);
        co_return threw ? 1 : 0;
    };
    auto h = tandem::create_task(body);
    const int n = co_await h;
    CHECK(n == 1);
    CHECK_FALSE(h.cancelled());
}

TANDEM_TEST("timeout: its end and a cancel from outside in one tick: the first to come decides",
            "[tasks][timeout][virtual]") {
    for (const bool cancel_first : {true, false}) {
        bool caught = false;
        const auto body = [](bool& threw) -> task<> {
            try {
                co_await tandem::timeout(10ms, tandem::sleep(10s));
            } catch (...) {
                threw = true;
            }
        };
        tandem::task_handle<> h;
        // Timers with one deadline fire in the order in which they were armed.
        const auto when = loop().now() + 10ms;
        if (cancel_first) loop().call_at(when, [&h] { h.cancel(); });
        h = tandem::create_task(body, std::ref(caught));
        co_await tandem::this_task::checkpoint();
        co_await tandem::this_task::checkpoint();
        if (!cancel_first) loop().call_at(when, [&h] { h.cancel(); });
        co_await tandem::sleep(20ms);
        CHECK(h.done());
        CHECK(h.cancelled() != caught);  // the one or the other, never both
        if (cancel_first && !order_is_permuted()) CHECK(h.cancelled());
    }
}

TANDEM_TEST("timeout: cancelled from outside after its time was up, while it still joins: stopped",
            "[tasks][timeout][virtual]") {
    bool caught = false;
    int ends = 0;
    const auto body = [](bool& threw, int& count) -> task<> {
        try {
            co_await tandem::timeout(10ms, tandem::gather(linger(5ms, count), tandem::sleep(1h)));
        } catch (...) {
            threw = true;
        }
    };
    auto h = tandem::create_task(body, std::ref(caught), std::ref(ends));
    co_await tandem::sleep(12ms);
    h.cancel();
    co_await tandem::sleep(10ms);
    CHECK(h.cancelled());
    CHECK(ends == 1);
    CHECK_FALSE(caught);
}

TANDEM_TEST("timeout: the earlier of two nested ones decides, from outside or from inside",
            "[tasks][timeout][virtual][asyncio:test_nested_timeouts_concurrent]") {
    const auto start = loop().now();
    bool inner_threw = false;
    const auto inner = [](milliseconds limit, bool& threw) -> task<> {
        try {
            co_await tandem::timeout(limit, tandem::sleep(1s));
        } catch (const tandem::timeout_error&) {
            threw = true;
        }
    };
    const std::exception_ptr e = co_await error_of(tandem::timeout(2ms, inner(100ms, inner_threw)));
    CHECK(is<tandem::timeout_error>(e));
    CHECK_FALSE(inner_threw);
    CHECK(loop().now() - start == 2ms);
    co_await tandem::timeout(100ms, inner(2ms, inner_threw));
    CHECK(inner_threw);
    CHECK(loop().now() - start == 4ms);
}

TANDEM_TEST("timeout: after the inner one was handled the outer one still holds",
            "[tasks][timeout][virtual][asyncio:test_nested_timeouts_loop_busy]") {
    const auto start = loop().now();
    bool inner_threw = false;
    const auto body = [](bool& threw) -> task<> {
        try {
            co_await tandem::timeout(10ms, tandem::sleep(1s));
        } catch (const tandem::timeout_error&) {
            threw = true;
        }
        co_await tandem::sleep(10s);
    };
    const std::exception_ptr e = co_await error_of(tandem::timeout(100ms, body(inner_threw)));
    CHECK(is<tandem::timeout_error>(e));
    CHECK(inner_threw);
    CHECK(loop().now() - start == 100ms);
}

TANDEM_TEST("timeout: one inside the cleanup of another that fired works",
            "[tasks][timeout][virtual][asyncio:test_nested_timeout_in_finally]") {
    bool inner_threw = false;
    const auto start = loop().now();
    const auto body = [](bool& threw) -> task<> {
        const auto cleanup = [&threw]() -> task<> {
            const auto limited = [](bool& t) -> task<> {
                try {
                    co_await tandem::timeout(10ms, tandem::sleep(10s));
                } catch (const tandem::timeout_error&) {
                    t = true;
                }
            };
            return limited(threw);
        };
        co_await tandem::finally(tandem::sleep(1s), cleanup);
    };
    const std::exception_ptr e = co_await error_of(tandem::timeout(10ms, body(inner_threw)));
    CHECK(is<tandem::timeout_error>(e));
    CHECK(inner_threw);
    CHECK(loop().now() - start == 20ms);
}

TANDEM_TEST("timeout: a value that the body has in spite of its stop is delivered",
            "[tasks][timeout][virtual][asyncio:test_wait_for_cancellation_race_condition]") {
    const int n = co_await tandem::timeout(1ms, value_in_spite(50ms));
    CHECK(n == 1);
    CHECK_FALSE(tandem::this_task::stop_requested());
    co_await tandem::this_task::checkpoint();
}

TANDEM_TEST("timeout: waits for the body's cleanup before it throws",
            "[tasks][timeout][virtual][asyncio:test_wait_for_waits_for_task_cancellation]"
            "[asyncio:test_wait_for_waits_for_task_cancellation_w_timeout_0]") {
    for (const auto limit : {10ms, 0ms}) {
        int ends = 0;
        const auto start = loop().now();
        const std::exception_ptr e = co_await error_of(tandem::timeout(limit, linger(7ms, ends)));
        CHECK(is<tandem::timeout_error>(e));
        CHECK(ends == 1);
        CHECK(loop().now() - start == limit + 7ms);
    }
}

TANDEM_TEST("timeout: one that waits for the body's cleanup can be cancelled; it stops when the body has",
            "[tasks][timeout][virtual][asyncio:test_wait_for_self_cancellation]") {
    int ends = 0;
    bool caught = false;
    const auto body = [](int& count, bool& threw) -> task<> {
        try {
            co_await tandem::timeout(10ms, linger(100ms, count));
        } catch (...) {
            threw = true;
        }
    };
    auto h = tandem::create_task(body, std::ref(ends), std::ref(caught));
    co_await tandem::sleep(50ms);  // timed out, cleaning up
    h.cancel();
    co_await settle();
    CHECK_FALSE(h.done());
    co_await tandem::sleep(100ms);
    CHECK(h.cancelled());
    CHECK(ends == 1);
    CHECK_FALSE(caught);
}

TANDEM_TEST("timeout: completion in the tick of expiry gives the value", "[tasks][timeout][virtual]") {
    // The body's timer was armed first, so it completes first: both are due, one step each.
    const int n = co_await tandem::timeout(10ms, value_after(10ms, 3));
    CHECK(n == 3);
    // An item handed over in the tick of expiry is delivered, too.
    tandem::queue<int> q;
    loop().call_later(10ms, [&q] { q.put_nowait(8); });
    bool fired = false;
    int m = 0;
    try {
        m = co_await tandem::timeout(10ms, get_one(q));
    } catch (const tandem::timeout_error&) {
        fired = true;
    }
    co_await settle();
    CHECK((fired ? q.size() == 1 : m == 8));  // delivered or still there, never lost
}

TANDEM_TEST("timeout: an item popped, or a permit handed over, as time runs out is never lost",
            "[tasks][timeout][virtual]") {
    for (int offset = -2; offset <= 2; ++offset) {
        tandem::queue<int> q;
        tandem::semaphore sem(0);
        loop().call_later(milliseconds(10 + offset), [&] {
            q.put_nowait(1);
            sem.release();
        });
        int got = 0;
        bool permitted = false;
        try {
            got = co_await tandem::timeout(10ms, get_one(q));
        } catch (const tandem::timeout_error&) {
        }
        co_await tandem::sleep(5ms);
        CHECK(got + static_cast<int>(q.size()) == 1);
        try {
            const auto permit = co_await tandem::timeout(1ms, sem.acquire());
            permitted = true;
        } catch (const tandem::timeout_error&) {
        }
        CHECK(permitted);
        CHECK(sem.value() == 1);
    }
}

TANDEM_TEST("timeout: a waiter that was timed out is no longer in line", "[tasks][timeout][virtual]") {
    tandem::event e;
    tandem::semaphore sem(0);
    const std::exception_ptr first = co_await error_of(tandem::timeout(1ms, e.wait()));
    const std::exception_ptr second = co_await error_of(tandem::timeout(1ms, sem.acquire()));
    CHECK(is<tandem::timeout_error>(first));
    CHECK(is<tandem::timeout_error>(second));
    CHECK(e.statistics().waiting == 0);
    CHECK(sem.statistics().waiting == 0);
}

TANDEM_TEST("timeout: counts from the moment the body first suspends", "[tasks][timeout][virtual]") {
    const auto start = loop().now();
    const auto body = []() -> task<> {
        co_await tandem::sleep(5ms);
        co_await tandem::sleep(1h);
    };
    const std::exception_ptr e = co_await error_of(tandem::timeout(10ms, body()));
    CHECK(is<tandem::timeout_error>(e));
    CHECK(loop().now() - start == 10ms);
}

TANDEM_TEST("timeout: does not cut through a shield; it throws afterwards if nothing came of it",
            "[tasks][timeout][virtual][trio:test_fail_after_fails_even_if_shielded]") {
    int ends = 0;
    const auto start = loop().now();
    const auto body = [](int& count) -> task<> {
        co_await tandem::shield(sleep_and_count(50ms, count));
        co_await tandem::sleep(1h);
    };
    const std::exception_ptr e = co_await error_of(tandem::timeout(10ms, body(ends)));
    CHECK(is<tandem::timeout_error>(e));
    CHECK(ends == 1);
    CHECK(loop().now() - start == 50ms);
}

TANDEM_TEST("timeout: one inside a shield works in there", "[tasks][timeout][virtual]") {
    const auto body = [](bool& threw) -> task<> {
        const auto limited = [](bool& t) -> task<> {
            try {
                co_await tandem::timeout(10ms, tandem::sleep(1h));
            } catch (const tandem::timeout_error&) {
                t = true;
            }
        };
        co_await tandem::shield(limited(threw));
    };
    bool threw = false;
    auto h = tandem::create_task(body, std::ref(threw));
    co_await settle();
    h.cancel();
    co_await tandem::sleep(20ms);
    CHECK(threw);
    CHECK(h.done());
}

TANDEM_TEST("timeout: references and move-only values pass through", "[tasks][timeout][virtual]") {
    int target = 1;
    const auto refer = [](int& n) -> task<int&> {
        co_await tandem::this_task::checkpoint();
        co_return n;
    };
    int& r = co_await tandem::timeout(1s, refer(target));
    CHECK(&r == &target);
    const auto make = []() -> task<std::unique_ptr<int>> { co_return std::make_unique<int>(3); };
    auto owned = co_await tandem::timeout(1s, make());
    CHECK(*owned == 3);
}

TANDEM_TEST("timeout: children started inside inherit nothing of it and are joined", "[tasks][timeout][virtual]") {
    int exits = 0;
    const std::exception_ptr e =
        co_await error_of(tandem::timeout(5ms, tandem::gather(sleep_and_count(1h, exits), sleep_and_count(1h, exits))));
    CHECK(is<tandem::timeout_error>(e));
    CHECK(exits == 2);
}

TANDEM_TEST("timeout: 1,000 nested ones due at the same moment give one timeout_error", "[tasks][timeout][virtual]") {
    const auto make = [](auto& self, int depth, int& threw) -> task<> {
        if (depth == 0) {
            co_await tandem::sleep(1h);
            co_return;
        }
        try {
            co_await tandem::timeout(10ms, self(self, depth - 1, threw));
        } catch (const tandem::timeout_error&) {
            ++threw;
        }
    };
    int threw = 0;
    co_await make(make, 1000, threw);
    CHECK(threw == 1);
    CHECK(loop().statistics().timers == 0);
}

// ---- move_on_after

TANDEM_TEST("move_on_after: gives the value, or nothing when the time is up",
            "[tasks][move_on_after][virtual][trio:test_move_on_after]") {
    const auto start = loop().now();
    const auto some = co_await tandem::move_on_after(10ms, value_after(5ms, 2));
    REQUIRE(some.has_value());
    CHECK(*some == 2);
    const auto none = co_await tandem::move_on_after(10ms, value_after(1h, 2));
    CHECK_FALSE(none.has_value());
    CHECK(loop().now() - start == 15ms);
    const auto done = co_await tandem::move_on_after(10ms, sleep_for(1ms));
    CHECK(done.has_value());
    const auto not_done = co_await tandem::move_on_after(0ms, sleep_for(1ms));
    CHECK_FALSE(not_done.has_value());
}

TANDEM_TEST("move_on_after: errors of the body pass", "[tasks][move_on_after][virtual]") {
    const std::exception_ptr e = co_await error_of(tandem::move_on_after(1h, fail_after(1ms)));
    CHECK(is<oops>(e));
    const std::exception_ptr late = co_await error_of(tandem::move_on_after(1ms, crash_when_cancelled()));
    CHECK(is<other_oops>(late));
}

TANDEM_TEST("move_on_after: a cancel from outside stops", "[tasks][move_on_after][virtual]") {
    bool after = false;
    const auto body = [](bool& passed) -> task<> {
        co_await tandem::move_on_after(1h, tandem::sleep(2h));
        passed = true;
    };
    auto h = tandem::create_task(body, std::ref(after));
    co_await settle();
    h.cancel();
    co_await settle();
    CHECK(h.cancelled());
    CHECK_FALSE(after);
}

TANDEM_TEST("move_on_after: waits for what is shielded, then moves on",
            "[tasks][move_on_after][virtual][trio:test_move_on_after_moves_on_even_if_shielded]") {
    int ends = 0;
    const auto body = [](int& count) -> task<> {
        co_await tandem::shield(sleep_and_count(5ms, count));
        co_await tandem::sleep(1h);
    };
    const auto r = co_await tandem::move_on_after(1ms, body(ends));
    CHECK_FALSE(r.has_value());
    CHECK(ends == 1);
}

// ---- deadline

TANDEM_TEST("deadline: what is inside can ask for it, and nested limits take the smaller",
            "[tasks][deadline][virtual][trio:test_current_effective_deadline]") {
    CHECK_FALSE(tandem::this_task::deadline().has_value());
    CHECK(tandem::this_task::remaining() == tandem::duration::max());
    const auto start = loop().now();
    const auto inner = [](tandem::time_point expected) -> task<> {
        CHECK(tandem::this_task::deadline() == expected);
        co_return;
    };
    const auto body = [&](tandem::time_point begin) -> task<> {
        CHECK(tandem::this_task::deadline() == begin + 100ms);
        co_await tandem::sleep(40ms);
        CHECK(tandem::this_task::remaining() == 60ms);
        co_await tandem::timeout(10ms, inner(begin + 50ms));
        co_await tandem::timeout(1h, inner(begin + 100ms));
        co_await tandem::deadline(begin + 60ms, inner(begin + 60ms));
        co_await tandem::deadline(begin + 1h, inner(begin + 100ms));
    };
    co_await tandem::deadline(start + 100ms, body(start));
    CHECK_FALSE(tandem::this_task::deadline().has_value());
}

TANDEM_TEST("deadline: it stops what is inside", "[tasks][deadline][virtual]") {
    const auto start = loop().now();
    const std::exception_ptr e = co_await error_of(tandem::deadline(start + 10ms, tandem::timeout(1h, tandem::sleep(1h))));
    CHECK(is<tandem::timeout_error>(e));
    CHECK(loop().now() - start == 10ms);
}

TANDEM_TEST("deadline: children of a gather and of a group inside see it", "[tasks][deadline][virtual]") {
    const auto start = loop().now();
    const auto child = [](tandem::time_point expected) -> task<> {
        co_await tandem::this_task::checkpoint();
        CHECK(tandem::this_task::deadline() == expected);
    };
    const auto body = [&](tandem::time_point end) -> task<> {
        co_await tandem::gather(child(end), child(end));
        co_await tandem::with_task_group([&](tandem::task_group& g) -> task<> {
            g.create_task(child(end));
            co_await child(end);
        });
    };
    co_await tandem::deadline(start + 100ms, body(start + 100ms));
}

TANDEM_TEST("deadline: not seen inside a shield, nor by a task of create_task", "[tasks][deadline][virtual]") {
    const auto start = loop().now();
    const auto none = []() -> task<> {
        CHECK_FALSE(tandem::this_task::deadline().has_value());
        co_return;
    };
    const auto body = [&]() -> task<> {
        co_await tandem::shield(none());
        auto h = tandem::create_task(none());
        co_await h;
    };
    co_await tandem::deadline(start + 100ms, body());
}

TANDEM_TEST("deadline: remaining is never negative", "[tasks][deadline][virtual]") {
    const auto start = loop().now();
    const auto late = []() -> task<> {
        CHECK(tandem::this_task::remaining() == 0ms);
        co_return;
    };
    co_await tandem::deadline(start - 1h, late());  // never suspends, so it is not stopped either
}
