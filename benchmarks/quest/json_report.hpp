// quest - a run as JSON, and its lanes as a trace for Perfetto and chrome://tracing
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>

#include "run_record.hpp"

namespace quest {

/// The whole record; times are seconds, what is not known is null.
std::string to_json(const run_record& run);
/// The same on one line and without the lanes and curves of the pictures.
std::string numbers_as_json(const run_record& run);

/// Every variant that has a picture as a process, its lanes as threads, its curves as counters; the
/// variants follow each other in time.
std::string to_trace(const run_record& run);

}  // namespace quest
