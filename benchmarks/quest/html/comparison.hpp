// quest - the times of a chapter beside each other
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../chapter_result.hpp"

#include <string>

namespace quest::html {

/// One horizontal bar for each variant, its median and spread, and the bound as a line.
std::string comparison(const chapter_result& of);

/// A table; columns of numbers, all but the first, stand to the right.
std::string table(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows);

}  // namespace quest::html
