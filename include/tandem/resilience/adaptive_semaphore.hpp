// tandem - adaptive_semaphore: at most so many at a time as the server stands, found out by latency
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include <tandem/base/callable.hpp>
#include <tandem/base/detail/intrusive_list.hpp>
#include <tandem/core/fiber.hpp>
#include <tandem/resilience/adaptive_semaphore_options.hpp>
#include <tandem/resilience/detail/attempt.hpp>
#include <tandem/resilience/detail/running_loop.hpp>
#include <tandem/resilience/limit_algorithm.hpp>
#include <tandem/resilience/verdict.hpp>

namespace tandem::inline TANDEM_ABI {

struct adaptive_semaphore_statistics {
    std::size_t limit = 0;
    std::size_t in_use = 0;
    std::size_t waiting = 0;
    std::uint64_t granted = 0;
    std::uint64_t refused = 0;
};

/// A semaphore whose number of permits follows what the calls under it take. First come, first
/// served; a permit that is given back goes to the head of the line. A lower limit takes no permit
/// away, it takes effect as they come back; a higher one wakes waiters in order.
/// Threads: tasks of one loop. Lifetime: outlives its permits and waiters.
/// Cost: nothing is allocated after construction; the algorithm runs once per window of 10 calls.
class adaptive_semaphore {
public:
    class permit;
    class acquire_awaiter;

    /// `algorithm`: `fixed_limit`, `aimd_limit`, `vegas_limit`, `gradient2_limit`, or one of yours.
    template <class Algorithm>
    requires std::is_base_of_v<limit_algorithm, Algorithm>
    explicit adaptive_semaphore(Algorithm algorithm,
                                adaptive_semaphore_options options = adaptive_semaphore_options())
        : algorithm_(std::make_unique<Algorithm>(std::move(algorithm))),
          options_(options),
          limit_(to_count(algorithm_->initial())),
          measures_(algorithm_->measures()) {}
    adaptive_semaphore(const adaptive_semaphore&) = delete;
    adaptive_semaphore& operator=(const adaptive_semaphore&) = delete;
    ~adaptive_semaphore() {
        TANDEM_ASSERT(
            line_.empty(),
            "tandem: an adaptive_semaphore is destroyed while tasks wait for it; let it outlive them");
    }

    /// Waits for a permit. Say on it how the call ended, `succeeded()` or `dropped()`: from that the
    /// limit is learnt. Dropped without a word, as when the holder is stopped, it teaches nothing.
    /// Cancellation: the waiter leaves the line. A permit handed over before is delivered.
    /// Errors: `overloaded` if the line is too long or too slow.
    [[nodiscard("co_await it")]] acquire_awaiter acquire() noexcept;
    /// Takes a permit if one is free.
    /// Errors: `invalid_state_error` outside of a running loop if the limit is learnt: there is no clock.
    [[nodiscard("keep the permit: dropping it gives it back at once")]] std::optional<permit> try_acquire();

    /// Calls `fn(args...)` under a permit and teaches how it ended: a value as success, an error worth
    /// a retry as dropped, any other not at all.
    /// Cancellation: leaves the line, or reaches the call; a call that was stopped teaches nothing.
    /// Errors: those of the call; `overloaded`.
    template <class F, class... Args>
    [[nodiscard("co_await it")]] auto call(F&& fn, Args&&... args);

    std::size_t limit() const noexcept { return limit_; }
    adaptive_semaphore_statistics statistics() const noexcept {
        return {limit_, in_use_, waiting_, granted_, refused_};
    }

private:
    enum class end : std::uint8_t { ignored, succeeded, dropped };

    static std::size_t to_count(double limit) noexcept {
        constexpr double most = 1e9;  // what is not a number counts as 1
        return limit >= most ? static_cast<std::size_t>(most)
               : limit >= 1  ? static_cast<std::size_t>(limit)
                             : 1;
    }
    bool reads_time() const noexcept { return measures_ || options_.shed_; }
    std::int64_t now() const noexcept { return reads_time() ? loop_core::current()->ticks() : 0; }
    void take() noexcept {
        ++granted_;
        if (++in_use_ > seen_.in_use) seen_.in_use = in_use_;
    }
    void give_back(std::int64_t since, end how) noexcept;
    void learn(std::int64_t now, std::int64_t took, end how) noexcept;
    inline void serve() noexcept;

    std::unique_ptr<limit_algorithm> algorithm_;
    adaptive_semaphore_options options_;
    detail::intrusive_list<acquire_awaiter> line_;
    std::size_t limit_;
    std::size_t in_use_ = 0;
    std::size_t waiting_ = 0;
    std::uint64_t granted_ = 0;
    std::uint64_t refused_ = 0;
    limit_window seen_;
    std::int64_t sum_ = 0;
    std::int64_t window_end_ = 0;
    std::size_t calls_ = 0;
    std::size_t worked_ = 0;
    bool measures_;
};

/// Holds one permit and gives it back when it goes.
class [[nodiscard("keep the permit: dropping it gives it back at once")]] adaptive_semaphore::permit {
public:
    permit(permit && other) noexcept : from_(std::exchange(other.from_, nullptr)), since_(other.since_) {}
    permit& operator=(permit&& other) noexcept {
        permit moved(std::move(other));
        std::swap(from_, moved.from_);
        std::swap(since_, moved.since_);
        return *this;
    }
    ~permit() { give(end::ignored); }

    /// Gives the permit back; the call has worked, and its time counts.
    void succeeded() noexcept { give(end::succeeded); }
    /// Gives the permit back; the server was too slow or refused the call.
    void dropped() noexcept { give(end::dropped); }

private:
    friend class adaptive_semaphore;
    permit(adaptive_semaphore & from, std::int64_t since) noexcept : from_(&from), since_(since) {}
    void give(end how) noexcept {
        if (from_) std::exchange(from_, nullptr)->give_back(since_, how);
    }

