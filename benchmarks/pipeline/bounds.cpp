// tandem benchmarks - pipelines beside the least time that their slowest stage could take
// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/sleep.hpp>
#include <tandem/cpu/cpu_executor.hpp>
#include <tandem/pipeline/pipeline.hpp>

#include <core/tandem_run.hpp>
#include <support/check.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

#include "groups.hpp"
#include "work.hpp"

namespace {

using bench::check;
using bench::meter;
using bench::sample;
using namespace std::chrono_literals;
using std::chrono::nanoseconds;

tandem::task<int> wait(int n, nanoseconds time) {
    co_await tandem::sleep(time);
    co_return n;
}
tandem::task<int> pass(int n) { co_return n; }
tandem::task<> end(int) { co_return; }

int compute(int n, std::uint64_t steps) { return n + static_cast<int>(spin(steps) == 0); }

sample constant(double cost) {
    sample s;
    s.cost = cost;
    return s;
}

// ---- bound by waiting: 20 slots of 10 ms each, a core that is hardly used

constexpr std::size_t io_slots = 20;
constexpr auto io_time = 10ms;

tandem::task<sample> io_bound(std::size_t operations) {
    const std::vector<int> items = numbers(operations);
    tandem::cpu_executor pool(1);
    const auto fetch = [](int n) { return wait(n, io_time); };
    const auto process = [steps = steps_in_a_millisecond() / 50](int n) { return compute(n, steps); };
    auto line = tandem::pipeline("io", items)
                    .io("fetch", fetch, tandem::stage_options().concurrency(io_slots))
                    .cpu("process", pool, process)
                    .sink("store", end);
    meter m;
    const tandem::pipeline_report report = co_await line.run();
    const sample result = m.wall(operations);
    check(report.stored == operations, "io-bound");
    co_return result;
}

sample io_limit(std::size_t operations) {
    const std::size_t waves = (operations + io_slots - 1) / io_slots;
    return constant(static_cast<double>(waves) * static_cast<double>(nanoseconds(io_time).count()) /
                    static_cast<double>(operations));
}

// ---- bound by computing: 1 ms each, on all cores

tandem::task<sample> cpu_bound(std::size_t operations) {
    const std::vector<int> items = numbers(operations);
    tandem::cpu_executor pool(tandem::available_cores());
    const auto process = [steps = steps_in_a_millisecond()](int n) { return compute(n, steps); };
    auto line = tandem::pipeline("cpu", items)
                    .io("fetch", pass, tandem::stage_options().concurrency(4))
                    .cpu("process", pool, process)
                    .sink("store", end);
    meter m;
    const tandem::pipeline_report report = co_await line.run();
    const sample result = m.wall(operations);
    check(report.stored == operations, "cpu-bound");
    co_return result;
}

/// One core's time for the work, over the cores.
double one_core_over_all(std::size_t operations) {
    std::uint64_t sum = 0;
    meter m;
    for (std::size_t i = 0; i < operations; ++i) sum += spin(steps_in_a_millisecond());
    const sample result = m.wall(operations);
    check(sum != 0, "one core");
    return result.cost / static_cast<double>(tandem::available_cores());
}
sample cpu_limit(std::size_t operations) { return constant(one_core_over_all(operations)); }

// ---- both: waits of 5 to 15 ms that keep all cores just busy, queues of 32

constexpr nanoseconds varied(int n) {
    const std::uint64_t mixed = (static_cast<std::uint64_t>(n) + 1) * 0x9e3779b97f4a7c15u;
    return 5ms + nanoseconds(static_cast<std::int64_t>((mixed >> 32) * 10'000'000 >> 32));
}
std::size_t balanced_slots() { return 10 * tandem::available_cores(); }

tandem::task<sample> balanced(std::size_t operations) {
    const std::vector<int> items = numbers(operations);
    tandem::cpu_executor pool(tandem::available_cores());
    const auto fetch = [](int n) { return wait(n, varied(n)); };
    const auto process = [steps = steps_in_a_millisecond()](int n) { return compute(n, steps); };
    auto line = tandem::pipeline("balanced", items)
                    .io("fetch", fetch, tandem::stage_options().concurrency(balanced_slots()).unordered())
                    .cpu("process", pool, process, tandem::stage_options().queue(32).unordered())
                    .sink("store", end, tandem::stage_options().queue(32));
    meter m;
    const tandem::pipeline_report report = co_await line.run();
    const sample result = m.wall(operations);
    check(report.stored == operations, "balanced");
    co_return result;
}

sample balanced_limit(std::size_t operations) {
    nanoseconds waits{0};
    for (const int n : numbers(operations)) waits += varied(n);
    const double per_item =
        static_cast<double>(waits.count()) / static_cast<double>(operations * balanced_slots());
    return constant(std::max(per_item, one_core_over_all(operations)));
}

}  // namespace

std::vector<bench::workload> bounds_workloads() {
    return {
        {"I/O-bound, 10 ms in 20 slots, per item",
         "ns",
         2'000,
         contender<io_bound>,
         {{"its bound", io_limit, 0.97}},
         {}},
        {"CPU-bound, 1 ms on all cores, per item",
         "ns",
         1'000,
         contender<cpu_bound>,
         {{"one core's time / cores", cpu_limit, 0.97}},
         {}},
        {"balanced, 5 to 15 ms and 1 ms of a core, queues of 32, per item",
         "ns",
         2'000,
         contender<balanced>,
         {{"its bound", balanced_limit, 0.95}},
         {}},
    };
}
