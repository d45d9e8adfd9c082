// tandem - behaviour of barrier
// SPDX-License-Identifier: BSL-1.0
#include <tandem/sync/barrier.hpp>

#include <algorithm>
#include <stdexcept>
#include <vector>

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

using handles = std::vector<tandem::task_handle<std::size_t>>;

task<std::size_t> pass(tandem::barrier& b) { co_return co_await b.wait(); }
task<std::size_t> pass_twice(tandem::barrier& b) {
    co_await b.wait();
    co_return co_await b.wait();
}
/// Passes, or counts that the barrier was broken.
task<> pass_or_count(tandem::barrier& b, int& passed, int& broken) {
    try {
        co_await b.wait();
        ++passed;
    } catch (const tandem::broken_barrier_error&) {
        ++broken;
    }
}
handles start(int n, tandem::barrier& b) {
    handles hs;
    for (int i = 0; i < n; ++i) hs.push_back(tandem::create_task(pass(b)));
    return hs;
}
task<std::vector<std::size_t>> positions(handles& hs) {
    auto r = co_await tandem::gather(hs);
    std::vector<std::size_t> sorted(r.begin(), r.end());
    std::sort(sorted.begin(), sorted.end());
    co_return sorted;
}

}  // namespace

TANDEM_TEST("barrier: of nobody is refused", "[sync][barrier][virtual][asyncio:test_barrier_parties]") {
    CHECK_THROWS_AS(tandem::barrier(0), std::invalid_argument);
    const tandem::barrier b(5);
    CHECK(b.parties() == 5);
    CHECK_FALSE(b.broken());
    co_return;
}

TANDEM_TEST("barrier: of one never waits, and can be used again and again",
            "[sync][barrier][virtual][asyncio:test_filling_one_task][asyncio:test_filling_one_task_twice]") {
    tandem::barrier b(1);
    for (int i = 0; i < 3; ++i) {
        const std::size_t position = co_await b.wait();
        CHECK(position == 0);
        CHECK(b.waiting() == 0);
    }
}

TANDEM_TEST("barrier: lets its parties go on when the last has come; each has a position of its own",
            "[sync][barrier][virtual][asyncio:test_context_manager][asyncio:test_filling_tasks_check_return_value]") {
    tandem::barrier b(5);
    auto hs = start(4, b);
    co_await settle();
    CHECK(b.waiting() == 4);
    CHECK(b.statistics().waiting == 4);
    for (const auto& h : hs) CHECK_FALSE(h.done());
    const std::size_t mine = co_await b.wait();
    CHECK(mine == 4);
    hs.push_back(tandem::create_task(value_now(mine)));
    const auto all = co_await positions(hs);
    CHECK(all == std::vector<std::size_t>({0, 1, 2, 3, 4}));
    CHECK(b.waiting() == 0);
    CHECK_FALSE(b.broken());
}

TANDEM_TEST("barrier: counts those that come one by one", "[sync][barrier][virtual][asyncio:test_filling_task_by_task]") {
    tandem::barrier b(3);
    handles hs;
    for (std::size_t i = 0; i < 3; ++i) {
        hs.push_back(tandem::create_task(pass(b)));
        co_await settle();
        CHECK(b.waiting() == (i + 1) % 3);
    }
    for (std::size_t i = 0; i < 3; ++i) CHECK(hs[i].result() == i);  // in order of arrival
}

TANDEM_TEST("barrier: the same tasks can pass it twice", "[sync][barrier][virtual][asyncio:test_filling_tasks_wait_twice]") {
    tandem::barrier b(5);
    handles hs;
    for (int i = 0; i < 5; ++i) hs.push_back(tandem::create_task(pass_twice(b)));
    const auto all = co_await positions(hs);
    CHECK(all == std::vector<std::size_t>({0, 1, 2, 3, 4}));
    CHECK(b.waiting() == 0);
}

