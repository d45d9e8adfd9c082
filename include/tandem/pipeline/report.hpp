// tandem - pipeline_report: what a run did, its bottleneck, how near it came to its bound
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <tandem/base/exception_group.hpp>
#include <tandem/pipeline/detail/report_text.hpp>
#include <tandem/pipeline/stage_report.hpp>

namespace tandem::inline TANDEM_ABI {

/// Something whose capacity bounds the run: the slots of a stage, a rate limiter, an executor.
class bounding_resource {
public:
    bounding_resource() = default;
    bounding_resource(std::string what, double share, double honest)
        : name(std::move(what)), utilisation(share), honest_utilisation(honest) {}

    std::string name;
    double utilisation = 0;         ///< share of its capacity that was used, from 0 to 1
    double honest_utilisation = 0;  ///< with the service time in isolation, if that was measured
};

/// A run, or a look at one that goes on. Plain data; the stages come in the order in which they were
/// built, the source first.
class pipeline_report {
public:
    pipeline_report() = default;

    std::string name;
    std::chrono::nanoseconds elapsed{0};
    std::vector<stage_report> stages;
    std::vector<bounding_resource> resources;  ///< the most used first
    std::chrono::nanoseconds overlap{0};       ///< how long loop and workers were busy at the same time

    // The books, in items of the source; a batch stands for the items in it.
    std::uint64_t taken = 0;   ///< from the source
    std::int64_t added = 0;    ///< by `flat_map` and `broadcast`; negative if they made fewer
    std::uint64_t stored = 0;  ///< that came to the end of a sink
    std::uint64_t filtered = 0;
    std::uint64_t skipped = 0;
    std::uint64_t dead = 0;
    std::uint64_t abandoned = 0;
    std::uint64_t resumed = 0;  ///< that `skip_if` left out, not among `taken`
    std::uint64_t live = 0;     ///< inside now
    std::uint64_t peak_live = 0;
    std::uint64_t max_live = 0;
    bool drained = false;  ///< `drain` was called
    bool finished = false;

    /// The share of the bound that the run reached, and what bounds it: the most used resource.
    double share_of_bound() const noexcept { return resources.empty() ? 0 : resources.front().utilisation; }
    double honest_share() const noexcept {
        return resources.empty() ? 0 : resources.front().honest_utilisation;
    }
    const std::string& bottleneck() const noexcept {
        static const std::string none;
        return resources.empty() ? none : resources.front().name;
    }
    /// The stage of that name, or null.
    const stage_report* stage(const std::string& wanted) const noexcept {
        for (const stage_report& s : stages) {
            if (s.name == wanted) return &s;
        }
        return nullptr;
    }
    /// Nothing was lost: what came from the source is accounted for.
    bool balanced() const noexcept {
        return static_cast<std::int64_t>(taken) + added ==
               static_cast<std::int64_t>(stored + filtered + skipped + dead + abandoned + live);
    }
    /// One sentence on what to change, from the states of the slots.
    std::string advice() const { return detail::advice_of(*this); }
    /// A table.
    std::string text() const { return detail::text_of(*this); }
    /// One JSON object.
    std::string json() const { return detail::json_of(*this); }

    friend std::ostream& operator<<(std::ostream& out, const pipeline_report& r) { return out << r.text(); }
};

/// Thrown by a run whose stage failed: what failed, and what the run had done by then.
class pipeline_error : public exception_group {
public:
    pipeline_error(std::vector<std::exception_ptr> exceptions, pipeline_report report)
        : exception_group(std::move(exceptions)), report_(std::move(report)) {}

    const pipeline_report& report() const noexcept { return report_; }

private:
    pipeline_report report_;
};

}  // namespace tandem::inline TANDEM_ABI
