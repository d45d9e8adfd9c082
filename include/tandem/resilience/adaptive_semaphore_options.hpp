// tandem - adaptive_semaphore_options, codel: who may wait for a permit, and for how long
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>

#include <tandem/core/clock.hpp>

namespace tandem::inline TANDEM_ABI {

/// Controlled delay: when nobody has waited less than `target` for a whole `interval`, those who have
/// waited longer than twice the target are refused when their turn comes.
class codel {
public:
    explicit codel(duration target = std::chrono::milliseconds(5),
                   duration interval = std::chrono::milliseconds(100)) noexcept
        : target_(detail::to_ticks(target)), interval_(detail::to_ticks(interval)) {}

    // ---- for adaptive_semaphore
    /// Notes how long somebody has waited; true if it was too long.
    bool refuses(std::int64_t now, std::int64_t waited) noexcept {
        if (now >= interval_end_) {
            overloaded_ = interval_end_ != 0 && now - interval_end_ < interval_ && least_ > target_;
            interval_end_ = detail::later(now, interval_);
            least_ = waited;
        } else {
            least_ = std::min(least_, waited);
        }
        return overloaded_ && waited > detail::later(target_, target_);
    }

private:
    std::int64_t target_;
    std::int64_t interval_;
    std::int64_t interval_end_ = 0;
    std::int64_t least_ = 0;
    bool overloaded_ = false;
};
static_assert(!std::is_aggregate_v<codel>);

class adaptive_semaphore;

/// Who may wait for an `adaptive_semaphore`. Default: everybody, for as long as it takes.
class adaptive_semaphore_options {
public:
    adaptive_semaphore_options() {}

    /// At most so many wait; a newcomer is refused at once.
    adaptive_semaphore_options& max_waiting(std::size_t most) noexcept {
        max_waiting_ = most;
        return *this;
    }
    /// Refuses those who have waited too long while the line does not get shorter.
    adaptive_semaphore_options& shed(codel rule) noexcept {
        shed_ = rule;
        return *this;
    }

private:
    friend class adaptive_semaphore;
    std::size_t max_waiting_ = static_cast<std::size_t>(-1);
    std::optional<codel> shed_;
};
static_assert(!std::is_aggregate_v<adaptive_semaphore_options>);

}  // namespace tandem::inline TANDEM_ABI
