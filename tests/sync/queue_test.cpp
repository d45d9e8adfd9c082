// tandem - behaviour of queue, priority_queue, lifo_queue
// SPDX-License-Identifier: BSL-1.0
#include <tandem/sync/queue.hpp>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <tandem/sync/event.hpp>
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

template <class Q>
task<int> get_one(Q& q) {
    co_return co_await q.get();
}
task<> put_one(tandem::queue<int>& q, int n) { co_await q.put(n); }

/// Orders by the first part only, so that equal ones can be told apart.
class job {
public:
    job(int rank, std::string name) : rank_(rank), name_(std::move(name)) {}
    const std::string& name() const noexcept { return name_; }
    friend bool operator<(const job& a, const job& b) noexcept { return a.rank_ < b.rank_; }

private:
    int rank_;
    std::string name_;
};

}  // namespace

TANDEM_TEST(
    "queue: first in, first out; knows its size and its bound",
    "[sync][queue][virtual][asyncio:test_empty][asyncio:test_full][asyncio:test_order][asyncio:test_maxsize]"
    "[asyncio:test_nonblocking_get][asyncio:test_nonblocking_put]") {
    tandem::queue<int> q(3);
    CHECK(q.maxsize() == 3);
    CHECK(q.empty());
    CHECK_FALSE(q.full());
    for (const int n : {1, 3, 2}) q.put_nowait(n);
    CHECK(q.full());
    CHECK(q.size() == 3);
    CHECK(q.get_nowait() == 1);
    CHECK(q.get_nowait() == 3);
    CHECK(q.get_nowait() == 2);
    CHECK(q.empty());
    tandem::queue<int> unbounded;
    for (int i = 0; i < 1000; ++i) unbounded.put_nowait(i);
    CHECK_FALSE(unbounded.full());
    co_return;
}

TANDEM_TEST("queue: get_nowait of an empty and put_nowait to a full one throw",
            "[sync][queue][virtual][asyncio:test_nonblocking_get_exception][asyncio:test_nonblocking_put_"
            "exception]") {
    tandem::queue<int> q(1);
    CHECK_THROWS_AS(q.get_nowait(), tandem::queue_empty);
    q.put_nowait(1);
    CHECK_THROWS_AS(q.put_nowait(2), tandem::queue_full);
    CHECK(q.size() == 1);
    co_return;
}

TANDEM_TEST(
    "queue: try_put leaves an item that it does not take as it was; try_get is empty on an empty queue",
    "[sync][queue][virtual]") {
    tandem::queue<std::unique_ptr<int>> q(1);
    CHECK_FALSE(q.try_get().has_value());
    auto first = std::make_unique<int>(1);
    auto second = std::make_unique<int>(2);
    CHECK(q.try_put(std::move(first)));
    CHECK_FALSE(q.try_put(std::move(second)));
    REQUIRE(second != nullptr);
    CHECK(*second == 2);
    auto got = q.try_get();
    REQUIRE(got.has_value());
    CHECK(**got == 1);
    q.shutdown();
    CHECK_FALSE(q.try_put(std::move(second)));
    CHECK(second != nullptr);
    co_return;
}

TANDEM_TEST("queue: get and put that need not wait do not suspend",
            "[sync][queue][virtual][asyncio:test_blocking_get][asyncio:test_blocking_put]") {
    tandem::queue<int> q(2);
    const auto steps = tandem::this_task::loop().statistics().steps;
    for (int i = 0; i < 10; ++i) {
        co_await q.put(i);
        const int n = co_await q.get();
        CHECK(n == i);
    }
    CHECK(tandem::this_task::loop().statistics().steps == steps);
}

