// tandem - outcome<T>: what became of a task: a value, an exception, or stopped
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exception>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include <tandem/base/error.hpp>

namespace tandem::inline TANDEM_ABI {

/// How a result of type `T` is kept in a container: `void` as `std::monostate`, a reference as
/// `std::reference_wrapper`.
template <class T>
using stored_t = std::conditional_t<
    std::is_void_v<T>, std::monostate,
    std::conditional_t<std::is_reference_v<T>, std::reference_wrapper<std::remove_reference_t<T>>,
                       std::remove_const_t<T>>>;

/// What became of a task: a value, an exception, or stopped because it was cancelled.
/// A default-constructed outcome is a stopped one.
template <class T>
class outcome {
public:
    using value_type = stored_t<T>;

    outcome() noexcept = default;
    explicit outcome(std::in_place_t, value_type value) : state_(std::in_place_index<1>, std::move(value)) {}
    explicit outcome(std::exception_ptr exception) noexcept
        : state_(std::in_place_index<2>, std::move(exception)) {}

    bool has_value() const noexcept { return state_.index() == 1; }
    bool has_exception() const noexcept { return state_.index() == 2; }
    bool was_cancelled() const noexcept { return state_.index() == 0; }
    explicit operator bool() const noexcept { return has_value(); }

    /// Gives the value, or throws what happened: the task's exception, `cancelled_error` if stopped.
    value_type& value() & {
        throw_if_none();
        return *std::get_if<1>(&state_);
    }
    const value_type& value() const& {
        throw_if_none();
        return *std::get_if<1>(&state_);
    }
    value_type&& value() && {
        throw_if_none();
        return std::move(*std::get_if<1>(&state_));
    }

    /// The exception, or null if there is none.
    std::exception_ptr exception() const noexcept {
        return has_exception() ? *std::get_if<2>(&state_) : std::exception_ptr();
    }

    template <class U>
    value_type value_or(U&& otherwise) const& {
        return has_value() ? *std::get_if<1>(&state_) : static_cast<value_type>(std::forward<U>(otherwise));
    }
    template <class U>
    value_type value_or(U&& otherwise) && {
        return has_value() ? std::move(*std::get_if<1>(&state_))
                           : static_cast<value_type>(std::forward<U>(otherwise));
    }

private:
    void throw_if_none() const {
        if (has_exception()) std::rethrow_exception(*std::get_if<2>(&state_));
        if (was_cancelled()) throw cancelled_error();
    }

    std::variant<std::monostate, value_type, std::exception_ptr> state_;
};

}  // namespace tandem::inline TANDEM_ABI
