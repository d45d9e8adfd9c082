// tandem - job: what stands in an executor's line; a call, or a range that workers share
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <stop_token>

#include <tandem/base/detail/intrusive_list.hpp>
#include <tandem/core/clock.hpp>
#include <tandem/cpu/job_options.hpp>

namespace tandem::inline TANDEM_ABI {

class executor;

namespace detail {

/// Where a job is. From `queued` on it changes under the executor's lock. Once it is `over`, no worker and no
/// executor will touch the job but for the one call of `finished()`.
enum class job_state : std::uint8_t { idle, queued, paused, running, over };

/// Why a job is over.
enum class job_end : std::uint8_t { ran, dropped, refused };

/// The part of a divisible job that a worker took.
struct job_share {
    std::size_t first = 0;
    std::size_t last = 0;
    void* slot = nullptr;
};

/// What is left in a divisible job once a share is taken.
enum class left { more, nothing, not_now };

class job : public list_links<job> {
public:
    job(const job&) = delete;
    job& operator=(const job&) = delete;

    /// On a worker, without a lock. Must not throw.
    virtual void run(const job_share& share) noexcept = 0;

    /// The job is over; called once, without a lock, by a worker or by whoever shuts the executor down.
    /// It hands the job back to its loop and may not touch it afterwards.
    virtual void finished() noexcept = 0;

    /// Where to request a stop of a running job that takes a token; null for others.
    virtual std::stop_source* stop_source() noexcept { return nullptr; }

    /// Its task was cancelled while it runs. On the loop's thread; sets a flag at most.
    virtual void told_to_stop() noexcept {}

    // ---- of divisible jobs, under the executor's lock

    virtual left take(job_share&, std::size_t /*workers*/) noexcept { return left::nothing; }
    /// A share has been run in this time. True if more can be taken now where nothing could before.
    virtual bool give_back(const job_share&, std::int64_t /*nanoseconds*/) noexcept { return false; }
    /// What a share carried can be used again.
    virtual void take_back(void* /*slot*/) noexcept {}
    /// No more shares are to be taken.
    virtual void withdraw_rest() noexcept {}
    virtual bool all_taken() const noexcept { return true; }

    bool timed() const noexcept { return weight_ != 0; }
    tandem::priority priority() const noexcept { return priority_; }
    /// A range of which workers take shares.
    bool divisible() const noexcept { return divisible_; }

    std::uint64_t trace_number = 0;  // 0: it was handed over while nothing was recorded

protected:
    explicit job(bool divisible = false) noexcept : divisible_(divisible) {}
    ~job() = default;

    job_state state() const noexcept { return state_.load(std::memory_order_acquire); }
    job_end end() const noexcept { return end_; }
    void note_failure() noexcept { failed_.store(true, std::memory_order_relaxed); }

    std::int64_t deadline_ = never;  // on the executor's clock
    tandem::priority priority_ = tandem::priority::normal;

private:
    friend class job_line;
    friend class job_stack;

    std::atomic<job_state> state_{job_state::idle};
    std::atomic<bool> failed_{false};
    job_end end_ = job_end::ran;
    const bool divisible_;
    bool started_ = false;
    std::uint8_t weight_ = 0;   // in the histograms; 0: not timed
    std::uint32_t active_ = 0;  // shares that run now
    std::int64_t queued_at_ = 0;
    job* below_ = nullptr;           // in a job_stack
    const void* earlier_ = nullptr;  // what the same thread pushed before, some jobs down
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