TANDEM_TEST("queue: get waits for an item",
            "[sync][queue][virtual][asyncio:test_blocking_get_wait]"
            "[asyncio:test_put_with_waiting_getters]") {
    tandem::queue<int> q;
    auto h = tandem::create_task(get_one(q));
    co_await settle();
    CHECK_FALSE(h.done());
    CHECK(q.statistics().waiting_to_get == 1);
    tandem::this_task::loop().call_later(10ms, [&q] { q.put_nowait(1); });
    const int n = co_await h;
    CHECK(n == 1);
    CHECK(q.empty());
}

TANDEM_TEST("queue: put waits for room",
            "[sync][queue][virtual][asyncio:test_blocking_put_wait]"
            "[asyncio:test_get_with_putters]") {
    tandem::queue<int> q(1);
    q.put_nowait(1);
    auto h = tandem::create_task(put_one(q, 2));
    co_await settle();
    CHECK_FALSE(h.done());
    CHECK(q.statistics().waiting_to_put == 1);
    const int n = co_await q.get();
    CHECK(n == 1);
    CHECK(q.size() == 1);  // the waiting item is in at once
    co_await settle();
    CHECK(h.done());
    CHECK(q.get_nowait() == 2);
}

TANDEM_TEST(
    "queue: items of waiting putters keep their order",
    "[sync][queue][virtual][asyncio:test_get_with_waiting_putters][asyncio:test_why_are_getters_waiting]") {
    tandem::queue<int> q(1);
    std::vector<tandem::task_handle<>> hs;
    for (int i = 0; i < 5; ++i) {
        hs.push_back(tandem::create_task(put_one(q, i)));
        co_await settle();
    }
    for (int i = 0; i < 5; ++i) {
        const int n = co_await q.get();
        CHECK(n == i);
    }
    co_await settle();
    for (const auto& h : hs) CHECK(h.done());
}

TANDEM_TEST("queue: waiting getters are served in the order in which they came", "[sync][queue][virtual]") {
    tandem::queue<int> q;
    std::vector<tandem::task_handle<int>> hs;
    for (int i = 0; i < 4; ++i) {
        hs.push_back(tandem::create_task(get_one(q)));
        co_await settle();
    }
    for (int i = 0; i < 4; ++i) q.put_nowait(i);
    co_await settle();
    for (int i = 0; i < 4; ++i) CHECK(hs[static_cast<std::size_t>(i)].result() == i);
}

TANDEM_TEST("queue: an item is handed to the getter in line; a later get_nowait cannot take it",
            "[sync][queue][virtual]") {
    tandem::queue<int> q;
    auto h = tandem::create_task(get_one(q));
    co_await settle();
    q.put_nowait(1);
    CHECK(q.empty());
    CHECK_THROWS_AS(q.get_nowait(), tandem::queue_empty);
    q.put_nowait(2);
    const int second = co_await q.get();
    CHECK(second == 2);
    co_await settle();
    CHECK(h.result() == 1);
}

TANDEM_TEST("queue: getters that take several at a time do not leave putters waiting",
            "[sync][queue][virtual][asyncio:test_why_are_putters_waiting]") {
    tandem::queue<int> q(2);
    const auto getter = [](tandem::queue<int>& from) -> task<> {
        co_await settle();
        while (!from.empty()) static_cast<void>(from.get_nowait());
    };
    co_await tandem::timeout(1s, tandem::with_task_group([&](tandem::task_group& g) -> task<> {
                                 g.create_task(getter(q));
                                 for (int i = 0; i < 4; ++i) g.create_task(put_one(q, i));
                                 co_return;
                             }));
    CHECK(q.statistics().waiting_to_put == 0);
}

TANDEM_TEST("queue: of two getters the first is cancelled: the second one gets the item",
            "[sync][queue][virtual][asyncio:test_get_cancelled_race]") {
    tandem::queue<int> q;
    auto t1 = tandem::create_task(get_one(q));
    co_await settle();
    auto t2 = tandem::create_task(get_one(q));
    co_await settle();
    t1.cancel();
    q.put_nowait(1);
    co_await settle();
    CHECK(t1.cancelled());
    CHECK(t2.result() == 1);
}

