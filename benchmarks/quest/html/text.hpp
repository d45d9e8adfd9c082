// quest - text that goes into HTML and SVG
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>
#include <string_view>

namespace quest::html {

/// The text with the five characters that mean something to HTML replaced, and control characters left out.
std::string escaped(std::string_view text);

}  // namespace quest::html
