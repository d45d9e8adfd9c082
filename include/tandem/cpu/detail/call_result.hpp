// tandem - call_result: room for what a call on another thread gives; written there, taken on the loop
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include <tandem/base/config.hpp>
#include <tandem/cpu/detail/aligned_member.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// How a result is kept until it is taken.
template <class R>
struct result_place {
    using type = R;
};
template <class R>
requires needs_own_place<R>
struct result_place<R> {
    using type = std::unique_ptr<R>;
};
template <class R>
struct result_place<R&> {
    using type = R*;
};
template <>
struct result_place<void> {
    struct type {};
};

/// Unlike `outcome` it is filled in place, so that a result need not be assignable, and is moved once.
template <class R>
class call_result {
    static constexpr bool is_reference = std::is_reference_v<R>;
    static constexpr bool boxed = needs_own_place<R>;
    using stored = typename result_place<R>::type;

public:
    call_result() noexcept {}
    call_result(const call_result&) = delete;
    call_result& operator=(const call_result&) = delete;
    ~call_result() {
        if (kind_ == kind::value) value_.~stored();
        if (kind_ == kind::error) error_.~exception_ptr();
    }

    bool empty() const noexcept { return kind_ == kind::nothing_yet; }

    /// Keeps what `call()` returns. What it throws passes through.
    template <class Call>
    void fill(Call&& call) {
        if constexpr (std::is_void_v<R>) {
            call();
            ::new (static_cast<void*>(std::addressof(value_))) stored();
        } else if constexpr (is_reference) {
            R there = call();
            ::new (static_cast<void*>(std::addressof(value_))) stored(std::addressof(there));
        } else if constexpr (boxed) {
            ::new (static_cast<void*>(std::addressof(value_))) stored(new R(call()));
        } else {
            ::new (static_cast<void*>(std::addressof(value_))) stored(call());
        }
        kind_ = kind::value;
    }
    void fail(std::exception_ptr error) noexcept {
        ::new (static_cast<void*>(std::addressof(error_))) std::exception_ptr(std::move(error));
        kind_ = kind::error;
    }

    R take() {
        if (kind_ == kind::error) std::rethrow_exception(error_);
        if constexpr (is_reference) {
            return static_cast<R>(*value_);
        } else if constexpr (boxed) {
            return std::move(*value_);
        } else if constexpr (!std::is_void_v<R>) {
            return std::move(value_);
        }
    }

private:
    enum class kind : std::uint8_t { nothing_yet, value, error };

    union {
        stored value_;
        std::exception_ptr error_;
    };
    kind kind_ = kind::nothing_yet;
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
