// quest - how the report looks
// SPDX-License-Identifier: BSL-1.0
#pragma once

namespace quest::html {

/// The style sheet of the page.
extern const char* const style;

}  // namespace quest::html
