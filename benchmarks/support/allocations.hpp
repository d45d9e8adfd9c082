// tandem benchmarks - counts what the program allocates
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>

namespace bench {

/// Calls so far of any `operator new`, and of `std::aligned_alloc`, which Asio uses for handlers.
/// Counted by allocations.cpp, which a program links once.
extern std::uint64_t allocation_count;

}  // namespace bench
