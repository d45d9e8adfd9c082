// tandem - behaviour of timeout with a time_limit
// SPDX-License-Identifier: BSL-1.0
#include <tandem/tasks/time_limit.hpp>

#include <memory>
#include <vector>

#include <tandem/sync/event.hpp>
#include <tandem/sync/queue.hpp>
#include <tandem/tasks/create_task.hpp>
#include <tandem/tasks/finally.hpp>
#include <tandem/tasks/shield.hpp>

#include "support/probes.hpp"
#include "support/tandem_test.hpp"

using namespace std::chrono_literals;
using namespace tandem_test;
using tandem::task;
using tandem::time_limit;

namespace {

tandem::time_point now() { return tandem::this_task::loop().now(); }

/// Counts items until the queue says nothing for longer than the limit.
task<> count_items(tandem::queue<int>& items, time_limit& idle, int& count) {
    for (;;) {
        static_cast<void>(co_await items.get());
        ++count;
        CHECK(idle.reschedule(10ms));
    }
}

}  // namespace

TANDEM_TEST("time_limit: left alone it is a timeout, from the first suspension or up to a point",
            "[tasks][time_limit][virtual]") {
    const auto start = now();
    time_limit relative(10ms);
    CHECK_FALSE(relative.when());
    const auto e1 = co_await error_of(tandem::timeout(relative, tandem::sleep(1s)));
    CHECK(is<tandem::timeout_error>(e1));
    CHECK(now() - start == 10ms);
    CHECK(relative.expired());

    time_limit absolute(start + 15ms);
    CHECK(absolute.when() == start + 15ms);
    const auto e2 = co_await error_of(tandem::timeout(absolute, tandem::sleep(1s)));
    CHECK(is<tandem::timeout_error>(e2));
    CHECK(now() - start == 15ms);

    time_limit none;
    const int v = co_await tandem::timeout(none, value_after(1h, 3));
    CHECK(v == 3);
    CHECK_FALSE(none.when());
    CHECK_FALSE(none.expired());
}

TANDEM_TEST("time_limit: with each sign of life the end moves; it fires when they cease",
            "[tasks][time_limit][virtual]") {
    tandem::queue<int> items;
    time_limit idle(10ms);
    int count = 0;
    const auto produce = [](tandem::queue<int>& to) -> task<> {
        for (int i = 0; i < 100; ++i) {
            co_await tandem::sleep(9ms);
            co_await to.put(i);
        }
    };
    const auto start = now();
    tandem::create_task(produce, std::ref(items));
    const auto e = co_await error_of(tandem::timeout(idle, count_items(items, idle, count)));
    CHECK(is<tandem::timeout_error>(e));
    CHECK(count == 100);
    CHECK(now() - start == 100 * 9ms + 10ms);
    CHECK(idle.expired());
    CHECK(tandem::this_task::loop().statistics().timers == 0);
}

TANDEM_TEST("time_limit: the end moves later, earlier, away and back, from another task",
            "[tasks][time_limit][virtual][asyncio:test_reschedule]") {
    time_limit limit(10ms);
    const auto start = now();
    const auto mover = [](time_limit& of, tandem::time_point from) -> task<> {
        co_await tandem::sleep(5ms);
        CHECK(of.when() == from + 10ms);
        CHECK(of.reschedule(from + 40ms));
        CHECK(of.when() == from + 40ms);
        co_await tandem::sleep(15ms);
        CHECK(of.reschedule(tandem::time_point::max()));
        CHECK_FALSE(of.when());
        co_await tandem::sleep(80ms);
        CHECK(of.reschedule(100ms));
        CHECK(of.when() == from + 200ms);
        CHECK(of.reschedule(50ms));
        CHECK(of.when() == from + 150ms);
    };
    tandem::create_task(mover, std::ref(limit), start);
    const auto e3 = co_await error_of(tandem::timeout(limit, tandem::sleep(1h)));
    CHECK(is<tandem::timeout_error>(e3));
    CHECK(now() - start == 150ms);
    CHECK(tandem::this_task::loop().statistics().timers == 0);
}

TANDEM_TEST("time_limit: an end that is past stops the body where it waits", "[tasks][time_limit][virtual]") {
    time_limit limit;
    tandem::event never_set;
    const auto start = now();
    const auto mover = [](time_limit& of) -> task<> {
        co_await tandem::sleep(3ms);
        CHECK(of.reschedule(-1s));
        CHECK_FALSE(of.reschedule(1s));  // too late: it was told to stop
    };
    tandem::create_task(mover, std::ref(limit));
    const auto e4 = co_await error_of(tandem::timeout(limit, never_set.wait()));
    CHECK(is<tandem::timeout_error>(e4));
    CHECK(now() - start == 3ms);
    CHECK(never_set.statistics().waiting == 0);
}

