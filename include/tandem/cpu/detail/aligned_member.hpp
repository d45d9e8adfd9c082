// tandem - aligned_member: a member of an awaiter whose type may need more alignment than a frame has
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include <tandem/base/config.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// GCC places a coroutine's frame, and so the awaiters in it, as `operator new` does: what needs more
/// alignment than that gets its own place on the heap.
template <class T>
constexpr bool needs_own_place = false;
template <class T>
requires std::is_object_v<T>
constexpr bool needs_own_place<T> = alignof(T) > __STDCPP_DEFAULT_NEW_ALIGNMENT__;

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

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
