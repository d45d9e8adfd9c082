// quest - a run of the agent as the report shows it
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>
#include <vector>

#include "agent.hpp"
#include "../chapter_result.hpp"

namespace quest {

/// One lane for each source and each core, the requests in flight and the cores busy.
variant picture_of(std::string name, std::vector<seconds> times, const agent_report& run);

/// A row for each source: how it ended, attempts, times.
panel table_of(std::string title, const agent_report& run);

}  // namespace quest
