// tandem - circuit_breaker: stops calling what keeps failing, and probes whether it is back
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include <tandem/base/callable.hpp>
#include <tandem/base/detail/unique_function.hpp>
#include <tandem/resilience/circuit_breaker_options.hpp>
#include <tandem/resilience/detail/attempt.hpp>
#include <tandem/resilience/detail/call_window.hpp>
#include <tandem/resilience/detail/running_loop.hpp>
#include <tandem/resilience/verdict.hpp>

namespace tandem::inline TANDEM_ABI {

enum class circuit_state : std::uint8_t { closed, open, half_open };

struct circuit_breaker_statistics {
    circuit_state state = circuit_state::closed;
    std::uint64_t calls = 0;  ///< in the window, with those that failed and were slow
    std::uint64_t failures = 0;
    std::uint64_t slow = 0;
    std::uint64_t refused = 0;  ///< ever
    std::uint64_t opened = 0;   ///< ever
};

/// Lets calls through while they work. When too many fail it is open and refuses them all; after a
/// while it lets one at a time through as a probe, and closes when enough of these succeed.
/// A call that was stopped, or whose verdict is `give_up`, counts neither way. A result that arrives
/// after the state has changed is ignored. No timer runs: the state changes when a call asks or ends, so
/// that a probe that never ends keeps all others out: give calls a timeout.
/// Threads: tasks of one loop. Lifetime: outlives its calls.
class circuit_breaker {
public:
    class admission;

    explicit circuit_breaker(circuit_breaker_options options = circuit_breaker_options())
        : options_(options), window_(make_window(options)), open_time_(options.open_for_) {}
    circuit_breaker(const circuit_breaker&) = delete;
    circuit_breaker& operator=(const circuit_breaker&) = delete;

    /// Calls `fn(args...)` and awaits it, unless the circuit is open; counts how it ends.
    /// Cancellation: reaches the call; it counts neither way, and a probe leaves room for the next.
    /// Errors: those of the call; `circuit_open` if it is refused.
    /// Lifetime: `fn` and `args` are kept by value; `std::ref` passes a reference that you keep alive.
    template <class F, class... Args>
    [[nodiscard("co_await it")]] auto call(F&& fn, Args&&... args) {
        TANDEM_REQUIRE_SAFE_CALLABLE(F);
        return call_with(default_classifier(), std::forward<F>(fn), std::forward<Args>(args)...);
    }
    /// The same with a classifier, a callable `verdict(const outcome<T>&)`: `retry` counts as a failure.
    template <class Classifier, class F, class... Args>
    [[nodiscard("co_await it")]] auto call_with(Classifier&& classify, F&& fn, Args&&... args);

    /// For calls that are not made through `call`: lets one through, or gives nothing.
    /// Errors: `invalid_state_error` outside of a running loop.
    [[nodiscard("keep the admission: say how the call ended")]] std::optional<admission> try_admit();

    circuit_state state() const noexcept { return state_; }
    /// When an open circuit lets the next call through; `time_point::max()` after `force_open`.
    time_point open_until() const noexcept {
        return until_ == detail::never ? time_point::max() : detail::to_time_point(until_);
    }

    /// Refuses all calls until `reset`.
    void force_open() { change(circuit_state::open, detail::never); }
    /// Closes the circuit and forgets what was counted.
    void reset() {
        open_time_ = options_.open_for_;
        change(circuit_state::closed, 0);
    }

    /// Sets who hears of each change, at once and where it happens; what it throws goes to
    /// the loop's `on_suppressed`.
    void on_change(detail::unique_function<void(circuit_state from, circuit_state to)> fn) {
        changed_ = fn ? std::make_shared<listener>(std::move(fn)) : nullptr;
    }

    circuit_breaker_statistics statistics() {
        const loop_core* const loop = loop_core::current();
        const detail::call_counts& counts = window_.counts(loop ? loop->ticks() : 0);
        return {state_, counts.calls, counts.failures, counts.slow, refused_, opened_};
    }

private:
    using listener = detail::unique_function<void(circuit_state, circuit_state)>;

    static detail::call_window make_window(const circuit_breaker_options& o) {
        if (o.window_ == 0) return detail::call_window(o.buckets_);
        const std::int64_t width = o.window_ / static_cast<std::int64_t>(o.buckets_);
        return detail::call_window(std::max<std::int64_t>(width, 1), o.buckets_);
    }
    void change(circuit_state to, std::int64_t until);
    void open(loop_core& loop, std::int64_t now);
    void judge(loop_core& loop, std::int64_t now);
    void ended(const admission& call, verdict::kind how);

    circuit_breaker_options options_;
    detail::call_window window_;
    std::shared_ptr<listener> changed_;  // shared with its call, in which it may set another
    std::int64_t open_time_;
    std::int64_t until_ = 0;
    std::uint64_t epoch_ = 0;  // of the state: results of earlier ones are ignored
    std::size_t good_probes_ = 0;
    bool probing_ = false;
    circuit_state state_ = circuit_state::closed;
    std::uint64_t refused_ = 0;
    std::uint64_t opened_ = 0;
};

/// A call that a breaker has let through. Say how it ended; dropped before that, it counts neither way.
class [[nodiscard("keep the admission: say how the call ended")]] circuit_breaker::admission {
public:
    admission(admission && other) noexcept
        : breaker_(std::exchange(other.breaker_, nullptr)), epoch_(other.epoch_), start_(other.start_) {}
    admission& operator=(admission&&) = delete;
    ~admission() {
        if (breaker_ && breaker_->epoch_ == epoch_) breaker_->probing_ = false;
    }

