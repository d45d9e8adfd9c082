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

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// GCC places a coroutine's frame, and so the awaiters in it, as `operator new` does: what needs more
/// alignment than that gets its own place on the heap.
template <class T>
constexpr bool needs_own_place = alignof(T) > __STDCPP_DEFAULT_NEW_ALIGNMENT__;

/// A member of an awaiter, of any alignment.
template <class T, bool Elsewhere = needs_own_place<T>>
class aligned_member {
public:
    template <class... Args>
    explicit aligned_member(std::in_place_t, Args&&... args) : value_(std::forward<Args>(args)...) {}
    T& get() noexcept { return value_; }

private:
    [[no_unique_address]] T value_;
};
template <class T>
class aligned_member<T, true> {
public:
    template <class... Args>
    explicit aligned_member(std::in_place_t, Args&&... args)
        : value_(std::make_unique<T>(std::forward<Args>(args)...)) {}
    T& get() noexcept { return *value_; }

private:
    std::unique_ptr<T> value_;
};

/// Unlike `outcome` it is filled in place, so that a result need not be assignable, and is moved once.
template <class R>
class call_result {
    static constexpr bool is_reference = std::is_reference_v<R>;
    struct nothing {};
    template <class T>
    struct in_place {
        using type = T;
    };
    struct elsewhere {
        using type = std::unique_ptr<R>;
    };
    static constexpr bool boxed() noexcept {
        if constexpr (std::is_void_v<R> || is_reference) {
            return false;
        } else {
            return needs_own_place<R>;
        }
    }
    using plain = std::conditional_t<std::is_void_v<R>, nothing,
                                     std::conditional_t<is_reference, std::remove_reference_t<R>*, R>>;
    using stored = typename std::conditional_t<boxed(), elsewhere, in_place<plain>>::type;

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
        } else if constexpr (boxed()) {
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
        } else if constexpr (boxed()) {
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
