// tandem - pipeline_options: how a pipeline is run
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <tandem/core/clock.hpp>

namespace tandem::inline TANDEM_ABI {

/// How a pipeline is run.
class pipeline_options {
public:
    pipeline_options() {}

    /// The run ends with `timeout_error` after this time. Default: none.
    template <class Rep, class Period>
    pipeline_options& deadline(std::chrono::duration<Rep, Period> time) noexcept {
        deadline_ = detail::to_ticks(time);
        return *this;
    }
    /// Runs the first `items` one at a time, each when the one before has left the pipeline: what they
    /// took is the service time in isolation that the report prints beside that of the run. The times
    /// of the run count from there. Default: 0.
    pipeline_options& calibrate(std::size_t items) noexcept {
        calibrate_ = items;
        return *this;
    }

    std::int64_t deadline_ticks() const noexcept { return deadline_; }
    std::size_t calibration() const noexcept { return calibrate_; }

private:
    std::int64_t deadline_ = detail::never;
    std::size_t calibrate_ = 0;
};
static_assert(!std::is_aggregate_v<pipeline_options>);

}  // namespace tandem::inline TANDEM_ABI
