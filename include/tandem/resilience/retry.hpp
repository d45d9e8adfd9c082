// tandem - retry: calls again what failed, later and later, within the time and the budget there is
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <tandem/base/callable.hpp>
#include <tandem/base/detail/trace_point.hpp>
#include <tandem/core/sleep.hpp>
#include <tandem/core/this_task.hpp>
#include <tandem/resilience/detail/attempt.hpp>
#include <tandem/resilience/retry_budget.hpp>
#include <tandem/resilience/verdict.hpp>

namespace tandem::inline TANDEM_ABI {

/// How the waits are spread. `step` is min(cap, base * factor^k) before the k-th retry, k from 0.
enum class jitter : std::uint8_t {
    none,          ///< step
    full,          ///< uniform in [0, step]
    equal,         ///< step/2 + uniform in [0, step/2]
    decorrelated,  ///< min(cap, uniform in [base, 3 * the wait before])
};

/// Why a `retry` ended.
enum class retry_end : std::uint8_t { not_yet, done, attempts, deadline, budget, hint, gave_up };

/// One attempt of a `retry`.
class retry_record {
public:
    retry_record(std::exception_ptr error, time_point start, duration elapsed) noexcept
        : error_(std::move(error)), start_(start), elapsed_(elapsed) {}

    std::exception_ptr error() const noexcept { return error_; }  ///< null if it gave a value
    time_point start() const noexcept { return start_; }
    duration elapsed() const noexcept { return elapsed_; }
    duration delay() const noexcept { return delay_; }  ///< what was waited after it
    void set_delay(duration delay) noexcept { delay_ = delay; }

private:
    std::exception_ptr error_;
    time_point start_;
    duration elapsed_;
    duration delay_{};
};

/// What a `retry` did, for those who pass `.record(log)`.
class retry_log {
public:
    retry_log() = default;

    const std::vector<retry_record>& attempts() const noexcept { return attempts_; }
    retry_end ended_by() const noexcept { return ended_by_; }

    // ---- for retry
    void clear() noexcept {
        attempts_.clear();
        ended_by_ = retry_end::not_yet;
    }
    void add(retry_record record) { attempts_.push_back(std::move(record)); }
    void set_delay(duration delay) noexcept { attempts_.back().set_delay(delay); }
    void end(retry_end why) noexcept { ended_by_ = why; }

private:
    std::vector<retry_record> attempts_;
    retry_end ended_by_ = retry_end::not_yet;
};

namespace detail {

struct retry_settings {
    retry_settings() = default;

    std::size_t attempts = 3;
    std::int64_t base = 100'000'000;
    std::int64_t cap = 2'000'000'000;
    std::int64_t attempt_timeout = never;
    std::int64_t longest_hint = 120'000'000'000;
    double factor = 2;
    retry_budget* budget = nullptr;
    retry_log* log = nullptr;
    jitter spread = jitter::full;
};

/// The waits between the attempts of one call.
class backoff {
public:
    explicit backoff(const retry_settings& s) noexcept : settings_(s), previous_(s.base) {}

    std::int64_t next(random_source& random) noexcept {
        const std::int64_t cap = settings_.cap;
        if (settings_.spread == jitter::decorrelated) {
            const std::int64_t high = previous_ > never / 3 ? never : 3 * previous_;
            return previous_ = std::min(cap, random.between(settings_.base, high));
        }
        if (settings_.base == 0) return 0;  // zero times infinity is no number
        const double wanted = static_cast<double>(settings_.base) * std::pow(settings_.factor, retries_++);
        const std::int64_t step = wanted < static_cast<double>(cap) ? static_cast<std::int64_t>(wanted) : cap;
        if (settings_.spread == jitter::full) return random.between(0, step);
        if (settings_.spread == jitter::equal) return step / 2 + random.between(0, step - step / 2);
        return step;
    }

private:
    const retry_settings& settings_;
    std::int64_t previous_;
    double retries_ = 0;
};

}  // namespace detail

/// How `retry` retries. Defaults: 3 attempts in all, waits of at most 100 ms, 200 ms, ... up to 2 s
/// with full jitter, hints of up to 120 s, `default_classifier`.
template <class Classifier>
class basic_retry_policy {
public:
    basic_retry_policy() = default;
    basic_retry_policy(detail::retry_settings settings, Classifier classifier)
        : settings_(settings), classifier_(std::move(classifier)) {}

    /// Attempts in all; 1 never retries. Errors: `std::invalid_argument` for 0.
    basic_retry_policy& attempts(std::size_t in_all) {
        if (in_all == 0)
            throw std::invalid_argument("tandem::retry_policy::attempts: 0 attempts; give 1 or more");
        settings_.attempts = in_all;
        return *this;
    }
    /// The first wait before jitter, and what each further one is multiplied by.
    basic_retry_policy& base(duration first) { return set(settings_.base, first, "base"); }
    basic_retry_policy& factor(double growth) {
        if (!(growth >= 1))
            throw std::invalid_argument(
                "tandem::retry_policy::factor: below 1; waits that shrink do not help, give 1 or more");
        settings_.factor = growth;
        return *this;
    }
    /// No wait is longer, unless the server asks for it.
    basic_retry_policy& cap(duration longest) { return set(settings_.cap, longest, "cap"); }
    basic_retry_policy& jitter(tandem::jitter spread) noexcept {
        settings_.spread = spread;
        return *this;
    }
    /// Each attempt ends with `timeout_error` after this time.
    basic_retry_policy& attempt_timeout(duration each) {
        return set(settings_.attempt_timeout, each, "attempt_timeout");
    }
    /// A server that asks for a longer pause is not waited for.
    basic_retry_policy& longest_hint(duration longest) {
        return set(settings_.longest_hint, longest, "longest_hint");
    }
    /// What retries may cost in all. Lifetime: the budget outlives the calls.
    basic_retry_policy& budget(retry_budget& shared) noexcept {
        settings_.budget = &shared;
        return *this;
    }
    /// Writes down each attempt. Lifetime: the log outlives the call; one log, one call at a time.
    basic_retry_policy& record(retry_log& log) noexcept {
        settings_.log = &log;
        return *this;
    }
    /// The same policy with another classifier, a callable `verdict(const outcome<T>&)`.
    template <class F>
    basic_retry_policy<detail::callable_t<F>> classify(F&& classifier) const {
        TANDEM_REQUIRE_SAFE_CALLABLE(F);
        return basic_retry_policy<detail::callable_t<F>>(settings_, detail::forward_callable<F>(classifier));
    }

