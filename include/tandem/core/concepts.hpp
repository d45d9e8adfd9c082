// tandem - what may stand right of co_await in a task, and what it gives
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <iterator>
#include <ranges>
#include <type_traits>
#include <utility>

#include <tandem/core/fiber.hpp>

namespace tandem::inline TANDEM_ABI {

template <class T>
class task;

/// Specialise it to make a type of yours awaitable in tasks: `static auto adapt(A&& operand,
/// detail::fiber&)` gives an awaiter as a prvalue; `as_leaf(fiber, make)` builds one around a leaf.
template <class A>
struct await_adapter;

namespace detail {

template <class T>
constexpr bool is_task_v = false;
template <class T>
constexpr bool is_task_v<task<T>> = true;

template <class A>
concept leaf_type = std::is_base_of_v<leaf, std::remove_cvref_t<A>>;

template <class A>
concept adapted_type = requires(A&& operand, fiber& f) {
    await_adapter<std::remove_cvref_t<A>>::adapt(std::forward<A>(operand), f);
};

/// Stands for a leaf that lives in the awaiting expression. A prvalue of its own type, because GCC
/// before 13 copies an awaiter that await_transform returns by reference.
template <class L>
class leaf_proxy {
public:
    leaf_proxy(L& l, fiber* f) noexcept : leaf_(&l) { l.bind(f); }
    leaf_proxy(const leaf_proxy&) = delete;
    leaf_proxy& operator=(const leaf_proxy&) = delete;

    bool await_ready() noexcept(noexcept(leaf_->await_ready())) { return leaf_->await_ready(); }
    template <class Promise>
    auto await_suspend(std::coroutine_handle<Promise> h) noexcept {
        return leaf_->await_suspend(h);
    }
    decltype(auto) await_resume() { return leaf_->await_resume(); }

private:
    L* leaf_;
};

/// Holds a leaf that an adapter made for an operand that is none itself.
template <class L>
class leaf_holder {
public:
    template <class... Args>
    explicit leaf_holder(fiber& f, Args&&... args) : leaf_(std::forward<Args>(args)...) {
        leaf_.bind(&f);
    }
    leaf_holder(const leaf_holder&) = delete;
    leaf_holder& operator=(const leaf_holder&) = delete;

    bool await_ready() noexcept(noexcept(std::declval<L&>().await_ready())) { return leaf_.await_ready(); }
    template <class Promise>
    auto await_suspend(std::coroutine_handle<Promise> h) noexcept {
        return leaf_.await_suspend(h);
    }
    decltype(auto) await_resume() { return leaf_.await_resume(); }

private:
    L leaf_;
};

template <class A>
struct await_result;
template <class T>
struct await_result<task<T>> {
    using type = T;
};
template <leaf_type A>
struct await_result<A> {
    using type = decltype(std::declval<std::remove_cvref_t<A>&>().await_resume());
};
template <adapted_type A>
struct await_result<A> {
    using type =
        decltype(await_adapter<std::remove_cvref_t<A>>::adapt(std::declval<A>(), std::declval<fiber&>())
                     .await_resume());
};

}  // namespace detail

/// What a task may `co_await`: a task given as an rvalue, a leaf, or a type with an `await_adapter`.
template <class A>
concept awaitable =
    (detail::is_task_v<std::remove_cvref_t<A>> && !std::is_lvalue_reference_v<A>) ||
    (detail::leaf_type<A> && !std::is_const_v<std::remove_reference_t<A>>) || detail::adapted_type<A>;

/// What awaiting an `A` gives.
template <awaitable A>
using await_result_t = typename detail::await_result<
    std::conditional_t<detail::adapted_type<A>, A, std::remove_cvref_t<A>>>::type;

/// A range whose elements can be awaited: a vector of tasks, of handles, a view that makes tasks.
/// The elements of an lvalue range of tasks are moved from: a task is awaited once.
template <class R>
concept awaitable_range = std::ranges::input_range<R> &&
    (awaitable<std::ranges::range_reference_t<R>> ||
     (detail::is_task_v<std::remove_cvref_t<std::ranges::range_reference_t<R>>> &&
      !std::is_const_v<std::remove_reference_t<std::ranges::range_reference_t<R>>>));

}  // namespace tandem::inline TANDEM_ABI