TANDEM_TEST("queue: a getter cancelled after an item was handed to it delivers that item",
            "[sync][queue][virtual][asyncio:test_get_cancel_drop_one_pending_reader]") {
    tandem::queue<int> q;
    auto reader = tandem::create_task(get_one(q));
    co_await settle();
    q.put_nowait(1);
    q.put_nowait(2);
    reader.cancel();
    co_await settle();
    CHECK_FALSE(reader.cancelled());  // it never suspends again
    CHECK(reader.result() == 1);
    CHECK(q.get_nowait() == 2);
}

TANDEM_TEST("queue: of three getters and two items none is dropped by a cancel",
            "[sync][queue][virtual][asyncio:test_get_cancel_drop_many_pending_readers]") {
    for (const bool cancel_first : {true, false}) {
        tandem::queue<int> q;
        std::vector<tandem::task_handle<int>> hs;
        for (int i = 0; i < 3; ++i) {
            hs.push_back(tandem::create_task(get_one(q)));
            co_await settle();
        }
        if (cancel_first) hs[0].cancel();
        q.put_nowait(1);
        q.put_nowait(2);
        if (!cancel_first) hs[0].cancel();
        co_await settle();
        int sum = 0;
        for (const auto& h : hs) {
            if (h.done() && !h.cancelled()) sum += h.result();
        }
        CHECK(sum == 3);
        CHECK(hs[0].cancelled() == cancel_first);
        for (const auto& h : hs) h.cancel();
    }
}

TANDEM_TEST("queue: a putter cancelled after its item went in has put it",
            "[sync][queue][virtual][asyncio:test_put_cancel_drop]"
            "[asyncio:test_cancelled_put_silence_value_error_exception]") {
    tandem::queue<int> q(1);
    q.put_nowait(1);
    auto writer = tandem::create_task(put_one(q, 2));
    co_await settle();
    CHECK(q.get_nowait() == 1);
    writer.cancel();
    co_await settle();
    CHECK_FALSE(writer.cancelled());
    CHECK(q.get_nowait() == 2);
    CHECK(q.empty());
}

TANDEM_TEST("queue: a putter cancelled while it waits takes its item with it",
            "[sync][queue][virtual][asyncio:test_put_cancelled_race]"
            "[asyncio:test_cancelled_puts_not_being_held_in_self_putters]") {
    tandem::queue<int> q(1);
    q.put_nowait(1);
    auto b = tandem::create_task(put_one(q, 2));
    co_await settle();
    auto c = tandem::create_task(put_one(q, 99));
    co_await settle();
    auto d = tandem::create_task(put_one(q, 3));
    co_await settle();
    c.cancel();
    CHECK(q.statistics().waiting_to_put == 2);
    co_await settle();
    CHECK(c.cancelled());
    for (const int expected : {1, 2, 3}) {
        const int n = co_await q.get();
        CHECK(n == expected);
    }
    CHECK(q.empty());
    co_await settle();
    CHECK(b.done());
    CHECK(d.done());
}

TANDEM_TEST("queue: a getter that was timed out is no longer in line",
            "[sync][queue][virtual][asyncio:test_cancelled_getters_not_being_held_in_self_getters]") {
    tandem::queue<int> q(5);
    const std::exception_ptr e = co_await error_of(tandem::timeout(100ms, q.get()));
    CHECK(is<tandem::timeout_error>(e));
    CHECK(q.statistics().waiting_to_get == 0);
}

TANDEM_TEST("queue: a task that puts and returns is not disturbed by the getter",
            "[sync][queue][virtual][asyncio:test_put_cancelled]") {
    tandem::queue<int> q;
    auto h = tandem::create_task(put_one(q, 1));
    const int n = co_await q.get();
    CHECK(n == 1);
    co_await settle();
    CHECK(h.done());
}

