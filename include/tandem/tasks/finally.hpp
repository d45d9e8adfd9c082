// tandem - finally: asynchronous cleanup that runs however the body ends
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coroutine>
#include <exception>
#include <type_traits>
#include <utility>
#include <vector>

#include <tandem/base/callable.hpp>
#include <tandem/base/detail/refuse.hpp>
#include <tandem/base/exception_group.hpp>
#include <tandem/core/task.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

template <class T, class Cleanup>
class finally_awaiter final : public boundary, private call_node {
    using cleanup_task = std::invoke_result_t<Cleanup&>;

public:
    template <class F>
    finally_awaiter(task<T>&& body, F&& cleanup)
        : call_node(&finally_awaiter::start_cleanup),
          body_(std::move(body)),
          make_cleanup_(forward_callable<F>(cleanup)) {}

    bool await_ready() const noexcept { return false; }
    // A stop that is pending on entry: the body never runs, so nothing is there to clean up.
    transfer await_suspend(std::coroutine_handle<> h) noexcept {
        if (!begin(h)) return stay_suspended();
        return transfer_to(enter_child(body_.promise(), fiber_flag::scope));
    }
    T await_resume() {
        if (cleanup_error_ && body_error_ && cleanup_error_ != body_error_) {
            throw exception_group(std::vector<std::exception_ptr>{body_error_, cleanup_error_});
        }
        if (cleanup_error_) std::rethrow_exception(cleanup_error_);
        return body_.promise().take();
    }
    void each_child(void (*visit)(void*, detail::fiber&), void* with) override {
        if (cleanup_) {
            visit(with, cleanup_.promise());
        } else if (body_) {
            visit(with, body_.promise());
        }
    }
    const char* kind() const noexcept override { return cleanup_ ? "finally, cleaning up" : "finally"; }

private:
    void cancel_children() noexcept override {
        if (body_ && !cleaning_) request_stop(body_.promise());
    }

    void child_done(detail::fiber& child) noexcept override {
        if (cleanup_) {
            if (child.ended_by == ending::error) cleanup_error_ = child.exception();
            return finish(cleanup_error_ || body_);
        }
        if (child.ended_by == ending::error) body_error_ = child.exception();
        if (child.ended_by == ending::stopped) {
            static_cast<void>(body_.release());
            loop_->bury(child.handle());
        }
        loop_->ready(static_cast<call_node&>(*this), step::call);  // what the body held is gone by then
    }

    static void start_cleanup(call_node& node, loop_core*) noexcept {
        static_cast<finally_awaiter&>(node).start_cleanup();
    }
    void start_cleanup() noexcept {
        loop_->set_running(&fiber());
        cleaning_ = true;
        try {
            cleanup_ = make_cleanup_();
            unawaited(cleanup_);
        } catch (...) {
            cleanup_error_ = std::current_exception();
            return complete();
        }
        frame& first = cleanup_.promise();
        // Shielded: neither a stop nor a deadline from outside reaches the cleanup.
        first.become_fiber(*this, nullptr, fiber_flag::scope | fiber_flag::shielded);
        loop_->ready(first, step::start);
    }

    task<T> body_;
    Cleanup make_cleanup_;
    cleanup_task cleanup_;
    std::exception_ptr body_error_;
    std::exception_ptr cleanup_error_;
    bool cleaning_ = false;
};

template <class F>
concept gives_cleanup = requires(F& cleanup) {
    requires is_task_v<decltype(cleanup())>;
};

}  // namespace detail

/// Awaits `body`; then, however it ended, the task that `cleanup()` gives, and only then goes on,
/// rethrows or stops. It is what `try ... finally: await` is in Python.
/// Cancellation: reaches the body; the cleanup is shielded and always runs to its end. With a stop
///   pending on entry neither runs. Put a `timeout` inside the cleanup to limit it.
/// Errors: the body's or the cleanup's; if both throw, an `exception_group` of the two, unless it is the
///   same exception, as when both await one handle.
/// Lifetime: `cleanup` is kept until the end; it may refer to the enclosing coroutine.
template <awaitable A, class F>
[[nodiscard("co_await it")]] auto finally(A&& body, F&& cleanup) {
    TANDEM_REQUIRE_SAFE_CALLABLE(F);
    static_assert(
        detail::gives_cleanup<detail::callable_t<F>>,
        "tandem::finally: the cleanup is a callable without parameters that returns a tandem::task");
    return detail::finally_awaiter<detail::task_result_t<A>, detail::callable_t<F>>(
        detail::as_task<A>(std::forward<A>(body)), std::forward<F>(cleanup));
}

TANDEM_REFUSE(
    "tandem::finally: takes what can be awaited and a callable that gives the task of the cleanup, "
    "finally(f(), cleanup): call the first and not the second; a named task is moved in, std::move(t)",
    finally(detail::any_argument, ...));

}  // namespace tandem::inline TANDEM_ABI
