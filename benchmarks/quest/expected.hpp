// quest - how long the chapters take: announced before they run, and what is left of it while they do
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "chapter_result.hpp"

namespace quest {

class course;

/// What each chapter will take on an idle machine, twins in Python included: at this scale, with so many runs
/// and cores.
namespace expected {
seconds waiting(const course& with);
seconds choosing(const course& with);
seconds wall(const course& with);
seconds parallel(const course& with);
seconds bridge(const course& with);
seconds agent(const course& with);
seconds limits(const course& with);
seconds pipeline(const course& with);
}  // namespace expected

}  // namespace quest
