// quest - a run as a page that explains itself
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>

#include "run_record.hpp"

namespace quest {

/// Writes the HTML report; `trace`: the trace written beside it, empty if there is none.
/// Errors: `std::runtime_error`, naming the file.
void write_html(const run_record& run, const std::string& path, const std::string& trace);

}  // namespace quest
