// tandem - which callables make coroutines that refer to nothing outside of their frame
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <type_traits>

#include <tandem/base/config.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

template <class F>
struct takes_values_only : std::false_type {};
template <class R, class... P>
struct takes_values_only<R (*)(P...)> : std::bool_constant<!(std::is_reference_v<P> || ...)> {};
template <class C, class R, class... P>
struct takes_values_only<R (C::*)(P...) const> : std::bool_constant<!(std::is_reference_v<P> || ...)> {};

/// Whether a coroutine has all that it was called with in its own frame.
template <class F>
constexpr bool stateless_by_value = takes_values_only<F>::value;
template <class F>
requires(std::is_empty_v<F>&& requires {
    &F::operator();
}) constexpr bool stateless_by_value<F> = takes_values_only<decltype(&F::operator())>::value;

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
