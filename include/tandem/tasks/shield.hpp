// tandem - shield: an await that the cancellation of its task does not reach
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coroutine>
#include <utility>

#include <tandem/base/detail/refuse.hpp>
#include <tandem/core/task.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

template <class T>
class shield_awaitable {
public:
    explicit shield_awaitable(task<T>&& body) noexcept : body_(std::move(body)) {}
    shield_awaitable(const shield_awaitable&) = delete;
    shield_awaitable& operator=(const shield_awaitable&) = delete;

    task<T>& body() noexcept { return body_; }

private:
    task<T> body_;
};

/// Awaits the body in the same fiber, which is marked meanwhile: no scope of its own.
template <class T>
class shield_awaiter {
public:
    shield_awaiter(task<T>& body, fiber& f) noexcept : body_(body.release(), &f), fiber_(f) {}
    shield_awaiter(const shield_awaiter&) = delete;
    shield_awaiter& operator=(const shield_awaiter&) = delete;

    bool await_ready() const noexcept { return false; }
    template <class Promise>
    transfer await_suspend(std::coroutine_handle<Promise> h) noexcept {
        outermost_ = !fiber_.has(fiber_flag::shielded);
        fiber_.set(fiber_flag::shielded);
        return body_.await_suspend(h);
    }
    T await_resume() {
        if (outermost_) fiber_.reset(fiber_flag::shielded);
        return body_.await_resume();
    }

private:
    task_awaiter<T> body_;
    fiber& fiber_;
    bool outermost_ = true;
};

}  // namespace detail

template <class T>
struct await_adapter<detail::shield_awaitable<T>> {
    static auto adapt(detail::shield_awaitable<T>&& s, detail::fiber& f) {
        return detail::shield_awaiter<T>(s.body(), f);
    }
};

/// Runs `aw` to its end even if the task that awaits it is cancelled meanwhile, or was before.
/// Cancellation: inside, nothing sees the stop, nor a deadline from outside. It arrives at the first
///   suspension afterwards; the result is delivered before. asyncio's shield abandons the inner task.
template <awaitable A>
[[nodiscard("co_await it")]] auto shield(A&& aw) {
    return detail::shield_awaitable<detail::task_result_t<A>>(detail::as_task<A>(std::forward<A>(aw)));
}

TANDEM_REFUSE(
    "tandem::shield: takes what can be awaited; call a function, shield(f()), and move a named task, "
    "shield(std::move(t))",
    shield(detail::any_argument, ...));

}  // namespace tandem::inline TANDEM_ABI
