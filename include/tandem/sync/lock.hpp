// tandem - lock: mutual exclusion between tasks
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coroutine>
#include <cstddef>
#include <optional>
#include <utility>

#include <tandem/core/fiber.hpp>
#include <tandem/sync/detail/waiter_queue.hpp>
#include <tandem/sync/statistics.hpp>

namespace tandem::inline TANDEM_ABI {

namespace detail {

/// Waits for a lock: in `acquire`, or in `condition::wait` to get it back.
class lock_waiter : public list_links<lock_waiter> {
public:
    virtual void lock_granted() noexcept = 0;

protected:
    ~lock_waiter() = default;
};

}  // namespace detail

/// Mutual exclusion among tasks of one loop, first come first served. Not recursive.
/// Lifetime: outlives its guards and waiters.
class lock {
public:
    class guard;
    class acquire_awaiter;

    lock() noexcept = default;
    lock(const lock&) = delete;
    lock& operator=(const lock&) = delete;

    /// Waits for the lock; it is released when the guard goes: `auto guard = co_await lock.acquire();`
    /// Cancellation: the waiter leaves the line. A lock handed over before is delivered; the guard
    ///   releases it.
    [[nodiscard("co_await it")]] acquire_awaiter acquire() noexcept;

    /// Takes the lock if it is free, without waiting.
    [[nodiscard("keep the guard: dropping it releases at once")]] std::optional<guard> try_acquire() noexcept;

    bool locked() const noexcept { return locked_; }
    lock_statistics statistics() const noexcept { return {locked_, waiters_.size()}; }

private:
    friend class condition;

    void unlock() noexcept {
        if (detail::lock_waiter* const next = waiters_.pop_front()) {
            next->lock_granted();  // stays locked: it is the waiter's now
        } else {
            locked_ = false;
        }
    }

    detail::waiter_queue<detail::lock_waiter> waiters_;
    bool locked_ = false;
};

/// Holds a lock and releases it when it goes.
class [[nodiscard("keep the guard: dropping it releases at once")]] lock::guard {
public:
    guard(guard && other) noexcept : held_(std::exchange(other.held_, nullptr)) {}
    guard& operator=(guard&& other) noexcept {
        guard moved(std::move(other));
        std::swap(held_, moved.held_);
        return *this;
    }
    ~guard() { unlock(); }

    /// Releases the lock now.
    void unlock() noexcept {
        if (held_) std::exchange(held_, nullptr)->unlock();
    }
    explicit operator bool() const noexcept { return held_ != nullptr; }

private:
    friend class lock;
    friend class acquire_awaiter;
    explicit guard(lock & held) noexcept : held_(&held) {}

    lock* held_;
};

class lock::acquire_awaiter final : public leaf, private detail::lock_waiter {
public:
    explicit acquire_awaiter(lock& l) noexcept : lock_(l) {}
    ~acquire_awaiter() {
        if (granted_) lock_.unlock();
    }

    bool await_ready() noexcept {
        if (stop_pending() || lock_.locked_) return false;
        granted_ = lock_.locked_ = true;
        return true;
    }
    void await_suspend(std::coroutine_handle<> h) noexcept {
        if (suspend(h)) lock_.waiters_.push_back(*this);
    }
    guard await_resume() noexcept {
        granted_ = false;
        return guard(lock_);
    }
    const char* kind() const noexcept override { return "lock::acquire"; }

private:
    void lock_granted() noexcept override {
        granted_ = true;
        complete();
    }
    detach on_cancel() noexcept override {
        lock_.waiters_.erase(*this);
        return detach::done;
    }

    lock& lock_;
    bool granted_ = false;
};

// ---- implementation

inline lock::acquire_awaiter lock::acquire() noexcept { return acquire_awaiter(*this); }

inline std::optional<lock::guard> lock::try_acquire() noexcept {
    if (locked_) return std::nullopt;
    locked_ = true;
    return guard(*this);
}

}  // namespace tandem::inline TANDEM_ABI
