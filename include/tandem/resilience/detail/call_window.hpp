// tandem - how the calls of the last seconds, or the last n calls, have ended: what a breaker looks at
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <tandem/base/config.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

struct call_counts {
    std::uint64_t calls = 0;
    std::uint64_t failures = 0;
    std::uint64_t slow = 0;
};

/// Either a ring of buckets, each a stretch of time, or a ring of single calls.
class call_window {
public:
    /// Of `buckets` stretches of `width` nanoseconds.
    call_window(std::int64_t width, std::size_t buckets) : ring_(buckets), width_(width) {}
    /// Of the last `n` calls.
    explicit call_window(std::size_t n) : ring_(n) {}

    bool by_time() const noexcept { return width_ != 0; }
    std::size_t capacity() const noexcept { return ring_.size(); }

    void add(std::int64_t now, bool failed, bool slow) noexcept {
        if (by_time()) {
            expire(now);
        } else {
            current_ = current_ + 1 == ring_.size() ? 0 : current_ + 1;
            drop(ring_[current_]);
        }
        count(ring_[current_], failed, slow);
        count(sum_, failed, slow);
    }

    const call_counts& counts(std::int64_t now) noexcept {
        if (by_time()) expire(now);
        return sum_;
    }

    void clear() noexcept {
        for (call_counts& bucket : ring_) bucket = call_counts();
        sum_ = call_counts();
    }

private:
    static void count(call_counts& into, bool failed, bool slow) noexcept {
        ++into.calls;
        into.failures += failed;
        into.slow += slow;
    }
    void drop(call_counts& bucket) noexcept {
        sum_.calls -= bucket.calls;
        sum_.failures -= bucket.failures;
        sum_.slow -= bucket.slow;
        bucket = call_counts();
    }
    void expire(std::int64_t now) noexcept {
        const std::int64_t stretch = now / width_;
        for (std::size_t steps = 0; stretch_ < stretch; ++stretch_) {
            if (steps++ == ring_.size()) {
                stretch_ = stretch;
                return;
            }
            current_ = current_ + 1 == ring_.size() ? 0 : current_ + 1;
            drop(ring_[current_]);
        }
    }

    std::vector<call_counts> ring_;
    call_counts sum_;
    std::int64_t width_ = 0;
    std::int64_t stretch_ = 0;
    std::size_t current_ = 0;
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
