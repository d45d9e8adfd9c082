// tandem - behaviour of wait
// SPDX-License-Identifier: BSL-1.0
#include <tandem/tasks/wait.hpp>

#include <ranges>
#include <stdexcept>
#include <vector>

#include <tandem/sync/event.hpp>
#include <tandem/tasks/create_task.hpp>
#include <tandem/tasks/task_group.hpp>
#include <tandem/tasks/timeout.hpp>

#include "support/probes.hpp"
#include "support/tandem_test.hpp"

using namespace std::chrono_literals;
using namespace tandem_test;
using tandem::task;

namespace {

using handles = std::vector<tandem::task_handle<int>>;
auto now() { return tandem::this_task::loop().now(); }

}  // namespace

TANDEM_TEST("wait: for all by default; again it returns at once",
            "[tasks][wait][virtual][asyncio:test_wait][asyncio:test_wait_really_done]") {
    const auto start = now();
    handles hs;
    hs.push_back(tandem::create_task(value_after(100ms, 1)));
    hs.push_back(tandem::create_task(value_after(150ms, 2)));
    for (int round = 0; round < 2; ++round) {
        const auto r = co_await tandem::wait(hs);
        CHECK(r.done().size() == 2);
        CHECK(r.pending().empty());
        CHECK(now() - start == 150ms);
    }
    CHECK(hs[0].result() + hs[1].result() == 3);
}

TANDEM_TEST("wait: one handle twice counts as two entries of one task",
            "[tasks][wait][virtual][asyncio:test_wait_duplicate_coroutines]") {
    handles hs;
    hs.push_back(tandem::create_task(value_after(1ms, 1)));
    hs.push_back(hs[0]);
    const auto r = co_await tandem::wait(hs);
    CHECK(r.done().size() == 2);
}

TANDEM_TEST("wait: no handles are refused", "[tasks][wait][virtual][asyncio:test_wait_errors]"
                                            "[asyncio:test_wait_invalid_args]") {
    const handles none;
    CHECK_THROWS_AS(tandem::wait(none), std::invalid_argument);
    handles with_empty(1);
    CHECK_THROWS_AS(tandem::wait(with_empty), tandem::invalid_state_error);
    co_return;
}

TANDEM_TEST("wait: first_completed returns with the first, in the order of the handles",
            "[tasks][wait][virtual][asyncio:test_wait_first_completed]") {
    const auto start = now();
    handles hs;
    hs.push_back(tandem::create_task(value_after(10s, 1)));
    hs.push_back(tandem::create_task(value_after(100ms, 2)));
    const auto r = co_await tandem::wait(hs, tandem::first_completed);
    REQUIRE(r.done().size() == 1);
    REQUIRE(r.pending().size() == 1);
    CHECK(r.done()[0].result() == 2);
    CHECK(r.pending()[0].id() == hs[0].id());
    CHECK(now() - start == 100ms);
    CHECK_FALSE(hs[0].done());  // nothing was cancelled
}

TANDEM_TEST("wait: first_completed with one that has ended does not suspend", "[tasks][wait][virtual]") {
    handles hs;
    hs.push_back(tandem::create_task(value_after(1h, 1)));
    hs.push_back(tandem::create_task(value_now(2)));
    co_await settle();
    const auto steps = tandem::this_task::loop().statistics().steps;
    const auto r = co_await tandem::wait(hs, tandem::first_completed);
    CHECK(tandem::this_task::loop().statistics().steps == steps);
    CHECK(r.done().size() == 1);
}

TANDEM_TEST("wait: first_exception returns with the first failure, before or while it waits",
            "[tasks][wait][virtual][asyncio:test_wait_first_exception][asyncio:test_wait_first_exception_in_wait]") {
    const auto start = now();
    handles hs;
    hs.push_back(tandem::create_task(value_after(10s, 1)));
    hs.push_back(tandem::create_task(value_after(5ms, 2)));
    hs.push_back(tandem::create_task(fail_after(10ms)));
    const auto r = co_await tandem::wait(hs, tandem::first_exception);
    CHECK(r.done().size() == 2);
    CHECK(r.pending().size() == 1);
    CHECK(now() - start == 10ms);
    const auto again = co_await tandem::wait(hs, tandem::first_exception);
    CHECK(again.pending().size() == 1);
    CHECK(now() - start == 10ms);
    CHECK(is<oops>(hs[2].exception()));
}

TANDEM_TEST("wait: for first_exception a cancelled task is no failure", "[tasks][wait][virtual]") {
    const auto start = now();
    handles hs;
    hs.push_back(tandem::create_task(value_after(1h, 1)));
    hs.push_back(tandem::create_task(value_after(20ms, 2)));
    tandem::this_task::loop().call_later(10ms, [h = hs[0]] { h.cancel(); });
    const auto r = co_await tandem::wait(hs, tandem::first_exception);
    CHECK(r.done().size() == 2);
    CHECK(now() - start == 20ms);
    CHECK(hs[0].cancelled());
}

TANDEM_TEST("wait: throws no task's error", "[tasks][wait][virtual][asyncio:test_wait_with_exception]") {
    handles hs;
    hs.push_back(tandem::create_task(value_after(100ms, 1)));
    hs.push_back(tandem::create_task(fail_after(150ms)));
    const auto r = co_await tandem::wait(hs);
    CHECK(r.done().size() == 2);
    int failed = 0;
    for (const auto& h : r.done()) failed += h.exception() ? 1 : 0;
    CHECK(failed == 1);
}

