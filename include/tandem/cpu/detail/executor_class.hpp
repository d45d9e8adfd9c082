// tandem - the class executor; its bodies are in executor_impl.hpp
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <utility>

#include <tandem/base/error.hpp>
#include <tandem/base/detail/linger.hpp>
#include <tandem/core/loop_core.hpp>
#include <tandem/cpu/detail/job_line.hpp>
#include <tandem/cpu/detail/job_stack.hpp>
#include <tandem/cpu/detail/pump.hpp>
#include <tandem/cpu/executor_statistics.hpp>
#include <tandem/cpu/job_options.hpp>

namespace tandem::inline TANDEM_ABI {

/// Says that an executor could not be made as it was asked for.
class executor_error : public error {
public:
    using error::error;
};

namespace detail {

TANDEM_PROCESS_WIDE inline constinit thread_local const executor* working_for = nullptr;

}  // namespace detail

/// Runs jobs on other threads: `run_in_executor`, `map` and their like hand them over. A job enters a
/// line of our own, first in first out within a priority; a worker that has come takes one after the
/// other. So a burst of jobs calls for a worker at most `max_workers` times, and a job that is cancelled
/// while it stands in line is taken out and never runs.
/// Threads: one executor may serve several loops on several threads; its own calls are for any thread.
/// Lifetime: outlives the awaits of its jobs, or is shut down first, as its destructor does; on a thread
///   other than the loop's only when nothing awaits its jobs any more.
class executor {
public:
    executor(const executor&) = delete;
    executor& operator=(const executor&) = delete;

    std::size_t max_workers() const noexcept { return workers_; }
    const std::string& name() const noexcept { return options_.name(); }

    /// This executor with options for the job that is handed over: `pool.with(job_options()...)`.
    executor_ref with(job_options options) noexcept { return executor_ref(*this, options); }

    /// Cost: copies two histograms, 5 KB, under the lock that the workers use.
    executor_statistics statistics() const;

    /// Takes no more jobs. Those in line never run, their awaits throw `executor_shut_down`; running ones
    /// that take a `std::stop_token` are told to stop; then waits until no job runs. Calling it again is
    /// fine. Threads: blocks the calling one, also if it is a loop's. Errors: `std::logic_error` from one of
    /// its own jobs, which would wait for itself.
    void shutdown();

    // ---- for awaitables, on a loop's thread

    /// Puts a job in line. Errors: `executor_shut_down`, and what calling for a worker throws;
    /// `std::logic_error` from the loop of a job that keeps the only worker.
    void submit(detail::job& j);
    /// Leaves a job for a worker that is awake and about to take it. Then the caller calls `call_workers()`
    /// before it sleeps, in case that worker is kept. False if `submit` is to be called.
    bool submit_briefly(detail::job& j) noexcept;
    /// Calls for as many workers as the line needs.
    void call_workers() noexcept;
    /// Takes a job out of the line, or the part of it that no worker has taken.
    detail::withdrawal withdraw(detail::job& j) noexcept {
        const lock hold = detail::lock_soon(mutex_);
        take_new_jobs();
        return jobs_.withdraw(j);
    }
    /// What a share of the job carried can be used again, so there may be more to take.
    void offer(detail::job& j, void* slot) noexcept;

    /// Whether deadlines of this loop can be judged here.
    virtual bool shares_clock_with(const loop_core& loop) const noexcept { return !loop.has_virtual_clock(); }

protected:
    executor(std::size_t workers, const executor_options& options) : options_(options), workers_(workers) {}
    /// With the number of cores for its workers and the loop: where workers may wait awake.
    executor(std::size_t workers, const executor_options& options, std::size_t cores)
        : options_(options), workers_(workers), cores_(cores) {}
    ~executor() = default;

    const executor_options& options() const noexcept { return options_; }

    /// Calls for one more worker, which then runs `work`. May throw.
    virtual void start_pump() = 0;
    virtual std::int64_t now() const noexcept { return detail::steady_now(); }

    /// A worker is about to leave `work`; called before it hands back its last job, under the lock: once
    /// that is open, the executor may be gone.
    virtual void pump_leaves() noexcept {}

    /// What a worker does: takes jobs until the line is empty. True if it stopped because of `limit`; it
    /// still counts as working and is to come back.
    bool work(detail::work_limit limit = {}) noexcept;

    /// A worker that was called for will not come.
    void forget_pump() noexcept { pump_failed(nullptr); }
    /// For the destructors of executors: shuts down and waits until the last worker has left.
    void close() noexcept;

private:
    using lock = std::unique_lock<std::mutex>;

    /// A job runs a loop of its own, and that loop hands a job to the one worker, which is busy with the
    /// first.
    bool would_wait_for_itself() const noexcept { return workers_ == 1 && detail::working_for == this; }
    [[noreturn]] void refuse_own_job() const;
    bool add_pump() noexcept {
        if (pumps_ >= workers_) return false;
        ++pumps_;
        ++coming_;
        ++jobs_.counts().pumps;
        return true;
    }
    void remove_pump() noexcept {
        --pumps_;
        if (closed_) calm_.notify_all();
    }
    bool pump_failed(detail::job* j) noexcept;
    void open_for_brief_jobs() noexcept {
        if (jobs_.brief() && cores_ > 1 && !closed_) new_jobs_.watch();
    }
    void take_new_jobs() const noexcept {
        new_jobs_.take([this](detail::job& j) { jobs_.add_prepared(j); });
    }
    void take_last_new_jobs() noexcept {
        new_jobs_.take_and_close([this](detail::job& j) { jobs_.add_prepared(j); });
    }
    bool take_next(detail::job_call& c) noexcept {
        return jobs_.take_next(c, workers_, [this] { return now(); });
    }
    void look(const detail::pump_visit& last) noexcept;
    bool may_linger(const detail::pump_visit& last) noexcept;
    void leave(const detail::pump_visit& visit) noexcept;
    detail::job* next_job(detail::job_call& c, detail::pump_visit& visit, bool enough) noexcept;
    void run(detail::job_call& c) noexcept;
    void close_line() noexcept;

    const executor_options options_;
    const std::size_t workers_;
    const std::size_t cores_ = 0;  // 0: workers do not linger

    mutable std::mutex mutex_;
    std::condition_variable calm_;  // of those who wait for the end of what runs
    mutable detail::job_line jobs_;
    mutable detail::job_stack new_jobs_;
    std::size_t pumps_ = 0;   // workers called for and not yet gone
    std::size_t coming_ = 0;  // of these, those about to look for a job
    detail::linger linger_;
    bool lingering_ = false;  // one of the workers
    bool closed_ = false;
};

}  // namespace tandem::inline TANDEM_ABI
