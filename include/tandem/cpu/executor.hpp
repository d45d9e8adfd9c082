// tandem - executor: a line of jobs and the workers that serve it; base of every executor
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <climits>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <mutex>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <utility>

#include <tandem/base/error.hpp>
#include <tandem/core/loop_core.hpp>
#include <tandem/cpu/detail/job_line.hpp>
#include <tandem/cpu/executor_statistics.hpp>
#include <tandem/cpu/job_options.hpp>

namespace tandem::inline TANDEM_ABI {

/// Says that an executor could not be made as it was asked for.
class executor_error : public error {
public:
    using error::error;
};

namespace detail {

inline constinit thread_local const executor* working_for = nullptr;

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

}  // namespace detail

/// Runs jobs on other threads: `run_in_executor`, `map` and their like hand them over. A job enters a
/// line of our own, first in first out within a priority; a worker that has come takes one after the
/// other. So a burst of jobs calls for a worker at most `max_workers` times, and a job that is cancelled
/// while it stands in line is taken out and never runs.
/// Threads: one executor may serve several loops on several threads; its own calls are for any thread.
/// Lifetime: outlives the awaits of its jobs, or is shut down first, as its destructor does.
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

    /// Puts a job in line. Errors: `executor_shut_down`, and what calling for a worker throws.
    void submit(detail::job& j);
    /// Takes a job out of the line, or the part of it that no worker has taken.
    detail::withdrawal withdraw(detail::job& j) noexcept {
        const lock hold(mutex_);
        return jobs_.withdraw(j);
    }
    /// What a share of the job carried can be used again, so there may be more to take.
    void offer(detail::job& j, void* slot) noexcept;

    /// Whether deadlines of this loop can be judged here.
    virtual bool shares_clock_with(const loop_core& loop) const noexcept { return !loop.has_virtual_clock(); }

protected:
    executor(std::size_t workers, const executor_options& options) : options_(options), workers_(workers) {}
    ~executor() = default;

    const executor_options& options() const noexcept { return options_; }

    /// Calls for one more worker, which then runs `work`. May throw.
    virtual void start_pump() = 0;
    virtual std::int64_t now() const noexcept { return detail::steady_now(); }

    /// A worker is about to leave `work`; called before it hands back its last job.
    virtual void pump_leaves() noexcept {}

    /// What a worker does: takes jobs until the line is empty. True if it stopped because of `limit`; it
    /// still counts as working and is to come back.
    bool work(detail::work_limit limit = {}) noexcept;

    /// A worker that was called for will not come.
    void forget_pump() noexcept {
        const lock hold(mutex_);
        remove_pump();
    }
    /// For the destructors of executors: shuts down and waits until the last worker has left.
    void close() noexcept;

private:
    using lock = std::unique_lock<std::mutex>;

    bool add_pump() noexcept {
        if (pumps_ >= workers_) return false;
        ++pumps_;
        ++jobs_.counts().pumps;
        return true;
    }
    void remove_pump() noexcept {
        --pumps_;
        if (closed_) calm_.notify_all();
    }
    void run(detail::job_call& c) noexcept;
    void close_line() noexcept;

    const executor_options options_;
    const std::size_t workers_;

    mutable std::mutex mutex_;
    std::condition_variable calm_;  // of those who wait for the end of what runs
    detail::job_line jobs_;
    std::size_t pumps_ = 0;  // workers called for and not yet gone
    bool closed_ = false;
};

// ---- implementation

inline void executor::run(detail::job_call& c) noexcept {
    if (c.skip) return;
    const bool timed = c.job->timed();
    if (timed) c.begun = now();
    c.job->run(c.share);
    if (timed) c.ended = now();
}

