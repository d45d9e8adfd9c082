// quest - what a scheduler may do to a time
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "chapter_result.hpp"

namespace quest {

/// What a time may be above its bound for no reason of ours: 50 ms, and as many times that as there are
/// programs for each core, because we wait for our turn among them.
seconds whim();

/// The time of tandem against the bound: 2 % and a whim are allowed.
void check_against_bound(chapter_result& result);

}  // namespace quest
