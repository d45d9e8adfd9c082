// tandem - what is said at compile time of a stage that does not fit
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <type_traits>

#include <tandem/core/concepts.hpp>
#include <tandem/pipeline/detail/work_stage.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

template <class...>
constexpr bool never_true = false;

/// Stands for what a generic function takes.
struct something {};
/// What flows on behind a stage that did not fit: nothing more is said of it.
struct after_an_error {};
template <class T>
constexpr bool sound = !std::is_same_v<T, after_an_error>;

template <class R, class A, class... Rest>
A first_of(R (*)(A, Rest...));
template <class R, class A, class... Rest>
A first_of(R (*)(A, Rest...) noexcept);
template <class C, class R, class A, class... Rest>
A first_of(R (C::*)(A, Rest...));
template <class C, class R, class A, class... Rest>
A first_of(R (C::*)(A, Rest...) const);
template <class C, class R, class A, class... Rest>
A first_of(R (C::*)(A, Rest...) noexcept);
template <class C, class R, class A, class... Rest>
A first_of(R (C::*)(A, Rest...) const noexcept);

template <class Fn>
auto takes_of() {
    if constexpr (requires(Fn fn) { first_of(fn); }) {
        return std::type_identity<std::remove_cvref_t<decltype(first_of(std::declval<Fn>()))>>();
    } else if constexpr (requires { first_of(&Fn::operator()); }) {
        return std::type_identity<std::remove_cvref_t<decltype(first_of(&Fn::operator()))>>();
    } else {
        return std::type_identity<something>();
    }
}
template <class Fn>
using takes_t = typename decltype(takes_of<Fn>())::type;

// The parameters show the position, from 1, and both types in the compiler's message.

template <std::size_t Stage, class Gives, class Takes>
struct stage_does_not_fit {
    static_assert(never_true<Gives, Takes>,
                  "tandem::pipeline: stage_does_not_fit<stage, gives, takes>: the function of this stage "
                  "does not take what the stage before it gives; make the two types one, or put a stage "
                  "between them that turns one into the other");
};
template <std::size_t Stage, class Item>
struct item_is_needed_again {
    static_assert(never_true<Item>,
                  "tandem::pipeline: item_is_needed_again<stage, item>: retry, dead_letter and on_done need "
                  "the item after the call, and this one can only be moved into the function; let the "
                  "function take it by const&");
};
template <std::size_t Stage, class Gives>
struct io_without_a_task {
    static_assert(never_true<Gives>,
                  "tandem::pipeline: io_without_a_task<stage, result>: the function of an io stage or sink "
                  "returns a task or another awaitable, and this one does not; use cpu() or blocking() for "
                  "a plain function");
};
template <std::size_t Stage, class Gives>
struct worker_with_a_task {
    static_assert(never_true<Gives>,
                  "tandem::pipeline: worker_with_a_task<stage, result>: the function returns a task, which "
                  "no worker can await; use io() for a coroutine");
};
template <std::size_t Stage>
struct stage_gives_nothing {
    static_assert(never_true<std::integral_constant<std::size_t, Stage>>,
                  "tandem::pipeline: stage_gives_nothing<stage>: the function returns void, so the next "
                  "stage would get nothing; use sink() for the last stage");
};

template <std::size_t Stage, class Gives>
struct flat_map_without_a_range {
    static_assert(never_true<Gives>,
                  "tandem::pipeline: flat_map_without_a_range<stage, result>: the function of flat_map gives "
                  "a range or a std::optional, or a task of one, and this one does not; use io() for one "
                  "result for each item");
};

template <std::size_t Stage, class Item>
struct queue_takes_other_letters {
    static_assert(never_true<Item>,
                  "tandem::pipeline: queue_takes_other_letters<stage, item>: dead_letter() needs a "
                  "tandem::queue<tandem::dead_item<In>>, In being what this stage takes");
};

template <class Fn, class In, bool Kept>
concept takes_on_loop = std::is_invocable_v<Fn&, handed_t<In, Kept>>;
template <class Fn, class In, bool Kept>
concept takes_on_worker = std::is_invocable_v<const Fn&, handed_t<In, Kept>> ||
    std::is_invocable_v<const Fn&, std::stop_token, handed_t<In, Kept>>;