TANDEM_TEST("queue: a cancelled task takes nothing from a queue that is never empty",
            "[sync][queue][virtual]") {
    tandem::queue<int> q;
    int taken = 0;
    const auto body = [](tandem::queue<int>& from, int& count) -> task<> {
        for (;;) {
            co_await from.get();
            if (++count % 3 == 0) co_await tandem::this_task::checkpoint();
        }
    };
    for (int i = 0; i < 1000; ++i) q.put_nowait(i);
    auto h = tandem::create_task(body, std::ref(q), std::ref(taken));
    while (taken < 10) co_await tandem::this_task::checkpoint();
    h.cancel();
    co_await settle();
    CHECK(h.cancelled());
    CHECK(taken + static_cast<int>(q.size()) == 1000);
    CHECK(taken < 500);
}

TANDEM_TEST("queue: every item is got once, whichever consumer is cancelled in whichever turn",
            "[sync][queue][virtual]") {
    for (int turn = 0; turn < 12; ++turn) {
        tandem::queue<int> q(2);
        std::vector<int> seen;
        const auto consume = [](tandem::queue<int>& from, std::vector<int>& to) -> task<> {
            for (;;) {
                const int n = co_await from.get();
                to.push_back(n);
                co_await tandem::this_task::checkpoint();
            }
        };
        const auto produce = [](tandem::queue<int>& to) -> task<> {
            for (int i = 0; i < 20; ++i) co_await to.put(i);
            to.shutdown();
        };
        auto victim = tandem::create_task(consume, std::ref(q), std::ref(seen));
        auto other = tandem::create_task(consume, std::ref(q), std::ref(seen));
        auto producer = tandem::create_task(produce, std::ref(q));
        for (int i = 0; i < turn; ++i) co_await tandem::this_task::checkpoint();
        victim.cancel();
        const std::exception_ptr e = co_await error_of(other);
        CHECK(is<tandem::queue_shut_down>(e));
        co_await producer;
        co_await settle();
        CHECK(victim.done());
        CHECK(seen.size() == 20);
        long long sum = 0;
        for (const int n : seen) sum += n;
        CHECK(sum == 190);
    }
}

TANDEM_TEST("queue: join waits until task_done was called for every item",
            "[sync][queue][virtual][asyncio:test_task_done]") {
    tandem::queue<int> q;
    for (int i = 0; i < 100; ++i) q.put_nowait(i);
    int sum = 0;
    const auto worker = [](tandem::queue<int>& from, int& total) -> task<> {
        for (;;) {
            total += co_await from.get();
            co_await tandem::sleep(1ms);
            from.task_done();
        }
    };
    co_await tandem::with_task_group([&](tandem::task_group& g) -> task<> {
        for (int i = 0; i < 2; ++i) g.create_task(worker(q, sum));
        co_await q.join();
        CHECK(sum == 4950);
        CHECK(q.statistics().unfinished == 0);
        q.put_nowait(50);
        CHECK(q.statistics().unfinished == 1);
        co_await q.join();
        g.cancel();
    });
    CHECK(sum == 5000);
}

TANDEM_TEST("queue: join of an empty one does not wait, not even twice",
            "[sync][queue][virtual][asyncio:test_join_empty_queue]") {
    tandem::queue<int> q;
    co_await q.join();
    co_await q.join();
}

TANDEM_TEST("queue: task_done too often is an error",
            "[sync][queue][virtual][asyncio:test_task_done_underflow]") {
    tandem::queue<int> q;
    CHECK_THROWS_AS(q.task_done(), tandem::invalid_state_error);
    q.put_nowait(1);
    q.task_done();
    CHECK_THROWS_AS(q.task_done(), tandem::invalid_state_error);
    tandem::priority_queue<int> p;
    CHECK_THROWS_AS(p.task_done(), tandem::invalid_state_error);
    tandem::lifo_queue<int> l;
    CHECK_THROWS_AS(l.task_done(), tandem::invalid_state_error);
    co_return;
}

