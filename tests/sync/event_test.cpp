// tandem - behaviour of event
// SPDX-License-Identifier: BSL-1.0
#include <tandem/sync/event.hpp>

#include <vector>

#include <tandem/tasks/create_task.hpp>
#include <tandem/tasks/shield.hpp>
#include <tandem/tasks/task_group.hpp>
#include <tandem/tasks/timeout.hpp>

#include "support/probes.hpp"
#include "support/tandem_test.hpp"

using namespace std::chrono_literals;
using namespace tandem_test;
using tandem::task;

namespace {

class sets {
public:
    explicit sets(tandem::event& on) noexcept : on_(on) {}
    sets(const sets&) = delete;
    sets& operator=(const sets&) = delete;
    ~sets() { on_.set(); }

private:
    tandem::event& on_;
};

task<> wait_and_note(tandem::event& e, std::vector<int>& log, int who) {
    co_await e.wait();
    log.push_back(who);
}

}  // namespace

TANDEM_TEST("event: set wakes all waiters, in the order in which they came", "[sync][event][virtual][asyncio:test_wait]") {
    tandem::event e;
    std::vector<int> log;
    co_await tandem::with_task_group([&](tandem::task_group& g) -> task<> {
        for (int i = 0; i < 3; ++i) {
            g.create_task(wait_and_note(e, log, i));
            co_await settle();
        }
        CHECK(log.empty());
        CHECK(e.statistics().waiting == 3);
        e.set();
        CHECK(log.empty());  // nobody runs inside set
        CHECK(e.statistics().waiting == 0);
    });
    CHECK(log.size() == 3);
    if (!order_is_permuted()) CHECK(log == std::vector<int>({0, 1, 2}));
}

TANDEM_TEST("event: waiting for one that is set does not suspend", "[sync][event][virtual][asyncio:test_wait_on_set]") {
    tandem::event e;
    e.set();
    const auto steps = tandem::this_task::loop().statistics().steps;
    co_await e.wait();
    co_await e.wait();
    CHECK(tandem::this_task::loop().statistics().steps == steps);
}

TANDEM_TEST("event: a cancelled waiter leaves the line", "[sync][event][virtual][asyncio:test_wait_cancel]") {
    tandem::event e;
    std::vector<int> log;
    auto a = tandem::create_task(wait_and_note(e, log, 1));
    auto b = tandem::create_task(wait_and_note(e, log, 2));
    co_await settle();
    a.cancel();
    CHECK(e.statistics().waiting == 1);
    co_await settle();
    CHECK(a.cancelled());
    e.set();
    co_await settle();
    CHECK(b.done());
    CHECK(log == std::vector<int>({2}));
}

TANDEM_TEST("event: clear", "[sync][event][virtual][asyncio:test_clear]") {
    tandem::event e;
    CHECK_FALSE(e.is_set());
    e.set();
    e.set();
    CHECK(e.is_set());
    e.clear();
    CHECK_FALSE(e.is_set());
    const auto r = co_await tandem::move_on_after(1ms, e.wait());
    CHECK_FALSE(r.has_value());
}

TANDEM_TEST("event: a waiter that was woken goes on although the event was cleared right after",
            "[sync][event][virtual][asyncio:test_clear_with_waiters]") {
    tandem::event e;
    std::vector<int> log;
    auto h = tandem::create_task(wait_and_note(e, log, 1));
    co_await settle();
    e.set();
    e.clear();
    CHECK_FALSE(e.is_set());
    e.set();
    e.set();
    e.clear();
    co_await settle();
    CHECK(log == std::vector<int>({1}));
    CHECK(h.done());
    CHECK_FALSE(e.is_set());
}

TANDEM_TEST("event: a waiter cancelled after it was woken goes on to its next suspension", "[sync][event][virtual]") {
    tandem::event e;
    std::vector<int> log;
    const auto body = [](tandem::event& on, std::vector<int>& to) -> task<> {
        co_await on.wait();
        to.push_back(1);
        co_await tandem::this_task::checkpoint();
        to.push_back(2);
    };
    auto h = tandem::create_task(body, std::ref(e), std::ref(log));
    co_await settle();
    e.set();
    h.cancel();
    co_await settle();
    CHECK(log == std::vector<int>({1}));
    CHECK(h.cancelled());
}

TANDEM_TEST("event: a cancelled task does not pass one that is set", "[sync][event][virtual]") {
    tandem::event e;
    e.set();
    int rounds = 0;
    const auto body = [](tandem::event& on, int& count) -> task<> {
        for (;;) {
            co_await on.wait();
            ++count;
            if (count == 3) co_await tandem::shield(tandem::sleep(5ms));
        }
    };
    auto h = tandem::create_task(body, std::ref(e), std::ref(rounds));
    co_await settle();
    h.cancel();
    co_await tandem::sleep(10ms);
    CHECK(h.cancelled());
    CHECK(rounds == 3);
}

TANDEM_TEST("event: set from a destructor that runs while a task unwinds", "[sync][event][virtual]") {
    tandem::event e;
    std::vector<int> log;
    const auto body = [](tandem::event& on) -> task<> {
        const sets guard(on);
        co_await tandem::sleep(1h);
    };
    auto waiter = tandem::create_task(wait_and_note(e, log, 1));
    auto h = tandem::create_task(body, std::ref(e));
    co_await settle();
    h.cancel();
    co_await settle();
    CHECK(waiter.done());
    CHECK(log == std::vector<int>({1}));
}

TANDEM_TEST("event: 1,000 waiters, every other one cancelled in the turn of set, are all accounted for",
            "[sync][event][virtual]") {
    for (const bool cancel_first : {true, false}) {
        tandem::event e;
        std::vector<int> log;
        std::vector<tandem::task_handle<>> hs;
        for (int i = 0; i < 1000; ++i) hs.push_back(tandem::create_task(wait_and_note(e, log, i)));
        co_await settle();
        if (!cancel_first) e.set();
        for (std::size_t i = 0; i < 1000; i += 2) hs[i].cancel();
        if (cancel_first) e.set();
        co_await settle();
        std::size_t stopped = 0;
        for (const auto& h : hs) stopped += h.cancelled() ? 1 : 0;
        CHECK(stopped + log.size() == 1000);
        CHECK(stopped == (cancel_first ? 500 : 0));
        CHECK(e.statistics().waiting == 0);
    }
}
