// tandem - limit algorithms: how many calls at a time, judged by how long they take
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <type_traits>

#include <tandem/core/clock.hpp>

namespace tandem::inline TANDEM_ABI {

/// What an `adaptive_semaphore` has seen since its algorithm last spoke: at least 10 calls, and at
/// least as long as a call takes. Times are in nanoseconds.
struct limit_window {
    std::int64_t now = 0;
    std::int64_t mean = 0;   ///< time of the calls that worked
    std::size_t in_use = 0;  ///< the most at a time
    bool dropped = false;    ///< some call timed out or was refused
    bool worked = false;     ///< some call worked; without one `mean` says nothing
};

/// Decides on the limit. Derive from it to write another one.
class limit_algorithm {
public:
    virtual ~limit_algorithm() = default;
    virtual double initial() const noexcept = 0;
    /// The limit from now on.
    virtual double update(const limit_window& seen) noexcept = 0;
    /// False if it never changes the limit: no clock is read then.
    virtual bool measures() const noexcept { return true; }

protected:
    limit_algorithm() = default;
    limit_algorithm(const limit_algorithm&) = default;
    limit_algorithm& operator=(const limit_algorithm&) = default;
};

namespace detail {

/// The settings that all algorithms share.
template <class Self>
class bounded_limit : public limit_algorithm {
public:
    /// The limit to begin with; default 4: growing shows what an idle server takes.
    Self& start_at(double limit) { return set(start_, limit, "start_at"); }
    /// It never falls below; default 1.
    Self& min(double limit) { return set(least_, limit, "min"); }
    /// It never rises above; default 64.
    Self& max(double limit) { return set(most_, limit, "max"); }

    double initial() const noexcept override { return std::clamp(start_, least_, std::max(least_, most_)); }

protected:
    bounded_limit() = default;
    double held(double limit) const noexcept { return std::clamp(limit, least_, std::max(least_, most_)); }
    double limit_ = 0;  // 0: not asked yet

private:
    Self& set(double& into, double limit, const char* what) {
        if (!(limit >= 1))
            throw std::invalid_argument(std::string("tandem::limit_algorithm::") + what +
                                        ": below 1; nothing would ever run, give 1 or more");
        into = limit;
        return static_cast<Self&>(*this);
    }
    double start_ = 4;
    double least_ = 1;
    double most_ = 64;
};

}  // namespace detail

/// Always `n`: with `max_waiting` this is a bulkhead.
class fixed_limit final : public limit_algorithm {
public:
    explicit fixed_limit(std::size_t n) : n_(static_cast<double>(n)) {
        if (n == 0)
            throw std::invalid_argument("tandem::fixed_limit: 0 at a time would never end; give 1 or more");
    }
    double initial() const noexcept override { return n_; }
    double update(const limit_window&) noexcept override { return n_; }
    bool measures() const noexcept override { return false; }

private:
    double n_;
};

/// One more per window while at least half of the limit is used; a tenth less when calls are dropped
/// or time out. For servers that refuse when they are full; it does not look at latency.
class aimd_limit final : public detail::bounded_limit<aimd_limit> {
public:
    aimd_limit() = default;
    double update(const limit_window& seen) noexcept override {
        if (limit_ == 0) limit_ = initial();
        if (seen.dropped) {
            limit_ = held(limit_ * 0.9);
        } else if (2 * static_cast<double>(seen.in_use) >= limit_) {
            limit_ = held(limit_ + 1);
        }
        return limit_;
    }
};

/// Keeps a short queue on the server: estimates its length from the least latency seen, grows
/// while that is below 3 log10 L, shrinks above 6 log10 L. Every 30 s it steps back for two windows, so
/// that the queue drains and the least latency is measured anew.
class vegas_limit final : public detail::bounded_limit<vegas_limit> {
public:
    vegas_limit() = default;
    double update(const limit_window& seen) noexcept override {
        if (limit_ == 0) limit_ = initial();
        if (!seen.worked) return limit_ = seen.dropped ? held(limit_ * 0.9) : limit_;
        if (probing_ != 0) return probe(seen);
        if (least_ == 0 || seen.mean < least_) least_ = seen.mean;
        if (probed_ == never_probed) probed_ = seen.now;
        if (seen.now - probed_ >= 30'000'000'000) {
            probed_ = seen.now;
            probing_ = 2;
            return held(0.9 * limit_ * share(seen));
        }
        const double step = std::max(1.0, std::log10(limit_));
        const double queue = limit_ * (1 - share(seen));
        if (seen.dropped) {
            limit_ = held(limit_ * 0.9);
        } else if (queue > 12 * step) {
            limit_ = held(std::max(limit_ * share(seen) + 3 * step,
                                   limit_ / 2));  // far off: the server has slowed down
        } else if (queue > 6 * step) {
            limit_ = held(limit_ - step);
        } else if (queue < 3 * step && 2 * static_cast<double>(seen.in_use) >= limit_) {
            limit_ = held(limit_ + step);
        }
        return limit_;
    }

private:
    static constexpr std::int64_t never_probed = -1;

    double share(const limit_window& seen) const noexcept {
        const auto least =
            static_cast<double>(std::max<std::int64_t>(least_, 1));  // no time at all: no queue
        return least / static_cast<double>(std::max<std::int64_t>(seen.mean, 1));
    }
    double probe(const limit_window& seen) noexcept {
        if (--probing_ == 1) return held(0.9 * limit_ * share(seen));  // calls from before the step back
        least_ = seen.mean;
        return limit_;
    }

    std::int64_t least_ = 0;
    std::int64_t probed_ = never_probed;
    int probing_ = 0;
};

/// Compares the latency of now with that of the last minutes and shrinks when it is more than 1.5
/// times as long; leaves room for a queue of 3. For servers whose latency varies by itself; under a
/// load that never lets up the limit creeps upwards, by half in five minutes. `vegas_limit` does not.
class gradient2_limit final : public detail::bounded_limit<gradient2_limit> {
public:
    gradient2_limit() = default;
    double update(const limit_window& seen) noexcept override {
        if (limit_ == 0) limit_ = initial();
        if (!seen.worked) return limit_ = seen.dropped ? held(limit_ * 0.9) : limit_;
        const double now = static_cast<double>(std::max<std::int64_t>(seen.mean, 1));
        // While calls are too slow they are hardly learnt from: the queue that they wait in would
        // otherwise become the usual, and the limit creep up.
        const double learning = now > 1.5 * usual_ ? 0.2 / 601 : 2.0 / 601;
        usual_ += (windows_ < 10 ? 1.0 / (windows_ + 1) : learning) * (now - usual_);
        windows_ = std::min(windows_ + 1, 10);
        if (usual_ / now > 2) usual_ *= 0.95;  // what was slow for long is fast again
        if (2 * static_cast<double>(seen.in_use) < limit_) return limit_;
        const double gradient = std::clamp(1.5 * usual_ / now, 0.5, 1.0);
        return limit_ = held(0.8 * limit_ + 0.2 * (limit_ * gradient + 3));
    }

private:
    double usual_ = 0;
    int windows_ = 0;
};

static_assert(!std::is_aggregate_v<vegas_limit> && !std::is_aggregate_v<gradient2_limit>);

}  // namespace tandem::inline TANDEM_ABI
