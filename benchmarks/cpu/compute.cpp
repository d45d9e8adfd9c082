// tandem benchmarks - real parallelism, and how late the loop is meanwhile
// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/sleep.hpp>
#include <tandem/core/this_task.hpp>
#include <tandem/cpu/cpu_executor.hpp>
#include <tandem/cpu/map.hpp>
#include <tandem/cpu/run_in_executor.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/task_group.hpp>

#include <core/tandem_run.hpp>
#include <support/check.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

#include "groups.hpp"

namespace {

using bench::check;
using bench::meter;
using bench::sample;
using namespace std::chrono_literals;

/// A fixed amount of work, about a millisecond here.
std::uint64_t spin(int thousands) {
    std::uint64_t x = 1;
    for (int i = 0; i < thousands * 1000; ++i) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        asm volatile("" : "+r"(x));
    }
    return x;
}
constexpr int a_millisecond = 800;

// ---- 8 jobs of equal size

tandem::task<std::uint64_t> one_job(tandem::executor& pool, int thousands) {
    co_return co_await tandem::run_in_executor(pool, spin, thousands);
}

tandem::task<sample> eight_jobs(std::size_t operations) {
    tandem::cpu_executor pool(2);
    std::vector<tandem::task<std::uint64_t>> jobs;
    for (int i = 0; i < 8; ++i) jobs.push_back(one_job(pool, static_cast<int>(operations)));
    meter m;
    const auto results = co_await tandem::gather(std::move(jobs));
    const sample result = m.wall(1);
    check(results.size() == 8, "eight jobs");
    co_return result;
}

sample eight_in_sequence(std::size_t operations) {
    meter m;
    std::uint64_t sum = 0;
    for (int i = 0; i < 8; ++i) sum += spin(static_cast<int>(operations));
    const sample result = m.wall(1);
    check(sum != 0, "eight in sequence");
    return result;
}

// ---- map over jobs of a millisecond

tandem::task<sample> mapped_milliseconds(std::size_t operations) {
    tandem::cpu_executor pool(2);
    const std::vector<int> work(operations, a_millisecond);
    meter m;
    const auto results = co_await tandem::map(pool, work, spin);
    const sample result = m.wall(operations);
    check(results.size() == operations, "map");
    co_return result;
}

/// What two cores need at least: half of one core's time.
sample half_of_one_core(std::size_t operations) {
    meter m;
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < operations; ++i) sum += spin(a_millisecond);
    sample result = m.wall(operations);
    check(sum != 0, "sequence");
    result.cost /= 2;
    return result;
}

// ---- lateness of a ticker while all workers are busy

tandem::task<> keep_busy(tandem::executor& pool) {
    for (;;) co_await tandem::run_in_executor(pool, spin, 5 * a_millisecond);
}

template <std::size_t LeftForTheLoop>
tandem::task<sample> lateness(std::size_t operations) {
    const std::size_t cores = tandem::available_cores();
    const std::size_t workers = cores > LeftForTheLoop ? cores - LeftForTheLoop : 1;
    tandem::cpu_executor pool(workers);
    std::vector<std::int64_t> late;
    late.reserve(operations);
    co_await tandem::with_task_group([&](tandem::task_group& group) -> tandem::task<> {
        for (std::size_t i = 0; i < 2 * workers; ++i) group.create_task(keep_busy(pool));
        auto& loop = tandem::this_task::loop();
        for (std::size_t i = 0; i < operations; ++i) {
            const auto due = loop.now() + 1ms;
            co_await tandem::sleep_until(due);
            late.push_back((loop.now() - due).count());
        }
        group.cancel();
    });
    std::sort(late.begin(), late.end());
    sample p99;
    p99.cost = static_cast<double>(late[late.size() * 99 / 100]) / 1000;
    co_return p99;
}

}  // namespace

std::vector<bench::workload> compute_workloads() {
    return {
        {"8 jobs of equal size on 2 workers",
         "ns",
         50 * a_millisecond,
         contender<eight_jobs>,
         {{"in sequence", eight_in_sequence, bench::at_most(0.55)}},
         {}},
        {"map over 1,000 jobs of 1 ms on 2 workers",
         "ns",
         1'000,
         contender<mapped_milliseconds>,
         {{"half of one core's time", half_of_one_core, 0.95}},
         {}},
        {"p99 lateness of a 1 ms ticker, workers = cores - 1", "us", 1'000, contender<lateness<1>>, {}, {}},
        {"p99 lateness of a 1 ms ticker, workers = cores", "us", 1'000, contender<lateness<0>>, {}, {}},
    };
}
