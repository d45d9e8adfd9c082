// tandem benchmarks - what a point of the trace costs, switched off and on
// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/this_task.hpp>
#include <tandem/trace/recording.hpp>

#include "groups.hpp"
#include "tandem_run.hpp"

namespace {

using bench::meter;
using bench::sample;
using tandem::detail::trace_kind;

sample events(std::size_t operations) {
    meter m;
    for (std::size_t i = 0; i < operations; ++i) {
        tandem::detail::trace_point(trace_kind::task_suspended, &m, "nothing");
        asm volatile("" ::: "memory");
    }
    return m.wall(operations);
}

sample recorded_events(std::size_t operations) {
    tandem::trace::recording all;
    for (std::size_t i = 0; i < 65'536; ++i) tandem::trace::instant("touches the ring");
    return events(operations);
}

sample nothing(std::size_t operations) {
    meter m;
    for (std::size_t i = 0; i < operations; ++i) asm volatile("" ::: "memory");
    return m.wall(operations);
}

tandem::task<sample> yields(std::size_t operations) {
    co_await tandem::this_task::checkpoint();
    meter m;
    for (std::size_t i = 0; i < operations; ++i) co_await tandem::this_task::checkpoint();
    co_return m.wall(operations);
}

sample recorded_yields(std::size_t operations) {
    tandem::trace::recording all;
    for (std::size_t i = 0; i < 65'536; ++i) tandem::trace::instant("touches the ring");
    return contender<yields>(operations);
}

}  // namespace

std::vector<bench::workload> trace_workloads() {
    return {
        {"trace point, nothing recorded", "ns", 10'000'000, events, {{"an empty loop", nothing, {}}}, 0.0},
        {"trace point, recorded", "ns", 1'000'000, recorded_events, {{"an empty loop", nothing, {}}}, 0.0},
        {"yield, one task, two events recorded",
         "ns",
         1'000'000,
         recorded_yields,
         {{"nothing recorded", contender<yields>, {}}},
         0.0},
    };
}
