// tandem - parallel_reduce: a range folded in the arena of a cpu_executor, as one awaitable
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/parallel_reduce.h>
#include <oneapi/tbb/partitioner.h>
#include <oneapi/tbb/task_group.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <ranges>
#include <stop_token>
#include <type_traits>
#include <utility>

#include <tandem/base/callable.hpp>
#include <tandem/base/detail/refuse.hpp>
#include <tandem/cpu/cpu_executor.hpp>
#include <tandem/cpu/detail/element_calls.hpp>
#include <tandem/cpu/run_in_executor.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// Runs as a job; a stop of the job cancels the reduction inside oneTBB.
template <class View, class T, class Fn, class Join>
class parallel_reduce_job {
    using index = std::size_t;
    using offset = std::ranges::range_difference_t<View>;

public:
    template <class R, class F, class J>
    parallel_reduce_job(R&& range, T init, F&& fn, J&& join)
        : view_(std::forward<R>(range)),
          init_(std::move(init)),
          fn_(forward_callable<F>(fn)),
          join_(forward_callable<J>(join)) {}

    T operator()(const std::stop_token& token) {
        tbb::task_group_context context;
        const std::stop_callback on_stop(token, [&context] { context.cancel_group_execution(); });
        const auto begin = std::ranges::begin(view_);
        T result = tbb::parallel_reduce(
            tbb::blocked_range<index>(0, static_cast<index>(std::ranges::size(view_))), init_,
            [&](const tbb::blocked_range<index>& range, T sum) {
                index i = range.begin();
                while (i != range.end() && !context.is_group_execution_cancelled()) {
                    const index end = std::min(range.end(), i + between_looks);
                    for (; i != end; ++i) {
                        sum = std::invoke(std::as_const(fn_), std::move(sum), begin[static_cast<offset>(i)]);
                    }
                }
                return sum;
            },
            [this](T a, T b) { return std::invoke(std::as_const(join_), std::move(a), std::move(b)); },
            tbb::auto_partitioner(), context);
        if (context.is_group_execution_cancelled()) throw_if_stopped(token);
        return result;
    }

private:
    // oneTBB hands out parts of any size and looks for a stop only between them.
    static constexpr index between_looks = 64;

    View view_;
    T init_;
    Fn fn_;
    Join join_;
};

template <class R, class T, class Fn>
concept folds = std::is_invocable_r_v<T, const Fn&, T, std::ranges::range_reference_t<std::views::all_t<R>>>;
template <class T, class Join>
concept joins = std::is_invocable_r_v<T, const Join&, T, T>;

}  // namespace detail

/// Folds `range` in the arena of `pool`: `fn(sum, element)` within a part of it, `join(sum, sum)` between
/// parts, each part beginning with `init`, which must therefore be neutral: 0 for sums, 1 for products.
/// One worker starts, idle ones help, and the loop stays free. The parts differ from run to run, and so
/// does the rounding of floating point sums.
/// Cancellation: in line it never runs; running, oneTBB is told to stop, calls that run are waited for.
/// Errors: rethrows what a call threw, after the others have stopped; as `run_in_executor` otherwise.
/// Threads: `fn` and `join` are called from several workers at once, as const.
/// Lifetime: an rvalue range is moved in, an lvalue range outlives the await.
template <detail::shared_out R, class T, class F, class J>
[[nodiscard("co_await it")]] auto parallel_reduce(cpu_executor& pool, R&& range, T init, F&& fn, J&& join) {
    TANDEM_REQUIRE_SAFE_CALLABLE(F);
    TANDEM_REQUIRE_SAFE_CALLABLE(J);
    static_assert(
        detail::folds<R, T, detail::callable_t<F>>,
        "tandem::parallel_reduce: fn is called with (sum, element), as const, and gives the next sum, "
        "of the type of init");
    static_assert(
        detail::joins<T, detail::callable_t<J>>,
        "tandem::parallel_reduce: join is called with (sum, sum), as const, and gives their sum, of "
        "the type of init");
    using job =
        detail::parallel_reduce_job<std::views::all_t<R>, T, detail::callable_t<F>, detail::callable_t<J>>;
    return detail::call_awaiter<job>(
        pool, job(std::forward<R>(range), std::move(init), std::forward<F>(fn), std::forward<J>(join)));
}

TANDEM_REFUSE(
    "tandem::parallel_reduce: takes a cpu_executor, a range whose elements are reached by their number, "
    "a neutral value and two functions: parallel_reduce(pool, range, init, fn, join)",
    parallel_reduce(detail::any_argument, ...));

}  // namespace tandem::inline TANDEM_ABI
