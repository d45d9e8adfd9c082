// tandem - behaviour of gather: order, failures, outcomes, limits, time, cancellation
// SPDX-License-Identifier: BSL-1.0
#include <tandem/tasks/gather.hpp>

#include <memory>
#include <ranges>
#include <string>
#include <tuple>
#include <vector>

#include <tandem/sync/event.hpp>
#include <tandem/sync/queue.hpp>
#include <tandem/tasks/create_task.hpp>
#include <tandem/tasks/finally.hpp>
#include <tandem/tasks/shield.hpp>
#include <tandem/tasks/timeout.hpp>

#include "support/probes.hpp"
#include "support/tandem_test.hpp"

using namespace std::chrono_literals;
using namespace tandem_test;
using tandem::task;

namespace {

task<std::unique_ptr<int>> make_owned(int n) {
    co_await tandem::this_task::checkpoint();
    co_return std::make_unique<int>(n);
}
task<int&> refer_to(int& n) {
    co_await tandem::this_task::checkpoint();
    co_return n;
}
task<int> note_and_sleep(std::vector<int>& log, int n, milliseconds delay) {
    log.push_back(n);
    co_await tandem::sleep(delay);
    log.push_back(n + 100);
    co_return n;
}
task<int> count_and_hold(int& now, int& most, int n) {
    ++now;
    if (now > most) most = now;
    co_await tandem::sleep(10ms);
    --now;
    co_return n;
}
task<> slow_cleanup(bool& cleaned) {
    co_await tandem::sleep(50ms);
    cleaned = true;
}
task<> failing_cleanup() {
    co_await tandem::sleep(5ms);
    throw other_oops("in cleanup");
}
task<> sleep_then_clean_slowly(bool& cleaned) {
    const auto cleanup = [&cleaned]() -> task<> { return slow_cleanup(cleaned); };
    co_await tandem::finally(tandem::sleep(1h), cleanup);
}
task<> fail_when_cancelled() {
    const auto cleanup = []() -> task<> { return failing_cleanup(); };
    co_await tandem::finally(tandem::sleep(1h), cleanup);
}

}  // namespace

TANDEM_TEST("gather: results stand in the order of the arguments, whatever ends first",
            "[tasks][gather][virtual][asyncio:test_success][asyncio:test_constructor_heterogenous_futures]") {
    const auto start = tandem::this_task::loop().now();
    const auto r = co_await tandem::gather(value_after(30ms, 1), value_after(10ms, std::string("two")), sleep_for(20ms));
    CHECK(std::get<0>(r) == 1);
    CHECK(std::get<1>(r) == "two");
    CHECK(std::get<2>(r) == std::monostate());
    CHECK(tandem::this_task::loop().now() - start == 30ms);
}

TANDEM_TEST("gather: children start in place, in order, before gather suspends", "[tasks][gather][virtual]") {
    std::vector<int> log;
    co_await tandem::gather(note_and_sleep(log, 1, 3ms), note_and_sleep(log, 2, 2ms), note_and_sleep(log, 3, 1ms));
    CHECK(log == std::vector<int>({1, 2, 3, 103, 102, 101}));
}

TANDEM_TEST("gather: nested gathers start depth first", "[tasks][gather][virtual]") {
    std::vector<int> log;
    co_await tandem::gather(tandem::gather(note(log, 1), note(log, 2)), note(log, 3),
                            tandem::gather(note(log, 4), note(log, 5)));
    CHECK(log == std::vector<int>({1, 2, 3, 4, 5}));
}

TANDEM_TEST("gather: move-only results and references pass through", "[tasks][gather][virtual]") {
    int target = 5;
    auto r = co_await tandem::gather(make_owned(7), refer_to(target));
    CHECK(*std::get<0>(r) == 7);
    std::get<1>(r).get() = 6;
    CHECK(target == 6);
    std::vector<task<std::unique_ptr<int>>> many;
    many.push_back(make_owned(1));
    many.push_back(make_owned(2));
    auto owned = co_await tandem::gather(std::move(many));
    REQUIRE(owned.size() == 2);
    CHECK(*owned[0] + *owned[1] == 3);
}

