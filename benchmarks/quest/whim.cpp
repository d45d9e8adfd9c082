// SPDX-License-Identifier: BSL-1.0
#include "whim.hpp"

#include <tandem/cpu/cpu_executor.hpp>

#include <algorithm>

#include "numbers.hpp"
#include "support/machine.hpp"

namespace quest {

seconds whim() {
    const double for_each_core = bench::load_average() / static_cast<double>(tandem::available_cores());
    return seconds(0.05) * std::max(1.0, for_each_core);
}

void check_against_bound(chapter_result& result) {
    const seconds allowed = whim();
    const bool holds = result.tandem && result.bound && *result.tandem <= *result.bound * 1.02 + allowed;
    result.check(holds, "tandem is more than 2 % + " + in_milliseconds(allowed) + " above the bound");
}

}  // namespace quest
