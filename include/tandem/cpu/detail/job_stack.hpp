// tandem - job_stack: where a loop leaves jobs for a worker that is awake, without a lock
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <atomic>
#include <cstdint>

#include <tandem/base/detail/handover_trail.hpp>
#include <tandem/cpu/detail/job.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// Many producers push, the workers take everything at once. It is open while a worker watches it, which
/// looks again before it leaves: then nobody has to be called, and the lock and what it guards stay in the
/// caches of the workers. A line of memory that two cores write takes a tenth of a microsecond to change
/// hands, as long as a brief job takes altogether.
class job_stack {
public:
    /// False if no worker watches: the job is not taken.
    bool push(job& j) noexcept {
        std::uintptr_t top = top_.load(std::memory_order_relaxed);
        j.earlier_ = trail().swap(&j);
        do {
            if (top == closed) return false;
            j.below_ = job_at(top);
        } while (!top_.compare_exchange_weak(top, reinterpret_cast<std::uintptr_t>(&j),
                                             std::memory_order_release, std::memory_order_relaxed));
        return true;
    }

    /// As far as one can tell without taking.
    bool empty() const noexcept { return top_.load(std::memory_order_relaxed) <= open; }

    // ---- under the executor's lock

    void watch() noexcept {
        if (top_.load(std::memory_order_relaxed) == closed) top_.store(open, std::memory_order_relaxed);
    }
    /// False if something has come.
    bool unwatch() noexcept {
        std::uintptr_t top = open;
        return top_.compare_exchange_strong(top, closed, std::memory_order_relaxed) || top == closed;
    }
    /// Calls `each` for all jobs, the oldest first.
    template <class Each>
    void take(Each each) noexcept {
        if (!empty()) pass_on(top_.exchange(open, std::memory_order_acquire), each);
    }
    template <class Each>
    void take_and_close(Each each) noexcept {
        pass_on(top_.exchange(closed, std::memory_order_acquire), each);
    }

private:
    static constexpr std::uintptr_t closed = 0;
    static constexpr std::uintptr_t open = 1;

    static job* job_at(std::uintptr_t top) noexcept {
        return top == open ? nullptr : reinterpret_cast<job*>(top);
    }

    template <class Each>
    static void pass_on(std::uintptr_t top, Each each) noexcept {
        job* newest = job_at(top);
        job* oldest = nullptr;
        while (newest) {
            handover_trail::fetch(newest->earlier_, 0);
            job* const rest = newest->below_;
            newest->below_ = oldest;
            oldest = newest;
            newest = rest;
        }
        while (job* const j = oldest) {
            oldest = j->below_;
            each(*j);
        }
    }

    static handover_trail& trail() noexcept {
        static constinit thread_local handover_trail mine;
        return mine;
    }

    std::atomic<std::uintptr_t> top_{closed};
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
