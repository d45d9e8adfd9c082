// tandem - rate_limiter: so many per second, evenly; or so many in any minute, never more
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include <tandem/resilience/detail/limiter_line.hpp>
#include <tandem/resilience/detail/running_loop.hpp>

namespace tandem::inline TANDEM_ABI {

struct rate_limiter_statistics {
    std::uint64_t granted = 0;  ///< units, also those of `charge`
    std::uint64_t waited = 0;   ///< requests granted after a wait
    std::uint64_t refused = 0;  ///< requests that could not have been granted before their deadline
    std::size_t waiting = 0;
};

/// Limits how often tasks of one loop do something. First come, first served: a request with a high
/// cost at the head of the line holds up cheaper ones behind it. Made by `pace` or `window`:
/// `auto limiter = tandem::rate_limiter::window(60, 1min);`
/// Time is the loop's clock. Grants are departures and servers count arrivals: with a jitter J on the
/// way, give `window` a margin of J.
/// Lifetime: outlives its waiters. It cannot be moved; keep it where it was made.
/// Cost: `pace` keeps one time, `window` a time per unit, allocated when it is made; nothing else is
///   allocated. One timer for the head of the line, however long that is.
class rate_limiter {
public:
    class acquire_awaiter;

    /// `n` per `per`, evenly spread, with `burst` at once after a pause (GCRA). Never more than
    /// n + burst - 1 in any half-open window of `per`; a late loop does not catch up beyond the burst.
    /// Errors: `std::invalid_argument` for a number or a time of zero, a burst that 292 years do not fill.
    template <class Rep, class Period>
    [[nodiscard]] static rate_limiter pace(std::size_t n, std::chrono::duration<Rep, Period> per,
                                           std::size_t burst = 1) {
        require("pace", n, detail::to_ticks(per), burst);
        const auto count = static_cast<std::int64_t>(n);
        const std::int64_t ticks = detail::to_ticks(per);
        const std::int64_t interval = ticks / count + (ticks % count != 0);
        if (burst != 1 && detail::times(burst, interval) == detail::never)
            throw std::invalid_argument("tandem::rate_limiter::pace: a burst of " + std::to_string(burst) +
                                        " would take longer to fill than a clock counts; give a smaller one");
        return rate_limiter(detail::rate_meter(interval, burst));
    }

    /// `n` at once, but never more than `n` in any half-open window of `per + margin`: what a server
    /// counts that allows so many a minute.
    /// Errors: `std::invalid_argument` for a number or a time of zero.
    template <class Rep, class Period>
    [[nodiscard]] static rate_limiter window(std::size_t n, std::chrono::duration<Rep, Period> per,
                                             duration margin = duration::zero()) {
        require("window", n, detail::to_ticks(per), 1, detail::to_ticks(margin));
        return rate_limiter(
            detail::rate_meter(n, detail::later(detail::to_ticks(per), detail::to_ticks(margin))));
    }

    rate_limiter(const rate_limiter&) = delete;
    rate_limiter& operator=(const rate_limiter&) = delete;

    /// Waits until `cost` units may be spent and spends them.
    /// Cancellation: the waiter leaves the line and has spent nothing. Units granted before the stop
    ///   are spent.
    /// Errors: `timeout_error` at once, and nothing is spent, if the turn would not come before
    ///   `this_task::deadline()`; `std::invalid_argument` for a cost above the burst or the window.
    [[nodiscard("co_await it")]] acquire_awaiter acquire(std::size_t cost = 1);

    /// Spends `cost` units if that is possible now and nobody waits.
    [[nodiscard]] bool try_acquire(std::size_t cost = 1);

    /// How long somebody would wait who asked now, behind all who wait already.
    duration delay(std::size_t cost = 1);

    /// Spends units after the fact: the true cost of something granted for less. Never waits; those
    /// who come next wait longer.
    void charge(std::size_t extra) {
        line_.take(detail::running_loop("rate_limiter::charge").ticks(), extra);
        line_.changed();
    }

    /// Grants nothing before `until`: the server has said so. The latest of several holds.
    void penalise(time_point until) { line_.hold_until(detail::to_ticks(until)); }
    /// The same for a time from now on, as in `Retry-After: 30`.
    template <class Rep, class Period>
    void penalise(std::chrono::duration<Rep, Period> from_now) {
        line_.hold_until(detail::later(detail::running_loop("rate_limiter::penalise").ticks(),
                                       detail::to_ticks(from_now)));
    }

    /// True if it is as good as new: nobody waits, and what was granted weighs no more.
    bool idle() const { return line_.fresh(detail::running_loop("rate_limiter::idle").ticks()); }

    rate_limiter_statistics statistics() const noexcept {
        return {line_.meter().granted(), line_.waited, line_.refused, line_.size()};
    }

private:
    template <std::size_t>
    friend class acquire_all_awaiter;

    explicit rate_limiter(detail::rate_meter meter) : line_(std::move(meter)) {}

