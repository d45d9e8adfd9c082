// tandem benchmarks - the groups of workloads of bench_pipeline, one source file each
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <vector>

#include <support/workload.hpp>

std::vector<bench::workload> bounds_workloads();
std::vector<bench::workload> overhead_workloads();
std::vector<bench::workload> talk_workloads();
