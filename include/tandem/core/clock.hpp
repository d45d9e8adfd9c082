// tandem - the one place that reads time
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstdint>

#include <tandem/base/config.hpp>

namespace tandem::inline TANDEM_ABI {

/// Points of a loop's time: those of the steady clock, or of a virtual clock that starts at zero.
using time_point = std::chrono::steady_clock::time_point;
using duration = std::chrono::steady_clock::duration;

namespace detail {

/// Nanoseconds of the steady clock. The loop alone asks; everybody else asks the loop.
inline std::int64_t steady_now() noexcept {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

inline constexpr std::int64_t never = INT64_MAX;

inline std::int64_t to_ticks(time_point when) noexcept {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(when.time_since_epoch()).count();
}
inline time_point to_time_point(std::int64_t ticks) noexcept {
    return time_point(std::chrono::duration_cast<duration>(std::chrono::nanoseconds(ticks)));
}

/// Nanoseconds of any duration; what does not fit is cut to the largest or smallest tick count,
/// so that `hours::max()` means "never" and not a time in the past. Rounds up: nothing fires early.
/// What is not a number counts as zero, so that a wrong calculation shows and does not hang.
template <class Rep, class Period>
constexpr std::int64_t to_ticks(std::chrono::duration<Rep, Period> d) noexcept {
    using seconds = std::chrono::duration<long double>;
    const long double wanted = std::chrono::duration_cast<seconds>(d).count();
    if (wanted >= 9.2e9L) return never;
    if (wanted <= -9.2e9L) return -never;
    if (wanted != wanted) return 0;
    return std::chrono::ceil<std::chrono::nanoseconds>(d).count();
}

/// `from + delay`, held at "never" instead of overflowing.
constexpr std::int64_t later(std::int64_t from, std::int64_t delay) noexcept {
    if (delay > 0 && from > never - delay) return never;
    if (delay < 0 && from < -never - delay) return -never;
    return from + delay;
}

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
