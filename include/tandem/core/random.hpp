// tandem - the random numbers of a loop: jitter that repeats on virtual time
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstdint>

#include <tandem/base/config.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// SplitMix64 (Steele, Lea, Flood 2014): one word of state, good enough to spread retries. Not for secrets.
class random_source {
public:
    explicit random_source(std::uint64_t seed = 0) noexcept : state_(seed) {}

    std::uint64_t next() noexcept {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }

    /// Uniform in [0, 1).
    double unit() noexcept { return static_cast<double>(next() >> 11) * 0x1p-53; }

    /// Uniform in [low, high]; `low` if there is no room between them.
    std::int64_t between(std::int64_t low, std::int64_t high) noexcept {
        if (high <= low) return low;
        const double span = static_cast<double>(high) - static_cast<double>(low);
        const double drawn = static_cast<double>(low) + unit() * span;
        return drawn >= static_cast<double>(high) ? high : std::max(low, static_cast<std::int64_t>(drawn));
    }

private:
    std::uint64_t state_;
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