    static constexpr std::size_t most = 1'000'000'000'000;

    static void require(const char* call, std::size_t n, std::int64_t per, std::size_t burst,
                        std::int64_t margin = 0) {
        const char* const wrong =
            n == 0         ? "0 units would never be granted; give 1 or more"
            : n > most     ? "a number that is negative or beyond 10^12; give fewer units"
            : per <= 0     ? "the time is zero or negative; give a positive one"
            : burst == 0   ? "a burst of 0 grants nothing; give 1 or more"
            : burst > most ? "a burst that is negative or beyond 10^12; give a smaller one"
            : margin < 0   ? "a negative margin grants more than is allowed; give zero or more"
                           : nullptr;
        if (wrong) throw std::invalid_argument(std::string("tandem::rate_limiter::") + call + ": " + wrong);
    }
    void require_cost(const char* call, std::size_t cost) const {
        if (cost <= line_.meter().most()) return;
        const bool paced = line_.meter().paced();
        throw std::invalid_argument(std::string("tandem::") + call + ": cost " + std::to_string(cost) +
                                    (paced ? " exceeds the burst of " : " exceeds the window of ") +
                                    std::to_string(line_.meter().most()) +
                                    (paced ? "; raise the burst or split the call" : "; split the call"));
    }

    detail::limiter_line line_;
};

/// Awaitable of `rate_limiter::acquire` and of `acquire_all`.
template <std::size_t N>
class acquire_all_awaiter final : public detail::limiter_waiter {
public:
    template <class Requests>
    acquire_all_awaiter(const char* call, const Requests& requests) : detail::limiter_waiter(entries_, N) {
        fill(call, requests, std::make_index_sequence<N>());
    }

private:
    template <class Requests, std::size_t... I>
    void fill(const char* call, const Requests& requests, std::index_sequence<I...>) {
        (set(call, I, std::get<2 * I>(requests), static_cast<std::size_t>(std::get<2 * I + 1>(requests))),
         ...);
    }
    void set(const char* call, std::size_t index, rate_limiter& limiter, std::size_t cost) {
        limiter.require_cost(call, cost);
        for (std::size_t i = 0; i < index; ++i) {
            if (entries_[i].line != &limiter.line_) continue;
            throw std::invalid_argument(
                "tandem::acquire_all: one limiter is given twice; give it once with the sum of the costs");
        }
        entries_[index].line = &limiter.line_;
        entries_[index].cost = cost;
    }

    detail::limiter_entry entries_[N];
};

class rate_limiter::acquire_awaiter final : public detail::limiter_waiter {
public:
    acquire_awaiter(detail::limiter_line& line, std::size_t cost) noexcept
        : detail::limiter_waiter(&entry_, 1) {
        entry_.line = &line;
        entry_.cost = cost;
    }

    bool await_ready() {
        if (!stop_pending() && entry_.line->empty()) {  // what the base does, for one limiter
            const std::int64_t now = loop().ticks();
            if (entry_.line->earliest(entry_.cost) <= now) {
                entry_.line->take(now, entry_.cost);
                return true;
            }
        }
        return detail::limiter_waiter::await_ready();
    }

private:
    detail::limiter_entry entry_;
};

/// Waits until several limiters can grant together, and takes from all at once:
/// `co_await acquire_all(requests, 1, tokens, 800);`
/// Cancellation: leaves all lines and has spent nothing.
/// Errors: as `acquire`; `std::invalid_argument` also if one limiter is given twice.
template <class... LimitersAndCosts>
[[nodiscard("co_await it")]] auto acquire_all(LimitersAndCosts&&... limiters_and_costs) {
    static_assert(sizeof...(LimitersAndCosts) >= 2 && sizeof...(LimitersAndCosts) % 2 == 0,
                  "tandem::acquire_all: give pairs, acquire_all(limiter, cost, limiter, cost)");
    return acquire_all_awaiter<sizeof...(LimitersAndCosts) / 2>("acquire_all",
                                                                std::forward_as_tuple(limiters_and_costs...));
}

// ---- implementation

inline rate_limiter::acquire_awaiter rate_limiter::acquire(std::size_t cost) {
    require_cost("rate_limiter::acquire", cost);
    return acquire_awaiter(line_, cost);
}

inline bool rate_limiter::try_acquire(std::size_t cost) {
    require_cost("rate_limiter::try_acquire", cost);
    const std::int64_t ticks = detail::running_loop("rate_limiter::try_acquire").ticks();
    if (!line_.empty() || line_.earliest(cost) > ticks) return false;
    line_.take(ticks, cost);
    return true;
}

inline duration rate_limiter::delay(std::size_t cost) {
    require_cost("rate_limiter::delay", cost);
    const std::int64_t ticks = detail::running_loop("rate_limiter::delay").ticks();
    return std::chrono::duration_cast<duration>(
        std::chrono::nanoseconds(line_.expected(ticks, cost) - ticks));
}

}  // namespace tandem::inline TANDEM_ABI
