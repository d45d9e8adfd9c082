// quest - the picture of a chapter: who waited, who computed, and when
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../chapter_result.hpp"

#include <string>

namespace quest::html {

/// The share of a variant's time in which something waited or received while something else computed, 0 to 1.
/// Empty if nothing is known to have waited, or to have computed.
std::optional<double> overlap(const variant& of);

/// All variants that have spans, one below the other on one time axis, their curves under them, and the bound
/// as a line. Empty if none has any.
std::string swim_lanes(const chapter_result& of);

}  // namespace quest::html
