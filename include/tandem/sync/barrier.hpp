// tandem - barrier: tasks wait until a number of them have arrived
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coroutine>
#include <cstddef>
#include <stdexcept>

#include <tandem/base/error.hpp>
#include <tandem/core/fiber.hpp>
#include <tandem/sync/detail/waiter_queue.hpp>
#include <tandem/sync/statistics.hpp>

namespace tandem::inline TANDEM_ABI {

/// Lets tasks go on, `parties` at a time. Can be used again and again.
/// Lifetime: outlives its waiters.
class barrier {
public:
    class wait_awaiter;

    /// Errors: `std::invalid_argument` for 0 parties.
    explicit barrier(std::size_t parties) : parties_(parties) {
        if (parties == 0) throw std::invalid_argument("tandem::barrier: 0 parties; give 1 or more");
    }
    barrier(const barrier&) = delete;
    barrier& operator=(const barrier&) = delete;

    /// Waits until all parties have arrived; gives the position among them, from 0 in order of arrival.
    /// Cancellation: the waiter is no longer counted.
    /// Errors: `broken_barrier_error` if the barrier is or gets broken.
    [[nodiscard("co_await it")]] wait_awaiter wait() noexcept;

    /// Sends those that wait away with `broken_barrier_error`; the barrier is as new.
    void reset() noexcept;
    /// Breaks the barrier: those that wait and those that come get `broken_barrier_error`.
    void abort() noexcept;

    std::size_t parties() const noexcept { return parties_; }
    std::size_t waiting() const noexcept { return waiting_; }
    bool broken() const noexcept { return broken_; }
    barrier_statistics statistics() const noexcept { return {parties_, waiting_, broken_}; }

private:
    void send_away() noexcept;

    detail::waiter_queue<wait_awaiter> waiters_;
    std::size_t parties_;
    std::size_t waiting_ = 0;
    bool broken_ = false;
};

class barrier::wait_awaiter final : public leaf, public detail::list_links<wait_awaiter> {
public:
    explicit wait_awaiter(barrier& b) noexcept : barrier_(b) {}

    bool await_ready() noexcept {
        if (stop_pending()) return false;
        if (barrier_.broken_) {
            broken_ = true;
            return true;
        }
        if (barrier_.waiting_ + 1 < barrier_.parties_) return false;
        position_ = barrier_.waiting_;
        open();
        return true;
    }
    void await_suspend(std::coroutine_handle<> h) noexcept {
        if (!suspend(h)) return;
        barrier_.waiters_.push_back(*this);
        ++barrier_.waiting_;
    }
    std::size_t await_resume() const {
        if (broken_) {
            throw broken_barrier_error(
                "tandem::barrier::wait: the barrier was aborted or reset; call reset() to use it again");
        }
        return position_;
    }
    const char* kind() const noexcept override { return "barrier::wait"; }

private:
    friend class barrier;

    void open() noexcept {
        barrier_.waiting_ = 0;
        std::size_t position = 0;
        while (wait_awaiter* const waiter = barrier_.waiters_.pop_front()) {
            waiter->position_ = position++;
            waiter->complete();
        }
    }
    detach on_cancel() noexcept override {
        barrier_.waiters_.erase(*this);
        --barrier_.waiting_;
        return detach::done;
    }

    barrier& barrier_;
    std::size_t position_ = 0;
    bool broken_ = false;
};

// ---- implementation

inline barrier::wait_awaiter barrier::wait() noexcept { return wait_awaiter(*this); }

inline void barrier::send_away() noexcept {
    waiting_ = 0;
    while (wait_awaiter* const waiter = waiters_.pop_front()) {
        waiter->broken_ = true;
        waiter->complete();
    }
}

inline void barrier::reset() noexcept {
    send_away();
    broken_ = false;
}

inline void barrier::abort() noexcept {
    broken_ = true;
    send_away();
}

}  // namespace tandem::inline TANDEM_ABI
