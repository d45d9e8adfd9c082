// quest - text that goes into HTML and SVG
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../chapter_result.hpp"

#include <string>
#include <string_view>

namespace quest::html {

/// The text with the five characters that mean something to HTML replaced, and control characters left out.
std::string escaped(std::string_view text);

/// 12.346 with two decimals is "12.35"; no trailing zeros are cut, so that columns line up.
std::string fixed(double value, int decimals);

/// "1.25 s", "12.5 ms", "840 us": three digits that matter.
std::string duration(seconds time);

}  // namespace quest::html
