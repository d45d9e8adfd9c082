// tandem benchmarks - bench_pipeline: how near to their bound pipelines run, and what a stage costs
// SPDX-License-Identifier: BSL-1.0
#include <support/suite.hpp>

#include "groups.hpp"

int main(int argc, char** argv) {
    std::vector<bench::workload> all;
    for (auto group : {bounds_workloads, overhead_workloads, talk_workloads}) {
        for (bench::workload& w : group()) all.push_back(std::move(w));
    }
    return bench::run_suite("bench_pipeline", std::move(all), argc, argv);
}
