// tandem - semaphore, bounded_semaphore: at most n tasks at a time
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coroutine>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include <tandem/base/error.hpp>
#include <tandem/core/fiber.hpp>
#include <tandem/sync/detail/waiter_queue.hpp>
#include <tandem/sync/statistics.hpp>

namespace tandem::inline TANDEM_ABI {

/// A number of permits; tasks of one loop wait, first come first served, while there is none.
/// A permit that is given back goes straight to the head of the line, so nobody overtakes.
/// Lifetime: outlives its permits and waiters.
class semaphore {
public:
    class permit;
    class acquire_awaiter;

    /// Errors: `std::invalid_argument` for a negative number.
    explicit semaphore(std::size_t permits) : value_(counted(permits)) {}
    semaphore(const semaphore&) = delete;
    semaphore& operator=(const semaphore&) = delete;

    /// Waits for a permit; it is given back when the guard goes: `auto permit = co_await sem.acquire();`
    /// Cancellation: the waiter leaves the line. A permit handed over before is delivered; the guard
    ///   returns it.
    [[nodiscard("co_await it")]] acquire_awaiter acquire() noexcept;

    /// Takes a permit if one is free, without waiting.
    [[nodiscard("keep the permit: dropping it gives it back at once")]] std::optional<permit>
    try_acquire() noexcept;

    /// Gives back a permit that was detached from its guard, or adds one.
    /// Errors: of a `bounded_semaphore`, `invalid_state_error` beyond its initial value.
    void release();

    /// The number of permits that are free.
    std::size_t value() const noexcept { return value_; }
    bool locked() const noexcept { return value_ == 0; }
    semaphore_statistics statistics() const noexcept { return {value_, waiters_.size()}; }

protected:
    semaphore(std::size_t permits, std::size_t most) : value_(counted(permits)), most_(most) {}

private:
    static std::size_t counted(std::size_t permits) {
        if (permits > most_permits) {
            throw std::invalid_argument("tandem::semaphore: " + std::to_string(permits) +
                                        " permits, as a negative number becomes; give 0 or more");
        }
        return permits;
    }
    static constexpr std::size_t most_permits = static_cast<std::size_t>(-1) / 2;

    void give_back() noexcept;

    std::size_t value_;
    std::size_t most_ = static_cast<std::size_t>(-1);
    detail::waiter_queue<acquire_awaiter> waiters_;
};

/// A semaphore that refuses more releases than acquisitions.
class bounded_semaphore : public semaphore {
public:
    explicit bounded_semaphore(std::size_t permits) : semaphore(permits, permits) {}
};

/// Holds one permit and gives it back when it goes.
class [[nodiscard("keep the permit: dropping it gives it back at once")]] semaphore::permit {
public:
    permit(permit && other) noexcept : from_(std::exchange(other.from_, nullptr)) {}
    permit& operator=(permit&& other) noexcept {
        permit moved(std::move(other));
        std::swap(from_, moved.from_);
        return *this;
    }
    ~permit() { release(); }

    /// Gives the permit back now.
    void release() noexcept {
        if (from_) std::exchange(from_, nullptr)->give_back();
    }
    /// Leaves the permit taken; `semaphore::release` gives it back by hand.
    void detach() noexcept { from_ = nullptr; }
    explicit operator bool() const noexcept { return from_ != nullptr; }

private:
    friend class semaphore;
    friend class acquire_awaiter;
    explicit permit(semaphore & from) noexcept : from_(&from) {}

    semaphore* from_;
};

class semaphore::acquire_awaiter final : public detail::line_awaiter<acquire_awaiter> {
public:
    explicit acquire_awaiter(semaphore& from) noexcept : from_(from) {}
    ~acquire_awaiter() {
        if (granted_) from_.give_back();
    }

    bool await_ready() noexcept {
        if (stop_pending() || from_.value_ == 0) return false;
        --from_.value_;
        granted_ = true;
        return true;
    }
    void await_suspend(std::coroutine_handle<> h) noexcept { line_up(h, from_.waiters_); }
    permit await_resume() noexcept {
        granted_ = false;
        return permit(from_);
    }
    const char* kind() const noexcept override { return "semaphore::acquire"; }

private:
    friend class semaphore;
    semaphore& from_;
    bool granted_ = false;
};

// ---- implementation

inline semaphore::acquire_awaiter semaphore::acquire() noexcept { return acquire_awaiter(*this); }

inline std::optional<semaphore::permit> semaphore::try_acquire() noexcept {
    if (value_ == 0) return std::nullopt;
    --value_;
    return permit(*this);
}

// The permit belongs to the head waiter before that resumes: releasing first would let a late acquire
// overtake and starve the line.
inline void semaphore::give_back() noexcept {
    if (acquire_awaiter* const next = waiters_.pop_front()) {
        next->granted_ = true;
        next->complete();
    } else {
        ++value_;
    }
}

inline void semaphore::release() {
    if (value_ >= most_) {
        throw invalid_state_error("tandem::bounded_semaphore::release: all " + std::to_string(most_) +
                                  " permits are free already; release once per acquire");
    }
    give_back();
}

}  // namespace tandem::inline TANDEM_ABI
