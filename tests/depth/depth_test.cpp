// tandem - depth: millions of ready children and very deep chains on the stack that a thread has
// SPDX-License-Identifier: BSL-1.0
#include <tandem/testing/test_loop.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <tuple>
#include <utility>
#include <vector>

#include <tandem/core/sleep.hpp>
#include <tandem/sync/queue.hpp>
#include <tandem/sync/semaphore.hpp>
#include <tandem/tasks/create_task.hpp>
#include <tandem/tasks/finally.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/race.hpp>
#include <tandem/tasks/shield.hpp>
#include <tandem/tasks/task_group.hpp>
#include <tandem/tasks/timeout.hpp>

#include "support/tandem_test.hpp"

using namespace std::chrono_literals;
using tandem::task;

namespace {

#if defined(__OPTIMIZE__) && !TANDEM_SANITIZED
constexpr int many = 2'000'000;
constexpr int deep = 100'000;
constexpr int turns = 1'000'000;
#else
constexpr int many = 200'000;
constexpr int deep = 10'000;
constexpr int turns = 100'000;
#endif

int live = 0;
class counted {
public:
    counted() noexcept { ++live; }
    counted(const counted&) = delete;
    counted& operator=(const counted&) = delete;
    ~counted() { --live; }
};

task<int> ready(int i) { co_return i; }

enum class ends { normally, throwing, never };

task<int> chain(int depth, ends how) {
    const counted here;
    if (depth == 0) {
        if (how == ends::throwing) throw std::runtime_error("from the bottom");
        if (how == ends::never) co_await tandem::sleep(1h);
        co_return 0;
    }
    const int below = co_await chain(depth - 1, how);
    co_return below + 1;
}

task<int> nested_gathers(int depth, ends how) {
    const counted here;
    if (depth == 0) {
        if (how == ends::never) co_await tandem::sleep(1h);
        if (how == ends::throwing) throw std::runtime_error("from the bottom");
        co_return 1;
    }
    auto both = co_await tandem::gather(nested_gathers(depth - 1, how), ready(1));
    auto& [below, one] = both;
    co_return below + one;
}

task<int> nested_timeouts(int depth, ends how) {
    const counted here;
    if (depth == 0) {
        co_await tandem::this_task::checkpoint();
        if (how == ends::never) co_await tandem::sleep(1h);
        co_return 0;
    }
    const int below = co_await tandem::timeout(2h, nested_timeouts(depth - 1, how));
    co_return below + 1;
}

task<int> nested_shields(int depth) {
    if (depth == 0) {
        co_await tandem::sleep(1s);
        co_return 0;
    }
    const int below = co_await tandem::shield(nested_shields(depth - 1));
    co_return below + 1;
}

task<int> nested_groups(int depth, ends how) {
    const counted here;
    if (depth == 0) {
        co_await tandem::this_task::checkpoint();
        if (how == ends::never) co_await tandem::sleep(1h);
        co_return 0;
    }
    const int below = co_await tandem::with_task_group(
        [&](tandem::task_group&) -> task<int> { co_return co_await nested_groups(depth - 1, how); });
    co_return below + 1;
}

task<int> nested_cleanups(int depth, int& cleaned) {
    const counted here;
    if (depth == 0) {
        co_await tandem::sleep(1h);
        co_return 0;
    }
    const auto clean = [&cleaned]() -> task<> {
        ++cleaned;
        co_return;
    };
    const int below = co_await tandem::finally(nested_cleanups(depth - 1, cleaned), clean);
    co_return below + 1;
}

class relay {
public:
    explicit relay(tandem::task_group& group) : group_(group) {}
    task<> run(int left) {
        ++ran;
        if (left > 0) group_.create_task(run(left - 1));
        co_return;
    }
    int ran = 0;

private:
    tandem::task_group& group_;
};

std::vector<task<int>> ready_children(int count) {
    std::vector<task<int>> children;
    children.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) children.push_back(ready(i));
    return children;
}

}  // namespace

