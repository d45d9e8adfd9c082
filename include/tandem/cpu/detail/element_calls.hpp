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
#include <tandem/cpu/detail/job_result.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// Ranges that can be shared out: an element is reached by its number.
template <class R>
concept shared_out = std::ranges::random_access_range<R> && std::ranges::sized_range<R>;

/// Calls a function with elements of a range, from any thread.
template <class View, class Fn>
class element_calls {
    using element = std::add_const_t<std::remove_reference_t<std::ranges::range_reference_t<View>>>&;
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
