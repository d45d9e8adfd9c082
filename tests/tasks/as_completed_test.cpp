// tandem - behaviour of as_completed
// SPDX-License-Identifier: BSL-1.0
#include <tandem/tasks/as_completed.hpp>

#include <string>
#include <utility>
#include <vector>

#include <tandem/tasks/create_task.hpp>
#include <tandem/tasks/finally.hpp>
#include <tandem/tasks/timeout.hpp>

#include "support/probes.hpp"
#include "support/tandem_test.hpp"

using namespace std::chrono_literals;
using namespace tandem_test;
using tandem::outcome;
using tandem::task;

namespace {

std::vector<task<int>> three() {
    std::vector<task<int>> tasks;
    tasks.push_back(value_after(30ms, 0));
    tasks.push_back(value_after(10ms, 1));
    tasks.push_back(value_after(20ms, 2));
    return tasks;
}
task<int> clean_slowly(std::vector<int>& log) {
    const auto cleanup = [&log]() -> task<> {
        const auto work = [](std::vector<int>& to) -> task<> {
            co_await tandem::sleep(5ms);
            to.push_back(-1);
        };
        return work(log);
    };
    co_await tandem::finally(tandem::sleep(1h), cleanup);
    co_return 0;
}

}  // namespace

TANDEM_TEST(
    "as_completed: tells each result with its index, in the order of arrival",
    "[tasks][as_completed][virtual][asyncio:test_as_completed][asyncio:test_as_completed_reverse_wait]") {
    std::vector<std::pair<std::size_t, int>> seen;
    const auto start = tandem::this_task::loop().now();
    co_await tandem::as_completed(
        three(), [&](std::size_t index, outcome<int> r) { seen.emplace_back(index, r.value()); });
    REQUIRE(seen.size() == 3);
    CHECK(seen[0].first == 1);
    CHECK(seen[1].first == 2);
    CHECK(seen[2].first == 0);
    for (const auto& one : seen) CHECK(one.second == static_cast<int>(one.first));
    CHECK(tandem::this_task::loop().now() - start == 30ms);
}

TANDEM_TEST("as_completed: results that arrive in one turn are all told",
            "[tasks][as_completed][virtual][asyncio:test_as_completed_concurrent]") {
    std::vector<task<int>> tasks;
    for (int i = 0; i < 5; ++i) tasks.push_back(value_after(1ms, i));
    int sum = 0;
    co_await tandem::as_completed(tasks, [&](std::size_t, outcome<int> r) { sum += r.value(); });
    CHECK(sum == 10);
}

TANDEM_TEST("as_completed: errors are outcomes", "[tasks][as_completed][virtual]") {
    std::vector<task<int>> tasks;
    tasks.push_back(fail_after(2ms));
    tasks.push_back(value_after(1ms, 1));
    tasks.push_back(fail_now());
    std::vector<std::size_t> failed;
    int values = 0;
    co_await tandem::as_completed(tasks, [&](std::size_t index, outcome<int> r) {
        if (r.has_exception()) failed.push_back(index);
        if (r.has_value()) ++values;
    });
    CHECK(failed == std::vector<std::size_t>({2, 0}));
    CHECK(values == 1);
}

TANDEM_TEST("as_completed: children run concurrently and start in a later turn, in order",
            "[tasks][as_completed][virtual]") {
    std::vector<int> log;
    std::vector<task<>> tasks;
    for (int i = 0; i < 4; ++i) tasks.push_back(note(log, i));
    int told = 0;
    co_await tandem::as_completed(tasks, [&](std::size_t, outcome<void>) { ++told; });
    CHECK(told == 4);
    if (!order_is_permuted()) CHECK(log == std::vector<int>({0, 1, 2, 3}));
}

TANDEM_TEST("as_completed: of an empty range ends at once", "[tasks][as_completed][virtual]") {
    std::vector<task<int>> none;
    int told = 0;
    co_await tandem::as_completed(none, [&](std::size_t, outcome<int>) { ++told; });
    CHECK(told == 0);
}

TANDEM_TEST("as_completed: on_each may be a task; results wait meanwhile and none is lost",
            "[tasks][as_completed][virtual]") {
    std::vector<int> seen;
    const auto start = tandem::this_task::loop().now();
    const auto on_each = [&seen](std::size_t, outcome<int> r) -> task<> {
        const auto slow = [](std::vector<int>& to, int n) -> task<> {
            co_await tandem::sleep(50ms);
            to.push_back(n);
        };
        return slow(seen, r.value());
    };
    co_await tandem::as_completed(three(), on_each);
    CHECK(seen == std::vector<int>({1, 2, 0}));
    CHECK(tandem::this_task::loop().now() - start == 160ms);
}

TANDEM_TEST("as_completed: returning false ends early; the rest are cancelled and joined",
            "[tasks][as_completed][virtual]") {
    std::vector<int> log;
    std::vector<task<int>> tasks;
    tasks.push_back(value_after(5ms, 1));
    tasks.push_back(clean_slowly(log));
    const auto start = tandem::this_task::loop().now();
    co_await tandem::as_completed(tasks, [&](std::size_t, outcome<int> r) {
        log.push_back(r.value());
        return false;
    });
    CHECK(log == std::vector<int>({1, -1}));
    CHECK(tandem::this_task::loop().now() - start == 10ms);
}

