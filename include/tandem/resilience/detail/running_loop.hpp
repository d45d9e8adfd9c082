// tandem - running_loop: the loop whose clock a limit is counted by
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>

#include <tandem/base/error.hpp>
#include <tandem/core/loop_core.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// `call`: who asks, as in "rate_limiter::try_acquire". Errors: `invalid_state_error` if no loop runs.
inline loop_core& running_loop(const char* call) {
    if (loop_core* const loop = loop_core::current()) return *loop;
    throw invalid_state_error(std::string("tandem::") + call +
                              ": no loop is running here; call it from a task or a callback of the loop");
}

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
