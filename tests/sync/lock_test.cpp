// tandem - behaviour of lock
// SPDX-License-Identifier: BSL-1.0
#include <tandem/sync/lock.hpp>

#include <optional>
#include <utility>
#include <vector>

#include <tandem/sync/event.hpp>
#include <tandem/tasks/create_task.hpp>
#include <tandem/tasks/finally.hpp>
#include <tandem/tasks/shield.hpp>
#include <tandem/tasks/task_group.hpp>
#include <tandem/tasks/timeout.hpp>

#include "support/probes.hpp"
#include "support/tandem_test.hpp"

using namespace std::chrono_literals;
using namespace tandem_test;
using tandem::task;

namespace {

task<> hold(tandem::lock& l, std::vector<int>& log, int who, milliseconds time) {
    auto guard = co_await l.acquire();
    log.push_back(who);
    co_await tandem::sleep(time);
}

}  // namespace

TANDEM_TEST("lock: is held while its guard lives",
            "[sync][lock][virtual][asyncio:test_lock][asyncio:test_lock_by_with_statement][asyncio:test_context_manager]"
            "[asyncio:test_release_no_waiters]") {
    tandem::lock l;
    CHECK_FALSE(l.locked());
    {
        auto guard = co_await l.acquire();
        CHECK(l.locked());
        CHECK(static_cast<bool>(guard));
        CHECK_FALSE(l.try_acquire().has_value());
    }
    CHECK_FALSE(l.locked());
    auto taken = l.try_acquire();
    REQUIRE(taken.has_value());
    taken->unlock();
    CHECK_FALSE(l.locked());
    taken->unlock();  // once is enough
    CHECK_FALSE(static_cast<bool>(*taken));
}

TANDEM_TEST("lock: a free one is taken without suspending", "[sync][lock][virtual]") {
    tandem::lock l;
    const auto steps = tandem::this_task::loop().statistics().steps;
    for (int i = 0; i < 10; ++i) {
        const auto guard = co_await l.acquire();
        CHECK(l.locked());
    }
    CHECK(tandem::this_task::loop().statistics().steps == steps);
}

TANDEM_TEST("lock: is handed on in the order of arrival",
            "[sync][lock][virtual][asyncio:test_acquire][trio:test_generic_lock_fifo_fairness]") {
    tandem::lock l;
    std::vector<int> log;
    auto mine = co_await l.acquire();
    co_await tandem::with_task_group([&](tandem::task_group& g) -> task<> {
        for (int i = 0; i < 4; ++i) {
            g.create_task(hold(l, log, i, 1ms));
            co_await settle();
        }
        CHECK(l.statistics().waiting == 4);
        mine.unlock();
        CHECK(l.locked());  // it is the first waiter's already
        CHECK_FALSE(l.try_acquire().has_value());
    });
    CHECK(log == std::vector<int>({0, 1, 2, 3}));
    CHECK_FALSE(l.locked());
}

TANDEM_TEST("lock: only one task is inside at a time", "[sync][lock][virtual][trio:test_generic_lock_exclusion]") {
    tandem::lock l;
    int inside = 0;
    int most = 0;
    const auto body = [](tandem::lock& of, int& now, int& peak) -> task<> {
        for (int i = 0; i < 5; ++i) {
            const auto guard = co_await of.acquire();
            if (++now > peak) peak = now;
            co_await tandem::this_task::checkpoint();
            co_await tandem::this_task::checkpoint();
            --now;
        }
    };
    co_await tandem::with_task_group([&](tandem::task_group& g) -> task<> {
        for (int i = 0; i < 10; ++i) g.create_task(body(l, inside, most));
        co_return;
    });
    CHECK(most == 1);
    CHECK_FALSE(l.locked());
}

TANDEM_TEST("lock: a task that lets go cannot overtake the line", "[sync][lock][virtual]"
                                                                  "[trio:test_generic_lock_acquire_nowait_blocks_acquire]") {
    tandem::lock l;
    std::vector<int> log;
    auto mine = co_await l.acquire();
    auto h = tandem::create_task(hold(l, log, 1, 0ms));
    co_await settle();
    mine.unlock();
    mine = co_await l.acquire();
    CHECK(log == std::vector<int>({1}));
    CHECK(h.done());
}

TANDEM_TEST("lock: a cancelled waiter leaves the line", "[sync][lock][virtual][asyncio:test_acquire_cancel]") {
    tandem::lock l;
    std::vector<int> log;
    auto mine = co_await l.acquire();
    auto h = tandem::create_task(hold(l, log, 1, 0ms));
    co_await settle();
    h.cancel();
    CHECK(l.statistics().waiting == 0);
    co_await settle();
    CHECK(h.cancelled());
    mine.unlock();
    CHECK_FALSE(l.locked());
}

TANDEM_TEST("lock: holder lets go and the first waiter is cancelled in one turn: the second gets it",
            "[sync][lock][virtual][asyncio:test_cancel_race][asyncio:test_finished_waiter_cancelled]") {
    tandem::lock l;
    std::vector<int> log;
    auto a = co_await l.acquire();
    auto b = tandem::create_task(hold(l, log, 2, 0ms));
    co_await settle();
    auto c = tandem::create_task(hold(l, log, 3, 0ms));
    co_await settle();
    b.cancel();
    a.unlock();
    co_await settle();
    CHECK(b.cancelled());
    CHECK(c.done());
    CHECK(log == std::vector<int>({3}));
    CHECK_FALSE(l.locked());
}