TANDEM_TEST("queue: items handed directly to a getter count as unfinished, too", "[sync][queue][virtual]") {
    tandem::queue<int> q;
    auto h = tandem::create_task(get_one(q));
    co_await settle();
    q.put_nowait(1);
    CHECK(q.statistics().unfinished == 1);
    const auto r = co_await tandem::move_on_after(1ms, q.join());
    CHECK_FALSE(r.has_value());
    CHECK(q.statistics().waiting_to_join == 0);
    q.task_done();
    co_await q.join();
    CHECK(h.done());
}

TANDEM_TEST("queue: the item of a waiting putter counts only once it is in", "[sync][queue][virtual]") {
    tandem::queue<int> q(1);
    q.put_nowait(1);
    auto h = tandem::create_task(put_one(q, 2));
    co_await settle();
    CHECK(q.statistics().unfinished == 1);
    static_cast<void>(q.get_nowait());
    CHECK(q.statistics().unfinished == 2);
    q.task_done();
    q.task_done();
    co_await q.join();
    co_await settle();
    CHECK(h.done());
}

TANDEM_TEST("queue: after shutdown put throws, and get once it is empty", "[sync][queue][virtual]") {
    tandem::queue<int> q;
    q.put_nowait(1);
    q.shutdown();
    CHECK(q.is_shut_down());
    CHECK_THROWS_AS(q.put_nowait(2), tandem::queue_shut_down);
    const std::exception_ptr put = co_await error_of(q.put(2));
    CHECK(is<tandem::queue_shut_down>(put));
    const int n = co_await q.get();
    CHECK(n == 1);
    const std::exception_ptr get = co_await error_of(q.get());
    CHECK(is<tandem::queue_shut_down>(get));
    CHECK_THROWS_AS(q.get_nowait(), tandem::queue_shut_down);
    q.shutdown();
}

TANDEM_TEST("queue: next gives an empty optional once it is shut down and drained",
            "[sync][queue][virtual]") {
    tandem::queue<int> q;
    std::vector<int> seen;
    const auto loop = [](tandem::queue<int>& from, std::vector<int>& to) -> task<> {
        for (;;) {
            const std::optional<int> item = co_await from.next();
            if (!item) break;
            to.push_back(*item);
        }
    };
    auto h = tandem::create_task(loop, std::ref(q), std::ref(seen));
    co_await settle();
    q.put_nowait(1);
    q.put_nowait(2);
    q.shutdown();
    co_await h;
    CHECK(seen == std::vector<int>({1, 2}));
}

TANDEM_TEST("queue: shutdown sends waiting putters and getters away", "[sync][queue][virtual]") {
    tandem::queue<int> full(1);
    full.put_nowait(1);
    auto putter = tandem::create_task(put_one(full, 2));
    tandem::queue<int> empty;
    auto getter = tandem::create_task(get_one(empty));
    co_await settle();
    full.shutdown();
    empty.shutdown();
    const std::exception_ptr p = co_await error_of(putter);
    const std::exception_ptr g = co_await error_of(getter);
    CHECK(is<tandem::queue_shut_down>(p));
    CHECK(is<tandem::queue_shut_down>(g));
    CHECK(full.size() == 1);  // what was inside can still be got
    CHECK(full.get_nowait() == 1);
}

TANDEM_TEST("queue: an immediate shutdown drops what is inside and frees join", "[sync][queue][virtual]") {
    int live = 0;
    tandem::queue<tracked> q;
    for (int i = 0; i < 3; ++i) q.put_nowait(tracked(live));
    CHECK(live == 3);
    const auto joins = [](tandem::queue<tracked>& of) -> task<> { co_await of.join(); };
    auto h = tandem::create_task(joins, std::ref(q));
    co_await settle();
    CHECK_FALSE(h.done());
    q.shutdown(true);
    CHECK(live == 0);
    co_await settle();
    CHECK(h.done());
    CHECK(q.empty());
}