TANDEM_TEST("depth: a loop over ready children", "[depth][virtual]") {
    long sum = 0;
    for (int i = 0; i < many; ++i) sum += co_await ready(1);
    CHECK(sum == many);
}

TANDEM_TEST("depth: a loop over children that throw at once", "[depth][virtual]") {
    const auto fails = []() -> task<> {
        throw 1;
        co_return;
    };
    int caught = 0;
    for (int i = 0; i < deep; ++i) {
        try {
            co_await fails();
        } catch (int) {
            ++caught;
        }
    }
    CHECK(caught == deep);
}

TANDEM_TEST("depth: a deep chain of awaits completes", "[depth][virtual]") {
    const int levels = co_await chain(deep, ends::normally);
    CHECK(levels == deep);
    CHECK(live == 0);
}

TANDEM_TEST("depth: an exception passes through a deep chain", "[depth][virtual]") {
    bool caught = false;
    try {
        co_await chain(deep, ends::throwing);
    } catch (const std::runtime_error&) {
        caught = true;
    }
    CHECK(caught);
    CHECK(live == 0);
}

TANDEM_TEST("depth: a deep chain is cancelled", "[depth][virtual]") {
    const auto result = co_await tandem::move_on_after(1s, chain(deep, ends::never));
    CHECK_FALSE(result.has_value());
    CHECK(live == 0);
}

TEST_CASE("depth: a deep chain is cancelled as main", "[depth][virtual]") {
    const auto frames = tandem::detail::live_frames;
    tandem::testing::test_loop loop;
    loop.before_step([&](std::uint64_t step) {
        if (step == 1) loop.cancel_main();
    });
    CHECK_THROWS_AS(loop.run(chain(deep, ends::never)), tandem::cancelled_error);
    CHECK(live == 0);
    CHECK(tandem::detail::live_frames == frames);
}

TANDEM_TEST("depth: gather of very many ready children", "[depth][virtual]") {
    const auto results = co_await tandem::gather(ready_children(deep));
    bool in_order = true;
    for (int i = 0; i < deep; ++i) in_order = in_order && results[static_cast<std::size_t>(i)] == i;
    CHECK(in_order);
    const auto outcomes = co_await tandem::gather(tandem::return_exceptions, ready_children(deep));
    CHECK(outcomes.size() == static_cast<std::size_t>(deep));
    const auto few = co_await tandem::gather(tandem::limit(3), ready_children(deep));
    CHECK(few == results);
    const auto timed = co_await tandem::gather(tandem::within(1h), ready_children(deep));
    CHECK(timed.back().has_value());
}

TANDEM_TEST("depth: nested gathers complete, throw, are cancelled", "[depth][virtual]") {
    const int levels = co_await nested_gathers(deep, ends::normally);
    CHECK(levels == deep + 1);
    bool caught = false;
    try {
        co_await nested_gathers(deep, ends::throwing);
    } catch (const std::runtime_error&) {
        caught = true;
    }
    CHECK(caught);
    CHECK(live == 0);
    const auto none = co_await tandem::move_on_after(1s, nested_gathers(deep, ends::never));
    CHECK_FALSE(none.has_value());
    CHECK(live == 0);
}

TANDEM_TEST("depth: nested timeouts complete and are cancelled", "[depth][virtual]") {
    const int levels = co_await nested_timeouts(deep, ends::normally);
    CHECK(levels == deep);
    const auto none = co_await tandem::move_on_after(1s, nested_timeouts(deep, ends::never));
    CHECK_FALSE(none.has_value());
    CHECK(live == 0);
    CHECK(tandem::this_task::loop().statistics().timers == 0);
}

TANDEM_TEST("depth: timeouts around ready children in a loop", "[depth][virtual]") {
    long sum = 0;
    for (int i = 0; i < many; ++i) sum += co_await tandem::timeout(1h, ready(1));
    CHECK(sum == many);
}

TANDEM_TEST("depth: nested shields", "[depth][virtual]") {
    const int levels = co_await nested_shields(deep);
    CHECK(levels == deep);
    const auto late = co_await tandem::move_on_after(500ms, nested_shields(deep));
    CHECK(late.has_value());
}

