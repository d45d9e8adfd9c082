// tandem benchmarks - medians and spreads of rounds
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace bench {

struct spread {
    double median = 0;
    double least = 0;
    double most = 0;
};

/// Of at least one value.
inline spread spread_of(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const std::size_t middle = values.size() / 2;
    const double upper = values[middle];
    const double lower = values.size() % 2 ? upper : values[middle - 1];
    return {(lower + upper) / 2, values.front(), values.back()};
}

}  // namespace bench
