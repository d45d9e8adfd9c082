// quest - text that goes into HTML and SVG
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace quest::html {

/// The text with the five characters that mean something to HTML replaced, and control characters left out.
std::string escaped(std::string_view text);

/// The number of characters of a text in UTF-8.
std::size_t characters(std::string_view text);
/// The text, or its beginning and an ellipsis if it has more than so many characters.
std::string cut(std::string_view text, std::size_t longest);

}  // namespace quest::html
