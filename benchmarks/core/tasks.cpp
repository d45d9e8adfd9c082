// tandem benchmarks - awaiting, starting, gathering and switching tasks
// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/this_task.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/task_group.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/asio/experimental/parallel_group.hpp>

#include <tuple>
#include <utility>
#include <vector>

#include <support/allocations.hpp>
#include <support/fresh_process.hpp>

#include "child_await.hpp"
#include "child_await_asio.hpp"
#include "groups.hpp"

namespace {

using bench::check;
using bench::meter;
using bench::sample;

constexpr std::size_t group_size = 100;

// ---- spawn and join

[[gnu::noinline]] tandem::task<> nothing() { co_return; }

tandem::task<> spawn(std::size_t count) {
    co_await tandem::with_task_group([&](tandem::task_group& group) -> tandem::task<> {
        for (std::size_t i = 0; i < count; ++i) group.create_task(nothing());
        co_return;
    });
}

tandem::task<sample> spawn_groups(std::size_t operations) {
    const std::size_t groups = operations / group_size;
    co_await spawn(group_size);
    meter m;
    for (std::size_t i = 0; i < groups; ++i) co_await spawn(group_size);
    co_return m.wall(groups * group_size);
}

tandem::task<sample> spawn_cold(std::size_t operations) {
    meter m;
    co_await spawn(operations);
    co_return m.wall(operations);
}

tandem::task<sample> spawn_warm(std::size_t operations) {
    tandem::set_frame_cache_limit(std::size_t{1} << 30);
    co_await spawn(operations);
    meter m;
    co_await spawn(operations);
    co_return m.wall(operations);
}

// ---- gather

tandem::task<sample> gather_arguments(std::size_t operations) {
    int sum = co_await child(0);
    meter m(meter::begin::later);
    for (std::size_t i = 0; i <= operations; ++i) {
        auto results = co_await tandem::gather(child(0), child(1), child(2), child(3), child(4), child(5),
                                               child(6), child(7), child(8), child(9));
        sum = std::get<9>(results);
        if (i == 0) m.resume();  // the first one warmed up the frames
    }
    const sample result = m.wall(operations);
    check(sum == 9, "gather");
    co_return result;
}

std::vector<tandem::task<int>> children(std::size_t count) {
    std::vector<tandem::task<int>> tasks;
    tasks.reserve(count);
    for (std::size_t i = 0; i < count; ++i) tasks.push_back(child(static_cast<int>(i)));
    return tasks;
}

/// Counts the allocations of `gather` alone: the vector of tasks is the caller's.
tandem::task<sample> gather_ranges(std::size_t times, std::size_t count) {
    int last = 0;
    double allocated = 0;
    meter m(meter::begin::later);
    for (std::size_t i = 0; i <= times; ++i) {
        auto tasks = children(count);
        const double before = static_cast<double>(bench::allocation_count);
        auto results = co_await tandem::gather(std::move(tasks));
        allocated += static_cast<double>(bench::allocation_count) - before;
        last = results.back();
        if (i != 0) continue;
        allocated = 0;
        m.resume();
    }
    sample result = m.wall(times);
    check(last == static_cast<int>(count) - 1, "gather of a range");
    result.allocations = allocated / static_cast<double>(times);
    co_return result;
}

tandem::task<sample> gather_range(std::size_t operations) {
    const sample result = co_await gather_ranges(operations, 10);
    co_return result;
}

constexpr std::size_t many = 10'000;

tandem::task<sample> gather_many(std::size_t operations) {
    sample result = co_await gather_ranges(operations / many + 1, many);
    result.cost /= many;
    result.allocations /= many;
    co_return result;
}

// ---- letting others run

tandem::task<> yields(std::size_t times) {
    for (std::size_t i = 0; i < times; ++i) co_await tandem::this_task::checkpoint();
}

tandem::task<sample> yield_alone(std::size_t operations) {
    co_await yields(10);
    meter m;
    co_await yields(operations);
    co_return m.wall(operations);
}

tandem::task<> two_yield(std::size_t times) {
    co_await tandem::with_task_group([&](tandem::task_group& group) -> tandem::task<> {
        group.create_task(yields(times));
        group.create_task(yields(times));
        co_return;
    });
}

tandem::task<sample> yield_in_turn(std::size_t operations) {
    co_await two_yield(10);
    meter m;
    co_await two_yield(operations / 2);
    co_return m.wall(operations);
}

}  // namespace

// ---- the same with Boost.Asio

