// tandem - behaviour of broadcast
// SPDX-License-Identifier: BSL-1.0
#include <tandem/sync/broadcast.hpp>

#include <memory>
#include <optional>
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

task<> collect(tandem::broadcast<int>& from, std::vector<int>& to, milliseconds each) {
    auto mine = from.subscribe();
    for (;;) {
        const std::optional<int> item = co_await mine.next();
        if (!item) co_return;
        to.push_back(*item);
        if (each > 0ms) co_await tandem::sleep(each);
    }
}
task<> put_one(tandem::broadcast<int>& to, int n) { co_await to.put(n); }

}  // namespace

TANDEM_TEST("broadcast: every subscriber gets every item, in order", "[sync][broadcast][virtual]") {
    tandem::broadcast<int> b;
    std::vector<int> first;
    std::vector<int> second;
    co_await tandem::with_task_group([&](tandem::task_group& g) -> task<> {
        g.create_task(collect(b, first, 0ms));
        g.create_task(collect(b, second, 3ms));
        co_await settle();
        CHECK(b.statistics().subscribers == 2);
        for (int i = 0; i < 5; ++i) co_await b.put(i);
        b.shutdown();
    });
    CHECK(first == std::vector<int>({0, 1, 2, 3, 4}));
    CHECK(second == first);
    CHECK(b.statistics().subscribers == 0);
    CHECK(b.statistics().size == 0);
}

TANDEM_TEST(
    "broadcast: a subscriber gets what is put after it subscribed; without subscribers items go at once",
    "[sync][broadcast][virtual]") {
    tandem::broadcast<int> b;
    co_await b.put(1);
    CHECK(b.statistics().size == 0);
    auto early = b.subscribe();
    co_await b.put(2);
    auto late = b.subscribe();
    co_await b.put(3);
    CHECK(early.lag() == 2);
    CHECK(late.lag() == 1);
    const auto a = co_await early.next();
    const auto c = co_await late.next();
    CHECK(a == 2);
    CHECK(c == 3);
    CHECK(early.lag() == 1);
}

TANDEM_TEST("broadcast: an item is kept until the slowest has taken it", "[sync][broadcast][virtual]") {
    tandem::broadcast<int> b;
    auto fast = b.subscribe();
    auto slow = b.subscribe();
    for (int i = 0; i < 3; ++i) co_await b.put(i);
    for (int i = 0; i < 3; ++i) co_await fast.next();
    CHECK(b.statistics().size == 3);
    co_await slow.next();
    CHECK(b.statistics().size == 2);
}

TANDEM_TEST("broadcast: put waits while the slowest lags too far behind", "[sync][broadcast][virtual]") {
    tandem::broadcast<int> b(2);
    auto slow = b.subscribe();
    co_await b.put(1);
    co_await b.put(2);
    int item = 3;
    CHECK_FALSE(b.try_put(std::move(item)));
    auto h = tandem::create_task(put_one(b, 3));
    co_await settle();
    CHECK_FALSE(h.done());
    CHECK(b.statistics().waiting_to_put == 1);
    const auto first = co_await slow.next();
    CHECK(first == 1);
    co_await settle();
    CHECK(h.done());
    CHECK(b.statistics().size == 2);
    const auto second = co_await slow.next();
    const auto third = co_await slow.next();
    CHECK(second == 2);
    CHECK(third == 3);
}

TANDEM_TEST("broadcast: a slow subscriber that leaves lets waiting putters in",
            "[sync][broadcast][virtual]") {
    tandem::broadcast<int> b(1);
    auto staying = b.subscribe();
    tandem::task_handle<> h;
    {
        auto leaving = b.subscribe();
        co_await b.put(1);
        const auto one = co_await staying.next();
        CHECK(one == 1);
        h = tandem::create_task(put_one(b, 2));
        co_await settle();
        CHECK_FALSE(h.done());
    }
    co_await settle();
    CHECK(h.done());
    const auto two = co_await staying.next();
    CHECK(two == 2);
}

TANDEM_TEST("broadcast: shutdown lets subscribers take what is there, then gives nothing",
            "[sync][broadcast][virtual]") {
    tandem::broadcast<int> b;
    auto mine = b.subscribe();
    co_await b.put(1);
    b.shutdown();
    const auto one = co_await mine.next();
    CHECK(one == 1);
    for (int i = 0; i < 2; ++i) {
        const auto none = co_await mine.next();
        CHECK_FALSE(none.has_value());
    }
    const std::exception_ptr e = co_await error_of(b.put(2));
    CHECK(is<tandem::queue_shut_down>(e));
    int item = 3;
    CHECK_FALSE(b.try_put(std::move(item)));
}

