// tandem benchmarks - the groups of workloads of bench_cpu, one source file each
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <vector>

#include <support/workload.hpp>

std::vector<bench::workload> handover_workloads();
std::vector<bench::workload> compute_workloads();
std::vector<bench::workload> squares_workloads();