TANDEM_TEST("queue: an immediate shutdown leaves join waiting for what was taken before",
            "[sync][queue][virtual]") {
    tandem::queue<int> q;
    q.put_nowait(1);
    q.put_nowait(2);
    static_cast<void>(q.get_nowait());
    const auto joins = [](tandem::queue<int>& of) -> task<> { co_await of.join(); };
    auto h = tandem::create_task(joins, std::ref(q));
    co_await settle();
    q.shutdown(true);
    co_await settle();
    CHECK_FALSE(h.done());
    q.task_done();
    co_await settle();
    CHECK(h.done());
}

TANDEM_TEST("queue: a waiting putter cancelled in the turn of shutdown", "[sync][queue][virtual]") {
    for (const bool cancel_first : {true, false}) {
        tandem::queue<int> q(1);
        q.put_nowait(1);
        auto h = tandem::create_task(put_one(q, 2));
        co_await settle();
        if (cancel_first) h.cancel();
        q.shutdown();
        if (!cancel_first) h.cancel();
        co_await settle();
        CHECK(h.cancelled() == cancel_first);
        if (!cancel_first) CHECK(is<tandem::queue_shut_down>(h.exception()));
        CHECK(q.size() == 1);
    }
}

TANDEM_TEST("queue: holds move-only items and frees what is left in it", "[sync][queue][virtual]") {
    int live = 0;
    {
        tandem::queue<std::unique_ptr<tracked>> q(2);
        co_await q.put(std::make_unique<tracked>(live));
        co_await q.put(std::make_unique<tracked>(live));
        const auto put_more = [](tandem::queue<std::unique_ptr<tracked>>& to, int& count) -> task<> {
            co_await to.put(std::make_unique<tracked>(count));
        };
        auto h = tandem::create_task(put_more, std::ref(q), std::ref(live));
        co_await settle();
        CHECK(live == 3);
        h.cancel();
        co_await settle();
        CHECK(live == 2);  // the cancelled putter's item went with it
        auto one = co_await q.get();
        CHECK(live == 2);
    }
    CHECK(live == 0);
}

TANDEM_TEST("queue: many producers and consumers lose nothing and keep each producer's order",
            "[sync][queue][virtual]") {
    tandem::queue<std::pair<int, int>> q(3);
    std::vector<std::vector<int>> seen(4);
    const auto produce = [](tandem::queue<std::pair<int, int>>& to, int who) -> task<> {
        for (int i = 0; i < 200; ++i) {
            co_await to.put(std::pair<int, int>(who, i));
            if (i % 7 == who) co_await tandem::this_task::checkpoint();
        }
    };
    const auto consume = [](tandem::queue<std::pair<int, int>>& from,
                            std::vector<std::vector<int>>& to) -> task<> {
        for (;;) {
            const auto item = co_await from.next();
            if (!item) break;
            to[static_cast<std::size_t>(item->first)].push_back(item->second);
        }
    };
    co_await tandem::with_task_group([&](tandem::task_group& consumers) -> task<> {
        consumers.create_task(consume(q, seen));
        consumers.create_task(consume(q, seen));
        co_await tandem::with_task_group([&](tandem::task_group& producers) -> task<> {
            for (int i = 0; i < 4; ++i) producers.create_task(produce(q, i));
            co_return;
        });
        q.shutdown();
    });
    for (const auto& of_one : seen) CHECK(of_one.size() == 200);
}

// ---- the other two

TANDEM_TEST("lifo_queue: the newest first", "[sync][queue][virtual][asyncio:test_order]") {
    tandem::lifo_queue<int> q(3);
    for (const int n : {1, 3, 2}) q.put_nowait(n);
    CHECK(q.full());
    CHECK(q.get_nowait() == 2);
    CHECK(q.get_nowait() == 3);
    const int last = co_await q.get();
    CHECK(last == 1);
}

