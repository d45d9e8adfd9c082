// tandem - to_thread: a blocking call on a thread of its own
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <utility>

#include <tandem/cpu/blocking_pool.hpp>
#include <tandem/cpu/run_in_executor.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

class default_blocking_pool final : public loop_owned {
public:
    blocking_pool pool{executor_options().name("tandem-blocking")};
};

}  // namespace detail

/// Runs `fn(args...)`, which may block, in a `blocking_pool` that the loop owns; made at the first use,
/// joined when `run` ends. What computes belongs into `run_in_executor`, what blocks here.
/// Cancellation: as `run_in_executor`: in line it never runs; a running call is waited for, since nothing
///   can interrupt it. Take a `std::stop_token`, or give the call a timeout of its own.
/// Errors, Threads, Lifetime: as `run_in_executor`.
template <class Fn, class... Args>
[[nodiscard("co_await it")]] auto to_thread(Fn&& fn, Args&&... args) {
    TANDEM_REQUIRE_JOB("to_thread", Fn, Args...);
    return detail::call_awaiter_t<Fn, Args...>(this_task::loop().owned<detail::default_blocking_pool>().pool,
                                               std::forward<Fn>(fn), std::forward<Args>(args)...);
}

}  // namespace tandem::inline TANDEM_ABI
