// tandem benchmarks - the groups of workloads of bench_core, one source file each
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <vector>

#include <support/workload.hpp>

std::vector<bench::workload> task_workloads();
std::vector<bench::workload> trampoline_workloads();
std::vector<bench::workload> sync_workloads();
std::vector<bench::workload> time_workloads();
std::vector<bench::workload> tcp_workloads();
std::vector<bench::workload> memory_workloads();
std::vector<bench::workload> trace_workloads();