TANDEM_TEST("broadcast: shutdown sends waiting putters away and wakes waiting subscribers",
            "[sync][broadcast][virtual]") {
    tandem::broadcast<int> b(1);
    auto slow = b.subscribe();
    co_await b.put(1);
    auto putter = tandem::create_task(put_one(b, 2));
    tandem::broadcast<int> quiet;
    std::vector<int> seen;
    auto reader = tandem::create_task(collect(quiet, seen, 0ms));
    co_await settle();
    b.shutdown();
    quiet.shutdown();
    const std::exception_ptr e = co_await error_of(putter);
    CHECK(is<tandem::queue_shut_down>(e));
    co_await settle();
    CHECK(reader.done());
    CHECK(seen.empty());
}

TANDEM_TEST("broadcast: a cancelled next skips nothing", "[sync][broadcast][virtual]") {
    tandem::broadcast<int> b;
    auto mine = b.subscribe();
    const std::exception_ptr e = co_await error_of(tandem::timeout(1ms, mine.next()));
    CHECK(is<tandem::timeout_error>(e));
    co_await b.put(1);
    const auto one = co_await mine.next();
    CHECK(one == 1);
}

TANDEM_TEST("broadcast: a subscriber cancelled after it was woken delivers its item, then stops",
            "[sync][broadcast][virtual]") {
    tandem::broadcast<int> b;
    std::vector<int> seen;
    auto h = tandem::create_task(collect(b, seen, 1ms));
    co_await settle();
    co_await b.put(1);
    h.cancel();
    co_await settle();
    CHECK(seen == std::vector<int>({1}));
    CHECK(h.cancelled());
    CHECK(b.statistics().subscribers == 0);
    CHECK(b.statistics().size == 0);
}

TANDEM_TEST("broadcast: a cancelled putter takes its item with it", "[sync][broadcast][virtual]") {
    tandem::broadcast<int> b(1);
    auto mine = b.subscribe();
    co_await b.put(1);
    auto h = tandem::create_task(put_one(b, 2));
    co_await settle();
    h.cancel();
    co_await settle();
    CHECK(h.cancelled());
    CHECK(b.statistics().waiting_to_put == 0);
    co_await mine.next();
    co_await b.put(3);
    const auto three = co_await mine.next();
    CHECK(three == 3);
}

TANDEM_TEST("broadcast: several tasks may share one subscription; each item goes to one of them",
            "[sync][broadcast][virtual]") {
    tandem::broadcast<int> b;
    auto shared = b.subscribe();
    std::vector<int> seen;
    const auto take = [](tandem::broadcast<int>::subscription& from, std::vector<int>& to) -> task<> {
        for (;;) {
            const auto item = co_await from.next();
            if (!item) break;
            to.push_back(*item);
        }
    };
    co_await tandem::with_task_group([&](tandem::task_group& g) -> task<> {
        for (int i = 0; i < 3; ++i) g.create_task(take(shared, seen));
        co_await settle();
        for (int i = 0; i < 10; ++i) co_await b.put(i);
        co_await settle();
        b.shutdown();
    });
    CHECK(seen.size() == 10);
    int sum = 0;
    for (const int n : seen) sum += n;
    CHECK(sum == 45);
}

TANDEM_TEST("broadcast: items are copied out to each and the last copy goes", "[sync][broadcast][virtual]") {
    int live = 0;
    {
        tandem::broadcast<std::shared_ptr<tracked>> b;
        auto one = b.subscribe();
        auto two = b.subscribe();
        co_await b.put(std::make_shared<tracked>(live));
        {
            const auto a = co_await one.next();
            CHECK(live == 1);
        }
        CHECK(live == 1);
        {
            const auto c = co_await two.next();
            CHECK(c.has_value());
        }
        CHECK(live == 0);
        co_await b.put(std::make_shared<tracked>(live));
    }
    CHECK(live == 0);
}

TANDEM_TEST("broadcast: a subscription made by one task is moved into another and misses nothing in between",
            "[sync][broadcast][virtual]") {
    tandem::broadcast<int> b(4);
    const auto read = [](tandem::broadcast<int>::subscription mine) -> task<std::vector<int>> {
        std::vector<int> got;
        while (true) {
            const std::optional<int> item = co_await mine.next();
            if (!item) co_return got;
            got.push_back(*item);
        }
    };
    auto other = b.subscribe();
    auto reader = tandem::create_task(read, b.subscribe());
    CHECK(b.statistics().subscribers == 2);
    co_await b.put(1);  // before the reader has begun
    co_await tandem::sleep(1ms);
    co_await b.put(2);
    b.shutdown();
    const std::vector<int> got = co_await reader;
    CHECK(got == std::vector<int>{1, 2});
    CHECK(b.statistics().subscribers == 1);
    CHECK(other.lag() == 2);
    tandem::broadcast<int>::subscription moved(std::move(other));
    const std::optional<int> first = co_await moved.next();
    CHECK(first == 1);
    CHECK(moved.lag() == 1);
    CHECK(b.statistics().size == 1);
}
