// tandem benchmarks - counts the system calls of a stretch of code, exactly
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <functional>

namespace bench {

/// Runs `body` in a traced child process and gives the number of system calls it made.
/// Errors: `std::runtime_error` if tracing is not allowed here, or the child fails.
std::size_t system_calls_of(const std::function<void()>& body);

}  // namespace bench
