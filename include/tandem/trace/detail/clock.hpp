// tandem - the clock of a recording: the processor's counter, set by the steady clock
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

#include <tandem/base/detail/trace_point.hpp>
#include <tandem/core/clock.hpp>
#include <tandem/core/loop_core.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// One moment on both clocks.
struct trace_clock {
    std::uint64_t counter = 0;
    std::int64_t steady_time = 0;

    /// The reading that took least, of a few.
    static trace_clock read() noexcept {
        trace_clock best;
        std::uint64_t least = UINT64_MAX;
        for (int i = 0; i < 8; ++i) {
            const std::uint64_t before = trace_cursor::ticks();
            const std::int64_t time = steady_now();
            const std::uint64_t took = trace_cursor::ticks() - before;
            if (took >= least) continue;
            least = took;
            best.counter = before + took / 2;
            best.steady_time = time;
        }
        return best;
    }

    /// Whether the counter runs at one speed on all cores, asleep or not.
    static bool processor() noexcept {
#if defined(__x86_64__) || defined(__i386__)
        static const bool invariant = [] {
            unsigned a = 0, b = 0, c = 0, d = 0;
            return __get_cpuid(0x80000007u, &a, &b, &c, &d) != 0 && (d & (1u << 8)) != 0;
        }();
        return invariant;
#else
        return false;
#endif
    }

    static std::uint64_t steady() noexcept { return static_cast<std::uint64_t>(steady_now()); }

    /// The time of the loop that runs here; between two loops, that of the last.
    static std::uint64_t of_virtual_loop() noexcept {
        static constinit thread_local std::int64_t latest = 0;
        const loop_core* const loop = loop_core::current();
        if (loop && loop->has_virtual_clock()) latest = loop->ticks();
        return static_cast<std::uint64_t>(latest);
    }
};

/// Turns the times of events into nanoseconds since the recording began.
class trace_timeline {
public:
    trace_timeline(const trace_clock& begin, const trace_clock& end) noexcept : begin_(begin) {
        if (!trace_clock::processor()) return;
        const auto counted = static_cast<long double>(end.counter - begin.counter);
        if (counted > 0)
            nanoseconds_ = static_cast<long double>(end.steady_time - begin.steady_time) / counted;
    }

    std::int64_t since_begin(std::uint64_t time) const noexcept {
        const std::uint64_t zero =
            nanoseconds_ == 0 ? static_cast<std::uint64_t>(begin_.steady_time) : begin_.counter;
        if (time <= zero) return 0;
        if (nanoseconds_ == 0) return static_cast<std::int64_t>(time - zero);
        return static_cast<std::int64_t>(static_cast<long double>(time - zero) * nanoseconds_);
    }

private:
    trace_clock begin_;
    long double nanoseconds_ = 0;  // for one count; 0: the times are nanoseconds already
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
