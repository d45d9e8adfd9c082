// tandem benchmarks - bench_core: tasks, synchronization, time and sockets beside Boost.Asio
// SPDX-License-Identifier: BSL-1.0
#include <support/suite.hpp>

#include "groups.hpp"

int main(int argc, char** argv) {
    std::vector<bench::workload> all;
    for (auto group : {task_workloads, trampoline_workloads, sync_workloads, time_workloads, tcp_workloads,
                       memory_workloads, trace_workloads}) {
        for (bench::workload& w : group()) all.push_back(std::move(w));
    }
    return bench::run_suite("bench_core", std::move(all), argc, argv);
}