    /// `done` counts as a success, `retry` as a failure, `give_up` not at all. Once.
    /// Errors: `invalid_state_error` outside of a running loop, and the call counts neither way.
    void ended(const verdict& how) {
        if (breaker_) std::exchange(breaker_, nullptr)->ended(*this, how.what());
    }

private:
    friend class circuit_breaker;
    admission(circuit_breaker & breaker, std::int64_t start) noexcept
        : breaker_(&breaker), epoch_(breaker.epoch_), start_(start) {}

    circuit_breaker* breaker_;
    std::uint64_t epoch_;
    std::int64_t start_;
};

// ---- implementation

namespace detail {

template <class T, class Classifier, class Fn, class Kept>
task<T> guarded_call(circuit_breaker& breaker, Classifier classify, Fn fn, Kept args) {
    std::optional<circuit_breaker::admission> admitted = breaker.try_admit();
    if (!admitted) {
        const time_point now = loop_core::current()->now();
        throw circuit_open(breaker.state() == circuit_state::open ? breaker.open_until() : now);
    }
    std::optional<outcome<T>> ended;
    const auto call = [&fn, &args]() -> decltype(auto) { return call_kept(fn, args); };
    co_await attempt<T>(call, never, ended);
    admitted->ended(classify(std::as_const(*ended)));
    co_return deliver(*ended);
}

}  // namespace detail

template <class Classifier, class F, class... Args>
auto circuit_breaker::call_with(Classifier&& classify, F&& fn, Args&&... args) {
    TANDEM_REQUIRE_SAFE_CALLABLE(Classifier);
    TANDEM_REQUIRE_SAFE_CALLABLE(F);
    using kept = std::tuple<std::unwrap_ref_decay_t<Args>...>;
    using callable = detail::callable_t<F>;
    static_assert(
        detail::called_afresh<callable, std::unwrap_ref_decay_t<Args>...>,
        "tandem::circuit_breaker::call: fn(args...) returns a tandem::task or another awaitable and takes "
        "its arguments by value or const&");
    using result = detail::attempt_result_t<callable, std::unwrap_ref_decay_t<Args>...>;
    return detail::guarded_call<result, detail::callable_t<Classifier>, callable, kept>(
        *this, detail::forward_callable<Classifier>(classify), detail::forward_callable<F>(fn),
        kept(std::forward<Args>(args)...));
}

inline std::optional<circuit_breaker::admission> circuit_breaker::try_admit() {
    const std::int64_t now = detail::running_loop("circuit_breaker::try_admit").ticks();
    if (state_ == circuit_state::open && now >= until_) change(circuit_state::half_open, 0);
    if (state_ == circuit_state::open || (state_ == circuit_state::half_open && probing_)) {
        ++refused_;
        return std::nullopt;
    }
    probing_ = state_ == circuit_state::half_open;
    return admission(*this, now);
}

inline void circuit_breaker::ended(const admission& call, verdict::kind how) {
    if (call.epoch_ != epoch_) return;
    probing_ = false;
    if (how == verdict::kind::give_up) return;
    loop_core& loop = detail::running_loop("circuit_breaker::admission::ended");
    const std::int64_t now = loop.ticks();
    const bool failed = how == verdict::kind::retry;
    const bool slow = now - call.start_ >= options_.slow_;
    window_.add(now, failed, slow);
    if (state_ == circuit_state::closed) {
        judge(loop, now);
    } else if (failed || slow) {
        open_time_ =
            std::min(options_.longest_, open_time_ > detail::never / 2 ? detail::never : 2 * open_time_);
        open(loop, now);
    } else if (++good_probes_ == options_.probes_) {
        reset();
    }
}

inline void circuit_breaker::judge(loop_core& loop, std::int64_t now) {
    const detail::call_counts& counts = window_.counts(now);
    const std::size_t least =
        window_.by_time() ? options_.least_calls_ : std::min(options_.least_calls_, window_.capacity());
    if (counts.calls < least) return;
    const double calls = static_cast<double>(counts.calls);
    const bool failing = static_cast<double>(counts.failures) >= options_.failure_share_ * calls;
    const bool slow =
        options_.slow_ != detail::never && static_cast<double>(counts.slow) >= options_.slow_share_ * calls;
    if (failing || slow) open(loop, now);
}

inline void circuit_breaker::open(loop_core& loop, std::int64_t now) {
    const double factor = 1 + options_.spread_ * (2 * loop.random().unit() - 1);
    ++opened_;
    const double time = static_cast<double>(open_time_) * factor;
    const bool for_good = time >= static_cast<double>(detail::never);
    change(circuit_state::open,
           for_good ? detail::never : detail::later(now, static_cast<std::int64_t>(time)));
}

inline void circuit_breaker::change(circuit_state to, std::int64_t until) {
    const circuit_state from = std::exchange(state_, to);
    until_ = until;
    ++epoch_;
    probing_ = false;
    good_probes_ = 0;
    window_.clear();
    const std::shared_ptr<listener> heard_by = changed_;
    if (from == to || !heard_by) return;
    try {
        (*heard_by)(from, to);
    } catch (...) {
        if (loop_core* const loop = loop_core::current()) loop->report_suppressed(std::current_exception());
    }
}

}  // namespace tandem::inline TANDEM_ABI
