// tandem - the failures that a group or a combinator collects
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <exception>
#include <vector>

#include <tandem/core/loop_core.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

using failure_list = std::vector<std::exception_ptr>;

/// Adds a failure; one for which there is no memory is at least reported.
inline void note_failure(failure_list& failures, const std::exception_ptr& e, loop_core& loop) noexcept {
    try {
        failures.push_back(e);
    } catch (...) {
        loop.report_suppressed(e);
    }
}

/// True for an exception that is there already: a task that awaits the handle of another fails with that
/// one's. The first are looked at, so that a thousand failures in one turn cost no million comparisons.
inline bool is_noted(const failure_list& failures, const std::exception_ptr& e) noexcept {
    constexpr std::size_t looked_at = 32;
    const std::size_t count = failures.size() < looked_at ? failures.size() : looked_at;
    for (std::size_t i = 0; i < count; ++i) {
        if (failures[i] == e) return true;
    }
    return false;
}

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