TANDEM_TEST("gather: of nothing completes at once",
            "[tasks][gather][virtual][asyncio:test_constructor_empty_sequence_use_running_loop]") {
    const auto steps = tandem::this_task::loop().statistics().steps;
    const auto none = co_await tandem::gather();
    CHECK(std::tuple_size_v<std::remove_cvref_t<decltype(none)>> == 0);
    std::vector<task<int>> empty;
    const auto values = co_await tandem::gather(empty);
    CHECK(values.empty());
    const auto outcomes = co_await tandem::gather(tandem::return_exceptions, empty);
    CHECK(outcomes.empty());
    const auto timed = co_await tandem::gather(tandem::within(1s), empty);
    CHECK(timed.empty());
    CHECK(tandem::this_task::loop().statistics().steps == steps);
    const auto limited = co_await tandem::gather(tandem::limit(3), empty);
    CHECK(limited.empty());
}

TANDEM_TEST("gather: of nothing stops a task that was cancelled", "[tasks][gather][virtual]") {
    bool passed = false;
    const auto body = [](bool& after) -> task<> {
        co_await tandem::shield(settle());
        co_await tandem::gather();
        after = true;
    };
    auto h = tandem::create_task(body, std::ref(passed));
    co_await tandem::this_task::checkpoint();
    co_await tandem::this_task::checkpoint();
    h.cancel();
    co_await tandem::sleep(5ms);
    CHECK(h.cancelled());
    CHECK_FALSE(passed);
}

TANDEM_TEST("gather: the first failure cancels and joins the siblings, then is rethrown as it is",
            "[tasks][gather][virtual][asyncio:test_one_exception][corral:allof]") {
    const auto start = tandem::this_task::loop().now();
    int exits = 0;
    bool cleaned = false;
    const std::exception_ptr e = co_await error_of(
        tandem::gather(sleep_and_count(1h, exits), fail_after(10ms, "first"), sleep_then_clean_slowly(cleaned)));
    CHECK(is<oops>(e));
    CHECK(text_of(e) == "first");
    CHECK(exits == 1);
    CHECK(cleaned);
    CHECK(tandem::this_task::loop().now() - start == 60ms);
}

TANDEM_TEST("gather: a child that fails in place keeps the later ones from starting", "[tasks][gather][virtual]") {
    std::vector<int> log;
    const std::exception_ptr e = co_await error_of(tandem::gather(note(log, 1), fail_now(), note(log, 3)));
    CHECK(is<oops>(e));
    CHECK(log == std::vector<int>({1}));
}

TANDEM_TEST("gather: arguments of children that never start are destroyed once", "[tasks][gather][virtual]") {
    int live = 0;
    const auto keep = [](tracked) -> task<> { co_return; };
    const std::exception_ptr e = co_await error_of(tandem::gather(fail_now(), keep(tracked(live)), keep(tracked(live))));
    CHECK(is<oops>(e));
    CHECK(live == 0);
}

TANDEM_TEST("gather: of two failures in one turn one is thrown, the other reported as suppressed",
            "[tasks][gather][virtual]") {
    std::vector<std::string> suppressed;
    collect_suppressed(suppressed);
    const std::exception_ptr e =
        co_await error_of(tandem::gather(fail_after(10ms, "a"), fail_after(10ms, "b"), fail_after(1h, "c")));
    REQUIRE(suppressed.size() == 1);
    CHECK(text_of(e) != suppressed[0]);
    if (!order_is_permuted()) {
        CHECK(text_of(e) == "a");
        CHECK(suppressed[0] == "b");
    }
}

