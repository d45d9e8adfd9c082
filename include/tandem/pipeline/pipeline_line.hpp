// tandem - pipeline_line: a pipeline that is built: run it, drain it, look at it
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include <tandem/pipeline/detail/engine.hpp>
#include <tandem/pipeline/pipeline_options.hpp>
#include <tandem/pipeline/report.hpp>

namespace tandem::inline TANDEM_ABI {

/// A pipeline from its source to its last sink. It is run once.
/// Lifetime: outlives its run, and so does what its stages were given by reference.
class pipeline_line {
public:
    explicit pipeline_line(std::shared_ptr<detail::engine> engine) noexcept : engine_(std::move(engine)) {}

    /// Runs all stages until the source has ended and everything has come through.
    /// Cancellation: every slot stops where it waits; jobs in line never run, running ones are told and
    ///   waited for. What was inside counts as abandoned; `snapshot()` has the report.
    /// Errors: `pipeline_error`, an `exception_group` with the report in it, if a stage fails that is to fail
    ///   fast: the others have been cancelled and joined by then. `timeout_error` at the deadline of the
    ///   options. `invalid_state_error` for a second run.
    /// Cost: a task for each slot; from then on no allocation per item but the function's own.
    [[nodiscard("co_await it: a task that is not awaited never runs")]] task<pipeline_report> run(
        pipeline_options options = pipeline_options()) & {
        return engine_->run(options);
    }
    // tandem: name the pipeline on its own line; its closures must not stand in a co_await expression
    task<pipeline_report> run(pipeline_options options = pipeline_options()) && = delete;

    /// The source gives no more; what is inside finishes, and `run` returns its report. From a task or a
    /// callback of the loop, also from a stage of the pipeline itself.
    void drain() noexcept { engine_->drain(); }
    /// The same for at most `within`; what is inside then is cancelled and counted as abandoned.
    template <class Rep, class Period>
    void drain(std::chrono::duration<Rep, Period> within) {
        engine_->drain(detail::to_ticks(within));
    }

    /// The report as of now: during the run, or after it however it ended.
    pipeline_report snapshot() const { return engine_->report(); }

    /// The most items that are ever inside, in queues, slots, open batches and reorder windows: known before
    /// the run and never exceeded. A batch counts as the items it can hold; the results of one `flat_map`
    /// call that wait in its slot count as the item they came from.
    std::size_t max_live() const noexcept { return static_cast<std::size_t>(engine_->accounts().max_live); }

    const std::string& name() const noexcept { return engine_->name(); }

private:
    std::shared_ptr<detail::engine> engine_;
};

}  // namespace tandem::inline TANDEM_ABI
