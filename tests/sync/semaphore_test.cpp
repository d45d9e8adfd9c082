// tandem - behaviour of semaphore and bounded_semaphore
// SPDX-License-Identifier: BSL-1.0
#include <tandem/sync/semaphore.hpp>

#include <optional>
#include <string>
#include <utility>
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

task<> take_and_note(tandem::semaphore& sem, std::vector<int>& log, int who) {
    auto permit = co_await sem.acquire();
    permit.detach();
    log.push_back(who);
}
task<> use(tandem::semaphore& sem, int& inside, int& most) {
    const auto permit = co_await sem.acquire();
    if (++inside > most) most = inside;
    co_await tandem::sleep(1ms);
    --inside;
}

}  // namespace

TANDEM_TEST("semaphore: counts permits",
            "[sync][semaphore][virtual][asyncio:test_semaphore]"
            "[asyncio:test_initial_value_zero][asyncio:test_release_no_waiters]"
            "[asyncio:test_semaphore_value]") {
    tandem::semaphore none(0);
    CHECK(none.locked());
    CHECK_FALSE(none.try_acquire().has_value());
    tandem::semaphore sem(2);
    CHECK(sem.value() == 2);
    {
        const auto first = co_await sem.acquire();
        CHECK(sem.value() == 1);
        const auto second = sem.try_acquire();
        CHECK(second.has_value());
        CHECK(sem.locked());
        CHECK_FALSE(sem.try_acquire().has_value());
    }
    CHECK(sem.value() == 2);
    sem.release();  // a plain one may grow
    CHECK(sem.value() == 3);
}

TANDEM_TEST("semaphore: at most n tasks are inside", "[sync][semaphore][virtual]") {
    tandem::semaphore sem(3);
    int inside = 0;
    int most = 0;
    const auto start = tandem::this_task::loop().now();
    co_await tandem::with_task_group([&](tandem::task_group& g) -> task<> {
        for (int i = 0; i < 12; ++i) g.create_task(use(sem, inside, most));
        co_return;
    });
    CHECK(most == 3);
    CHECK(sem.value() == 3);
    CHECK(tandem::this_task::loop().now() - start == 4ms);
}

TANDEM_TEST("semaphore: waiters get permits in the order in which they came",
            "[sync][semaphore][virtual][asyncio:test_acquire][asyncio:test_acquire_fifo_order]") {
    tandem::semaphore sem(1);
    std::vector<std::string> log;
    const auto body = [](tandem::semaphore& of, std::vector<std::string>& to, std::string tag) -> task<> {
        for (const char* const round : {"_1", "_2"}) {
            const auto permit = co_await of.acquire();
            to.push_back(tag + round);
            co_await tandem::sleep(10ms);
        }
    };
    co_await tandem::with_task_group([&](tandem::task_group& g) -> task<> {
        for (const char* const tag : {"c1", "c2", "c3"}) {
            g.create_task(body(sem, log, tag));
            co_await settle();
        }
    });
    CHECK(log == std::vector<std::string>({"c1_1", "c2_1", "c3_1", "c1_2", "c2_2", "c3_2"}));
}

TANDEM_TEST("semaphore: permits given back go to the line; the next acquire gets what is left",
            "[sync][semaphore][virtual][asyncio:test_acquire_fifo_order_2]") {
    tandem::semaphore sem(1);
    std::vector<int> log;
    const auto c2 = [](tandem::semaphore& of, std::vector<int>& to) -> task<> {
        {
            const auto permit = co_await of.acquire();
            to.push_back(2);
        }
        auto again = co_await of.acquire();
        again.detach();
        to.push_back(4);
    };
    auto t1 = tandem::create_task(take_and_note(sem, log, 1));
    co_await settle();
    auto t2 = tandem::create_task(c2, std::ref(sem), std::ref(log));
    co_await settle();
    auto t3 = tandem::create_task(take_and_note(sem, log, 3));
    co_await settle();
    sem.release();
    sem.release();
    co_await tandem::gather(t1, t2, t3);
    // Both waiters had their permits before either ran, so the third permit was free: unlike asyncio,
    // which makes the second acquire queue behind a waiter that has been served already.
    REQUIRE(log.size() == 4);
    CHECK(log[0] == 1);
    CHECK(log.back() != 2);
    if (!order_is_permuted()) CHECK(log[1] == 2);
    CHECK(sem.value() == 0);
}

TANDEM_TEST("semaphore: a cancelled waiter is skipped",
            "[sync][semaphore][virtual][asyncio:test_acquire_fifo_order_3][asyncio:test_acquire_cancel]") {
    tandem::semaphore sem(0);
    std::vector<int> log;
    std::vector<tandem::task_handle<>> hs;
    for (int i = 1; i <= 3; ++i) {
        hs.push_back(tandem::create_task(take_and_note(sem, log, i)));
        co_await settle();
    }
    hs[0].cancel();
    CHECK(sem.statistics().waiting == 2);
    co_await settle();
    sem.release();
    sem.release();
    co_await settle();
    CHECK(hs[0].cancelled());
    CHECK(log.size() == 2);
    if (!order_is_permuted()) CHECK(log == std::vector<int>({2, 3}));
}

TANDEM_TEST(
    "semaphore: cancelled waiters and a release in one turn: the first that is left gets the permit",
    "[sync][semaphore][virtual][asyncio:test_acquire_cancel_before_awoken][asyncio:test_acquire_hang]") {
    tandem::semaphore sem(0);
    std::vector<int> log;
    std::vector<tandem::task_handle<>> hs;
    for (int i = 1; i <= 4; ++i) {
        hs.push_back(tandem::create_task(take_and_note(sem, log, i)));
        co_await settle();
    }
    hs[0].cancel();
    hs[1].cancel();
    sem.release();
    co_await settle();
    CHECK(hs[2].done());
    CHECK_FALSE(hs[3].done());
    CHECK(log == std::vector<int>({3}));
    CHECK(sem.locked());
    hs[3].cancel();
    co_await settle();
    CHECK(hs[3].cancelled());
}

