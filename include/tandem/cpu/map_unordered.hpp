// tandem - map_unordered: a function over a range on workers, results to the loop as they come
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coroutine>
#include <cstddef>
#include <ranges>
#include <type_traits>
#include <utility>

#include <tandem/base/callable.hpp>
#include <tandem/base/detail/refuse.hpp>
#include <tandem/cpu/detail/element_calls.hpp>
#include <tandem/cpu/detail/unordered_map.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// Awaitable of `map_unordered`.
template <class View, class Fn, class OnResult>
class unordered_map_awaiter final : public unordered_map<element_calls<View, Fn>> {
    using base = unordered_map<element_calls<View, Fn>>;

public:
    template <class R, class F, class G>
    unordered_map_awaiter(executor_ref pool, map_options options, R&& range, F&& fn, G&& on_result)
        : base(pool, options, std::forward<R>(range), std::forward<F>(fn)),
          on_result_(forward_callable<G>(on_result)) {
        this->consumer_ = take_results(static_cast<base&>(*this), on_result_);
    }

    bool await_ready() const noexcept { return this->size() == 0 && !this->stop_pending(); }
    transfer await_suspend(std::coroutine_handle<> h) noexcept { return this->launch(h); }
    void await_resume() { this->throw_if_failed(); }

private:
    OnResult on_result_;
};

template <class View, class Fn, class OnResult>
constexpr bool takes_results_of() noexcept {
    if constexpr (!called_with_elements<View, Fn> || gives_task_for_elements<View, Fn>()) {
        return true;  // has its own sentence
    } else {
        using result = typename element_calls<View, Fn>::result;
        if constexpr (std::is_void_v<result>) {
            return std::is_invocable_v<OnResult&, std::size_t>;
        } else {
            return std::is_invocable_v<OnResult&, std::size_t, result>;
        }
    }
}

}  // namespace detail

/// Calls `fn(element)` for every element of `range` on the workers of `pool`, and `on_result(index, value)`
/// on the loop for each result, one after the other, in the order in which chunks of them are done.
/// `on_result` may return a `task<>`, which is awaited. Its pace is the back-pressure: at most
/// `map_options().limit()` chunks are on workers or wait for it, by default twice the workers.
/// Cancellation: stops a running `on_result`; chunks not taken vanish, running ones end after the element
///   they are at, and are waited for.
/// Errors: the first exception of `fn`, or what `on_result` throws, stops the rest and is rethrown; results
///   that have not been taken by then are dropped. As `run_in_executor` otherwise.
/// Threads: `fn` on several workers at once, as const; `on_result` on the loop.
/// Lifetime: as `map`; both callables are kept.
template <detail::shared_out R, class F, class G>
[[nodiscard("co_await it")]] auto map_unordered(executor_ref pool, R&& range, F&& fn, G&& on_result,
                                                map_options options = map_options()) {
    TANDEM_REQUIRE_SAFE_CALLABLE(F);
    TANDEM_REQUIRE_SAFE_CALLABLE(G);
    using view = std::views::all_t<R>;
    TANDEM_REQUIRE_ELEMENT_CALLS("map_unordered", view, detail::callable_t<F>);
    static_assert(detail::takes_results_of<view, detail::callable_t<F>, detail::callable_t<G>>(),
                  "tandem::map_unordered: on_result is called with (std::size_t index, the result of fn)");
    return detail::unordered_map_awaiter<view, detail::callable_t<F>, detail::callable_t<G>>(
        pool, options, std::forward<R>(range), std::forward<F>(fn), std::forward<G>(on_result));
}

TANDEM_REFUSE(
    "tandem::map_unordered: takes a pool, a range whose elements are reached by their number, and two "
    "functions: map_unordered(pool, range, fn, on_result); copy another range into a std::vector",
    map_unordered(detail::any_argument, ...));

}  // namespace tandem::inline TANDEM_ABI
