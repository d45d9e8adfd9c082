// tandem - behaviour of shield
// SPDX-License-Identifier: BSL-1.0
#include <tandem/tasks/shield.hpp>

#include <memory>
#include <vector>

#include <tandem/sync/event.hpp>
#include <tandem/sync/queue.hpp>
#include <tandem/tasks/create_task.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/task_group.hpp>
#include <tandem/tasks/timeout.hpp>

#include "support/probes.hpp"
#include "support/tandem_test.hpp"

using namespace std::chrono_literals;
using namespace tandem_test;
using tandem::task;

namespace {

task<> see_no_stop(bool& saw) {
    saw = tandem::this_task::stop_requested();
    co_await tandem::sleep(10ms);
    saw = saw || tandem::this_task::stop_requested();
}

}  // namespace

TANDEM_TEST("shield: gives the result, also of what never suspends",
            "[tasks][shield][virtual][asyncio:test_shield_result][asyncio:test_shield_shortcut]") {
    const int n = co_await tandem::shield(value_after(1ms, 42));
    CHECK(n == 42);
    const int m = co_await tandem::shield(value_now(43));
    CHECK(m == 43);
    int target = 0;
    const auto refer = [](int& t) -> task<int&> { co_return t; };
    int& r = co_await tandem::shield(refer(target));
    CHECK(&r == &target);
    const auto make = []() -> task<std::unique_ptr<int>> { co_return std::make_unique<int>(44); };
    auto owned = co_await tandem::shield(make());
    CHECK(*owned == 44);
}

TANDEM_TEST("shield: an exception passes", "[tasks][shield][virtual][asyncio:test_shield_exception]") {
    const std::exception_ptr e = co_await error_of(tandem::shield(fail_after(1ms)));
    CHECK(is<oops>(e));
    CHECK_FALSE(tandem::this_task::stop_requested());
    const std::exception_ptr at_once = co_await error_of(tandem::shield(fail_now()));
    CHECK(is<oops>(at_once));
}

TANDEM_TEST("shield: a target that is cancelled through its own handle gives cancelled_error",
            "[tasks][shield][virtual][asyncio:test_shield_cancel_inner]") {
    auto inner = tandem::create_task(value_after(1h, 1));
    tandem::this_task::loop().call_later(1ms, [inner] { inner.cancel(); });
    const std::exception_ptr e = co_await error_of(tandem::shield(inner));
    CHECK(is<tandem::cancelled_error>(e));
}

TANDEM_TEST("shield: what is inside runs to its end, its result is delivered, then the task stops",
            "[tasks][shield][virtual][asyncio:test_shield_cancel_outer][asyncio:test_shield_effect]") {
    // asyncio's shield abandons the inner task instead; here it is waited for.
    int result = 0;
    bool after = false;
    const auto body = [](int& to, bool& passed) -> task<> {
        to = co_await tandem::shield(value_after(10ms, 7));
        CHECK(tandem::this_task::stop_requested());
        co_await tandem::this_task::checkpoint();
        passed = true;
    };
    auto h = tandem::create_task(body, std::ref(result), std::ref(after));
    co_await settle();
    h.cancel();
    co_await tandem::sleep(5ms);
    CHECK_FALSE(h.done());
    co_await tandem::sleep(10ms);
    CHECK(result == 7);
    CHECK(h.cancelled());
    CHECK_FALSE(after);
}

TANDEM_TEST("shield: entered by a task that was cancelled before, it runs all the same", "[tasks][shield][virtual]") {
    int result = 0;
    bool saw = true;
    const auto body = [](int& to, bool& seen) -> task<> {
        while (!tandem::this_task::stop_requested()) co_await tandem::shield(tandem::sleep(1ms));
        co_await tandem::shield(see_no_stop(seen));
        to = co_await tandem::shield(value_after(10ms, 7));
        co_await tandem::this_task::checkpoint();
        to = -1;
    };
    auto h = tandem::create_task(body, std::ref(result), std::ref(saw));
    co_await settle();
    h.cancel();
    co_await tandem::sleep(50ms);
    CHECK(result == 7);
    CHECK_FALSE(saw);
    CHECK(h.cancelled());
}