TANDEM_TEST("time_limit: moved by the body itself, before and after its first suspension",
            "[tasks][time_limit][virtual]") {
    time_limit limit(1ms);
    const auto body = [](time_limit& of) -> task<int> {
        CHECK(of.reschedule(20ms));  // before anything is armed
        co_await tandem::sleep(10ms);
        CHECK(tandem::this_task::remaining() == 10ms);
        CHECK(of.reschedule(30ms));
        CHECK(tandem::this_task::remaining() == 30ms);
        co_await tandem::sleep(20ms);
        CHECK(of.reschedule(0ms));
        CHECK(tandem::this_task::stop_requested());
        co_return 7;
    };
    const int v = co_await tandem::timeout(limit, body(limit));
    CHECK(v == 7);  // a value it has in spite of its stop is delivered
    CHECK_FALSE(limit.expired());
    CHECK(tandem::this_task::loop().statistics().timers == 0);
}

TANDEM_TEST("time_limit: once it has fired, or the body has ended, it is too late to move it",
            "[tasks][time_limit][virtual]") {
    time_limit limit(5ms);
    bool moved = true;
    const auto cleanup = [&limit, &moved]() -> task<> {
        moved = limit.reschedule(1h);
        co_await tandem::sleep(5ms);
    };
    const auto body = [](const auto& clean) -> task<> { co_await tandem::finally(tandem::sleep(1s), clean); };
    const auto start = now();
    const auto e5 = co_await error_of(tandem::timeout(limit, body(cleanup)));
    CHECK(is<tandem::timeout_error>(e5));
    CHECK_FALSE(moved);
    CHECK(now() - start == 10ms);

    const int v = co_await tandem::timeout(limit, value_now(1));
    CHECK(v == 1);
    CHECK(limit.reschedule(1s));  // that is for the next one
    CHECK_FALSE(limit.expired());
    const auto e6 = co_await error_of(tandem::timeout(limit, tandem::sleep(1h)));
    CHECK(is<tandem::timeout_error>(e6));
    CHECK(now() - start == 1010ms);
}

TANDEM_TEST("time_limit: a cancel from outside is no expiry", "[tasks][time_limit][virtual]") {
    time_limit limit(1s);
    const auto limited = [](time_limit& by) -> task<> { co_await tandem::timeout(by, tandem::sleep(1h)); };
    auto h = tandem::create_task(limited, std::ref(limit));
    co_await settle();
    CHECK(limit.reschedule(2s));
    h.cancel();
    CHECK_FALSE(limit.reschedule(3s));
    const auto e7 = co_await error_of(h);
    CHECK(is<tandem::cancelled_error>(e7));
    CHECK_FALSE(limit.expired());
    const int v = co_await tandem::timeout(limit, value_after(1ms, 1));  // free again
    CHECK(v == 1);
}

TANDEM_TEST("time_limit: does not cut through a shield; moved meanwhile it may not fire at all",
            "[tasks][time_limit][virtual]") {
    time_limit limit(5ms);
    const auto body = [](time_limit& of) -> task<int> {
        co_await tandem::shield(tandem::sleep(4ms));
        CHECK(of.reschedule(10ms));
        const int v = co_await tandem::shield(value_after(8ms, 4));
        co_await tandem::sleep(1ms);
        co_return v;
    };
    const int v = co_await tandem::timeout(limit, body(limit));
    CHECK(v == 4);
}

TANDEM_TEST("time_limit: one for two awaits at a time is refused, and the second body never runs",
            "[tasks][time_limit][virtual]") {
    time_limit limit(1s);
    int live = 0;
    bool ran = false;
    const auto inner = [](tracked, bool& to) -> task<> {
        to = true;
        co_return;
    };
    const auto nested = [&inner](time_limit& by, int& objects, bool& to) -> task<> {
        co_await tandem::timeout(by, inner(tracked(objects), to));
    };
    const auto e = co_await error_of(tandem::timeout(limit, nested(limit, live, ran)));
    CHECK(is<tandem::invalid_state_error>(e));
    CHECK(text_of(e) == "tandem::timeout: the time_limit limits another await already; give each its own");
    CHECK_FALSE(ran);
    CHECK(live == 0);
}

TANDEM_TEST("time_limit: references and move-only values pass through, and a dropped one frees it",
            "[tasks][time_limit][virtual]") {
    int there = 1;
    const auto refer = [](int& to) -> task<int&> { co_return to; };
    const auto make = []() -> task<std::unique_ptr<int>> { co_return std::make_unique<int>(2); };
    time_limit limit(1s);
    int& same = co_await tandem::timeout(limit, refer(there));
    CHECK(&same == &there);
    const auto owned = co_await tandem::timeout(limit, make());
    CHECK(*owned == 2);
    {
        [[maybe_unused]] auto dropped = tandem::timeout(limit, refer(there));
        CHECK_FALSE(limit.reschedule(1s));
        CHECK_FALSE(limit.when());
    }
    CHECK(limit.reschedule(1s));
}
