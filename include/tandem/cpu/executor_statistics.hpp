// tandem - what an executor says of itself: counts, and percentiles of waiting and running
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include <tandem/base/config.hpp>

namespace tandem::inline TANDEM_ABI {

/// How long things took. Log-linear: eight steps per power of two, so a percentile is at most an
/// eighth too high, whatever its size; from one nanosecond to 18 minutes.
class duration_histogram {
public:
    duration_histogram() noexcept = default;

    std::uint64_t count() const noexcept { return count_; }
    std::chrono::nanoseconds max() const noexcept { return std::chrono::nanoseconds(max_); }
    std::chrono::nanoseconds mean() const noexcept {
        return std::chrono::nanoseconds(count_ == 0 ? 0 : total_ / static_cast<std::int64_t>(count_));
    }

    /// The duration that the share `p` of all did not exceed: 0.5 is the median. Zero if there were none.
    std::chrono::nanoseconds percentile(double p) const noexcept {
        const double wanted = p * static_cast<double>(count_);
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i < counts_.size(); ++i) {
            seen += counts_[i];
            if (seen != 0 && static_cast<double>(seen) >= wanted) {
                return std::chrono::nanoseconds(end_of(i) < max_ ? end_of(i) : max_);
            }
        }
        return max();
    }

    void add(std::int64_t nanoseconds, std::uint64_t weight = 1) noexcept {
        if (nanoseconds < 0) nanoseconds = 0;
        counts_[slot_of(nanoseconds)] += weight;
        count_ += weight;
        total_ += nanoseconds * static_cast<std::int64_t>(weight);
        if (nanoseconds > max_) max_ = nanoseconds;
    }

private:
    static constexpr unsigned step_bits = 3;
    static constexpr std::size_t steps = std::size_t{1} << step_bits;
    static constexpr std::size_t octaves = 38;

    static std::size_t slot_of(std::int64_t value) noexcept {
        const auto v = static_cast<std::uint64_t>(value);
        if (v < steps) return static_cast<std::size_t>(v);
        const auto octave = static_cast<std::size_t>(std::bit_width(v)) - step_bits - 1;
        const std::size_t slot = steps * (octave + 1) + static_cast<std::size_t>((v >> octave) & (steps - 1));
        return slot < steps * octaves ? slot : steps * octaves - 1;
    }
    static std::int64_t end_of(std::size_t slot) noexcept {
        if (slot < steps) return static_cast<std::int64_t>(slot);
        const std::size_t octave = slot / steps - 1;
        return static_cast<std::int64_t>((steps + slot % steps + 1) << octave) - 1;
    }

    std::array<std::uint64_t, steps * octaves> counts_{};
    std::uint64_t count_ = 0;
    std::int64_t total_ = 0;
    std::int64_t max_ = 0;
};

/// A snapshot of an executor. A job is a call of `run_in_executor`, or a whole `map`.
class executor_statistics {
public:
    executor_statistics() noexcept = default;

    std::size_t workers = 0;
    std::size_t queued = 0;   ///< jobs in line now
    std::size_t running = 0;  ///< calls on workers now
    std::uint64_t submitted = 0;
    std::uint64_t done = 0;       ///< ended with a value, or with an exception
    std::uint64_t failed = 0;     ///< of those, with an exception
    std::uint64_t cancelled = 0;  ///< withdrawn before they started, or refused by `shutdown`
    std::uint64_t dropped = 0;    ///< not started, because their deadline had passed
    std::uint64_t pumps = 0;      ///< times a worker was called for

    /// How long jobs stood in line, and how long calls ran (of a `map`: each chunk). While more than 16
    /// jobs stand in line, or the last 32 timed calls took less than 5 us each, one in 16 is timed and
    /// counted as 16; otherwise each is.
    duration_histogram queue_wait;
    duration_histogram run_time;

    /// What the workers used of the processor; zero unless `executor_options().cpu_time(true)`.
    std::chrono::nanoseconds cpu_time{0};
};

}  // namespace tandem::inline TANDEM_ABI