TANDEM_TEST("priority_queue: the smallest first, equal ones in order of arrival",
            "[sync][queue][virtual][asyncio:test_order]") {
    tandem::priority_queue<int> q;
    for (const int n : {5, 1, 4, 1, 3, 9, 2}) q.put_nowait(n);
    std::vector<int> got;
    while (!q.empty()) got.push_back(q.get_nowait());
    CHECK(got == std::vector<int>({1, 1, 2, 3, 4, 5, 9}));
    tandem::priority_queue<job> jobs;
    for (const char* const name : {"a", "b", "c", "d", "e"}) jobs.put_nowait(job(7, name));
    jobs.put_nowait(job(1, "first"));
    std::string order;
    while (!jobs.empty()) order += jobs.get_nowait().name();
    CHECK(order == "firstabcde");
    co_return;
}

TANDEM_TEST("priority_queue: 2,000 items in random order, with gets in between", "[sync][queue][virtual]") {
    tandem::priority_queue<int> q;
    unsigned state = 12345;
    int last = -1;
    for (int i = 0; i < 2000; ++i) {
        state = state * 1664525u + 1013904223u;
        q.put_nowait(static_cast<int>(state >> 8) % 1000);
        if (i % 3 == 0) static_cast<void>(q.get_nowait());
    }
    while (!q.empty()) {
        const int n = q.get_nowait();
        CHECK(n >= last);
        last = n;
    }
    co_return;
}

TANDEM_TEST("priority_queue: if the order throws, the put has failed and the item is not inside",
            "[sync][queue][virtual]") {
    struct dislikes_7 {
        bool operator()(int a, int b) const {
            if (a == 7) throw std::domain_error("7");
            return a < b;
        }
    };
    tandem::priority_queue<int, dislikes_7> q;
    q.put_nowait(5);
    q.put_nowait(3);
    CHECK_THROWS_AS(q.put_nowait(7), std::domain_error);
    CHECK(q.size() == 2);
    CHECK(q.get_nowait() == 3);
    CHECK(q.get_nowait() == 5);
    co_return;
}

TANDEM_TEST("priority_queue: an order of one's own, and move-only items", "[sync][queue][virtual]") {
    tandem::priority_queue<int, std::greater<>> q;
    for (const int n : {1, 3, 2}) q.put_nowait(n);
    CHECK(q.get_nowait() == 3);
    tandem::priority_queue<std::unique_ptr<int>> owned;
    owned.put_nowait(std::make_unique<int>(1));
    owned.put_nowait(std::make_unique<int>(2));
    auto p = co_await owned.get();
    CHECK(p != nullptr);
}

TANDEM_TEST("priority_queue: a waiting putter's item takes its place by priority", "[sync][queue][virtual]") {
    tandem::priority_queue<int> q(2);
    q.put_nowait(5);
    q.put_nowait(6);
    const auto put = [](tandem::priority_queue<int>& to, int n) -> task<> { co_await to.put(n); };
    auto h = tandem::create_task(put(q, 1));
    co_await settle();
    CHECK(q.get_nowait() == 5);
    CHECK(q.get_nowait() == 1);
    CHECK(q.get_nowait() == 6);
    co_await settle();
    CHECK(h.done());
}

TANDEM_TEST("lifo_queue and priority_queue: join, shutdown and next work as with queue",
            "[sync][queue][virtual][asyncio:test_task_done][asyncio:test_join_empty_queue]") {
    tandem::lifo_queue<int> l;
    tandem::priority_queue<int> p;
    co_await l.join();
    co_await p.join();
    l.put_nowait(1);
    p.put_nowait(1);
    l.shutdown();
    p.shutdown();
    auto a = co_await l.next();
    auto b = co_await p.next();
    CHECK(a == 1);
    CHECK(b == 1);
    a = co_await l.next();
    b = co_await p.next();
    CHECK_FALSE(a.has_value());
    CHECK_FALSE(b.has_value());
    l.task_done();
    p.task_done();
    co_await l.join();
    co_await p.join();
}
