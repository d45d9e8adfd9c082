// quest - files that stand whole or not at all
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>

namespace quest {

/// What a file is called until it is whole; `path` itself if that is no file, as a pipe or a terminal.
std::string unfinished_name(const std::string& path);

/// Writes a file that stands whole or not at all; a link stays one.
/// Errors: `std::runtime_error`, naming the file.
void write_file(const std::string& path, const std::string& text);

}  // namespace quest
