// tandem - what a callable gives on a worker, and whether it takes a std::stop_token first
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <stop_token>
#include <type_traits>

#include <tandem/base/config.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

template <class Fn, class... Args>
concept takes_stop_token = std::is_invocable_v<Fn, std::stop_token, Args...>;

template <class Fn, class... Args>
constexpr auto job_result_of() noexcept {
    if constexpr (takes_stop_token<Fn, Args...>) {
        return std::type_identity<std::invoke_result_t<Fn, std::stop_token, Args...>>();
    } else {
        return std::type_identity<std::invoke_result_t<Fn, Args...>>();
    }
}
template <class Fn, class... Args>
using job_result_t = typename decltype(job_result_of<Fn, Args...>())::type;

/// Where a stop is requested, if the callable takes a token: the one thing here that allocates.
template <bool Takes>
struct stop_part {
    std::stop_source source;
    std::stop_source* get() noexcept { return &source; }
};
template <>
struct stop_part<false> {
    std::stop_source* get() noexcept { return nullptr; }
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