TANDEM_TEST("gather: a sibling that fails while it is cancelled does not mask the first failure",
            "[tasks][gather][virtual]") {
    std::vector<std::string> suppressed;
    collect_suppressed(suppressed);
    const std::exception_ptr e = co_await error_of(tandem::gather(fail_after(10ms, "first"), fail_when_cancelled()));
    CHECK(text_of(e) == "first");
    CHECK(suppressed == std::vector<std::string>({"in cleanup"}));
}

TANDEM_TEST("gather: return_exceptions gives an outcome for each, in order, after the last has ended",
            "[tasks][gather][virtual][asyncio:test_return_exceptions][asyncio:test_result_exception_success]") {
    const auto start = tandem::this_task::loop().now();
    auto r = co_await tandem::gather(tandem::return_exceptions, value_after(20ms, 1), fail_after(10ms), sleep_for(30ms));
    CHECK(std::get<0>(r).value() == 1);
    CHECK(std::get<1>(r).has_exception());
    CHECK(is<oops>(std::get<1>(r).exception()));
    CHECK(std::get<2>(r).has_value());
    CHECK(tandem::this_task::loop().now() - start == 30ms);
}

TANDEM_TEST("gather: return_exceptions of a range keeps the order", "[tasks][gather][virtual]") {
    std::vector<task<int>> tasks;
    for (int i = 0; i < 6; ++i) {
        if (i % 2 == 0) {
            tasks.push_back(value_after(milliseconds(10 - i), i));
        } else {
            tasks.push_back(fail_after(milliseconds(i)));
        }
    }
    const auto r = co_await tandem::gather(tandem::return_exceptions, tasks);
    REQUIRE(r.size() == 6);
    for (int i = 0; i < 6; ++i) {
        const auto& one = r[static_cast<std::size_t>(i)];
        CHECK(one.has_value() == (i % 2 == 0));
        CHECK(one.value_or(-1) == (i % 2 == 0 ? i : -1));
    }
}

TANDEM_TEST("gather: a cancelled handle among the children is an error of that child",
            "[tasks][gather][virtual][asyncio:test_one_cancellation]") {
    auto victim = tandem::create_task(value_after(1h, 1));
    auto other = tandem::create_task(value_after(20ms, 2));
    tandem::this_task::loop().call_later(10ms, [victim] { victim.cancel("enough"); });
    const std::exception_ptr e = co_await error_of(tandem::gather(victim, other));
    CHECK(is<tandem::cancelled_error>(e));
    CHECK_FALSE(other.done());  // the await of it was cancelled, not the task itself
    const int value = co_await other;
    CHECK(value == 2);
}

TANDEM_TEST("gather: with return_exceptions a cancelled handle is one outcome, the others are complete",
            "[tasks][gather][virtual][asyncio:test_result_exception_one_cancellation]") {
    auto victim = tandem::create_task(value_after(1h, 1));
    auto failing = tandem::create_task(fail_after(5ms));
    auto fine = tandem::create_task(value_after(20ms, 3));
    tandem::this_task::loop().call_later(10ms, [victim] { victim.cancel(); });
    const auto r = co_await tandem::gather(tandem::return_exceptions, victim, failing, fine);
    CHECK(is<tandem::cancelled_error>(std::get<0>(r).exception()));
    CHECK(is<oops>(std::get<1>(r).exception()));
    CHECK(std::get<2>(r).value() == 3);
}

TANDEM_TEST("gather: one handle may stand twice", "[tasks][gather][virtual][asyncio:test_duplicate_coroutines]") {
    auto h = tandem::create_task(value_after(5ms, 4));
    const auto r = co_await tandem::gather(h, h);
    CHECK(std::get<0>(r) + std::get<1>(r) == 8);
}

