// tandem - how long calls take: a log-linear histogram of the last half minute to minute
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include <tandem/base/config.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// 64 steps per power of two, so a value is known to 1.6 %; from 1 us to about an hour. Two halves of
/// 30 s: the older one is dropped when the newer one is full.
class latency_histogram {
public:
    void add(std::int64_t now, std::int64_t ticks) noexcept {
        rotate(now);
        ++halves_[0].counts[index_of(ticks)];
        ++halves_[0].total;
    }

    std::uint64_t count(std::int64_t now) noexcept {
        rotate(now);
        return halves_[0].total + halves_[1].total;
    }

    /// The least value that `share` of all calls did not exceed, rounded up to a step; 0 without calls.
    std::int64_t percentile(std::int64_t now, double share) noexcept {
        const std::uint64_t all = count(now);
        if (all == 0) return 0;
        const double exact = share * static_cast<double>(all);
        auto wanted = static_cast<std::uint64_t>(exact);
        if (static_cast<double>(wanted) < exact) ++wanted;
        wanted = std::clamp<std::uint64_t>(wanted, 1, all);
        std::size_t i = 0;
        for (std::uint64_t seen = 0;; ++i) {
            seen += halves_[0].counts[i] + halves_[1].counts[i];
            if (seen >= wanted) break;
        }
        return upper_bound(i);
    }

private:
    static constexpr int bits = 6;
    static constexpr std::size_t steps = std::size_t{1} << bits;
    static constexpr std::size_t size = steps * 27;
    static constexpr std::int64_t half = 30'000'000'000;

    // Below 64 us every microsecond has its place; above, the six bits after the leading one count.
    static std::size_t index_of(std::int64_t ticks) noexcept {
        const auto us = static_cast<std::uint64_t>(std::max<std::int64_t>(ticks, 0)) / 1000;
        if (us < steps) return static_cast<std::size_t>(us);
        const int shift = static_cast<int>(std::bit_width(us)) - 1 - bits;
        const std::size_t index =
            static_cast<std::size_t>(shift + 1) * steps + static_cast<std::size_t>((us >> shift) - steps);
        return std::min(index, size - 1);
    }
    static std::int64_t upper_bound(std::size_t index) noexcept {
        std::uint64_t end = index + 1;
        if (index >= steps) end = (index % steps + steps + 1) << (index / steps - 1);
        return static_cast<std::int64_t>(end * 1000);
    }

    void rotate(std::int64_t now) noexcept {
        if (now - began_ < half) return;
        halves_[1] = now - began_ < 2 * half ? halves_[0] : part();
        halves_[0] = part();
        began_ = now - now % half;
    }

    struct part {
        std::array<std::uint32_t, size> counts{};
        std::uint64_t total = 0;
    };
    part halves_[2];
    std::int64_t began_ = 0;
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
