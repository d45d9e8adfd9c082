// tandem - behaviour of condition
// SPDX-License-Identifier: BSL-1.0
#include <tandem/sync/condition.hpp>

#include <string>
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

task<> wait_and_note(tandem::lock& l, tandem::condition& c, std::vector<int>& log, int who) {
    const auto guard = co_await l.acquire();
    co_await c.wait();
    CHECK(l.locked());
    log.push_back(who);
}
task<> wait_until(tandem::lock& l, tandem::condition& c, const int& value, int at_least, int& asked) {
    const auto guard = co_await l.acquire();
    const auto reached = [&]() {
        ++asked;
        return value >= at_least;
    };
    co_await c.wait(reached);
    CHECK(l.locked());
}

}  // namespace

TANDEM_TEST("condition: notify wakes the first n, who go on as they get the lock",
            "[sync][condition][virtual][asyncio:test_wait][asyncio:test_notify]") {
    tandem::lock l;
    tandem::condition c(l);
    std::vector<int> log;
    std::vector<tandem::task_handle<>> hs;
    for (int i = 1; i <= 3; ++i) {
        hs.push_back(tandem::create_task(wait_and_note(l, c, log, i)));
        co_await settle();
    }
    CHECK_FALSE(l.locked());
    CHECK(c.statistics().waiting == 3);
    {
        const auto guard = co_await l.acquire();
        c.notify();
        co_await settle();
        CHECK(log.empty());  // the lock is still ours
        CHECK(c.statistics().waiting == 2);
    }
    co_await settle();
    CHECK(log == std::vector<int>({1}));
    {
        const auto guard = co_await l.acquire();
        c.notify(1);
        c.notify(2048);
    }
    co_await settle();
    CHECK(log == std::vector<int>({1, 2, 3}));
    CHECK_FALSE(l.locked());
}

TANDEM_TEST("condition: notify_all wakes all, in order", "[sync][condition][virtual][asyncio:test_notify_all]") {
    tandem::lock l;
    tandem::condition c(l);
    std::vector<int> log;
    co_await tandem::with_task_group([&](tandem::task_group& g) -> task<> {
        for (int i = 0; i < 5; ++i) {
            g.create_task(wait_and_note(l, c, log, i));
            co_await settle();
        }
        const auto guard = co_await l.acquire();
        c.notify_all();
    });
    CHECK(log == std::vector<int>({0, 1, 2, 3, 4}));
}

TANDEM_TEST("condition: without the lock wait and notify are errors",
            "[sync][condition][virtual][asyncio:test_wait_unacquired][asyncio:test_wait_for_unacquired]"
            "[asyncio:test_notify_unacquired][asyncio:test_notify_all_unacquired]") {
    tandem::lock l;
    tandem::condition c(l);
    CHECK_THROWS_AS(c.notify(), tandem::invalid_state_error);
    CHECK_THROWS_AS(c.notify_all(), tandem::invalid_state_error);
    bool refused = false;
    try {
        co_await c.wait();
    } catch (const tandem::invalid_state_error&) {
        refused = true;
    }
    CHECK(refused);
    refused = false;
    const auto yes = [] { return true; };
    try {
        co_await c.wait(yes);
    } catch (const tandem::invalid_state_error&) {
        refused = true;
    }
    CHECK(refused);
}

TANDEM_TEST("condition: wait(predicate) asks before and after each notification, with the lock held",
            "[sync][condition][virtual][asyncio:test_wait_for]") {
    tandem::lock l;
    tandem::condition c(l);
    int value = 0;
    int asked = 0;
    auto h = tandem::create_task(wait_until(l, c, value, 2, asked));
    co_await settle();
    CHECK(asked == 1);
    for (int i = 1; i <= 2; ++i) {
        {
            const auto guard = co_await l.acquire();
            value = i;
            c.notify();
        }
        co_await settle();
        CHECK(asked == 1 + i);
    }
    CHECK(h.done());
    const auto guard = co_await l.acquire();
    const auto yes = [] { return true; };
    co_await c.wait(yes);  // true at once: the lock is not let go
    CHECK(l.locked());
}

