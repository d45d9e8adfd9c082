// quest - pictures made of what the server saw
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>
#include <vector>

#include "chapter_result.hpp"
#include "service.hpp"

namespace quest {

/// A lane for each API: who waited, failed or was cancelled, and when. Times count from `start`.
std::vector<span> lanes_of(const std::vector<seen_request>& log, tandem::time_point start);

/// The same on as few lanes as there were requests at one time: "slot 1", "slot 2".
std::vector<span> slots_of(const std::vector<seen_request>& log, tandem::time_point start);

/// How many requests were in flight, over time.
series in_flight_of(const std::vector<seen_request>& log, tandem::time_point start);

/// How many requests had arrived in the `window` before each moment; refused ones count if `attempts`.
series window_of(const std::vector<seen_request>& log, tandem::time_point start, seconds window,
                 bool attempts);

double peak_of(const series& curve);

}  // namespace quest
