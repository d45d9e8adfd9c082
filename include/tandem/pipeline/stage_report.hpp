// tandem - stage_report: what one stage of a pipeline did, and where its time went
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <tandem/cpu/executor_statistics.hpp>

namespace tandem::inline TANDEM_ABI {

/// What a slot of a stage does. It is in exactly one of these at any moment.
enum class stage_state : std::uint8_t {
    busy,          ///< inside the function; of a cpu stage, on the worker
    limited,       ///< waits for a rate limiter, or for a worker
    backoff,       ///< waits before the next attempt
    blocked_up,    ///< waits for an item: the stages before it are slower
    blocked_down,  ///< has a result and waits for room, or for its turn: those after it are slower
};

/// One stage of a pipeline, in a report. Plain data.
class stage_report {
public:
    using nanoseconds = std::chrono::nanoseconds;

    stage_report() = default;

    std::string name;
    const char* kind = "";
    std::size_t concurrency = 0;
    std::size_t queue_capacity = 0;  ///< 0: there is none, it is the source

    std::uint64_t taken = 0;    ///< items that came
    std::uint64_t items = 0;    ///< of those, finished: passed on, or filtered out
    std::uint64_t emitted = 0;  ///< what it gave to the next stage
    std::uint64_t filtered = 0;
    std::uint64_t errors = 0;   ///< items that failed, after all attempts
    std::uint64_t retries = 0;  ///< attempts beyond the first
    std::uint64_t skipped = 0;
    std::uint64_t dead = 0;
    std::uint64_t late = 0;             ///< of the failed, those beyond `item_deadline`
    std::uint64_t abandoned = 0;        ///< in a slot or in line when the run was stopped
    std::vector<std::string> messages;  ///< of the first failures

    nanoseconds elapsed{0};              ///< T
    std::array<nanoseconds, 5> times{};  ///< summed over the slots, by `stage_state`
    nanoseconds limiter_busy{0};         ///< how long somebody waited for its rate limiter
    duration_histogram service;          ///< busy time per item
    std::uint64_t measured = 0;          ///< items in `elapsed`: those after the calibration
    nanoseconds isolated{0};             ///< mean service time in isolation; 0: not calibrated

    double queue_mean = 0;
    std::size_t queue_peak = 0;
    nanoseconds queue_stretch{0};     ///< time that one sample of `queue_depth` stands for
    std::vector<double> queue_depth;  ///< mean depth in each stretch of time

    nanoseconds time(stage_state s) const noexcept { return times[static_cast<std::size_t>(s)]; }
    /// The share of all slot time in that state, from 0 to 1.
    double share(stage_state s) const noexcept {
        const double all = slot_time();
        return all > 0 ? static_cast<double>(time(s).count()) / all : 0;
    }
    /// U: the share of its own bound that the stage reached.
    double utilisation() const noexcept { return share(stage_state::busy); }
    /// S: service time per item.
    nanoseconds service_time() const noexcept {
        return nanoseconds(
            measured == 0 ? 0 : time(stage_state::busy).count() / static_cast<std::int64_t>(measured));
    }
    /// X: items per second.
    double throughput() const noexcept {
        const double seconds = static_cast<double>(elapsed.count()) / 1e9;
        return seconds > 0 ? static_cast<double>(measured) / seconds : 0;
    }
    /// C: items per second that its slots could do.
    double capacity() const noexcept {
        const auto s = static_cast<double>(service_time().count());
        return s > 0 ? static_cast<double>(concurrency) * 1e9 / s : 0;
    }
    /// U with the service time in isolation: what contention cannot flatter. U itself if not calibrated.
    double honest_utilisation() const noexcept {
        const auto s = static_cast<double>(service_time().count());
        if (isolated.count() == 0 || s <= 0) return utilisation();
        return utilisation() * static_cast<double>(isolated.count()) / s;
    }

private:
    double slot_time() const noexcept {
        return static_cast<double>(concurrency) * static_cast<double>(elapsed.count());
    }
};

}  // namespace tandem::inline TANDEM_ABI
