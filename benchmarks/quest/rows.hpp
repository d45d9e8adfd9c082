// quest - the run in the form of the other suites: tandem against a peer, and whether the bar holds
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <support/rounds.hpp>

#include <vector>

#include "run_record.hpp"

namespace quest {

/// For each chapter its times against the bound, the sequential way, and Python's. Bars are meant for
/// `--scale 1`: at a larger one the same scheduler's whims weigh more.
std::vector<bench::row> rows_of(const run_record& run);

}  // namespace quest
