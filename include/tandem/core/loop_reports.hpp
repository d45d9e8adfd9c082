// tandem - what a loop tells of itself: failures that nobody awaits, and counts
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <source_location>
#include <string>

#include <tandem/base/config.hpp>

namespace tandem::inline TANDEM_ABI {

/// What failed where nobody awaits it.
struct unhandled_error {
    std::string name;            ///< of the task, or of the call that took a callback
    std::source_location where;  ///< where it was started
    std::exception_ptr exception;
};

struct loop_statistics {
    std::uint64_t drains = 0;  ///< times the loop woke up to run something; a blocked program adds none
    std::uint64_t steps = 0;   ///< resumptions, starts, unwindings and callbacks
    std::size_t timers = 0;    ///< armed now
};

}  // namespace tandem::inline TANDEM_ABI