TANDEM_TEST("barrier: those that come again while others have yet to leave count for the next round",
            "[sync][barrier][virtual][asyncio:test_blocking_tasks_while_draining][asyncio:test_draining_state]") {
    tandem::barrier b(5);
    tandem::barrier others(3);
    int again = 2;
    const auto body = [](tandem::barrier& all, tandem::barrier& rest, int& left) -> task<> {
        co_await all.wait();
        if (left > 0) {
            --left;
            co_await all.wait();
        } else {
            co_await rest.wait();
            co_await all.wait();
        }
    };
    co_await tandem::timeout(1s, tandem::with_task_group([&](tandem::task_group& g) -> task<> {
                                 for (int i = 0; i < 5; ++i) g.create_task(body(b, others, again));
                                 co_return;
                             }));
    CHECK(b.waiting() == 0);
}

TANDEM_TEST("barrier: a cancelled waiter is no longer counted",
            "[sync][barrier][virtual][asyncio:test_filling_tasks_cancel_one]") {
    tandem::barrier b(3);
    auto first = start(2, b);
    co_await settle();
    CHECK(b.waiting() == 2);
    first[0].cancel();
    CHECK(b.waiting() == 1);
    co_await settle();
    CHECK(first[0].cancelled());
    auto third = tandem::create_task(pass(b));
    co_await settle();
    CHECK(b.waiting() == 2);
    CHECK_FALSE(third.done());
    auto fourth = tandem::create_task(pass(b));
    co_await settle();
    CHECK(first[1].result() == 0);
    CHECK(third.result() == 1);
    CHECK(fourth.result() == 2);
    CHECK_FALSE(b.broken());
}

TANDEM_TEST("barrier: a waiter cancelled in the turn in which the last one came has passed", "[sync][barrier][virtual]") {
    tandem::barrier b(2);
    int passed = 0;
    int broken = 0;
    const auto body = [](tandem::barrier& of, int& count, int& failed) -> task<> {
        co_await pass_or_count(of, count, failed);
        co_await tandem::this_task::checkpoint();
        ++count;
    };
    auto h = tandem::create_task(body, std::ref(b), std::ref(passed), std::ref(broken));
    co_await settle();
    const std::size_t mine = co_await b.wait();
    h.cancel();
    co_await settle();
    CHECK(mine == 1);
    CHECK(passed == 1);
    CHECK(h.cancelled());
    CHECK(b.waiting() == 0);
}

TANDEM_TEST("barrier: a cancelled task does not count when it comes", "[sync][barrier][virtual]") {
    tandem::barrier b(2);
    const auto body = [](tandem::barrier& of) -> task<> {
        co_await tandem::shield(tandem::sleep(5ms));
        co_await of.wait();
    };
    auto h = tandem::create_task(body, std::ref(b));
    co_await settle();
    h.cancel();
    co_await tandem::sleep(10ms);
    CHECK(h.cancelled());
    CHECK(b.waiting() == 0);
}

TANDEM_TEST("barrier: reset without waiters does nothing", "[sync][barrier][virtual][asyncio:test_reset_barrier]") {
    tandem::barrier b(1);
    b.reset();
    CHECK(b.waiting() == 0);
    CHECK_FALSE(b.broken());
    const std::size_t position = co_await b.wait();
    CHECK(position == 0);
}

TANDEM_TEST("barrier: reset sends those that wait away; the barrier is as new",
            "[sync][barrier][virtual][asyncio:test_reset_barrier_while_tasks_waiting]") {
    tandem::barrier b(5);
    int passed = 0;
    int broken = 0;
    co_await tandem::with_task_group([&](tandem::task_group& g) -> task<> {
        for (int i = 0; i < 4; ++i) g.create_task(pass_or_count(b, passed, broken));
        co_await settle();
        b.reset();
        CHECK(b.waiting() == 0);
        CHECK_FALSE(b.broken());
    });
    CHECK(passed == 0);
    CHECK(broken == 4);
    auto hs = start(5, b);
    const auto all = co_await positions(hs);
    CHECK(all.size() == 5);
}

TANDEM_TEST("barrier: reset while passers have yet to leave does not call them back",
            "[sync][barrier][virtual][asyncio:test_reset_barrier_when_tasks_half_draining]"
            "[asyncio:test_reset_barrier_while_tasks_draining]") {
    // asyncio breaks those that have yet to leave; here they have passed when the last one came.
    tandem::barrier b(5);
    int passed = 0;
    int broken = 0;
    co_await tandem::with_task_group([&](tandem::task_group& g) -> task<> {
        for (int i = 0; i < 4; ++i) g.create_task(pass_or_count(b, passed, broken));
        co_await settle();
        co_await b.wait();
        b.reset();
        CHECK_FALSE(b.broken());
    });
    CHECK(passed == 4);
    CHECK(broken == 0);
}

