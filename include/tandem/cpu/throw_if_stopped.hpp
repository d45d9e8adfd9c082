// tandem - throw_if_stopped: how a job that was told to stop gives up
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <stop_token>

#include <tandem/base/config.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// Leaves a job that gives up. No error: the task that awaits the job is stopped.
class job_gave_up {};

}  // namespace detail

/// Leaves the job if its token says stop; for the loops of long jobs. The task that awaits the job then
/// ends as a cancelled one does. If nobody cancelled it, which is so when the executor was shut down,
/// it gets `cancelled_error`.
/// Threads: inside a job of `run_in_executor`, `to_thread`, `map` only; it is an exception of tandem's own.
inline void throw_if_stopped(const std::stop_token& token) {
    if (token.stop_requested()) throw detail::job_gave_up();
}

}  // namespace tandem::inline TANDEM_ABI
