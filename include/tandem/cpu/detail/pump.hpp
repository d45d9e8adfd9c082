// tandem - pump: what a worker of an executor keeps while it takes jobs
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <climits>
#include <cstdint>
#include <ctime>

#include <tandem/core/clock.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

TANDEM_PROCESS_WIDE inline constinit thread_local unsigned brief_jobs = 0;  // that this thread left

/// How much a worker does before it lets others have its thread.
struct work_limit {
    unsigned calls = UINT_MAX;
    std::int64_t time = never;
};

inline std::int64_t thread_cpu_now() noexcept {
#if defined(CLOCK_THREAD_CPUTIME_ID)
    std::timespec t{};
    if (::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) == 0)
        return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
#endif
    return 0;
}

/// What a worker learns when it looks for a job, and says when it comes again.
struct pump_visit {
    explicit pump_visit(std::int64_t cpu_time) noexcept : cpu_before(cpu_time) {}

    std::int64_t cpu_before;
    bool comes = false;          // counted among those who are about to look
    bool lingered = false;       // waits awake for a moment
    bool comes_back = false;     // leaves, to be called again
    bool calls_another = false;  // there is more than it can do
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