TANDEM_TEST("wait: with a time returns when it is up and cancels nothing",
            "[tasks][wait][virtual][asyncio:test_wait_with_timeout]") {
    const auto start = now();
    handles hs;
    hs.push_back(tandem::create_task(value_after(100ms, 1)));
    hs.push_back(tandem::create_task(value_after(150ms, 2)));
    const auto r = co_await tandem::wait(hs, tandem::all_completed, 110ms);
    CHECK(r.done().size() == 1);
    CHECK(r.pending().size() == 1);
    CHECK(now() - start == 110ms);
    const int late = co_await hs[1];
    CHECK(late == 2);
}

TANDEM_TEST("wait: what ends in the tick of the timeout is done or pending, the wait ends once",
            "[tasks][wait][virtual][asyncio:test_wait_concurrent_complete]") {
    const auto start = now();
    handles hs;
    hs.push_back(tandem::create_task(value_after(100ms, 1)));
    hs.push_back(tandem::create_task(value_after(150ms, 2)));
    co_await tandem::this_task::checkpoint();
    const auto r = co_await tandem::wait(hs, tandem::all_completed, 100ms);
    CHECK(r.done().size() + r.pending().size() == 2);
    if (!order_is_permuted()) CHECK(r.done().size() == 1);  // its timer was armed first
    CHECK(now() - start == 100ms);
    co_await settle();
    CHECK(tandem::this_task::loop().statistics().timers == 1);
}

TANDEM_TEST("wait: a time of zero gives what has ended by now", "[tasks][wait][virtual]") {
    handles hs;
    hs.push_back(tandem::create_task(value_now(1)));
    hs.push_back(tandem::create_task(value_after(1h, 2)));
    co_await settle();
    const auto start = now();
    const auto r = co_await tandem::wait(hs, tandem::all_completed, 0ms);
    CHECK(r.done().size() == 1);
    CHECK(now() == start);
}

TANDEM_TEST("wait: takes any range of handles", "[tasks][wait][virtual][asyncio:test_wait_with_iterator_of_tasks]") {
    handles hs;
    hs.push_back(tandem::create_task(value_after(1ms, 1)));
    hs.push_back(tandem::create_task(value_after(2ms, 2)));
    const auto r = co_await tandem::wait(hs | std::views::reverse);
    REQUIRE(r.done().size() == 2);
    CHECK(r.done()[0].result() == 2);
}

TANDEM_TEST("wait: cancelling the task that waits leaves the others alone",
            "[tasks][wait][virtual][asyncio:test_yield_wait_does_not_shield_cancel]") {
    handles hs;
    hs.push_back(tandem::create_task(value_after(10ms, 1)));
    hs.push_back(tandem::create_task(value_after(20ms, 2)));
    bool after = false;
    const auto body = [](handles of, bool& passed) -> task<> {
        co_await tandem::wait(of, tandem::all_completed, 1h);
        passed = true;
    };
    auto h = tandem::create_task(body(hs, after));
    co_await settle();
    h.cancel();
    co_await settle();
    CHECK(h.cancelled());
    CHECK_FALSE(after);
    const auto r = co_await tandem::wait(hs);
    CHECK(hs[0].result() + hs[1].result() == 3);
    CHECK(r.done().size() == 2);
    CHECK(tandem::this_task::loop().statistics().timers == 0);
}

TANDEM_TEST("wait: cancelled in the turn in which the last task ended, it delivers its result", "[tasks][wait][virtual]") {
    tandem::event go;
    const auto waits = [](tandem::event& e) -> task<int> {
        co_await e.wait();
        co_return 1;
    };
    handles hs;
    hs.push_back(tandem::create_task(waits(go)));
    std::size_t seen = 0;
    const auto body = [](handles of, std::size_t& to) -> task<> {
        const auto r = co_await tandem::wait(of);
        to = r.done().size();
        co_await tandem::this_task::checkpoint();
        to = 99;
    };
    tandem::task_handle<> h;
    const auto cancels = [](tandem::task_handle<int> first, tandem::task_handle<>& second) -> task<> {
        co_await first;  // woken before the wait, which stands in line behind it
        second.cancel();
    };
    auto canceller = tandem::create_task(cancels(hs[0], h));
    co_await settle();
    h = tandem::create_task(body(hs, seen));
    co_await settle();
    go.set();
    co_await settle();
    CHECK(h.done());
    if (!order_is_permuted()) CHECK(h.cancelled());
    if (!order_is_permuted()) CHECK(seen == 1);
    co_await canceller;
}

TANDEM_TEST("wait: several tasks may wait for the same ones", "[tasks][wait][virtual]") {
    handles hs;
    hs.push_back(tandem::create_task(value_after(5ms, 1)));
    const auto body = [](handles of) -> task<int> {
        const auto r = co_await tandem::wait(of, tandem::first_completed);
        co_return static_cast<int>(r.done().size());
    };
    int sum = 0;
    co_await tandem::with_task_group([&](tandem::task_group& g) -> task<> {
        std::vector<tandem::task_handle<int>> waiting;
        for (int i = 0; i < 10; ++i) waiting.push_back(g.create_task(body(hs)));
        co_await g.join();
        for (const auto& h : waiting) sum += h.result();
    });
    CHECK(sum == 10);
}

TANDEM_TEST("wait: works on handles of tasks of a group and on void", "[tasks][wait][virtual]") {
    co_await tandem::with_task_group([](tandem::task_group& g) -> task<> {
        std::vector<tandem::task_handle<>> hs;
        hs.push_back(g.create_task(sleep_for(1ms)));
        hs.push_back(g.create_task(sleep_for(1h)));
        const auto r = co_await tandem::wait(hs, tandem::first_completed);
        CHECK(r.done().size() == 1);
        for (const auto& h : r.pending()) h.cancel();
    });
}