TANDEM_TEST("condition: what the predicate throws passes, with the lock held", "[sync][condition][virtual]") {
    tandem::lock l;
    tandem::condition c(l);
    const auto guard = co_await l.acquire();
    const auto fails = []() -> bool { throw oops(); };
    const std::exception_ptr e = co_await error_of(c.wait(fails));
    CHECK(is<oops>(e));
    CHECK(l.locked());
}

TANDEM_TEST("condition: a cancelled waiter leaves the line and stops with the lock held, which its guard releases",
            "[sync][condition][virtual][asyncio:test_wait_cancel]") {
    tandem::lock l;
    tandem::condition c(l);
    std::vector<int> log;
    auto h = tandem::create_task(wait_and_note(l, c, log, 1));
    co_await settle();
    h.cancel();
    CHECK(c.statistics().waiting == 0);
    co_await settle();
    CHECK(h.cancelled());
    CHECK(log.empty());
    CHECK_FALSE(l.locked());
}

TANDEM_TEST("condition: a cancelled waiter waits for the lock before it stops", "[sync][condition][virtual]") {
    tandem::lock l;
    tandem::condition c(l);
    std::vector<int> log;
    auto h = tandem::create_task(wait_and_note(l, c, log, 1));
    co_await settle();
    {
        const auto guard = co_await l.acquire();
        h.cancel();
        co_await settle();
        CHECK_FALSE(h.done());
        CHECK(l.statistics().waiting == 1);
    }
    co_await settle();
    CHECK(h.cancelled());
    CHECK_FALSE(l.locked());
}

TANDEM_TEST("condition: cancelled after it was notified, while the lock is contested: it goes on with the lock",
            "[sync][condition][virtual][asyncio:test_wait_cancel_contested]") {
    tandem::lock l;
    tandem::condition c(l);
    std::vector<int> log;
    const auto body = [](tandem::lock& of, tandem::condition& on, std::vector<int>& to) -> task<> {
        const auto guard = co_await of.acquire();
        co_await on.wait();
        to.push_back(1);
        co_await tandem::this_task::checkpoint();
        to.push_back(2);
    };
    auto h = tandem::create_task(body, std::ref(l), std::ref(c), std::ref(log));
    co_await settle();
    {
        const auto guard = co_await l.acquire();
        c.notify();
        h.cancel();
        co_await settle();
        CHECK(log.empty());
    }
    co_await settle();
    CHECK(log == std::vector<int>({1}));  // the notification was delivered
    CHECK(h.cancelled());
    CHECK_FALSE(l.locked());
}

TANDEM_TEST("condition: cancelled while it waits to get the lock back after a notification",
            "[sync][condition][virtual][asyncio:test_wait_cancel_after_notify]") {
    tandem::lock l;
    tandem::condition c(l);
    std::vector<int> log;
    auto h = tandem::create_task(wait_and_note(l, c, log, 1));
    co_await settle();
    auto guard = co_await l.acquire();
    c.notify();
    co_await settle();
    h.cancel();
    co_await settle();
    guard.unlock();
    co_await settle();
    CHECK(h.done());
    CHECK(log == std::vector<int>({1}));  // asyncio: cancelled; here the notification is not lost
    CHECK_FALSE(l.locked());
}

TANDEM_TEST("condition: of two waiters the first is cancelled in the turn of notify: the second one is woken",
            "[sync][condition][virtual]") {
    tandem::lock l;
    tandem::condition c(l);
    std::vector<int> log;
    auto a = tandem::create_task(wait_and_note(l, c, log, 1));
    co_await settle();
    auto b = tandem::create_task(wait_and_note(l, c, log, 2));
    co_await settle();
    {
        const auto guard = co_await l.acquire();
        a.cancel();
        c.notify();
    }
    co_await settle();
    CHECK(a.cancelled());
    CHECK(b.done());
    CHECK(log == std::vector<int>({2}));
}