TANDEM_TEST("depth: nested groups complete and are cancelled", "[depth][virtual]") {
    const int levels = co_await nested_groups(deep, ends::normally);
    CHECK(levels == deep);
    const auto none = co_await tandem::move_on_after(1s, nested_groups(deep, ends::never));
    CHECK_FALSE(none.has_value());
    CHECK(live == 0);
}

TANDEM_TEST("depth: nested cleanups all run when the chain is cancelled", "[depth][virtual]") {
    int cleaned = 0;
    const auto none = co_await tandem::move_on_after(1s, nested_cleanups(deep, cleaned));
    CHECK_FALSE(none.has_value());
    CHECK(cleaned == deep);
    CHECK(live == 0);
}

TANDEM_TEST("depth: race of very many", "[depth][virtual]") {
    auto first = co_await tandem::race(ready_children(deep));
    CHECK(first.index() == 0);
    std::vector<task<int>> sleepers;
    const auto sleeps = [](int i) -> task<int> {
        co_await tandem::sleep(std::chrono::seconds(deep - i));
        co_return i;
    };
    for (int i = 0; i < deep; ++i) sleepers.push_back(sleeps(i));
    auto last = co_await tandem::race(std::move(sleepers));
    CHECK(last.index() == static_cast<std::size_t>(deep - 1));
    CHECK(tandem::this_task::loop().statistics().timers == 0);
}

TANDEM_TEST("depth: a group of very many children is cancelled", "[depth][virtual]") {
    int destroyed = 0;
    co_await tandem::with_task_group([&](tandem::task_group& group) -> task<> {
        const auto child = [](int& count) -> task<> {
            const std::shared_ptr<int> on_exit(&count, [](int* n) { ++*n; });
            co_await tandem::sleep(1h);
        };
        for (int i = 0; i < deep; ++i) group.create_task(child(destroyed));
        co_await tandem::sleep(1s);
        group.cancel();
    });
    CHECK(destroyed == deep);
}

TANDEM_TEST("depth: tasks that start the next one, each the last thing it does", "[depth][virtual]") {
    int ran = 0;
    co_await tandem::with_task_group([&](tandem::task_group& group) -> task<> {
        relay next(group);
        group.create_task(next.run(deep));
        co_await group.join();
        ran = next.ran;
    });
    CHECK(ran == deep + 1);
}

TANDEM_TEST("depth: semaphore ping-pong", "[depth][virtual]") {
    tandem::semaphore s(1);
    const auto player = [](tandem::semaphore& shared) -> task<> {
        for (int i = 0; i < turns / 2; ++i) {
            auto permit = co_await shared.acquire();
            co_await tandem::this_task::checkpoint();
        }
    };
    co_await tandem::gather(player(s), player(s));
    CHECK(s.value() == 1);
}

TANDEM_TEST("depth: queue ping-pong", "[depth][virtual]") {
    tandem::queue<int> q(1);
    long sum = 0;
    const auto producer = [](tandem::queue<int>& to) -> task<> {
        for (int i = 0; i < turns; ++i) co_await to.put(1);
        to.shutdown();
    };
    const auto consumer = [](tandem::queue<int>& from, long& total) -> task<> {
        for (;;) {
            const auto item = co_await from.next();
            if (!item) co_return;
            total += *item;
        }
    };
    co_await tandem::gather(producer(q), consumer(q, sum));
    CHECK(sum == turns);
}

TANDEM_TEST("depth: very many waiters wake in a row, each by the one before", "[depth][virtual]") {
    tandem::semaphore s(0);
    std::vector<task<>> waiters;
    const auto passes_on = [](tandem::semaphore& from) -> task<> { auto permit = co_await from.acquire(); };
    for (int i = 0; i < deep; ++i) waiters.push_back(passes_on(s));
    const auto starts = [](tandem::semaphore& to) -> task<> {
        to.release();
        co_return;
    };
    waiters.push_back(starts(s));
    co_await tandem::gather(std::move(waiters));
    CHECK(s.value() == 1);
}
