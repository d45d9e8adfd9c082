// tandem - how often this program has called operator new; counted in rate_limiter_test.cpp
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

namespace tandem_test {

extern std::size_t allocations;

}  // namespace tandem_test