TANDEM_TEST("gather: cancelling it cancels and joins every child",
            "[tasks][gather][virtual][asyncio:test_cancellation_broadcast][corral:mux-cancel]") {
    int exits = 0;
    bool cleaned = false;
    const auto body = [](int& count, bool& done) -> task<> {
        co_await tandem::gather(sleep_and_count(1h, count), sleep_and_count(1h, count), sleep_then_clean_slowly(done));
    };
    auto h = tandem::create_task(body, std::ref(exits), std::ref(cleaned));
    co_await settle();
    CHECK(h.cancel());
    co_await settle();
    CHECK(exits == 2);
    CHECK_FALSE(h.done());  // joins the slow one
    co_await tandem::sleep(50ms);
    CHECK(h.cancelled());
    CHECK(cleaned);
}

TANDEM_TEST("gather: cancelled with return_exceptions it stops, too, instead of giving outcomes",
            "[tasks][gather][virtual][asyncio:test_cancel_gather_1][asyncio:test_cancel_gather_2]") {
    int exits = 0;
    bool after = false;
    const auto body = [](int& count, bool& passed) -> task<> {
        co_await tandem::gather(tandem::return_exceptions, sleep_and_count(1h, count), fail_after(1h));
        passed = true;
    };
    auto h = tandem::create_task(body, std::ref(exits), std::ref(after));
    co_await settle();
    h.cancel();
    co_await settle();
    CHECK(h.cancelled());
    CHECK(exits == 1);
    CHECK_FALSE(after);
}

TANDEM_TEST("gather: what all children had taken when the cancel came is delivered", "[tasks][gather][virtual]") {
    tandem::queue<int> left;
    tandem::queue<int> right;
    int sum = 0;
    const auto body = [](tandem::queue<int>& a, tandem::queue<int>& b, int& total) -> task<> {
        auto r = co_await tandem::gather(a.get(), b.get());
        total = std::get<0>(r) + std::get<1>(r);
        co_await tandem::this_task::checkpoint();
        total = -1;
    };
    auto h = tandem::create_task(body, std::ref(left), std::ref(right), std::ref(sum));
    co_await settle();
    left.put_nowait(1);
    right.put_nowait(2);
    h.cancel();
    co_await settle();
    CHECK(sum == 3);
    CHECK(h.cancelled());
}

TANDEM_TEST("gather: an exception of a child beats the cancellation from outside", "[tasks][gather][virtual]") {
    const auto body = []() -> task<> { co_await tandem::gather(fail_when_cancelled(), sleep_for(1h)); };
    auto h = tandem::create_task(body);
    co_await settle();
    h.cancel();
    const std::exception_ptr e = co_await error_of(h);
    CHECK(is<other_oops>(e));
}

TANDEM_TEST("gather: a child cancelled together with its sibling's failure ends once", "[tasks][gather][virtual]") {
    // Outer cancel and failure in the same turn, in both orders.
    for (const bool cancel_first : {true, false}) {
        tandem::event go;
        int exits = 0;
        const auto failing = [](tandem::event& e) -> task<> {
            co_await e.wait();
            throw oops();
        };
        const auto body = [&](tandem::event& e, int& count) -> task<> {
            co_await tandem::gather(failing(e), sleep_and_count(1h, count));
        };
        auto h = tandem::create_task(body(go, exits));
        co_await settle();
        if (cancel_first) h.cancel();
        go.set();
        if (!cancel_first) h.cancel();
        co_await settle();
        CHECK(h.done());
        CHECK(exits == 1);
        if (cancel_first) {
            CHECK(h.cancelled());
        } else {
            CHECK(is<oops>(h.exception()));  // the event had woken the child before
        }
    }
}

TANDEM_TEST("gather: a shielded child runs to its end, then the gather stops",
            "[tasks][gather][virtual][asyncio:test_gather_shield]") {
    bool ended = false;
    int exits = 0;
    const auto body = [](bool& done, int& count) -> task<> {
        co_await tandem::gather(tandem::shield(slow_cleanup(done)), sleep_and_count(1h, count));
    };
    auto h = tandem::create_task(body, std::ref(ended), std::ref(exits));
    co_await settle();
    h.cancel();
    co_await settle();
    CHECK(exits == 1);
    CHECK_FALSE(h.done());
    co_await tandem::sleep(100ms);
    CHECK(ended);
    CHECK(h.cancelled());
}

