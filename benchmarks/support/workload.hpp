// tandem benchmarks - what is measured: a workload, its contenders, its bars
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "meter.hpp"

namespace bench {

/// Runs a workload with about so many operations and measures it. What it allocates once, it does
/// before the meter starts.
using contender = sample (*)(std::size_t operations);

/// Whom a workload is compared with, and how many times faster tandem must be: peer / tandem.
struct peer {
    std::string name;
    contender run;
    std::optional<double> bar;
};

struct workload {
    std::string name;
    std::string unit;
    std::size_t operations;
    contender tandem;
    std::vector<peer> peers;
    std::optional<double> most_allocations;  // per operation of tandem's; exact, checked in every round
};

/// At most `factor` times the cost of the peer, as the ratio peer / tandem that `bar` holds.
constexpr double at_most(double factor) { return 1 / factor; }

}  // namespace bench
