// quest - numbers as text
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>
#include <vector>

#include "chapter_result.hpp"

namespace quest {

std::string with_decimals(double value, int decimals);
std::string in_seconds(seconds t);       ///< "1.234 s"
std::string in_milliseconds(seconds t);  ///< "0.12 ms"
std::string in_percent(double share);    ///< "97.3 %"
/// "1.25 s", "12.5 ms", "840 us": three digits that matter.
std::string in_three_digits(seconds t);
/// "3 runs, 1.23 s to 1.27 s"; "1 run".
std::string spread_of(const std::vector<seconds>& runs);

}  // namespace quest