    adaptive_semaphore* from_;
    std::int64_t since_;
};

class adaptive_semaphore::acquire_awaiter final : public leaf, public detail::list_links<acquire_awaiter> {
public:
    explicit acquire_awaiter(adaptive_semaphore& from) noexcept : from_(from) {}
    ~acquire_awaiter() {
        if (granted_) from_.give_back(since_, end::ignored);
    }

    bool await_ready() noexcept {
        if (stop_pending()) return false;
        if (from_.in_use_ < from_.limit_) {
            from_.take();
            since_ = from_.now();
            granted_ = true;
            if (from_.options_.shed_) from_.options_.shed_->refuses(since_, 0);
            return true;
        }
        refused_ = from_.waiting_ >= from_.options_.max_waiting_;
        from_.refused_ += refused_;
        return refused_;
    }
    void await_suspend(std::coroutine_handle<> h) noexcept {
        if (!suspend(h)) return;
        since_ = from_.now();
        from_.line_.push_back(*this);
        ++from_.waiting_;
    }
    permit await_resume() {
        if (refused_) {
            throw overloaded("tandem::adaptive_semaphore::acquire: refused, " +
                             std::to_string(from_.waiting_) + " wait for " + std::to_string(from_.limit_) +
                             " permits; come again later");
        }
        granted_ = false;
        return permit(from_, since_);
    }
    const char* kind() const noexcept override { return "adaptive_semaphore::acquire"; }

private:
    friend class adaptive_semaphore;
    detach on_cancel() noexcept override {
        from_.line_.erase(*this);
        --from_.waiting_;
        return detach::done;
    }

    adaptive_semaphore& from_;
    std::int64_t since_ = 0;
    bool granted_ = false;
    bool refused_ = false;
};

// ---- implementation

inline adaptive_semaphore::acquire_awaiter adaptive_semaphore::acquire() noexcept {
    return acquire_awaiter(*this);
}

inline std::optional<adaptive_semaphore::permit> adaptive_semaphore::try_acquire() {
    const std::int64_t start =
        reads_time() ? detail::running_loop("adaptive_semaphore::try_acquire").ticks() : 0;
    if (in_use_ >= limit_) return std::nullopt;
    take();
    return permit(*this, start);
}

inline void adaptive_semaphore::give_back(std::int64_t since, end how) noexcept {
    --in_use_;
    const loop_core* const loop = measures_ && how != end::ignored ? loop_core::current() : nullptr;
    if (loop) {  // without one, nothing is learnt of a time that cannot be told
        const std::int64_t ticks = loop->ticks();
        learn(ticks, ticks - since, how);
    }
    if (waiting_ != 0) serve();
}

// The permit belongs to the head before that resumes, so nobody overtakes.
inline void adaptive_semaphore::serve() noexcept {
    const std::int64_t ticks = now();
    while (in_use_ < limit_) {
        acquire_awaiter* const next = line_.pop_front();
        if (!next) return;
        --waiting_;
        if (options_.shed_ && options_.shed_->refuses(ticks, ticks - next->since_)) {
            next->refused_ = true;
            ++refused_;
        } else {
            take();
            next->granted_ = true;
            next->since_ = ticks;
        }
        next->complete();
    }
}

inline void adaptive_semaphore::learn(std::int64_t now, std::int64_t took, end how) noexcept {
    ++calls_;
    if (how == end::succeeded) {
        sum_ += took;
        ++worked_;
    } else {
        seen_.dropped = true;
    }
    if (calls_ < 10 || now < window_end_) return;
    seen_.now = now;
    seen_.worked = worked_ != 0;
    if (seen_.worked) seen_.mean = sum_ / static_cast<std::int64_t>(worked_);
    limit_ = to_count(algorithm_->update(seen_));
    window_end_ = now + seen_.mean;  // what was called under the old limit has ended by then
    seen_.dropped = false;
    seen_.in_use = in_use_;
    sum_ = 0;
    calls_ = worked_ = 0;
}

namespace detail {

template <class T, class Fn, class Kept>
task<T> permitted_call(adaptive_semaphore& from, Fn fn, Kept args) {
    adaptive_semaphore::permit held = co_await from.acquire();
    std::optional<outcome<T>> ended;
    const auto call = [&fn, &args]() -> decltype(auto) { return call_kept(fn, args); };
    co_await attempt<T>(call, never, ended);
    const verdict said = default_classifier()(std::as_const(*ended));
    if (said.what() == verdict::kind::done) held.succeeded();
    if (said.what() == verdict::kind::retry) held.dropped();
    co_return deliver(*ended);
}

}  // namespace detail

template <class F, class... Args>
auto adaptive_semaphore::call(F&& fn, Args&&... args) {
    TANDEM_REQUIRE_SAFE_CALLABLE(F);
    using kept = std::tuple<std::unwrap_ref_decay_t<Args>...>;
    using callable = detail::callable_t<F>;
    static_assert(
        detail::called_afresh<callable, std::unwrap_ref_decay_t<Args>...>,
        "tandem::adaptive_semaphore::call: fn(args...) returns a tandem::task or another awaitable and "
        "takes its arguments by value or const&");
    using result = detail::attempt_result_t<callable, std::unwrap_ref_decay_t<Args>...>;
    return detail::permitted_call<result, callable, kept>(*this, detail::forward_callable<F>(fn),
                                                          kept(std::forward<Args>(args)...));
}

}  // namespace tandem::inline TANDEM_ABI
