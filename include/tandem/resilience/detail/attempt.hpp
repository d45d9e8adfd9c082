// tandem - one call of a callable that is kept with its arguments, and what became of it
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include <tandem/base/callable.hpp>
#include <tandem/base/detail/stateless_call.hpp>
#include <tandem/base/outcome.hpp>
#include <tandem/core/task.hpp>
#include <tandem/tasks/timeout.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

template <class T>
struct kept_argument {
    using type = const T&;
};
template <class T>
struct kept_argument<T&> {
    using type = T&;
};

template <class Fn, class... Args>
concept called_afresh = std::is_invocable_v<Fn&, typename kept_argument<Args>::type...> &&
    awaitable<std::invoke_result_t<Fn&, typename kept_argument<Args>::type...>>;

template <class Fn, class... Args>
using attempt_result_t = await_result_t<std::invoke_result_t<Fn&, typename kept_argument<Args>::type...>>;

template <class T, class Fn, class Kept, std::size_t... I>
task<T> held_call(Fn& fn, const Kept& args, std::index_sequence<I...>) {
    co_return co_await fn(std::get<I>(args)...);
}

/// Calls see the kept arguments as `const&`; what was passed with `std::ref` stays a reference. What an
/// argument has to be converted into for a parameter that is a reference lives until the call has ended.
template <class Fn, class... Args>
decltype(auto) call_kept(Fn& fn, const std::tuple<Args...>& args) {
    if constexpr (sizeof...(Args) == 0 || stateless_by_value<Fn>) {
        return std::apply([&fn](auto&... each) -> decltype(auto) { return fn(each...); }, args);
    } else {
        return held_call<attempt_result_t<Fn, Args...>>(fn, args, std::index_sequence_for<Args...>());
    }
}

/// Awaits what `call()` makes, for at most `limit` nanoseconds, and notes how it ended. A stop leaves
/// nothing: the frames are gone.
template <class T, class Call>
task<> attempt(const Call& call, std::int64_t limit, std::optional<outcome<T>>& ended) {
    std::exception_ptr error;
    try {
        if constexpr (std::is_void_v<T>) {
            if (limit == never) {
                co_await call();
            } else {
                co_await timeout(std::chrono::nanoseconds(limit), call());
            }
            ended.emplace(std::in_place, std::monostate());
        } else if (limit == never) {
            T value = co_await call();
            ended.emplace(std::in_place, stored_t<T>(static_cast<T&&>(value)));
        } else {
            T value = co_await timeout(std::chrono::nanoseconds(limit), call());
            ended.emplace(std::in_place, stored_t<T>(static_cast<T&&>(value)));
        }
    } catch (...) {
        error = std::current_exception();
    }
    if (error) ended.emplace(error);
}

/// The value of an outcome as the call itself would have given it.
template <class T>
T deliver(outcome<T>& ended) {
    if constexpr (std::is_void_v<T>) {
        ended.value();
    } else if constexpr (std::is_reference_v<T>) {
        return static_cast<T>(ended.value().get());
    } else {
        return std::move(ended).value();
    }
}

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
