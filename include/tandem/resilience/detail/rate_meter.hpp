// tandem - what a rate limiter has granted, and when it may grant again: GCRA, or a ring of grant times
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <tandem/core/clock.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

inline constexpr std::int64_t long_ago = -never;

/// `count * each`, held at "never" instead of overflowing; neither is negative.
constexpr std::int64_t times(std::size_t count, std::int64_t each) noexcept {
    std::int64_t product = 0;
    return __builtin_mul_overflow(count, each, &product) ? never : product;
}

/// Where a line of waiters ends: when its last one is granted, and what the meter shows by then.
struct line_end {
    std::int64_t when;
    std::int64_t mark;  // pace: the theoretical arrival time; window: the number of units granted
};

class rate_meter {
public:
    /// Pace: one unit per `interval`, `burst` of them at once.
    rate_meter(std::int64_t interval, std::size_t burst) noexcept : step_(interval), most_(burst) {}
    /// Window: `n` units in any `span`.
    rate_meter(std::size_t n, std::int64_t span) : step_(span), most_(n), grants_(n, long_ago) {}

    bool paced() const noexcept { return grants_.empty(); }
    std::size_t most() const noexcept { return most_; }

    /// When `cost` units may be granted after what was granted so far. `cost <= most()`.
    std::int64_t earliest(std::size_t cost) const noexcept {
        if (cost == 0) return long_ago;
        return paced() ? earliest_at_pace(arrival_, cost) : later(grants_[slot_after(cost - 1)], step_);
    }

    /// Grants `cost` units, however many; times never go back.
    void take(std::int64_t now, std::size_t cost) noexcept {
        granted_ += cost;
        if (paced()) {
            arrival_ = later(std::max(now, arrival_), times(cost, step_));
            return;
        }
        for (std::size_t left = std::min(cost, most_); left != 0; --left) {
            grants_[next_] = now;
            next_ = next_ + 1 == most_ ? 0 : next_ + 1;
        }
    }

    /// Nothing granted weighs any more: as good as new.
    bool fresh(std::int64_t now) const noexcept { return earliest(most_) <= now; }
    std::uint64_t granted() const noexcept { return granted_; }

    // ---- a line of waiters, looked at before its turn

    line_end line_start(std::int64_t now) const noexcept {
        return {now, paced() ? arrival_ : static_cast<std::int64_t>(granted_)};
    }
    /// When the next one in line is granted. `in_line(serial)`: when a unit that still waits will be.
    template <class InLine>
    std::int64_t earliest_after(const line_end& end, std::size_t cost, InLine in_line) const {
        if (cost == 0) return end.when;
        if (paced()) return std::max(end.when, earliest_at_pace(end.mark, cost));
        // The unit `most_` places ahead of the last one asked for must be a span old.
        const std::int64_t ahead =
            end.mark + static_cast<std::int64_t>(cost) - 1 - static_cast<std::int64_t>(most_);
        const std::int64_t granted = static_cast<std::int64_t>(granted_);
        const std::int64_t at = ahead < granted
                                    ? grants_[slot_before(static_cast<std::size_t>(granted - ahead))]
                                    : in_line(ahead);
        return std::max(end.when, later(at, step_));
    }
    line_end line_after(const line_end& end, std::int64_t when, std::size_t cost) const noexcept {
        if (!paced()) return {when, end.mark + static_cast<std::int64_t>(cost)};
        return {when, later(std::max(when, end.mark), times(cost, step_))};
    }

private:
    std::int64_t earliest_at_pace(std::int64_t arrival, std::size_t cost) const noexcept {
        return later(arrival, -times(most_ - cost, step_));
    }
    std::size_t slot_after(std::size_t count) const noexcept {
        const std::size_t slot = next_ + count;
        return slot < most_ ? slot : slot - most_;
    }
    std::size_t slot_before(std::size_t count) const noexcept {
        return next_ >= count ? next_ - count : next_ + most_ - count;
    }

    std::int64_t step_;
    std::size_t most_;
    std::int64_t arrival_ = long_ago;
    std::vector<std::int64_t> grants_;  // empty for a pace; else the last `most_` grants, from `next_` on
    std::size_t next_ = 0;
    std::uint64_t granted_ = 0;
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
