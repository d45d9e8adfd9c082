// tandem - tests of sleep, sleep_until, checkpoint
// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/sleep.hpp>

#include <chrono>
#include <limits>
#include <string>
#include <vector>

#include <tandem/core/this_task.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/timeout.hpp>

#include "support/tandem_test.hpp"

using namespace std::chrono_literals;
using tandem::task;

namespace {

tandem::time_point now() { return tandem::this_task::loop().now(); }

task<> sleeps(std::string& order, char name, std::chrono::nanoseconds time) {
    co_await tandem::sleep(time);
    order += name;
}
task<> yields(std::string& order, char name) {
    co_await tandem::this_task::checkpoint();
    order += name;
}

}  // namespace

TANDEM_TEST("sleep: lasts exactly as long as told", "[core][sleep][virtual]") {
    co_await tandem::sleep(1ns);
    CHECK(now().time_since_epoch() == 1ns);
    co_await tandem::sleep(999ns);
    CHECK(now().time_since_epoch() == 1us);
    co_await tandem::sleep(std::chrono::duration<double>(0.5));
    CHECK(now().time_since_epoch() == 500001us);
}

TANDEM_TEST("sleep: what is shorter than a tick rounds up", "[core][sleep][virtual]") {
    co_await tandem::sleep(std::chrono::duration<double, std::nano>(0.25));
    CHECK(now().time_since_epoch() == 1ns);
}

TANDEM_TEST("sleep: zero and less let others run and take no time", "[core][sleep][virtual]") {
    std::string order;
    const auto busy = [](std::string& to) -> task<> {
        to += 'a';
        co_await tandem::sleep(0s);
        to += 'c';
        co_await tandem::sleep(-1h);
        to += 'e';
    };
    const auto other = [](std::string& to) -> task<> {
        to += 'b';
        co_await tandem::this_task::checkpoint();
        to += 'd';
        co_return;
    };
    co_await tandem::gather(busy(order), other(order));
    CHECK(order == "abcde");
    CHECK(now().time_since_epoch() == 0ns);
}

TANDEM_TEST("sleep: the shortest wakes first, equal ones in order", "[core][sleep][virtual]") {
    std::string order;
    co_await tandem::gather(sleeps(order, 'a', 3s), sleeps(order, 'b', 1s), sleeps(order, 'c', 2s),
                            sleeps(order, 'd', 1s), sleeps(order, 'e', 1s));
    CHECK(order == "bdeca");
}

TANDEM_TEST("sleep: durations beyond the clock mean never", "[core][sleep][virtual]") {
    const auto none = co_await tandem::move_on_after(1h, tandem::sleep(std::chrono::hours::max()));
    CHECK_FALSE(none.has_value());
    CHECK(now().time_since_epoch() == 1h);
    const auto past = co_await tandem::move_on_after(1h, tandem::sleep(std::chrono::hours::min()));
    CHECK(past.has_value());
    CHECK(now().time_since_epoch() == 1h);
    const auto far = co_await tandem::move_on_after(1h, tandem::sleep_until(tandem::time_point::max()));
    CHECK_FALSE(far.has_value());
}

TANDEM_TEST("sleep: what is not a number counts as zero", "[core][sleep][virtual]") {
    using seconds = std::chrono::duration<double>;
    const seconds none(std::numeric_limits<double>::quiet_NaN());
    const seconds endless(std::numeric_limits<double>::infinity());
    co_await tandem::sleep(none);
    const auto cut = co_await tandem::move_on_after(none, tandem::sleep(1s));
    CHECK_FALSE(cut.has_value());
    co_await tandem::sleep(-endless);
    CHECK(now().time_since_epoch() == 0s);
    const auto whole = co_await tandem::move_on_after(endless, tandem::sleep(1s));
    CHECK(whole.has_value());
}

TANDEM_TEST("sleep_until: to the point, at once if it is past", "[core][sleep][virtual]") {
    co_await tandem::sleep_until(tandem::time_point(5s));
    CHECK(now().time_since_epoch() == 5s);
    std::string order;
    const auto late = [](std::string& to) -> task<> {
        co_await tandem::sleep_until(tandem::time_point(1s));
        to += 'a';
    };
    co_await tandem::gather(late(order), yields(order, 'b'));
    CHECK(order.size() == 2);
    CHECK(now().time_since_epoch() == 5s);
}

TANDEM_TEST("sleep: cancelling disarms the timer", "[core][sleep][virtual]") {
    for (int i = 0; i < 1000; ++i) {
        const auto none = co_await tandem::move_on_after(1ms, tandem::sleep(1h));
        CHECK_FALSE(none.has_value());
    }
    CHECK(tandem::this_task::loop().statistics().timers == 0);
    CHECK(now().time_since_epoch() == 1s);
}

TANDEM_TEST("checkpoint: everything that is ready runs before it goes on", "[core][checkpoint][virtual]") {
    std::string order;
    co_await tandem::gather(yields(order, 'a'), yields(order, 'b'), yields(order, 'c'));
    CHECK(order == "abc");
}

TANDEM_TEST("checkpoint: stops a cancelled task", "[core][checkpoint][virtual]") {
    int turns = 0;
    const auto spins = [](int& n) -> task<> {
        for (;;) {
            ++n;
            co_await tandem::this_task::checkpoint();
        }
    };
    const auto child = [](task<> inner) -> task<> { co_await std::move(inner); };
    const auto handle = tandem::create_task(child(spins(turns)));
    for (int i = 0; i < 10; ++i) co_await tandem::this_task::checkpoint();
    handle.cancel();
    co_await tandem::this_task::checkpoint();
    co_await tandem::this_task::checkpoint();
    CHECK(handle.cancelled());
    CHECK(turns >= 9);
    CHECK(turns <= 11);
}
