// tandem benchmarks - timeouts, sleeping, cancelling what sleeps
// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/sleep.hpp>
#include <tandem/core/this_task.hpp>
#include <tandem/tasks/task_group.hpp>
#include <tandem/tasks/timeout.hpp>

#include "asio_peer.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>

#include <random>
#include <utility>
#include <variant>
#include <vector>

#include "groups.hpp"
#include "tandem_run.hpp"

namespace {

using bench::check;
using bench::meter;
using bench::sample;
using namespace std::chrono_literals;

constexpr std::size_t sleepers = 1000;
constexpr std::chrono::microseconds longest(100'000);
constexpr std::chrono::milliseconds all_armed(
    20);  // long enough for the timers of all sleepers to stand at once

/// The same delays for every contender and round.
std::vector<std::chrono::microseconds> random_delays(std::size_t count) {
    std::mt19937 random(1);
    std::vector<std::chrono::microseconds> delays;
    delays.reserve(count);
    for (std::size_t i = 0; i < count; ++i) delays.emplace_back(random() % longest.count());
    return delays;
}

// ---- timeout

[[gnu::noinline]] tandem::task<int> ready_child(int i) { co_return i; }

[[gnu::noinline]] tandem::task<int> yielding_child(int i) {
    co_await tandem::this_task::checkpoint();
    co_return i;
}

template <tandem::task<int> (*Child)(int)>
tandem::task<sample> limited(std::size_t operations) {
    std::size_t sum = static_cast<std::size_t>(co_await tandem::timeout(10s, Child(0)));
    meter m;
    for (std::size_t i = 0; i < operations; ++i) {
        sum += static_cast<std::size_t>(co_await tandem::timeout(10s, Child(1)));
    }
    const sample result = m.wall(operations);
    check(sum == operations, "timeout");
    co_return result;
}

// ---- cancel

tandem::task<> sleep_for(std::chrono::nanoseconds delay) { co_await tandem::sleep(delay); }

tandem::task<sample> cancel(std::size_t operations) {
    const std::size_t times = operations / sleepers + 1;
    meter m(meter::begin::later);
    for (std::size_t i = 0; i <= times; ++i) {
        co_await tandem::with_task_group([&](tandem::task_group& group) -> tandem::task<> {
            for (std::size_t k = 0; k < sleepers; ++k) group.create_task(sleep_for(10s + k * 1s));
            co_await tandem::this_task::checkpoint();
            if (i != 0) m.resume();
            group.cancel();
        });
        if (i != 0) m.pause();
    }
    co_return m.wall(times * sleepers);
}

// ---- sleep

tandem::task<> sleep_often(std::size_t times, std::chrono::microseconds delay) {
    for (std::size_t i = 0; i < times; ++i) co_await tandem::sleep(delay);
}

tandem::task<> all_sleep_often(std::size_t tasks, std::size_t times, std::chrono::microseconds delay) {
    co_await tandem::with_task_group([&](tandem::task_group& group) -> tandem::task<> {
        for (std::size_t i = 0; i < tasks; ++i) group.create_task(sleep_often(times, delay));
        co_return;
    });
}

template <std::size_t Tasks>
tandem::task<sample> short_sleeps(std::size_t operations) {
    const std::size_t times = operations / Tasks + 1;
    co_await all_sleep_often(Tasks, 1, all_armed);
    meter m;
    co_await all_sleep_often(Tasks, times, 1us);
    co_return m.cpu(times * Tasks);
}

tandem::task<sample> concurrent_sleeps(std::size_t operations) {
    const auto delays = random_delays(operations);
    meter m;
    co_await tandem::with_task_group([&](tandem::task_group& group) -> tandem::task<> {
        for (const auto delay : delays) group.create_task(sleep_for(delay));
        co_return;
    });
    co_return m.cpu(operations);
}

}  // namespace

// ---- the same with Boost.Asio

namespace peer {
namespace {

[[gnu::noinline]] awaitable<int> ready_child(executor, int i) { co_return i; }

[[gnu::noinline]] awaitable<int> yielding_child(executor ex, int i) {
    co_await asio::post(ex, use_awaitable);
    co_return i;
}

template <awaitable<int> (*Child)(executor, int)>
awaitable<sample> limited(executor ex, std::size_t operations) {
    using namespace asio::experimental::awaitable_operators;
    std::size_t sum = 0;
    meter m;
    for (std::size_t i = 0; i < operations; ++i) {
        timer limit(ex, 10s);
        auto either = Child(ex, 1) || limit.async_wait(use_awaitable);
        const auto first = co_await std::move(either);
        sum += static_cast<std::size_t>(std::get<0>(first));
    }
    const sample result = m.wall(operations);
    check(sum == operations, "timeout");
    co_return result;
}

// Without the exception that a cancelled wait throws: the cheaper form.
awaitable<void> sleep_for(executor ex, std::chrono::nanoseconds delay) {
    timer t(ex, delay);
    co_await t.async_wait(asio::as_tuple(use_awaitable));
}

awaitable<sample> cancel(executor ex, std::size_t operations) {
    const std::size_t times = operations / sleepers + 1;
    std::vector<asio::cancellation_signal> signals(sleepers);
    meter m(meter::begin::later);
    for (std::size_t i = 0; i <= times; ++i) {
        countdown all(ex, sleepers);
        for (std::size_t k = 0; k < sleepers; ++k) {
            asio::co_spawn(ex, sleep_for(ex, 10s + k * 1s),
                           asio::bind_cancellation_slot(signals[k].slot(), all.one()));
        }
        for (int turn = 0; turn < 3; ++turn) co_await asio::post(ex, use_awaitable);
        if (i != 0) m.resume();
        for (asio::cancellation_signal& signal : signals) signal.emit(asio::cancellation_type::terminal);
        co_await all.wait();
        if (i != 0) m.pause();
    }
    co_return m.wall(times * sleepers);
}

awaitable<void> sleep_often(executor ex, std::size_t times, std::chrono::microseconds delay) {
    timer t(ex);
    for (std::size_t i = 0; i < times; ++i) {
        t.expires_after(delay);
        co_await t.async_wait(use_awaitable);
    }
}

awaitable<void> all_sleep_often(executor ex, std::size_t tasks, std::size_t times,
                                std::chrono::microseconds delay) {
    countdown all(ex, tasks);
    for (std::size_t i = 0; i < tasks; ++i) asio::co_spawn(ex, sleep_often(ex, times, delay), all.one());
    co_await all.wait();
}

template <std::size_t Tasks>
awaitable<sample> short_sleeps(executor ex, std::size_t operations) {
    const std::size_t times = operations / Tasks + 1;
    co_await all_sleep_often(ex, Tasks, 1, all_armed);
    meter m;
    co_await all_sleep_often(ex, Tasks, times, 1us);
    co_return m.cpu(times * Tasks);
}

awaitable<sample> concurrent_sleeps(executor ex, std::size_t operations) {
    const auto delays = random_delays(operations);
    meter m;
    countdown all(ex, operations);
    for (const auto delay : delays) asio::co_spawn(ex, sleep_for(ex, delay), all.one());
    co_await all.wait();
    co_return m.cpu(operations);
}

}  // namespace
}  // namespace peer

std::vector<bench::workload> time_workloads() {
    return {
        {"timeout around a ready child",
         "ns",
         50'000,
         contender<limited<ready_child>>,
         {{"asio || with a timer", peer::contender<peer::limited<peer::ready_child>>, 40}},
         0.0},
        {"timeout around a yielding child",
         "ns",
         50'000,
         contender<limited<yielding_child>>,
         {{"asio || with a timer", peer::contender<peer::limited<peer::yielding_child>>, {}}},
         0.0},
        {"cancel of 1,000 suspended children, per child",
         "ns",
         100'000,
         contender<cancel>,
         {{"asio cancellation_signal", peer::contender<peer::cancel>, 10}},
         0.0},
        {"sleep, one task",
         "ns CPU",
         10'000,
         contender<short_sleeps<1>>,
         {{"asio timer, reused", peer::contender<peer::short_sleeps<1>>, {}}},
         0.0},
        {"sleep, 1,000 tasks",
         "ns CPU",
         50'000,
         contender<short_sleeps<sleepers>>,
         {{"asio timer, reused", peer::contender<peer::short_sleeps<sleepers>>, {}}},
         0.0},
        {"100,000 concurrent sleeps of 0 to 100 ms, spawned",
         "ns CPU",
         100'000,
         contender<concurrent_sleeps>,
         {{"asio timers", peer::contender<peer::concurrent_sleeps>, {}}},
         {}},
    };
}
