// tandem - hedge_policy: when a second call is started beside a slow one
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <type_traits>

#include <tandem/core/clock.hpp>
#include <tandem/resilience/detail/latency_histogram.hpp>
#include <tandem/resilience/retry_budget.hpp>

namespace tandem::inline TANDEM_ABI {

/// When `hedge` starts another call. Default: one hedge, after 2 s.
class hedge_policy {
public:
    hedge_policy() {}

    /// A hedge starts when the attempt before it has run for so long.
    hedge_policy& after(duration delay) {
        if (delay < duration::zero())
            throw std::invalid_argument("tandem::hedge_policy::after: a negative time; give zero or more");
        after_ = detail::to_ticks(delay);
        return *this;
    }
    /// After the time within which this share of the first attempts succeeded during the last minute;
    /// the fixed time until there are 20. Copies of a policy share what they have seen: keep one.
    hedge_policy& after_percentile(double share) {
        if (!(share > 0 && share < 1))
            throw std::invalid_argument(
                "tandem::hedge_policy::after_percentile: out of range; give a share between 0 and 1");
        share_ = share;
        seen_ = std::make_shared<detail::latency_histogram>();
        return *this;
    }
    /// The number of calls beside the first, at most 7; 0 never hedges.
    hedge_policy& max_hedges(std::size_t most) {
        if (most > limit)
            throw std::invalid_argument(
                "tandem::hedge_policy::max_hedges: more than 7; that multiplies the load, give fewer");
        max_hedges_ = most;
        return *this;
    }
    /// What hedges may cost in all. Lifetime: the budget outlives the calls.
    hedge_policy& budget(retry_budget& shared) noexcept {
        budget_ = &shared;
        return *this;
    }

    // ---- for hedge
    static constexpr std::size_t limit = 7;
    static constexpr std::uint64_t enough_calls = 20;

    std::size_t max_hedges() const noexcept { return max_hedges_; }
    retry_budget* budget() const noexcept { return budget_; }
    /// How long to wait now before the next hedge, in nanoseconds.
    std::int64_t delay(std::int64_t now) const noexcept {
        return known(now) ? seen_->percentile(now, share_) : after_;
    }
    /// How long half of the calls take; 0 if unknown.
    std::int64_t median(std::int64_t now) const noexcept {
        return known(now) ? seen_->percentile(now, 0.5) : 0;
    }
    void note(std::int64_t now, std::int64_t took) const noexcept {
        if (seen_) seen_->add(now, took);
    }

private:
    bool known(std::int64_t now) const noexcept { return seen_ && seen_->count(now) >= enough_calls; }

    std::int64_t after_ = 2'000'000'000;
    double share_ = 0;
    std::size_t max_hedges_ = 1;
    retry_budget* budget_ = nullptr;
    std::shared_ptr<detail::latency_histogram> seen_;
};
static_assert(!std::is_aggregate_v<hedge_policy>);

}  // namespace tandem::inline TANDEM_ABI
