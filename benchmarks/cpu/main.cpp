// tandem benchmarks - bench_cpu: work for other threads, beside Boost.Asio, oneTBB, std::async and Python
// SPDX-License-Identifier: BSL-1.0
#include <support/suite.hpp>

#include "groups.hpp"

int main(int argc, char** argv) {
    std::vector<bench::workload> all;
    for (auto group : {handover_workloads, compute_workloads, squares_workloads}) {
        for (bench::workload& w : group()) all.push_back(std::move(w));
    }
    return bench::run_suite("bench_cpu", std::move(all), argc, argv);
}