TANDEM_TEST("as_completed: a task<bool> that gives false ends early, too", "[tasks][as_completed][virtual]") {
    int told = 0;
    const auto on_each = [&told](std::size_t, outcome<int>) -> task<bool> {
        ++told;
        return value_now(told < 2);
    };
    co_await tandem::as_completed(three(), on_each);
    CHECK(told == 2);
}

TANDEM_TEST("as_completed: what on_each throws cancels and joins the children and is rethrown as it is",
            "[tasks][as_completed][virtual]") {
    std::vector<int> log;
    std::vector<task<int>> tasks;
    tasks.push_back(value_after(5ms, 1));
    tasks.push_back(clean_slowly(log));
    const std::exception_ptr e = co_await error_of(
        tandem::as_completed(tasks, [](std::size_t, outcome<int>) { throw other_oops("from on_each"); }));
    CHECK(text_of(e) == "from on_each");
    CHECK(log == std::vector<int>({-1}));
}

TANDEM_TEST("as_completed: a timeout around it keeps what was told and cancels the rest",
            "[tasks][as_completed][virtual][asyncio:test_as_completed_with_timeout]"
            "[asyncio:test_as_completed_with_unused_timeout]") {
    std::vector<int> seen;
    int exits = 0;
    const auto long_one = [](int& count) -> task<int> {
        const counts_exit left(count);
        co_await tandem::sleep(1h);
        co_return 1;
    };
    std::vector<task<int>> tasks;
    tasks.push_back(long_one(exits));
    tasks.push_back(value_after(1ms, 7));
    const std::exception_ptr e = co_await error_of(tandem::timeout(
        10ms, tandem::as_completed(tasks, [&](std::size_t, outcome<int> r) { seen.push_back(r.value()); })));
    CHECK(is<tandem::timeout_error>(e));
    CHECK(seen == std::vector<int>({7}));
    CHECK(exits == 1);
    seen.clear();
    co_await tandem::timeout(
        1h, tandem::as_completed(three(), [&](std::size_t, outcome<int> r) { seen.push_back(r.value()); }));
    CHECK(seen == std::vector<int>({1, 2, 0}));
}

TANDEM_TEST("as_completed: cancelled, it cancels and joins children and a running on_each",
            "[tasks][as_completed][virtual]") {
    std::vector<int> log;
    int exits = 0;
    const auto body = [](std::vector<int>& to, int& count) -> task<> {
        std::vector<task<int>> tasks;
        tasks.push_back(value_now(1));
        tasks.push_back(clean_slowly(to));
        const auto on_each = [&count](std::size_t, outcome<int>) -> task<> {
            return sleep_and_count(1h, count);
        };
        co_await tandem::as_completed(tasks, on_each);
        to.push_back(99);
    };
    auto h = tandem::create_task(body, std::ref(log), std::ref(exits));
    co_await settle();
    h.cancel();
    co_await tandem::sleep(20ms);
    CHECK(h.cancelled());
    CHECK(exits == 1);
    CHECK(log == std::vector<int>({-1}));
}

TANDEM_TEST("as_completed: handles may be given, also one twice",
            "[tasks][as_completed][virtual][asyncio:test_as_completed_duplicate_coroutines]") {
    std::vector<tandem::task_handle<int>> handles;
    handles.push_back(tandem::create_task(value_after(2ms, 1)));
    handles.push_back(tandem::create_task(value_after(1ms, 2)));
    handles.push_back(handles[0]);
    int sum = 0;
    co_await tandem::as_completed(handles, [&](std::size_t, outcome<int> r) { sum += r.value(); });
    CHECK(sum == 4);
}

TANDEM_TEST("as_completed: dropped unawaited it starts nothing", "[tasks][as_completed][virtual]") {
    std::vector<int> log;
    std::vector<task<>> tasks;
    tasks.push_back(note(log, 1));
    {
        [[maybe_unused]] const auto dropped =
            tandem::as_completed(std::move(tasks), [](std::size_t, outcome<void>) {});
    }
    co_await settle();
    CHECK(log.empty());
}

namespace {

/// Throws when it is moved for the n-th time.
class fragile {
public:
    explicit fragile(int moves) : left_(moves) {}
    fragile(fragile&& other) : left_(other.left_ - 1) {
        if (left_ == 0) throw oops("moved");
    }

private:
    int left_;
};

}  // namespace

TANDEM_TEST("as_completed: a result that throws when it is moved is an error, wherever that happens",
            "[tasks][as_completed][virtual]") {
    const auto gives = [](int moves) -> task<fragile> {
        co_await tandem::sleep(1ms);
        co_return fragile(moves);
    };
    int told = 0;
    int failed = 0;
    for (int moves = 1; moves <= 12; ++moves) {
        std::vector<task<fragile>> one;
        one.push_back(gives(moves));
        try {
            co_await tandem::as_completed(std::move(one),
                                          [&told](std::size_t, tandem::outcome<fragile>) { ++told; });
        } catch (const oops&) {
            ++failed;
        }
    }
    CHECK(told + failed == 12);
    CHECK(told != 0);
    CHECK(failed != 0);
}
