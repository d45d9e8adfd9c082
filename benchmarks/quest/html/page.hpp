// quest - the HTML report: one file that needs no network
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../run_record.hpp"

#include <string>
#include <string_view>

namespace quest::html {

/// The whole page. Readable without script, in light and dark, narrow and wide, and printed in grey.
/// `json`: the same numbers for programs, embedded and offered for download; `trace`: the Chrome trace as
/// seen from the page, empty if none was written.
std::string page(const run_record& run, std::string_view json, std::string_view trace);

}  // namespace quest::html
