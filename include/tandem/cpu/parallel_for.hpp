// tandem - parallel_for: a data-parallel loop in the arena of a cpu_executor, as one awaitable
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/partitioner.h>
#include <oneapi/tbb/task_group.h>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <functional>
#include <iterator>
#include <stop_token>
#include <type_traits>
#include <utility>

#include <tandem/base/callable.hpp>
#include <tandem/base/detail/refuse.hpp>
#include <tandem/cpu/cpu_executor.hpp>
#include <tandem/cpu/run_in_executor.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// Runs as a job; a stop of the job cancels the loop inside oneTBB.
template <class Index, class Fn>
class parallel_for_job {
public:
    template <class F>
    parallel_for_job(Index first, Index last, F&& fn)
        : first_(first), last_(last), fn_(forward_callable<F>(fn)) {}

    void operator()(const std::stop_token& token) {
        if (!(first_ < last_)) return;
        tbb::task_group_context context;
        const std::stop_callback on_stop(token, [&context] { context.cancel_group_execution(); });
        tbb::parallel_for(
            tbb::blocked_range<std::size_t>(0, count()),
            [&](const tbb::blocked_range<std::size_t>& range) {
                std::size_t i = range.begin();
                while (i != range.end() && !context.is_group_execution_cancelled()) {
                    const std::size_t end = i + std::min(range.end() - i, between_looks);
                    for (; i != end; ++i) std::invoke(std::as_const(fn_), at(i));
                }
            },
            tbb::auto_partitioner(), context);
        if (context.is_group_execution_cancelled()) throw_if_stopped(token);
    }

private:
    // oneTBB hands out parts of any size and looks for a stop only between them.
    static constexpr std::size_t between_looks = 16;

    // Numbers from 0: from the least int to the greatest there are more than an int can say.
    std::size_t count() const {
        if constexpr (std::integral<Index>) {
            using bits = std::make_unsigned_t<Index>;
            return static_cast<bits>(static_cast<bits>(last_) - static_cast<bits>(first_));
        } else {
            return static_cast<std::size_t>(last_ - first_);
        }
    }
    Index at(std::size_t i) const {
        if constexpr (std::integral<Index>) {
            using bits = std::make_unsigned_t<Index>;
            return static_cast<Index>(static_cast<bits>(first_) + static_cast<bits>(i));
        } else {
            return first_ + static_cast<std::iter_difference_t<Index>>(i);
        }
    }

    Index first_;
    Index last_;
    Fn fn_;
};

}  // namespace detail

/// Calls `fn(i)` for every `i` in [first, last), integers or random access iterators, in the arena of
/// `pool`: one worker starts, idle ones help, and the loop stays free. With one worker that is all it gives.
/// Cancellation: in line it never runs; running, oneTBB is told to stop, calls that run are waited for.
/// Errors: rethrows what a call threw, after the others have stopped; as `run_in_executor` otherwise.
/// Threads: `fn` is called from several workers at once, as const.
/// Lifetime: `fn` is kept; what it refers to outlives the await.
/// Cost: about a nanosecond per index beside `fn`; one allocation per call.
template <class Index, class F>
requires(std::integral<Index> && !std::is_same_v<Index, bool>) ||
    std::random_access_iterator<Index> [[nodiscard("co_await it")]] auto parallel_for(
        cpu_executor& pool, Index first, std::type_identity_t<Index> last, F&& fn) {
    TANDEM_REQUIRE_SAFE_CALLABLE(F);
    using callable = detail::callable_t<F>;
    static_assert(std::is_invocable_v<const callable&, Index>,
                  "tandem::parallel_for: fn is called with (i), as const");
    if constexpr (std::is_invocable_v<const callable&, Index>) {
        static_assert(!detail::is_task_v<std::invoke_result_t<const callable&, Index>>,
                      "tandem::parallel_for: fn returns a task, which would never run; gather(limit(n), "
                      "range) awaits tasks, parallel_for takes the function that computes");
    }
    using job = detail::parallel_for_job<Index, callable>;
    return detail::call_awaiter<job>(pool, job(first, last, std::forward<F>(fn)));
}

TANDEM_REFUSE(
    "tandem::parallel_for: takes a cpu_executor, two integers or random access iterators, and a "
    "function: parallel_for(pool, first, last, fn); map runs on other executors",
    parallel_for(detail::any_argument, ...));

}  // namespace tandem::inline TANDEM_ABI