TANDEM_TEST("condition: a timeout inside the block leaves the lock held there and free behind it",
            "[sync][condition][virtual][asyncio:test_timeout_in_block]") {
    tandem::lock l;
    tandem::condition c(l);
    bool timed_out = false;
    {
        const auto guard = co_await l.acquire();
        try {
            co_await tandem::timeout(1ms, c.wait());
        } catch (const tandem::timeout_error&) {
            timed_out = true;
        }
        CHECK(l.locked());
    }
    CHECK(timed_out);
    CHECK_FALSE(l.locked());
}

TANDEM_TEST("condition: two on one lock are told apart", "[sync][condition][virtual][asyncio:test_explicit_lock]") {
    tandem::lock l;
    tandem::condition a(l);
    tandem::condition b(l);
    std::vector<int> log;
    auto first = tandem::create_task(wait_and_note(l, a, log, 1));
    auto second = tandem::create_task(wait_and_note(l, b, log, 2));
    co_await settle();
    {
        const auto guard = co_await l.acquire();
        b.notify_all();
    }
    co_await settle();
    CHECK(log == std::vector<int>({2}));
    CHECK_FALSE(first.done());
    CHECK(second.done());
    first.cancel();
    co_await settle();
    CHECK(first.cancelled());
}

TANDEM_TEST("condition: a cancelled task that enters wait stops with the lock held", "[sync][condition][virtual]") {
    tandem::lock l;
    tandem::condition c(l);
    const auto body = [](tandem::lock& of, tandem::condition& on) -> task<> {
        const auto guard = co_await of.acquire();
        co_await tandem::shield(tandem::sleep(5ms));
        co_await on.wait();
    };
    auto h = tandem::create_task(body, std::ref(l), std::ref(c));
    co_await settle();
    h.cancel();
    co_await tandem::sleep(10ms);
    CHECK(h.cancelled());
    CHECK_FALSE(l.locked());
    CHECK(c.statistics().waiting == 0);
}

TANDEM_TEST("condition: a bounded buffer made of it keeps every item under cancels", "[sync][condition][virtual]") {
    tandem::lock l;
    tandem::condition changed(l);
    std::vector<int> buffer;
    int taken = 0;
    const auto produce = [](tandem::lock& of, tandem::condition& on, std::vector<int>& to) -> task<> {
        for (int i = 0; i < 20; ++i) {
            const auto guard = co_await of.acquire();
            const auto has_room = [&to] { return to.size() < 2; };
            co_await on.wait(has_room);
            to.push_back(i);
            on.notify_all();
        }
    };
    const auto consume = [](tandem::lock& of, tandem::condition& on, std::vector<int>& from, int& count) -> task<> {
        for (;;) {
            const auto guard = co_await of.acquire();
            const auto has_item = [&from] { return !from.empty(); };
            co_await on.wait(has_item);
            from.pop_back();
            ++count;
            on.notify_all();
        }
    };
    std::vector<tandem::task_handle<>> consumers;
    for (int i = 0; i < 4; ++i) {
        consumers.push_back(tandem::create_task(consume, std::ref(l), std::ref(changed), std::ref(buffer), std::ref(taken)));
    }
    auto producer = tandem::create_task(produce, std::ref(l), std::ref(changed), std::ref(buffer));
    for (int i = 0; i < 3; ++i) co_await tandem::this_task::checkpoint();
    consumers[0].cancel();
    consumers[2].cancel();
    co_await producer;
    co_await settle();
    CHECK(taken + static_cast<int>(buffer.size()) == 20);
    consumers[1].cancel();
    consumers[3].cancel();
    co_await settle();
    CHECK_FALSE(l.locked());
}
