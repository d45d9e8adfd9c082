// tandem - compiler guards, assertion, coroutine transfer mode, inline namespace
// SPDX-License-Identifier: BSL-1.0
#pragma once

#if !defined(__cpp_impl_coroutine) || !defined(__cpp_concepts)
#error "tandem: coroutines are off; compile with -std=c++20 or newer (GCC 12.2, clang 16 or newer)"
#endif
#if !defined(__cpp_exceptions)
#error "tandem: exceptions are off; remove -fno-exceptions, errors of tasks travel as exceptions"
#endif
#if !defined(__cpp_rtti)
#error "tandem: RTTI is off; remove -fno-rtti, exceptions and cancellation look at types at run time"
#endif

#include <cstdio>
#include <cstdlib>

// GCC before 13 destroys the captures of a temporary lambda inside a co_await expression twice.
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
#define TANDEM_GCC_LT_13 1
#else
#define TANDEM_GCC_LT_13 0
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TANDEM_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TANDEM_SANITIZED 1
#endif
#endif
#ifndef TANDEM_SANITIZED
#define TANDEM_SANITIZED 0
#endif

// Symmetric transfer is a tail call only where the compiler makes it one. GCC does not without -O2
// nor under a sanitizer, and overflows the stack; there the loop resumes what a frame left it.
#ifndef TANDEM_TRAMPOLINE
#if defined(__GNUC__) && !defined(__clang__) && (!defined(__OPTIMIZE__) || TANDEM_SANITIZED)
#define TANDEM_TRAMPOLINE 1
#else
#define TANDEM_TRAMPOLINE 0
#endif
#endif

// What changes frames selects the namespace, so that objects of different modes never meet.
#if TANDEM_TRAMPOLINE && TANDEM_SANITIZED
#define TANDEM_ABI v0_trampoline_sanitized
#elif TANDEM_TRAMPOLINE
#define TANDEM_ABI v0_trampoline
#elif TANDEM_SANITIZED
#define TANDEM_ABI v0_transfer_sanitized
#else
#define TANDEM_ABI v0_transfer
#endif

// For the few functions whose cost is the price of an await: the compiler sees too many callers.
#define TANDEM_ALWAYS_INLINE [[gnu::always_inline]] inline
#define TANDEM_NEVER_INLINE [[gnu::noinline]]
// For what few calls come to: compiled for size, which takes every file that includes it less time.
#define TANDEM_COLD [[gnu::cold]]

// One object for the whole process: also between libraries that are compiled with -fvisibility=hidden.
#define TANDEM_PROCESS_WIDE [[gnu::visibility("default")]]

// Misuse that costs a check is caught in debug builds only: the text is printed, then abort().
#ifdef NDEBUG
#define TANDEM_ASSERT(condition, text) static_cast<void>(0)
#else
#define TANDEM_ASSERT(condition, text) \
    ((condition) ? static_cast<void>(0) : ::tandem::detail::fail_assertion(text, __FILE__, __LINE__))
#endif

namespace tandem::inline TANDEM_ABI {
namespace detail {

[[noreturn]] inline void fail_assertion(const char* text, const char* file, int line) noexcept {
    std::fprintf(stderr, "%s (%s:%d)\n", text, file, line);
    std::abort();
}

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
