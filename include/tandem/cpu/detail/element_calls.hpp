// tandem - element_calls: a function and a range whose elements it is called with, from any thread
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <functional>
#include <ranges>
#include <stop_token>
#include <type_traits>
#include <utility>

#include <tandem/base/callable.hpp>
#include <tandem/core/concepts.hpp>
#include <tandem/cpu/detail/job_result.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// Ranges that can be shared out: an element is reached by its number.
template <class R>
concept shared_out = std::ranges::random_access_range<R> && std::ranges::sized_range<R>;

/// How an element of a range is passed to the function of `map`.
template <class View>
using seen_element_t = std::add_const_t<std::remove_reference_t<std::ranges::range_reference_t<View>>>&;

template <class View, class Fn>
concept called_with_elements =
    takes_stop_token<const Fn&, seen_element_t<View>> || std::is_invocable_v<const Fn&, seen_element_t<View>>;

template <class View, class Fn>
constexpr bool gives_task_for_elements() noexcept {
    if constexpr (called_with_elements<View, Fn>) {
        return is_task_v<std::remove_cvref_t<job_result_t<const Fn&, seen_element_t<View>>>>;
    } else {
        return false;
    }
}

// The sentences of `map` and `map_unordered`; a macro because static_assert wants literals.
#define TANDEM_REQUIRE_ELEMENT_CALLS(call, View, Fn)                                               \
    static_assert(::tandem::detail::called_with_elements<View, Fn>,                                \
                  "tandem::" call                                                                  \
                  ": fn cannot be called with (element) nor with (std::stop_token, "               \
                  "element); it is called as const, no mutable lambda, and the element is const"); \
    static_assert(!::tandem::detail::gives_task_for_elements<View, Fn>(),                          \
                  "tandem::" call                                                                  \
                  ": fn returns a task, which runs on the loop and not on a worker; "              \
                  "gather(limit(n), range) awaits tasks, " call " takes the function that computes")

/// Calls a function with elements of a range, from any thread.
template <class View, class Fn>
class element_calls {
    using element = seen_element_t<View>;
    static constexpr bool takes_token = takes_stop_token<const Fn&, element>;

public:
    using result = std::remove_cv_t<job_result_t<const Fn&, element>>;
    static_assert(!std::is_rvalue_reference_v<result>, "tandem::map: fn returns T&&; return the value");

    template <class R, class F>
    element_calls(R&& range, F&& fn) : view_(std::forward<R>(range)), fn_(forward_callable<F>(fn)) {
        begin_ = std::ranges::begin(view_);
    }

    std::size_t count() { return static_cast<std::size_t>(std::ranges::size(view_)); }
    result call(std::size_t index) const {
        auto&& value = begin_[static_cast<std::ranges::range_difference_t<View>>(index)];
        element seen = value;
        if constexpr (takes_token) {
            return std::invoke(fn_, stop_.source.get_token(), seen);
        } else {
            return std::invoke(fn_, seen);
        }
    }
    std::stop_source* source() noexcept { return stop_.get(); }

private:
    View view_;
    [[no_unique_address]] Fn fn_;
    std::ranges::iterator_t<View> begin_;
    [[no_unique_address]] stop_part<takes_token> stop_;
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
