// tandem - circuit_breaker_options: when a circuit breaker opens, for how long, and when it closes
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <type_traits>

#include <tandem/core/clock.hpp>

namespace tandem::inline TANDEM_ABI {

class circuit_breaker;

/// When a `circuit_breaker` opens and closes. Defaults: opens when half of at least 10 calls within
/// 10 s have failed; stays open for 5 s, twice as long after each failed probe up to 60 s, give or
/// take 20 %; closes after 3 successful probes.
class circuit_breaker_options {
public:
    circuit_breaker_options() {}

    /// Looks at the calls that ended in the last `time`, in steps of a `buckets`-th of it.
    circuit_breaker_options& window(duration time, std::size_t buckets = 10) {
        require(time > duration::zero() && buckets > 0, "window");
        window_ = detail::to_ticks(time);
        buckets_ = buckets;
        return *this;
    }
    /// Looks at the last `calls` instead, however old.
    circuit_breaker_options& last(std::size_t calls) {
        require(calls > 0, "last");
        window_ = 0;
        buckets_ = calls;
        return *this;
    }
    /// Opens when this share has failed.
    circuit_breaker_options& failure_share(double share) {
        return set_share(failure_share_, share, "failure_share");
    }
    /// Counts calls that took at least `time` as slow, and opens when this share was. Off by default.
    circuit_breaker_options& slow(duration time, double share = 0.8) {
        slow_ = detail::to_ticks(time);
        return set_share(slow_share_, share, "slow");
    }
    /// Never opens before it has seen so many calls.
    circuit_breaker_options& least_calls(std::size_t calls) {
        require(calls > 0, "least_calls");
        least_calls_ = calls;
        return *this;
    }
    /// How long it stays open at first, and at most after failed probes.
    circuit_breaker_options& open_for(duration first, duration longest = std::chrono::seconds(60)) {
        require(first > duration::zero(), "open_for");
        open_for_ = detail::to_ticks(first);
        longest_ = std::max(open_for_, detail::to_ticks(longest));
        return *this;
    }
    /// Spreads the time it stays open, so that many clients do not come back at once; 0.2 is +-20 %.
    circuit_breaker_options& spread(double share) {
        require(share >= 0 && share <= 1, "spread");
        spread_ = share;
        return *this;
    }
    /// The number of probes in a row that must succeed before it closes.
    circuit_breaker_options& probes(std::size_t successes) {
        require(successes > 0, "probes");
        probes_ = successes;
        return *this;
    }

private:
    friend class circuit_breaker;

    static void require(bool right, const char* what) {
        if (!right)
            throw std::invalid_argument(std::string("tandem::circuit_breaker_options::") + what +
                                        ": out of range; give a positive number, a share in (0, 1]");
    }
    circuit_breaker_options& set_share(double& into, double share, const char* what) {
        require(share > 0 && share <= 1, what);
        into = share;
        return *this;
    }

    std::int64_t window_ = 10'000'000'000;
    std::size_t buckets_ = 10;
    std::size_t least_calls_ = 10;
    double failure_share_ = 0.5;
    double slow_share_ = 0.8;
    std::int64_t slow_ = detail::never;
    std::int64_t open_for_ = 5'000'000'000;
    std::int64_t longest_ = 60'000'000'000;
    double spread_ = 0.2;
    std::size_t probes_ = 3;
};
static_assert(!std::is_aggregate_v<circuit_breaker_options>);

}  // namespace tandem::inline TANDEM_ABI