TANDEM_TEST("lock: a waiter cancelled after it was handed the lock keeps it; the guard lets go",
            "[sync][lock][virtual]") {
    tandem::lock l;
    std::vector<int> log;
    auto a = co_await l.acquire();
    auto b = tandem::create_task(hold(l, log, 2, 1h * 1));
    co_await settle();
    auto c = tandem::create_task(hold(l, log, 3, 0ms));
    co_await settle();
    a.unlock();
    b.cancel();
    co_await settle();
    CHECK(b.cancelled());
    CHECK(c.done());
    CHECK(log == std::vector<int>({2, 3}));
    CHECK_FALSE(l.locked());
}

TANDEM_TEST("lock: one released is taken once, however many wait and are cancelled",
            "[sync][lock][virtual][asyncio:test_cancel_release_race]") {
    tandem::lock l;
    int holders = 0;
    const auto lock_it = [](tandem::lock& of, int& count) -> task<> {
        const auto guard = co_await of.acquire();
        ++count;
        co_await tandem::sleep(1h);
    };
    auto mine = co_await l.acquire();
    auto t1 = tandem::create_task(lock_it, std::ref(l), std::ref(holders));
    co_await settle();
    auto t2 = tandem::create_task(lock_it, std::ref(l), std::ref(holders));
    co_await settle();
    auto t3 = tandem::create_task(lock_it, std::ref(l), std::ref(holders));
    co_await settle();
    t1.cancel();
    mine.unlock();
    co_await settle();
    CHECK(t1.cancelled());
    CHECK(holders == 1);
    CHECK(l.statistics().waiting == 1);
    t3.cancel();
    t2.cancel();
    co_await settle();
    CHECK(t2.cancelled());
    CHECK(t3.cancelled());
    CHECK_FALSE(l.locked());
}

TANDEM_TEST("lock: a holder that is cancelled or fails lets go", "[sync][lock][virtual]") {
    tandem::lock l;
    std::vector<int> log;
    auto h = tandem::create_task(hold(l, log, 1, 1h * 1));
    co_await settle();
    CHECK(l.locked());
    h.cancel();
    co_await settle();
    CHECK_FALSE(l.locked());
    const auto fails = [](tandem::lock& of) -> task<> {
        const auto guard = co_await of.acquire();
        co_await tandem::sleep(1ms);
        throw oops();
    };
    const std::exception_ptr e = co_await error_of(fails(l));
    CHECK(is<oops>(e));
    CHECK_FALSE(l.locked());
}

TANDEM_TEST("lock: a stop that is pending does not take a free lock", "[sync][lock][virtual]") {
    tandem::lock l;
    bool taken = false;
    const auto body = [](tandem::lock& of, bool& flag) -> task<> {
        co_await tandem::shield(tandem::sleep(5ms));
        const auto guard = co_await of.acquire();
        flag = true;
    };
    auto h = tandem::create_task(body, std::ref(l), std::ref(taken));
    co_await settle();
    h.cancel();
    co_await tandem::sleep(10ms);
    CHECK(h.cancelled());
    CHECK_FALSE(taken);
    CHECK_FALSE(l.locked());
}

TANDEM_TEST("lock: a timeout while waiting leaves no trace", "[sync][lock][virtual]") {
    tandem::lock l;
    auto mine = co_await l.acquire();
    bool timed_out = false;
    try {
        const auto guard = co_await tandem::timeout(5ms, l.acquire());
    } catch (const tandem::timeout_error&) {
        timed_out = true;
    }
    CHECK(timed_out);
    CHECK(l.statistics().waiting == 0);
    mine.unlock();
    const auto guard = co_await tandem::timeout(5ms, l.acquire());
    CHECK(l.locked());
}

TANDEM_TEST("lock: guards move", "[sync][lock][virtual]") {
    tandem::lock a;
    tandem::lock b;
    auto first = co_await a.acquire();
    auto second = co_await b.acquire();
    second = std::move(first);
    CHECK(a.locked());
    CHECK_FALSE(b.locked());
    CHECK_FALSE(static_cast<bool>(first));
    const auto pass_on = [](tandem::lock::guard g) -> task<> {
        CHECK(static_cast<bool>(g));
        co_return;
    };
    co_await pass_on(std::move(second));
    CHECK_FALSE(a.locked());
}

TANDEM_TEST("lock: cancels at every turn around a hand-over lose nothing", "[sync][lock][virtual]") {
    for (int turns = 0; turns < 8; ++turns) {
        tandem::lock l;
        std::vector<int> log;
        auto a = tandem::create_task(hold(l, log, 1, 0ms));
        auto b = tandem::create_task(hold(l, log, 2, 0ms));
        auto c = tandem::create_task(hold(l, log, 3, 0ms));
        for (int i = 0; i < turns; ++i) co_await tandem::this_task::checkpoint();
        b.cancel();
        co_await settle();
        CHECK(a.done());
        CHECK(b.done());
        CHECK(c.done());
        CHECK_FALSE(l.locked());
        CHECK(log.front() != 0);
        CHECK(l.statistics().waiting == 0);
    }
}