TANDEM_TEST("gather: a shield around it keeps the children running",
            "[tasks][gather][virtual][asyncio:test_shield_gather]") {
    int sum = 0;
    const auto body = [](int& total) -> task<> {
        auto r = co_await tandem::shield(tandem::gather(value_after(10ms, 1), value_after(20ms, 2)));
        total = std::get<0>(r) + std::get<1>(r);
    };
    auto h = tandem::create_task(body, std::ref(sum));
    co_await settle();
    h.cancel();
    co_await tandem::sleep(30ms);
    CHECK(sum == 3);
    CHECK(h.done());
}

TANDEM_TEST("gather: limit keeps to its number and to the order of starts", "[tasks][gather][virtual]") {
    int now = 0;
    int most = 0;
    std::vector<int> started;
    std::vector<int> numbers({0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
    const auto start = tandem::this_task::loop().now();
    auto made = numbers | std::views::transform([&](int n) {
                    started.push_back(n);
                    return count_and_hold(now, most, n);
                });
    const auto r = co_await tandem::gather(tandem::limit(3), made);
    CHECK(r == numbers);
    CHECK(most == 3);
    CHECK(started == numbers);
    CHECK(tandem::this_task::loop().now() - start == 40ms);
}

TANDEM_TEST("gather: limit makes the elements of a view only when their turn comes", "[tasks][gather][virtual]") {
    int made = 0;
    auto endless = std::views::iota(0) | std::views::transform([&](int n) {
                       ++made;
                       return n == 5 ? fail_after(1ms) : value_after(1ms, n);
                   });
    const std::exception_ptr e = co_await error_of(tandem::gather(tandem::limit(2), endless));
    CHECK(is<oops>(e));
    CHECK(made <= 7);
}

TANDEM_TEST("gather: limit of 0 is refused", "[tasks][gather][virtual]") {
    CHECK_THROWS_AS(tandem::limit(0), std::invalid_argument);
    co_return;
}

TANDEM_TEST("gather: limit with return_exceptions runs all, in either order of the words", "[tasks][gather][virtual]") {
    std::vector<task<int>> first;
    std::vector<task<int>> second;
    for (int i = 0; i < 4; ++i) {
        first.push_back(i == 1 ? fail_after(1ms) : value_after(1ms, i));
        second.push_back(i == 1 ? fail_after(1ms) : value_after(1ms, i));
    }
    const auto a = co_await tandem::gather(tandem::limit(2), tandem::return_exceptions, first);
    const auto b = co_await tandem::gather(tandem::return_exceptions, tandem::limit(2), second);
    REQUIRE(a.size() == 4);
    REQUIRE(b.size() == 4);
    for (std::size_t i = 0; i < 4; ++i) {
        CHECK(a[i].has_exception() == (i == 1));
        CHECK(b[i].has_exception() == (i == 1));
    }
}

TANDEM_TEST("gather: cancelling a limited one starts nothing more", "[tasks][gather][virtual]") {
    int now = 0;
    int most = 0;
    int made = 0;
    const auto body = [](int& running, int& peak, int& count) -> task<> {
        auto range = std::views::iota(0, 100) | std::views::transform([&](int n) {
                         ++count;
                         return count_and_hold(running, peak, n);
                     });
        co_await tandem::gather(tandem::limit(4), range);
    };
    auto h = tandem::create_task(body, std::ref(now), std::ref(most), std::ref(made));
    co_await settle();
    h.cancel();
    co_await settle();
    CHECK(h.cancelled());
    CHECK(made == 4);
}

TANDEM_TEST("gather: a view that throws while an element is made cancels and joins those that run",
            "[tasks][gather][virtual]") {
    int exits = 0;
    auto range = std::views::iota(0, 5) | std::views::transform([&](int n) -> task<> {
                     if (n == 2) throw other_oops("cannot make it");
                     return sleep_and_count(1h, exits);
                 });
    const std::exception_ptr e = co_await error_of(tandem::gather(tandem::limit(3), range));
    CHECK(is<other_oops>(e));
    CHECK(exits == 2);
}

TANDEM_TEST("gather: within keeps what has finished and cancels the rest when the time is up",
            "[tasks][gather][virtual]") {
    const auto start = tandem::this_task::loop().now();
    int exits = 0;
    auto r = co_await tandem::gather(tandem::within(25ms), value_after(10ms, 1), sleep_and_count(1h, exits),
                                     fail_after(20ms));
    CHECK(std::get<0>(r).value() == 1);
    CHECK(std::get<1>(r).was_cancelled());
    CHECK(std::get<2>(r).has_exception());
    CHECK(exits == 1);
    CHECK(tandem::this_task::loop().now() - start == 25ms);
}

TANDEM_TEST("gather: within joins the cleanup of what it cancelled", "[tasks][gather][virtual]") {
    bool cleaned = false;
    const auto start = tandem::this_task::loop().now();
    auto r = co_await tandem::gather(tandem::within(10ms), sleep_then_clean_slowly(cleaned), value_after(1ms, 1));
    CHECK(cleaned);
    CHECK(std::get<0>(r).was_cancelled());
    CHECK(std::get<1>(r).has_value());
    CHECK(tandem::this_task::loop().now() - start == 60ms);
}

TANDEM_TEST("gather: within ends as soon as all have ended and leaves no timer", "[tasks][gather][virtual]") {
    const auto start = tandem::this_task::loop().now();
    std::vector<task<int>> tasks;
    tasks.push_back(value_after(5ms, 1));
    tasks.push_back(value_now(2));
    const auto r = co_await tandem::gather(tandem::within(1h), tasks);
    CHECK(r[0].value() + r[1].value() == 3);
    CHECK(tandem::this_task::loop().now() - start == 5ms);
    CHECK(tandem::this_task::loop().statistics().timers == 0);
}

TANDEM_TEST("gather: within zero lets each child run up to its first suspension", "[tasks][gather][virtual]") {
    const auto r = co_await tandem::gather(tandem::within(0ms), value_now(1), value_after(1ms, 2));
    CHECK(std::get<0>(r).has_value());
    CHECK(std::get<1>(r).was_cancelled());
}

TANDEM_TEST("gather: within that is cancelled from outside stops", "[tasks][gather][virtual]") {
    int exits = 0;
    const auto body = [](int& count) -> task<> {
        co_await tandem::gather(tandem::within(1h), sleep_and_count(2h, count), value_now(1));
    };
    auto h = tandem::create_task(body, std::ref(exits));
    co_await settle();
    h.cancel();
    co_await settle();
    CHECK(h.cancelled());
    CHECK(exits == 1);
    CHECK(tandem::this_task::loop().statistics().timers == 0);
}

TANDEM_TEST("gather: 20,000 ready children need no stack", "[tasks][gather][virtual]") {
    std::vector<task<int>> tasks;
    for (int i = 0; i < 20'000; ++i) tasks.push_back(value_now(1));
    const auto r = co_await tandem::gather(std::move(tasks));
    long long sum = 0;
    for (const int one : r) sum += one;
    CHECK(sum == 20'000);
}

TANDEM_TEST("gather: a child's task_local is its own", "[tasks][gather][virtual]") {
    static tandem::task_local<int> level(0);
    level.set(1);
    const auto set_and_get = [](int n) -> task<int> {
        const int inherited = level.get();
        level.set(n);
        co_await tandem::this_task::checkpoint();
        co_return inherited * 100 + level.get();
    };
    auto r = co_await tandem::gather(set_and_get(2), set_and_get(3));
    CHECK(std::get<0>(r) == 102);
    CHECK(std::get<1>(r) == 103);
    CHECK(level.get() == 1);
}