    const detail::retry_settings& settings() const noexcept { return settings_; }
    Classifier& classifier() noexcept { return classifier_; }

private:
    basic_retry_policy& set(std::int64_t& ticks, duration time, const char* what) {
        if (time < duration::zero())
            throw std::invalid_argument(std::string("tandem::retry_policy::") + what +
                                        ": a negative time; give zero or more");
        ticks = detail::to_ticks(time);
        return *this;
    }

    detail::retry_settings settings_;
    Classifier classifier_;
};

using retry_policy = basic_retry_policy<default_classifier>;
static_assert(!std::is_aggregate_v<retry_policy>);

namespace detail {

/// Whether and when the next attempt is made: everything about a retry but the calls.
class retry_state {
public:
    explicit retry_state(const retry_settings& s) : settings_(s), loop_(*loop_core::current()), backoff_(s) {
        if (s.budget) s.budget->deposit();
        if (s.log) s.log->clear();
    }
    void attempt_starts() noexcept {
        ++made_;
        start_ = loop_.ticks();
    }
    void attempt_ended(std::exception_ptr error) {
        if (!settings_.log) return;
        const time_point start = to_time_point(start_);
        settings_.log->add(retry_record(std::move(error), start, loop_.now() - start));
    }

    /// How long to wait before the next attempt; negative if there is none.
    std::int64_t next_wait(const verdict& said) {
        if (said.what() == verdict::kind::done) return end(retry_end::done);
        if (said.what() == verdict::kind::give_up) return end(retry_end::gave_up);
        if (made_ >= settings_.attempts) return end(retry_end::attempts);
        if (said.hint() > settings_.longest_hint) return end(retry_end::hint);
        const std::int64_t wait = std::max(backoff_.next(loop_.random()), said.hint());
        if (later(loop_.ticks(), wait) >= deadline_of(*loop_.running())) return end(retry_end::deadline);
        if (settings_.budget && !settings_.budget->try_spend()) return end(retry_end::budget);
        if (settings_.log) settings_.log->set_delay(std::chrono::nanoseconds(wait));
        return wait;
    }

private:
    std::int64_t end(retry_end why) noexcept {
        if (settings_.log) settings_.log->end(why);
        return -1;
    }

    const retry_settings& settings_;
    loop_core& loop_;
    backoff backoff_;
    std::size_t made_ = 0;
    std::int64_t start_ = 0;
};

template <class T, class Policy, class Fn, class Kept>
task<T> retry_calls(Policy policy, Fn fn, Kept args) {
    retry_state state(policy.settings());
    std::optional<outcome<T>> ended;
    const auto call = [&fn, &args]() -> decltype(auto) { return call_kept(fn, args); };
    for (;;) {
        state.attempt_starts();
        trace_scope traced("retry: attempt");
        co_await attempt<T>(call, policy.settings().attempt_timeout, ended);
        traced.end();
        state.attempt_ended(ended->exception());
        const verdict said = policy.classifier()(std::as_const(*ended));
        const std::int64_t wait = state.next_wait(said);
        if (wait < 0) break;
        ended.reset();
        const trace_scope pause("retry: backoff");
        co_await sleep(std::chrono::nanoseconds(wait));
    }
    co_return deliver(*ended);
}

}  // namespace detail

/// Calls `fn(args...)` and awaits it, again while the classifier of the policy says so, and gives the
/// last value or throws the last error as it is.
/// Cancellation: reaches the attempt or ends the wait; a call that was stopped is not retried.
/// Errors: those of the last attempt. No attempt is awaited that could not start before
///   `this_task::deadline()`: the last error is thrown at once instead. A server's hint is obeyed
///   under the same condition, and up to `longest_hint`.
/// Lifetime: `fn` and `args` are kept by value and passed as `const&` to each attempt; `std::ref`
///   passes a reference that you keep alive.
/// Cost: two recycled frames and the attempt's own; one more if `fn` may refer to its arguments.
template <class Classifier, class F, class... Args>
[[nodiscard("co_await it")]] auto retry(const basic_retry_policy<Classifier>& policy, F&& fn,
                                        Args&&... args) {
    TANDEM_REQUIRE_SAFE_CALLABLE(F);
    using kept = std::tuple<std::unwrap_ref_decay_t<Args>...>;
    static_assert(
        detail::called_afresh<detail::callable_t<F>, std::unwrap_ref_decay_t<Args>...>,
        "tandem::retry: fn(args...) returns a tandem::task or another awaitable and takes its arguments "
        "by value or const&; each attempt calls it afresh with the same ones");
    using result = detail::attempt_result_t<detail::callable_t<F>, std::unwrap_ref_decay_t<Args>...>;
    return detail::retry_calls<result, basic_retry_policy<Classifier>, detail::callable_t<F>, kept>(
        policy, detail::forward_callable<F>(fn), kept(std::forward<Args>(args)...));
}

}  // namespace tandem::inline TANDEM_ABI
