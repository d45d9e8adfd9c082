// tandem - how a call that cannot be meant is refused with a sentence
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

#include <tandem/base/config.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// First parameter of a refused call: takes anything, and fits worse than what a call is made for, ours
/// or one of the user's that argument-dependent lookup finds beside it.
class any_argument {
public:
    template <class T>
    any_argument(T&&) noexcept;
};

/// A string literal as a template argument.
template <std::size_t Size>
struct because {
    consteval because(const char (&sentence)[Size]) noexcept {
        for (std::size_t i = 0; i < Size; ++i) text[i] = sentence[i];
    }
    char text[Size];
};

/// What a refused call returns, for GCC to print in the first line of the error.
template <because Sentence>
class refused;

}  // namespace detail

// Declares a call that cannot be meant: `TANDEM_REFUSE("tandem::f: ...", f(detail::any_argument, ...))`.
// It is an error that begins with the sentence, but a mere no for SFINAE and for `requires`, which a
// static_assert could not be.
#if defined(__clang__)
#define TANDEM_REFUSE(sentence, ...) [[clang::unavailable(sentence)]] void __VA_ARGS__
#else
#define TANDEM_REFUSE(sentence, ...) ::tandem::detail::refused<sentence> __VA_ARGS__ = delete
#endif

}  // namespace tandem::inline TANDEM_ABI
