// tandem - event: tasks wait until it is set
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coroutine>
#include <cstddef>

#include <tandem/core/fiber.hpp>
#include <tandem/sync/detail/waiter_queue.hpp>
#include <tandem/sync/statistics.hpp>

namespace tandem::inline TANDEM_ABI {

/// A flag that tasks of one loop wait for.
/// Lifetime: outlives its waiters.
class event {
public:
    class wait_awaiter;

    event() noexcept = default;
    event(const event&) = delete;
    event& operator=(const event&) = delete;

    bool is_set() const noexcept { return set_; }
    /// Sets the flag and wakes all waiters, in the order in which they came.
    void set() noexcept;
    void clear() noexcept { set_ = false; }

    /// Waits until the flag is set; does not suspend if it is. A waiter that `set` has woken goes on
    /// also if `clear` came right after.
    /// Cancellation: the waiter leaves the line.
    [[nodiscard("co_await it")]] wait_awaiter wait() noexcept;

    event_statistics statistics() const noexcept { return {waiters_.size()}; }

private:
    detail::waiter_queue<wait_awaiter> waiters_;
    bool set_ = false;
};

class event::wait_awaiter final : public detail::line_awaiter<wait_awaiter> {
public:
    explicit wait_awaiter(event& e) noexcept : event_(e) {}

    bool await_ready() const noexcept { return !stop_pending() && event_.set_; }
    void await_suspend(std::coroutine_handle<> h) noexcept { line_up(h, event_.waiters_); }
    void await_resume() const noexcept {}
    const char* kind() const noexcept override { return "event::wait"; }

private:
    friend class event;
    event& event_;
};

inline event::wait_awaiter event::wait() noexcept { return wait_awaiter(*this); }

inline void event::set() noexcept {
    set_ = true;
    while (wait_awaiter* const waiter = waiters_.pop_front()) waiter->complete();
}

}  // namespace tandem::inline TANDEM_ABI