TANDEM_TEST("shield: nested shields count; the stop arrives behind the outermost", "[tasks][shield][virtual]") {
    int passed = 0;
    const auto inner = [](int& count) -> task<> {
        co_await tandem::shield(tandem::sleep(5ms));
        ++count;
        co_await tandem::sleep(5ms);
        ++count;
    };
    const auto body = [](auto make, int& count) -> task<> {
        co_await tandem::shield(make(count));
        ++count;
        co_await tandem::this_task::checkpoint();
        ++count;
    };
    auto h = tandem::create_task(body(inner, passed));
    co_await settle();
    h.cancel();
    co_await tandem::sleep(20ms);
    CHECK(passed == 3);
    CHECK(h.cancelled());
}

TANDEM_TEST("shield: an exception from inside is thrown although the task was cancelled", "[tasks][shield][virtual]") {
    bool caught = false;
    const auto body = [](bool& flag) -> task<> {
        try {
            co_await tandem::shield(fail_after(10ms));
        } catch (const oops&) {
            flag = true;
        }
        co_await tandem::this_task::checkpoint();
        flag = false;
    };
    auto h = tandem::create_task(body, std::ref(caught));
    co_await settle();
    h.cancel();
    co_await tandem::sleep(20ms);
    CHECK(caught);
    CHECK(h.cancelled());
}

TANDEM_TEST("shield: a group and its children inside do not see the stop", "[tasks][shield][virtual]") {
    int ends = 0;
    const auto grouped = [](int& count) -> task<> {
        co_await tandem::with_task_group([&](tandem::task_group& g) -> task<> {
            const auto child = [](int& c) -> task<> {
                co_await tandem::sleep(10ms);
                CHECK_FALSE(tandem::this_task::stop_requested());
                ++c;
            };
            g.create_task(child(count));
            co_await child(count);
        });
    };
    const auto body = [](auto make, int& count) -> task<> { co_await tandem::shield(make(count)); };
    auto h = tandem::create_task(body(grouped, ends));
    co_await settle();
    h.cancel();
    co_await tandem::sleep(20ms);
    CHECK(ends == 2);
    CHECK(h.done());
    CHECK_FALSE(h.cancelled());  // nothing suspended after the shield: it ended with its value
}

TANDEM_TEST("shield: a child of a group that is cancelled is waited for", "[tasks][shield][virtual]") {
    int ends = 0;
    const auto child = [](int& count) -> task<> { co_await tandem::shield(sleep_and_count(10ms, count)); };
    const auto start = tandem::this_task::loop().now();
    co_await tandem::with_task_group([&](tandem::task_group& g) -> task<> {
        g.create_task(child(ends));
        co_await settle();
        g.cancel();
    });
    CHECK(ends == 1);
    CHECK(tandem::this_task::loop().now() - start == 10ms);
}

TANDEM_TEST("shield: awaiting a handle in it keeps the wait", "[tasks][shield][virtual]") {
    auto target = tandem::create_task(value_after(10ms, 5));
    int got = 0;
    const auto body = [](tandem::task_handle<int> t, int& to) -> task<> { to = co_await tandem::shield(t); };
    auto h = tandem::create_task(body(target, got));
    co_await settle();
    h.cancel();
    co_await tandem::sleep(20ms);
    CHECK(got == 5);
}

TANDEM_TEST("shield: a stop inside that only the inside asked for stays inside", "[tasks][shield][virtual]") {
    bool timed_out = false;
    try {
        co_await tandem::shield(tandem::timeout(1ms, tandem::sleep(1h)));
    } catch (const tandem::timeout_error&) {
        timed_out = true;
    }
    CHECK(timed_out);
    co_await tandem::this_task::checkpoint();
}

TANDEM_TEST("shield: dropped unawaited it runs nothing and frees what it holds", "[tasks][shield][virtual]") {
    int live = 0;
    const auto keep = [](tracked) -> task<> { co_return; };
    { [[maybe_unused]] const auto dropped = tandem::shield(keep(tracked(live))); }
    CHECK(live == 0);
    co_return;
}

TANDEM_TEST("shield: around a queue's get no item is lost to a cancel", "[tasks][shield][virtual]") {
    tandem::queue<int> q;
    int got = 0;
    const auto body = [](tandem::queue<int>& from, int& to) -> task<> { to = co_await tandem::shield(from.get()); };
    auto h = tandem::create_task(body, std::ref(q), std::ref(got));
    co_await settle();
    h.cancel();
    co_await settle();
    CHECK_FALSE(h.done());
    q.put_nowait(3);
    co_await settle();
    CHECK(got == 3);
    CHECK(h.done());
}