namespace peer {
namespace {

[[gnu::noinline]] awaitable<void> nothing() { co_return; }

awaitable<void> spawn(executor ex, std::size_t count) {
    countdown all(ex, count);
    for (std::size_t i = 0; i < count; ++i) asio::co_spawn(ex, nothing(), all.one());
    co_await all.wait();
}

awaitable<sample> spawn_groups(executor ex, std::size_t operations) {
    const std::size_t groups = operations / group_size;
    co_await spawn(ex, group_size);
    meter m;
    for (std::size_t i = 0; i < groups; ++i) co_await spawn(ex, group_size);
    co_return m.wall(groups * group_size);
}

awaitable<sample> spawn_cold(executor ex, std::size_t operations) {
    meter m;
    co_await spawn(ex, operations);
    co_return m.wall(operations);
}

awaitable<sample> spawn_warm(executor ex, std::size_t operations) {
    co_await spawn(ex, operations);
    meter m;
    co_await spawn(ex, operations);
    co_return m.wall(operations);
}

awaitable<sample> gather_arguments(executor ex, std::size_t operations) {
    namespace experimental = asio::experimental;
    const auto start = [ex](int i) { return asio::co_spawn(ex, child(i), asio::deferred); };
    int last = co_await child(0);
    meter m(meter::begin::later);
    for (std::size_t i = 0; i <= operations; ++i) {
        auto group = experimental::make_parallel_group(start(0), start(1), start(2), start(3), start(4),
                                                       start(5), start(6), start(7), start(8), start(9));
        auto results = co_await group.async_wait(experimental::wait_for_one_error(), use_awaitable);
        last = std::get<20>(results);  // after the order: an exception and a value for each
        if (i == 0) m.resume();
    }
    const sample result = m.wall(operations);
    check(last == 9, "gather");
    co_return result;
}

awaitable<sample> gather_ranges(executor ex, std::size_t times, std::size_t count) {
    namespace experimental = asio::experimental;
    using operation = decltype(asio::co_spawn(ex, child(0), asio::deferred));
    int last = 0;
    meter m(meter::begin::later);
    for (std::size_t i = 0; i <= times; ++i) {
        std::vector<operation> operations;
        operations.reserve(count);
        for (std::size_t k = 0; k < count; ++k) {
            operations.push_back(asio::co_spawn(ex, child(static_cast<int>(k)), asio::deferred));
        }
        auto group = experimental::make_parallel_group(std::move(operations));
        auto results = co_await group.async_wait(experimental::wait_for_one_error(), use_awaitable);
        last = std::get<2>(results).back();
        if (i == 0) m.resume();
    }
    const sample result = m.wall(times);
    check(last == static_cast<int>(count) - 1, "gather of a range");
    co_return result;
}

awaitable<sample> gather_range(executor ex, std::size_t operations) {
    const sample result = co_await gather_ranges(ex, operations, 10);
    co_return result;
}

awaitable<sample> gather_many(executor ex, std::size_t operations) {
    sample result = co_await gather_ranges(ex, operations / many + 1, many);
    result.cost /= many;
    co_return result;
}

awaitable<void> yields(executor ex, std::size_t times) {
    for (std::size_t i = 0; i < times; ++i) co_await asio::post(ex, use_awaitable);
}

awaitable<sample> yield_alone(executor ex, std::size_t operations) {
    co_await yields(ex, 10);
    meter m;
    co_await yields(ex, operations);
    co_return m.wall(operations);
}

awaitable<void> two_yield(executor ex, std::size_t times) {
    countdown both(ex, 2);
    asio::co_spawn(ex, yields(ex, times), both.one());
    asio::co_spawn(ex, yields(ex, times), both.one());
    co_await both.wait();
}

awaitable<sample> yield_in_turn(executor ex, std::size_t operations) {
    co_await two_yield(ex, 10);
    meter m;
    co_await two_yield(ex, operations / 2);
    co_return m.wall(operations);
}

}  // namespace
}  // namespace peer

std::vector<bench::workload> task_workloads() {
    using bench::fresh;
    return {
        {"child await",
         "ns",
         2'000'000,
         contender<child_await>,
         {{"asio awaitable", peer::contender<peer::child_await>, 1.5}},
         0.0},
        {"depth 1000, per level",
         "ns",
         1'000'000,
         contender<deep_await>,
         {{"asio awaitable", peer::contender<peer::deep_await>, {}}},
         {}},
        {"spawn and join, 10,000 groups of 100",
         "ns",
         1'000'000,
         contender<spawn_groups>,
         {{"asio co_spawn and a count", peer::contender<peer::spawn_groups>, 12}},
         0.0},
        {"spawn and join, 1,000,000 cold",
         "ns",
         1'000'000,
         fresh<contender<spawn_cold>>,
         {{"asio co_spawn and a count", fresh<peer::contender<peer::spawn_cold>>, 3}},
         {}},
        {"spawn and join, 1,000,000 warm, frame cache raised",
         "ns",
         1'000'000,
         fresh<contender<spawn_warm>>,
         {{"asio co_spawn and a count", fresh<peer::contender<peer::spawn_warm>>, {}}},
         0.0},
        {"gather of 10",
         "ns",
         50'000,
         contender<gather_arguments>,
         {{"asio parallel_group", peer::contender<peer::gather_arguments>, 12}},
         0.0},
        {"gather of 10 from a range",
         "ns",
         50'000,
         contender<gather_range>,
         {{"asio parallel_group", peer::contender<peer::gather_range>, {}}},
         1.0},
        {"gather of 10,000, per child",
         "ns",
         50'000,
         contender<gather_many>,
         {{"asio parallel_group", peer::contender<peer::gather_many>, {}}},
         {}},
        {"yield, one task",
         "ns",
         1'000'000,
         contender<yield_alone>,
         {{"asio post", peer::contender<peer::yield_alone>, 7}},
         0.0},
        {"yield, two tasks in turn",
         "ns",
         1'000'000,
         contender<yield_in_turn>,
         {{"asio post", peer::contender<peer::yield_in_turn>, 7}},
         0.0},
    };
}