/// A plain function for `flat_map`.
template <class Fn, class In, bool Kept>
concept gives_range = takes_on_loop<Fn, In, Kept> &&
    gives_several<std::remove_cvref_t<std::invoke_result_t<Fn&, handed_t<In, Kept>>>>;

template <class In, class Fn, bool Kept>
using loop_result_t = typename loop_call<In, Fn, Kept>::result;

enum class fit : std::uint8_t {
    good,
    after_an_error,
    wrong_item,
    needed_again,
    no_task,
    a_task,
    no_result,
    no_range,
    wrong_letters
};

template <shape Shape, class In, class Fn, bool Kept>
constexpr fit fit_on_loop() noexcept {
    if constexpr (!sound<In>) {
        return fit::after_an_error;
    } else if constexpr (Kept && !takes_on_loop<Fn, In, true> && takes_on_loop<Fn, In, false>) {
        return fit::needed_again;
    } else if constexpr (!takes_on_loop<Fn, In, Kept>) {
        return fit::wrong_item;
    } else if constexpr (!awaitable<std::invoke_result_t<Fn&, handed_t<In, Kept>>>) {
        return Shape == shape::many ? fit::no_range : fit::no_task;
    } else if constexpr (Shape == shape::many && !gives_several<stored_t<loop_result_t<In, Fn, Kept>>>) {
        return fit::no_range;
    } else if constexpr (Shape == shape::one && std::is_void_v<loop_result_t<In, Fn, Kept>>) {
        return fit::no_result;
    } else {
        return fit::good;
    }
}
template <class In, class Fn, bool Kept>
constexpr fit fit_on_worker() noexcept {
    if constexpr (!sound<In>) {
        return fit::after_an_error;
    } else if constexpr (Kept && !takes_on_worker<Fn, In, true> && takes_on_worker<Fn, In, false>) {
        return fit::needed_again;
    } else if constexpr (!takes_on_worker<Fn, In, Kept>) {
        return fit::wrong_item;
    } else if constexpr (awaitable<typename worker_call<In, Fn, Kept>::result>) {
        return fit::a_task;
    } else if constexpr (std::is_void_v<typename worker_call<In, Fn, Kept>::result>) {
        return fit::no_result;
    } else {
        return fit::good;
    }
}

template <class In, class Pred, class Options>
constexpr fit fit_of_predicate() noexcept {
    if constexpr (!sound<In>) {
        return fit::after_an_error;
    } else if constexpr (!takes_letters<Options, In>) {
        return fit::wrong_letters;
    } else {
        return std::is_invocable_r_v<bool, Pred&, const In&> ? fit::good : fit::wrong_item;
    }
}

/// Says what is wrong, once, and nothing of what follows from it.
template <fit What, std::size_t Stage, class In, class Fn, bool Kept>
void refuse() noexcept {
    if constexpr (What == fit::wrong_item) {
        static_cast<void>(stage_does_not_fit<Stage, In, takes_t<Fn>>());
    } else if constexpr (What == fit::needed_again) {
        static_cast<void>(item_is_needed_again<Stage, In>());
    } else if constexpr (What == fit::no_task) {
        static_cast<void>(io_without_a_task<Stage, std::invoke_result_t<Fn&, handed_t<In, Kept>>>());
    } else if constexpr (What == fit::no_range) {
        static_cast<void>(flat_map_without_a_range<Stage, std::invoke_result_t<Fn&, handed_t<In, Kept>>>());
    } else if constexpr (What == fit::a_task) {
        static_cast<void>(worker_with_a_task<Stage, typename worker_call<In, Fn, Kept>::result>());
    } else if constexpr (What == fit::wrong_letters) {
        static_cast<void>(queue_takes_other_letters<Stage, In>());
    } else if constexpr (What == fit::no_result) {
        static_cast<void>(stage_gives_nothing<Stage>());
    }
}

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
