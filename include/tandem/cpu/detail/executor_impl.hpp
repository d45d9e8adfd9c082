// tandem - how an executor's workers and loops meet: the bodies of the class executor
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <tandem/cpu/detail/executor_class.hpp>

namespace tandem::inline TANDEM_ABI {

inline void executor::run(detail::job_call& c) noexcept {
    if (c.skip) return;
    const bool timed = c.job->timed();
    const std::uint64_t number = c.job->trace_number;
    if (timed) c.begun = now();
    detail::trace_job(detail::trace_kind::job_started, number);
    c.job->run(c.share);
    detail::trace_job(detail::trace_kind::job_finished, number);
    if (timed) c.ended = now();
}

// Where each visit of a worker begins: what it said on the last one has come about, and new jobs get in line.
inline void executor::look(const detail::pump_visit& last) noexcept {
    if (last.comes) --coming_;
    if (jobs_.can_take_more()) {
        take_new_jobs();
        open_for_brief_jobs();
    }
    if (last.lingered) {
        lingering_ = false;
        linger_.note(!jobs_.empty());
    }
}

// One worker at a time, and only where a core is left for the loop.
inline bool executor::may_linger(const detail::pump_visit& last) noexcept {
    return !last.lingered && !lingering_ && !closed_ && jobs_.brief() && pumps_ < cores_ &&
           linger_.worthwhile();
}

inline void executor::leave(const detail::pump_visit& visit) noexcept {
    if (options_.cpu_time()) {
        jobs_.counts().cpu_time += std::chrono::nanoseconds(detail::thread_cpu_now() - visit.cpu_before);
    }
    pump_leaves();
    if (!visit.comes_back) remove_pump();
}

// One visit to the lock for each job: what was run is booked, the next one is taken. So the statistics
// know of a job when its task resumes. Gives the job that is over.
inline detail::job* executor::next_job(detail::job_call& c, detail::pump_visit& visit, bool enough) noexcept {
    const lock hold = detail::lock_soon(mutex_);
    detail::job* const over = c.job ? jobs_.settle(c) : nullptr;
    c.job = nullptr;
    look(visit);
    detail::pump_visit next(visit.cpu_before);
    if (enough && !jobs_.empty()) {
        next.comes_back = next.comes = true;
    } else if (!take_next(c)) {
        if (!enough && may_linger(visit)) {
            next.lingered = next.comes = lingering_ = true;
        } else if (pumps_ == 1 && !new_jobs_.unwatch()) {  // the last to leave, and something has come
            take_new_jobs();
            take_next(c);
        }
    }
    if (next.comes) ++coming_;
    next.calls_another = c.job && !jobs_.empty() && (!jobs_.brief() || c.job->divisible()) && add_pump();
    visit = next;
    if (closed_) calm_.notify_all();
    if (!c.job && !visit.lingered) leave(visit);
    return over;
}

inline bool executor::work(detail::work_limit limit) noexcept {
    const executor* const outer = std::exchange(detail::working_for, this);
    detail::trace_enter_worker(options_.name().c_str());
    const std::int64_t begun = limit.time == detail::never ? 0 : now();
    std::int64_t latest = begun;
    detail::job_call c;
    detail::pump_visit visit(options_.cpu_time() ? detail::thread_cpu_now() : 0);
    visit.comes = true;
    for (unsigned calls = 0;;) {
        const bool enough = calls >= limit.calls || latest - begun >= limit.time;
        if (detail::job* const over = next_job(c, visit, enough)) over->finished();
        if (visit.lingered) {
            detail::linger::wait([this] { return !new_jobs_.empty() || !jobs_.empty(); },
                                 [this] { return now(); });
            if (limit.time != detail::never) latest = now();
            continue;
        }
        if (!c.job) break;
        if (visit.calls_another) {
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
        ++calls;
    }
    detail::working_for = outer;
    return visit.comes_back;
}

[[noreturn]] TANDEM_NEVER_INLINE inline void executor::refuse_own_job() const {
    throw std::logic_error("tandem::run_in_executor: a job of executor \"" + name() +
                           "\" hands it another one and waits; its 1 worker would wait for itself; give it "
                           "2 workers or use another executor");
}

inline void executor::submit(detail::job& j) {
    if (would_wait_for_itself()) refuse_own_job();
    bool start = false;
    if (j.trace_number == 0) j.trace_number = detail::trace_new_job();
    {
        const lock hold = detail::lock_soon(mutex_);
        if (closed_) {
            throw executor_shut_down("tandem::run_in_executor: executor \"" + name() +
                                     "\" was shut down; hand jobs over before");
        }
        take_new_jobs();
        jobs_.add(j, jobs_.begins_timed(j) ? now() : 0);
        start = add_pump();
        open_for_brief_jobs();
    }
    if (!start) return;
    try {
        start_pump();
    } catch (...) {
        if (pump_failed(&j)) throw;
    }
}

inline bool executor::submit_briefly(detail::job& j) noexcept {
    if (!jobs_.brief() || j.divisible() || j.priority() != priority::normal) return false;
    if (would_wait_for_itself()) return false;
    const bool timed = ++detail::brief_jobs % detail::job_line::timed_line == 0;
    j.trace_number = detail::trace_new_job();
    detail::job_line::prepare(j, timed ? detail::job_line::timed_line : 0, timed ? now() : 0);
    return new_jobs_.push(j);
}

// A line that is not empty has a worker already.
inline void executor::call_workers() noexcept {
    for (;;) {
        {
            const lock hold = detail::lock_soon(mutex_);
            take_new_jobs();
            if (jobs_.queued() <= coming_ || !add_pump()) return;
        }
        try {
            start_pump();
        } catch (...) {
            return forget_pump();
        }
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
    try {
        start_pump();
    } catch (...) {
        forget_pump();
    }
}

// True if `j` was taken out again. With the last worker gone nobody would come for the jobs in line.
inline bool executor::pump_failed(detail::job* j) noexcept {
    bool taken_back = false;
    detail::intrusive_list<detail::job> refused;
    {
        const lock hold(mutex_);
        --coming_;
        remove_pump();
        if (pumps_ == 0) {
            take_last_new_jobs();
            taken_back = j && jobs_.take_back(*j);
            if (!jobs_.empty()) refused = jobs_.refuse_all();
        }
    }
    while (detail::job* const other = refused.pop_front()) other->finished();
    return taken_back;
}

inline executor_statistics executor::statistics() const {
    const lock hold(mutex_);
    take_new_jobs();
    executor_statistics snapshot = jobs_.statistics();
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
        take_last_new_jobs();
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
