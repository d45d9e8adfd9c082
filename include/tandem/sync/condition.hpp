// tandem - condition: tasks that hold a lock wait to be notified
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coroutine>
#include <cstddef>
#include <type_traits>
#include <utility>

#include <tandem/base/callable.hpp>
#include <tandem/base/error.hpp>
#include <tandem/core/task.hpp>
#include <tandem/sync/lock.hpp>
#include <tandem/sync/statistics.hpp>

namespace tandem::inline TANDEM_ABI {

/// A place to wait for a change of what a lock protects.
/// Lifetime: outlives its waiters; the lock outlives the condition.
class condition {
public:
    class wait_awaiter;

    explicit condition(lock& l) noexcept : lock_(l) {}
    condition(const condition&) = delete;
    condition& operator=(const condition&) = delete;

    /// Releases the lock, waits for a notification, takes the lock again.
    /// Cancellation: leaves the line, and stops only when it holds the lock again, so that the guard
    ///   outside releases what it holds. A notification that came first is delivered.
    /// Errors: `invalid_state_error` if the lock is not held.
    [[nodiscard("co_await it")]] wait_awaiter wait();

    /// Waits until `predicate()` is true, asked with the lock held, before and after each notification.
    /// Errors: as `wait`; what `predicate` throws.
    template <class F>
    [[nodiscard("co_await it")]] task<> wait(F&& predicate) {
        TANDEM_REQUIRE_SAFE_CALLABLE(F);
        static_assert(
            std::is_invocable_r_v<bool, detail::callable_t<F>&>,
            "tandem::condition::wait: the predicate is a callable without parameters that gives bool");
        require_lock("wait");
        return wait_for_predicate<detail::callable_t<F>>(detail::forward_callable<F>(predicate));
    }

    /// Wakes the first `n` waiters; they go on one after the other, as they get the lock.
    /// Errors: `invalid_state_error` if the lock is not held.
    void notify(std::size_t n = 1);
    void notify_all() { notify(static_cast<std::size_t>(-1)); }

    condition_statistics statistics() const noexcept { return {waiters_.size()}; }

private:
    void require_lock(const char* call) const {
        if (lock_.locked()) return;
        throw invalid_state_error(std::string("tandem::condition::") + call +
                                  ": the lock is not held; co_await its acquire() first and keep the guard");
    }

    template <class Predicate>
    task<> wait_for_predicate(Predicate predicate);

    lock& lock_;
    detail::waiter_queue<wait_awaiter> waiters_;
};

class condition::wait_awaiter final : public leaf,
                                      public detail::list_links<wait_awaiter>,
                                      private detail::lock_waiter {
public:
    explicit wait_awaiter(condition& c) noexcept : condition_(c) {}

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) noexcept {
        if (!suspend(h)) return;
        condition_.waiters_.push_back(*this);
        condition_.lock_.unlock();
    }
    void await_resume() const noexcept {}
    const char* kind() const noexcept override {
        return phase_ == phase::waiting ? "condition::wait" : "condition::wait, for the lock";
    }

private:
    friend class condition;
    enum class phase : unsigned char { waiting, notified, stopping };

    void notified() noexcept {
        phase_ = phase::notified;
        take_lock_back();
    }
    void take_lock_back() noexcept {
        if (condition_.lock_.locked_) {
            condition_.lock_.waiters_.push_back(*this);
        } else {
            condition_.lock_.locked_ = true;
            lock_granted();
        }
    }
    void lock_granted() noexcept override {
        if (phase_ == phase::stopping) {
            stop();
        } else {
            complete();
        }
    }
    detach on_cancel() noexcept override {
        if (phase_ == phase::waiting) {
            condition_.waiters_.erase(*this);
            phase_ = phase::stopping;
            take_lock_back();
        }
        return detach::later;
    }

    condition& condition_;
    phase phase_ = phase::waiting;
};

// ---- implementation

inline condition::wait_awaiter condition::wait() {
    require_lock("wait");
    return wait_awaiter(*this);
}

inline void condition::notify(std::size_t n) {
    require_lock("notify");
    for (; n != 0; --n) {
        wait_awaiter* const next = waiters_.pop_front();
        if (!next) return;
        next->notified();
    }
}

template <class Predicate>
task<> condition::wait_for_predicate(Predicate predicate) {
    while (!predicate()) co_await wait();
}

}  // namespace tandem::inline TANDEM_ABI
