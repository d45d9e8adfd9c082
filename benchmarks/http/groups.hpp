// tandem benchmarks - the groups of bench_http
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <support/workload.hpp>

#include <vector>

std::vector<bench::workload> request_workloads();
std::vector<bench::workload> body_workloads();
std::vector<bench::workload> connection_workloads();
