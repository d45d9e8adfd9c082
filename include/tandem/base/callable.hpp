// tandem - how callables are handed to awaitables without the double destruction of GCC 12
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include <tandem/base/config.hpp>

namespace tandem::inline TANDEM_ABI {

/// Carries a named callable into an awaitable that moves out of it. Made by `moved(fn)`; not storable.
template <class F>
class [[nodiscard("pass it to the call: it only points at the callable")]] moved_ref {
public:
    explicit moved_ref(F & fn) noexcept : fn_(std::addressof(fn)) {}
    moved_ref(const moved_ref&) = delete;
    moved_ref& operator=(const moved_ref&) = delete;

    F&& get() const noexcept { return std::move(*fn_); }

private:
    F* fn_;
};

/// Marks a named callable as one to be moved from: `run_in_executor(pool, moved(fn))`.
/// It exists beside `std::move` because GCC before 13 mistreats temporary closures in a `co_await`
/// expression, and a moved closure cannot be told from a temporary one.
template <class F>
moved_ref<F> moved(F& fn) noexcept {
    return moved_ref<F>(fn);
}
template <class F>
void moved(const F&&) = delete;  // tandem: name the lambda on its own line, then pass moved(fn)

namespace detail {

template <class F>
constexpr bool is_moved_ref_v = false;
template <class F>
constexpr bool is_moved_ref_v<moved_ref<F>> = true;

template <class F>
struct unwrap_callable {
    using type = std::decay_t<F>;
};
template <class F>
requires is_moved_ref_v<std::remove_cvref_t<F>>
struct unwrap_callable<F> {
    using type = std::remove_cvref_t<decltype(std::declval<F&>().get())>;
};

/// The type under which a callable handed in as `F&&` is kept.
template <class F>
using callable_t = typename unwrap_callable<F>::type;

template <class F>
decltype(auto) forward_callable(std::remove_reference_t<F>& fn) noexcept {
    if constexpr (is_moved_ref_v<std::remove_cvref_t<F>>) {
        return fn.get();
    } else {
        return static_cast<F&&>(fn);
    }
}

#ifdef TANDEM_ALLOW_TEMPORARY_CLOSURES
template <class F>
constexpr bool safe_callable = true;
#else
/// Whether a class has a call operator, template or not; a final one is taken to have it.
template <class F>
constexpr bool has_call_operator = std::is_class_v<F>;
struct has_one_call_operator {
    void operator()();
};
template <class F>
struct has_another_call_operator : F, has_one_call_operator {};
template <class F>
requires(std::is_class_v<F> && !std::is_final_v<F>) constexpr bool has_call_operator<F> = !requires {
    &has_another_call_operator<F>::operator();
};

/// What is no callable, such as a task, is refused by the call's own sentence.
template <class F>
constexpr bool safe_callable =
    !TANDEM_GCC_LT_13 || std::is_lvalue_reference_v<F> ||
    std::is_trivially_destructible_v<std::remove_cvref_t<F>> || is_moved_ref_v<std::remove_cvref_t<F>> ||
    !has_call_operator<std::remove_cvref_t<F>>;
#endif

}  // namespace detail

// One sentence for every call that takes a callable; a macro because static_assert wants a literal.
#define TANDEM_REQUIRE_SAFE_CALLABLE(F)                                                           \
    static_assert(::tandem::detail::safe_callable<F>,                                             \
                  "tandem: GCC before 13 destroys the captures of this temporary lambda twice; "  \
                  "pass data as arguments (fn, args...), or name the lambda on its own line and " \
                  "pass moved(fn)")

}  // namespace tandem::inline TANDEM_ABI