// One visit to the lock for each job: what was run is booked, the next one is taken. So the statistics
// know of a job when its task resumes.
inline bool executor::work(detail::work_limit limit) noexcept {
    const executor* const outer = std::exchange(detail::working_for, this);
    const std::int64_t cpu_before = options_.cpu_time() ? detail::thread_cpu_now() : 0;
    const std::int64_t begun = limit.time == detail::never ? 0 : now();
    std::int64_t latest = begun;
    bool come_back = false;
    detail::job_call c;
    for (unsigned calls = 0;; ++calls) {
        detail::job* over = nullptr;
        bool another = false;
        {
            const lock hold(mutex_);
            if (c.job) over = jobs_.settle(c);
            come_back = !jobs_.empty() && (calls >= limit.calls || latest - begun >= limit.time);
            if (come_back) {
                c.job = nullptr;
            } else if (jobs_.take_next(c, workers_, [this] { return now(); })) {
                another = !jobs_.empty() && add_pump();
            }
            if (!c.job && options_.cpu_time()) {
                jobs_.counts().cpu_time += std::chrono::nanoseconds(detail::thread_cpu_now() - cpu_before);
            }
            if (!c.job && !come_back) {
                remove_pump();
            } else if (closed_) {
                calm_.notify_all();
            }
        }
        if (!c.job) pump_leaves();
        if (over) over->finished();
        if (!c.job) break;
        if (another) {
            try {
                start_pump();
            } catch (...) {  // the others go on
                forget_pump();
            }
        }
        run(c);
        if (limit.time != detail::never) {
            if (c.ended != 0) {
                latest = c.ended;
            } else if (calls % 8 == 7) {
                latest = now();
            }
        }
    }
    detail::working_for = outer;
    return come_back;
}

inline void executor::submit(detail::job& j) {
    bool start = false;
    {
        const lock hold(mutex_);
        if (closed_) {
            throw executor_shut_down("tandem::run_in_executor: executor \"" + name() +
                                     "\" was shut down; hand jobs over before");
        }
        jobs_.add(j, jobs_.begins_timed(j) ? now() : 0);
        start = add_pump();
    }
    if (!start) return;
    try {
        start_pump();
    } catch (...) {
        const lock hold(mutex_);
        remove_pump();
        if (pumps_ == 0 && jobs_.take_back(j)) throw;
    }
}

inline void executor::offer(detail::job& j, void* slot) noexcept {
    bool start = false;
    {
        const lock hold(mutex_);
        j.take_back(slot);
        start = jobs_.resume(j) && add_pump();
    }
    if (!start) return;
    bool over = false;
    try {
        start_pump();
    } catch (...) {
        const lock hold(mutex_);
        remove_pump();
        over = pumps_ == 0 && jobs_.refuse(j);
    }
    if (over) j.finished();
}

inline executor_statistics executor::statistics() const {
    const lock hold(mutex_);
    executor_statistics snapshot = jobs_.counts();
    snapshot.workers = workers_;
    return snapshot;
}

inline void executor::shutdown() {
    if (detail::working_for == this) {
        throw std::logic_error("tandem::executor::shutdown: called by a job of executor \"" + name() +
                               "\" itself, which would wait for its own end; call it from elsewhere");
    }
    close_line();
    lock held(mutex_);
    calm_.wait(held, [this] { return jobs_.counts().running == 0; });
}

inline void executor::close() noexcept {
    if (detail::working_for == this) {
        detail::fail_assertion(
            "tandem::executor: destroyed by one of its own jobs, which would wait for itself", __FILE__,
            __LINE__);
    }
    close_line();
    lock held(mutex_);
    calm_.wait(held, [this] { return pumps_ == 0; });
}

// Stop callbacks are user code and run without the lock.
inline void executor::close_line() noexcept {
    detail::intrusive_list<detail::job> refused;
    {
        const lock hold(mutex_);
        closed_ = true;
        refused = jobs_.refuse_all();
    }
    while (detail::job* const j = refused.pop_front()) j->finished();
    lock held(mutex_);
    while (std::stop_source* const next = jobs_.next_to_stop()) {
        std::stop_source told = *next;
        held.unlock();
        told.request_stop();
        held.lock();
    }
}

}  // namespace tandem::inline TANDEM_ABI