TANDEM_TEST("barrier: those sent away by reset can wait again and fill it",
            "[sync][barrier][virtual][asyncio:test_reset_barrier_while_tasks_waiting_and_waiting_again]"
            "[asyncio:test_reset_barrier_when_tasks_half_draining_half_blocking]") {
    tandem::barrier b(5);
    int broken = 0;
    int passed = 0;
    const auto body = [](tandem::barrier& of, int& failed, int& count) -> task<> {
        int ignored = 0;
        co_await pass_or_count(of, ignored, failed);
        co_await of.wait();
        ++count;
    };
    co_await tandem::with_task_group([&](tandem::task_group& g) -> task<> {
        for (int i = 0; i < 4; ++i) g.create_task(body(b, broken, passed));
        co_await settle();
        b.reset();
        co_await b.wait();
        ++passed;
    });
    CHECK(broken == 4);
    CHECK(passed == 5);
    CHECK_FALSE(b.broken());
    CHECK(b.waiting() == 0);
}

TANDEM_TEST("barrier: abort breaks it for those that wait and those that come",
            "[sync][barrier][virtual][asyncio:test_abort_barrier]"
            "[asyncio:test_abort_barrier_when_tasks_half_draining_half_blocking]") {
    tandem::barrier b(3);
    int passed = 0;
    int broken = 0;
    co_await tandem::with_task_group([&](tandem::task_group& g) -> task<> {
        for (int i = 0; i < 2; ++i) g.create_task(pass_or_count(b, passed, broken));
        co_await settle();
        b.abort();
        CHECK(b.broken());
        CHECK(b.waiting() == 0);
        g.create_task(pass_or_count(b, passed, broken));
        co_await pass_or_count(b, passed, broken);
    });
    CHECK(passed == 0);
    CHECK(broken == 4);
    CHECK(b.statistics().broken);
}

TANDEM_TEST("barrier: one party fails and aborts, the others learn of it",
            "[sync][barrier][virtual][asyncio:test_abort_barrier_when_exception]") {
    tandem::barrier b(5);
    int second_round = 0;
    int broken = 0;
    const auto body = [](tandem::barrier& of, int& reached, int& failed) -> task<> {
        try {
            const std::size_t position = co_await of.wait();
            if (position == 2) throw oops();
            co_await of.wait();
            ++reached;
        } catch (const tandem::broken_barrier_error&) {
            ++failed;
        } catch (const oops&) {
            of.abort();
        }
    };
    co_await tandem::with_task_group([&](tandem::task_group& g) -> task<> {
        for (int i = 0; i < 5; ++i) g.create_task(body(b, second_round, broken));
        co_return;
    });
    CHECK(b.broken());
    CHECK(second_round == 0);
    CHECK(broken == 4);
    CHECK(b.waiting() == 0);
}

TANDEM_TEST("barrier: reset mends a broken one",
            "[sync][barrier][virtual][asyncio:test_abort_barrier_when_exception_then_resetting]") {
    tandem::barrier b(2);
    b.abort();
    const std::exception_ptr e = co_await error_of(b.wait());
    CHECK(is<tandem::broken_barrier_error>(e));
    b.reset();
    CHECK_FALSE(b.broken());
    auto h = tandem::create_task(pass(b));
    co_await settle();
    const std::size_t position = co_await b.wait();
    CHECK(position == 1);
    co_await settle();
    CHECK(h.result() == 0);
}

TANDEM_TEST("barrier: abort and cancel of a waiter in one turn: woken first, it has the error", "[sync][barrier][virtual]") {
    for (const bool abort_first : {true, false}) {
        tandem::barrier b(2);
        int passed = 0;
        int broken = 0;
        auto h = tandem::create_task(pass_or_count(b, passed, broken));
        co_await settle();
        if (abort_first) b.abort();
        h.cancel();
        if (!abort_first) b.abort();
        co_await settle();
        CHECK(broken == (abort_first ? 1 : 0));
        CHECK(h.cancelled() == !abort_first);
        CHECK(b.waiting() == 0);
    }
}