TANDEM_TEST("semaphore: a waiter cancelled after a permit was handed over keeps it; nothing hangs",
            "[sync][semaphore][virtual][asyncio:test_acquire_no_hang]") {
    tandem::semaphore sem(1);
    tandem::task_handle<> t2;
    const auto c1 = [](tandem::semaphore& of, tandem::task_handle<>& other) -> task<> {
        {
            const auto permit = co_await of.acquire();
            co_await tandem::sleep(5ms);
        }
        other.cancel();  // the permit has been handed to it already
    };
    const auto c2 = [](tandem::semaphore& of) -> task<> {
        const auto permit = co_await of.acquire();
        co_await tandem::sleep(1h);
    };
    auto t1 = tandem::create_task(c1, std::ref(sem), std::ref(t2));
    co_await settle();
    t2 = tandem::create_task(c2, std::ref(sem));
    co_await tandem::sleep(10ms);
    CHECK(t1.done());
    CHECK(t2.cancelled());
    const auto permit = co_await tandem::timeout(1s, sem.acquire());
    CHECK(sem.value() == 0);
}

TANDEM_TEST("semaphore: try_acquire fails while a woken waiter has yet to run",
            "[sync][semaphore][virtual]") {
    tandem::semaphore sem(0);
    std::vector<int> log;
    auto h = tandem::create_task(take_and_note(sem, log, 1));
    co_await settle();
    sem.release();
    CHECK_FALSE(sem.try_acquire().has_value());
    CHECK(sem.value() == 0);
    co_await settle();
    CHECK(log == std::vector<int>({1}));
    CHECK(h.done());
}

TANDEM_TEST("semaphore: a cancelled task takes no permit, even if one is free",
            "[sync][semaphore][virtual]") {
    tandem::semaphore sem(1);
    const auto body = [](tandem::semaphore& of) -> task<> {
        for (;;) {
            const auto permit = co_await of.acquire();
            co_await tandem::shield(tandem::sleep(1ms));
        }
    };
    auto h = tandem::create_task(body, std::ref(sem));
    co_await tandem::sleep(5ms);
    h.cancel();
    co_await tandem::sleep(5ms);
    CHECK(h.cancelled());
    CHECK(sem.value() == 1);
}

TANDEM_TEST("semaphore: permits detached by hand are given back by release", "[sync][semaphore][virtual]") {
    tandem::semaphore sem(1);
    {
        auto permit = co_await sem.acquire();
        permit.detach();
        CHECK_FALSE(static_cast<bool>(permit));
    }
    CHECK(sem.value() == 0);
    sem.release();
    CHECK(sem.value() == 1);
    auto a = co_await sem.acquire();
    auto b = std::move(a);
    a.release();
    CHECK(sem.value() == 0);
    b.release();
    b.release();
    CHECK(sem.value() == 1);
}

TANDEM_TEST("semaphore: permits survive cancels at every turn", "[sync][semaphore][virtual]") {
    for (int turns = 0; turns < 10; ++turns) {
        tandem::semaphore sem(2);
        int inside = 0;
        int most = 0;
        std::vector<tandem::task_handle<>> hs;
        const auto yields = [](tandem::semaphore& of, int& now, int& peak) -> task<> {
            const auto permit = co_await of.acquire();
            const counts_exit done(now);
            if (++peak > 2) peak = 2;
            co_await tandem::this_task::checkpoint();
        };
        for (int i = 0; i < 8; ++i)
            hs.push_back(tandem::create_task(yields, std::ref(sem), std::ref(inside), std::ref(most)));
        for (int i = 0; i < turns; ++i) co_await tandem::this_task::checkpoint();
        for (std::size_t i = 0; i < hs.size(); i += 3) hs[i].cancel();
        co_await settle();
        for (const auto& h : hs) CHECK(h.done());
        CHECK(sem.value() == 2);
        CHECK(sem.statistics().waiting == 0);
    }
}

TANDEM_TEST("bounded_semaphore: a release too many is an error and changes nothing",
            "[sync][semaphore][virtual][asyncio:test_release_not_acquired]") {
    tandem::bounded_semaphore sem(2);
    CHECK_THROWS_AS(sem.release(), tandem::invalid_state_error);
    CHECK(sem.value() == 2);
    {
        auto permit = co_await sem.acquire();
        permit.detach();
    }
    sem.release();
    CHECK_THROWS_AS(sem.release(), tandem::invalid_state_error);
}

TANDEM_TEST("bounded_semaphore: while tasks wait a release goes to them", "[sync][semaphore][virtual]") {
    tandem::bounded_semaphore sem(1);
    std::vector<int> log;
    auto mine = co_await sem.acquire();
    mine.detach();
    auto h = tandem::create_task(take_and_note(sem, log, 1));
    co_await settle();
    sem.release();
    CHECK(sem.value() == 0);
    co_await settle();
    CHECK(h.done());
    sem.release();
    CHECK(sem.value() == 1);
}

TEST_CASE("semaphore: a negative number of permits is refused, not taken for a huge one",
          "[sync][semaphore]") {
    const int permits = -1;
    CHECK_THROWS_WITH(tandem::semaphore(permits),
                      "tandem::semaphore: 18446744073709551615 permits, as a negative number becomes; "
                      "give 0 or more");
    CHECK_THROWS_AS(tandem::bounded_semaphore(permits), std::invalid_argument);
    CHECK(tandem::semaphore(0).locked());
}
