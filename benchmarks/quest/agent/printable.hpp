// quest - text from anywhere, for a terminal
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>
#include <string_view>

namespace quest::text {

/// The text with blanks for what a terminal takes for commands, and with U+FFFD for what is no UTF-8.
std::string printable(std::string_view text);

}  // namespace quest::text
