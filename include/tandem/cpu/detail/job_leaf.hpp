// tandem - job_leaf: a task waits for a job; how it is handed over, comes back, is cancelled
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coroutine>
#include <exception>
#include <stop_token>
#include <utility>

#include <tandem/base/error.hpp>
#include <tandem/core/fiber.hpp>
#include <tandem/core/this_task.hpp>
#include <tandem/cpu/executor.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// A step of the loop that calls a member of its owner.
template <class Owner, void (Owner::*Member)() noexcept, class Node = call_node>
class member_step final : public Node {
public:
    explicit member_step(Owner& owner) noexcept : Node(&member_step::call), owner_(owner) {}

private:
    static void call(call_node& node, loop_core* loop) noexcept {
        if (loop) (static_cast<member_step&>(node).owner_.*Member)();
    }
    Owner& owner_;
};

/// A late call of a member of its owner.
template <class Owner, void (Owner::*Member)() noexcept>
class member_late_call final : public late_call {
public:
    explicit member_late_call(Owner& owner) noexcept : late_call(&member_late_call::call), owner_(owner) {}

private:
    static void call(late_call& self) noexcept { (static_cast<member_late_call&>(self).owner_.*Member)(); }
    Owner& owner_;
};

/// The deadline of a job that this task hands over, on the executor's clock; tells whose it is.
inline std::int64_t job_deadline(fiber& f, loop_core& loop, executor_ref to, bool& from_options) noexcept {
    from_options = false;
    if (!to.pool().shares_clock_with(loop)) return never;
    const std::int64_t scope = deadline_of(f);
    from_options = to.options().deadline_ticks() < scope;
    return from_options ? to.options().deadline_ticks() : scope;
}

/// The error of a task whose job ended without having been run to its end.
/// The executor may be gone by now.
inline std::exception_ptr unfinished_error(job_end how) {
    switch (how) {
        case job_end::refused:
            return std::make_exception_ptr(executor_shut_down(
                "tandem::run_in_executor: the executor was shut down before the job could run"));
        case job_end::dropped:
            return std::make_exception_ptr(
                timeout_error("tandem::run_in_executor: the job was not started before its deadline"));
        case job_end::ran:
            break;
    }
    return std::make_exception_ptr(cancelled_error("the job was told to stop and gave up"));
}

/// `Job` is a `job`. The awaiting frame holds both, so that handing over allocates nothing.
template <class Job>
class job_leaf : public leaf, public Job {
public:
    template <class... Args>
    explicit job_leaf(executor_ref pool, Args&&... args)
        : Job(std::forward<Args>(args)...),
          pool_(pool),
          arrival_(*this),
          stop_step_(*this),
          workers_call_(*this) {}

protected:
    ~job_leaf() = default;

    void launch(std::coroutine_handle<> h) noexcept {
        if (!suspend(h)) return;
        loop_ = &leaf::loop();
        this->priority_ = pool_.options().priority();
        this->deadline_ = job_deadline(fiber(), *loop_, pool_, own_deadline_);
        loop_->expect_remote();
        try {
            hand_over();
        } catch (...) {
            loop_->remote_arrived();
            failure_ = std::current_exception();
            complete();
        }
    }
    void throw_if_failed() const {
        if (failure_) std::rethrow_exception(failure_);
    }

    /// The last thing on the other thread.
    void send_home() noexcept { loop_->ready_from_thread(arrival_); }

private:
    /// The job ran but has no result, because it was told to stop.
    virtual bool gave_up() const noexcept = 0;

    void finished() noexcept override { send_home(); }

    void hand_over() {
        sleep_watch* const watch = loop_->sleep_watch();
        if (!watch || !pool_.pool().submit_briefly(*this)) return pool_.pool().submit(*this);
        watch->expect_soon();
        if (pool_.pool().max_workers() == 1) return;  // the one that is awake: there is no other to call
        watch->call_late(workers_call_);
        loop_->stay_awake();  // a task that a completion of I/O resumed runs outside of the loop's steps
    }
    // If the job is over, the executor may be gone.
    void call_workers() noexcept {
        if (this->state() != job_state::over) pool_.pool().call_workers();
    }
    void arrived() noexcept {
        loop_->remote_arrived();
        if (sleep_watch* const watch = loop_->sleep_watch()) watch->forget(workers_call_);
    }

    void arrive() noexcept {
        arrived();
        trace_job(trace_kind::job_arrived, this->trace_number);
        if (stop_queued_) {  // that step stands in the ready queue and goes first
            has_arrived_ = true;
        } else {
            conclude();
        }
    }
    void tell_to_stop() noexcept {
        stop_queued_ = false;
        if (has_arrived_) return conclude();
        this->stop_source()->request_stop();
    }

    void conclude() noexcept {
        if (this->end() == job_end::ran && !gave_up()) return complete();
        if (stop_pending()) return stop();
        if (this->end() == job_end::dropped && !own_deadline_) {
            parked_ = true;  // the scope with that deadline is about to stop this task
            return;
        }
        failure_ = unfinished_error(this->end());
        complete();
    }

    detach on_cancel() noexcept override {
        if (parked_) return detach::done;
        if (this->state() == job_state::over) return detach::later;  // the executor may be gone
        switch (pool_.pool().withdraw(*this)) {
            case withdrawal::gone:
                arrived();
                return detach::done;
            case withdrawal::running:
                this->told_to_stop();
                // In a step of its own: stop callbacks are user code and not for the canceller's stack.
                if (this->stop_source() && !std::exchange(told_, true)) {
                    stop_queued_ = true;
                    loop_->ready(stop_step_, step::call);
                }
                return detach::later;
            case withdrawal::over:
                break;
        }
        return detach::later;
    }

    executor_ref pool_;
    loop_core* loop_ = nullptr;
    member_step<job_leaf, &job_leaf::arrive, far_node> arrival_;
    member_step<job_leaf, &job_leaf::tell_to_stop> stop_step_;
    member_late_call<job_leaf, &job_leaf::call_workers> workers_call_;
    std::exception_ptr failure_;
    bool own_deadline_ = false;
    bool parked_ = false;
    bool told_ = false;
    bool stop_queued_ = false;
    bool has_arrived_ = false;
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
