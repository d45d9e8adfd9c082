// tandem benchmarks - the answer of a workload is checked, by the same rule for every contender
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <stdexcept>
#include <string>

namespace bench {

inline void check(bool holds, const char* what) {
    if (!holds) throw std::runtime_error(std::string("wrong answer: ") + what);
}

}  // namespace bench
