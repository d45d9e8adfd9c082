// tandem - timeout, timeout_at, move_on_after, deadline: operations whose time is limited
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coroutine>
#include <new>
#include <optional>
#include <utility>

#include <tandem/base/detail/refuse.hpp>
#include <tandem/base/error.hpp>
#include <tandem/base/outcome.hpp>
#include <tandem/core/task.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// The scope of a limited body. It stands on the loop's start stack until the body first suspends;
/// only then is the clock read and a timer armed, so a body that never suspends pays for neither.
template <class T>
class timeout_scope : public boundary, private timer_node {
public:
    enum class from { first_suspension, epoch };

    bool await_ready() const noexcept { return false; }
    transfer await_suspend(std::coroutine_handle<> h) noexcept {
        if (!begin(h)) return stay_suspended();
        loop_->push_start(*this);
        return transfer_to(enter_child(body_.promise(), fiber_flag::scope));
    }
    std::int64_t deadline() noexcept override {
        if (end_ == unknown) end_ = later(loop_->ticks(), ticks_);
        return end_;
    }
    void each_child(void (*visit)(void*, detail::fiber&), void* with) override {
        if (body_) visit(with, body_.promise());
    }
    const char* kind() const noexcept override { return "timeout"; }

protected:
    timeout_scope(from origin, std::int64_t ticks, task<T>&& body) noexcept
        : body_(std::move(body)), ticks_(ticks), end_(origin == from::epoch ? ticks : unknown) {}
    ~timeout_scope() = default;

    /// True if the body was stopped because its time was up.
    bool expired() const {
        if (out_of_memory_) throw std::bad_alloc();
        return !body_;
    }

    /// False if it is too late: the body has ended or was told to stop.
    bool move_end(std::int64_t when) noexcept {
        if (!loop_ || !body_ || body_.promise().has(fiber_flag::stop | fiber_flag::ended)) return false;
        ticks_ = when;
        end_ = when;
        if (on_stack_) return true;  // the clock starts when the body first suspends
        loop_->disarm_timer(*this);
        if (when != never) start_clock();
        return true;
    }

    task<T> body_;

private:
    static constexpr std::int64_t unknown = INT64_MIN;

    std::coroutine_handle<> start_next() noexcept override {
        loop_->pop_start();
        on_stack_ = false;
        if (ticks_ != never) start_clock();
        return {};
    }
    void start_clock() noexcept {
        if (deadline() <= loop_->ticks()) {
            request_stop(body_.promise());
        } else if (!loop_->arm_timer(*this, deadline())) {
            out_of_memory_ = true;
            request_stop(body_.promise());
        }
    }
    void fire() noexcept override { request_stop(body_.promise()); }
    void cancel_children() noexcept override { request_stop(body_.promise()); }

    void child_done(detail::fiber& child) noexcept override {
        if (on_stack_) {
            loop_->pop_start();
        } else {
            loop_->disarm_timer(*this);
        }
        const bool stopped = child.ended_by == ending::stopped;
        if (stopped) {
            static_cast<void>(body_.release());
            loop_->bury(child.handle());
        }
        finish(!stopped);
    }

    std::int64_t ticks_;
    std::int64_t end_;
    bool on_stack_ = true;
    bool out_of_memory_ = false;
};

template <class T>
class timeout_awaiter final : public timeout_scope<T> {
    using base = timeout_scope<T>;

public:
    timeout_awaiter(typename base::from origin, std::int64_t ticks, task<T>&& body) noexcept
        : base(origin, ticks, std::move(body)) {}
    T await_resume() {
        if (this->expired()) throw timeout_error();
        return this->body_.promise().take();
    }
};

template <class T>
class move_on_awaiter final : public timeout_scope<T> {
    using base = timeout_scope<T>;

public:
    move_on_awaiter(typename base::from origin, std::int64_t ticks, task<T>&& body) noexcept
        : base(origin, ticks, std::move(body)) {}
    std::optional<stored_t<T>> await_resume() {
        if (this->expired()) return std::nullopt;
        return std::optional<stored_t<T>>(take_stored<T>(this->body_.promise()));
    }
};

}  // namespace detail

/// Awaits `aw` for at most `time`, counted from the moment it first suspends. Zero or less: it runs
/// up to its first suspension and is stopped there.
/// Cancellation: cancels `aw` and waits for it; a result it delivers all the same is given.
/// Errors: `timeout_error` when the time is up, after `aw` has stopped. A value or an exception that
///   `aw` ends with anyway, even late, is delivered instead.
/// Cost: nothing is armed and no clock is read for an operation that never suspends.
template <class Rep, class Period, awaitable A>
[[nodiscard("co_await it")]] auto timeout(std::chrono::duration<Rep, Period> time, A&& aw) {
    using awaiter = detail::timeout_awaiter<detail::task_result_t<A>>;
    return awaiter(awaiter::from::first_suspension, detail::to_ticks(time),
                   detail::as_task<A>(std::forward<A>(aw)));
}

/// The same up to a point of the loop's clock.
template <awaitable A>
[[nodiscard("co_await it")]] auto timeout_at(time_point when, A&& aw) {
    using awaiter = detail::timeout_awaiter<detail::task_result_t<A>>;
    return awaiter(awaiter::from::epoch, detail::to_ticks(when), detail::as_task<A>(std::forward<A>(aw)));
}

/// As `timeout`, but gives an empty optional when the time is up (`void` becomes `std::monostate`).
template <class Rep, class Period, awaitable A>
[[nodiscard("co_await it")]] auto move_on_after(std::chrono::duration<Rep, Period> time, A&& aw) {
    using awaiter = detail::move_on_awaiter<detail::task_result_t<A>>;
    return awaiter(awaiter::from::first_suspension, detail::to_ticks(time),
                   detail::as_task<A>(std::forward<A>(aw)));
}

/// The time budget of a whole operation: as `timeout_at`, and what is inside can ask for what is left,
/// `this_task::remaining()`, as retries and HTTP calls do. Nested limits never extend it.
template <awaitable A>
[[nodiscard("co_await it")]] auto deadline(time_point when, A&& aw) {
    return timeout_at(when, std::forward<A>(aw));
}

// One sentence each for what cannot be meant.
#define TANDEM_REFUSE_LIMIT(call)                                                                            \
    TANDEM_REFUSE("tandem::" #call ": takes a time with its unit and what is awaited, " #call                \
                  "(1s, f()): not the number 1, not the function f; a named task is moved in, std::move(t)", \
                  call(detail::any_argument, ...))
#define TANDEM_REFUSE_LIMIT_AT(call)                                                                    \
    TANDEM_REFUSE("tandem::" #call ": takes a time_point of the loop clock and what is awaited, " #call \
                  "(this_task::loop().now() + 1s, f()): not the function f; a named task is moved in, " \
                  "std::move(t)",                                                                       \
                  call(detail::any_argument, ...))
TANDEM_REFUSE_LIMIT(timeout);
TANDEM_REFUSE_LIMIT(move_on_after);
TANDEM_REFUSE_LIMIT_AT(timeout_at);
TANDEM_REFUSE_LIMIT_AT(deadline);
#undef TANDEM_REFUSE_LIMIT
#undef TANDEM_REFUSE_LIMIT_AT

}  // namespace tandem::inline TANDEM_ABI
