// tandem - what work stages are made of: the shape of results, states of a slot that end with a scope
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <tandem/base/error.hpp>
#include <tandem/pipeline/dead_item.hpp>
#include <tandem/pipeline/detail/stage.hpp>
#include <tandem/pipeline/stage_options.hpp>
#include <tandem/sync/queue.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// What becomes of a result: it is the next item, a range of items, or nothing is passed on.
enum class shape : std::uint8_t { one, many, last };

template <shape Shape, class Result>
struct shaped {
    using type = Result;
};
template <class Result>
struct shaped<shape::many, Result> {
    using type = std::ranges::range_value_t<Result>;
};
template <class Item>
struct shaped<shape::many, std::optional<Item>> {
    using type = Item;
};

template <class Result>
constexpr bool is_optional_v = false;
template <class Item>
constexpr bool is_optional_v<std::optional<Item>> = true;

/// What `flat_map` takes apart.
template <class Result>
concept gives_several = std::ranges::input_range<Result> || is_optional_v<Result>;

/// An element of a result, taken out of it: moved, unless it belongs to somebody else or is constant.
template <class Result, class Element>
auto taken_from(Element&& each) {
    using item = std::ranges::range_value_t<Result>;
    constexpr bool borrowed = std::ranges::view<Result> && std::is_lvalue_reference_v<Element>;
    if constexpr (borrowed && std::is_copy_constructible_v<item>) {
        return item(each);
    } else {
        return item(std::move(each));
    }
}
template <class Result>
struct shaped<shape::last, Result> {
    using type = std::monostate;
};

/// Thrown inside a stage about an item that was too old when its turn came.
class item_too_late final : public timeout_error {
public:
    item_too_late() : timeout_error("tandem::pipeline: the item is older than item_deadline allows") {}
};

/// One attempt after the other, for `retry`. It does not know the type of its stage: the frames of the
/// retry are the same for all functions from In to Result.
template <class In, class Result>
class attempt_call {
public:
    using function = task<Result> (*)(void* stage, slot_clock& clock, In& item);

    attempt_call(function call, void* stage, slot_clock& clock) noexcept
        : call_(call), stage_(stage), clock_(&clock) {}
    task<Result> operator()(In& item) const { return call_(stage_, *clock_, item); }

private:
    function call_;
    void* stage_;
    slot_clock* clock_;
};

/// What is put into a queue for dead letters: the item leaves its slot.
template <class In>
dead_item<In> letter_of(stage_base& stage, held<In>& item, dead_reason why, std::exception_ptr error,
                        std::vector<retry_record> history, std::size_t attempts) {
    const duration age = std::chrono::nanoseconds(stage.now() - item.first_seen());
    return dead_item<In>(stage.name(), std::move(item.value()), why, std::move(error), std::move(history),
                         attempts, to_time_point(item.first_seen()), age);
}

/// When the scope is left, in whatever way, the slot is in that state.
class enters_at_end {
public:
    enters_at_end(stage_base* stage, slot_clock& clock, stage_state then) noexcept
        : stage_(stage), clock_(clock), then_(then) {}
    enters_at_end(const enters_at_end&) = delete;
    enters_at_end& operator=(const enters_at_end&) = delete;
    ~enters_at_end() {
        if (stage_) stage_->enter(clock_, then_);
    }

private:
    stage_base* stage_;
    slot_clock& clock_;
    stage_state then_;
};

/// A job is busy while it is on its worker; the rest of the time it waited for one.
class corrects_busy {
public:
    corrects_busy(stage_base& stage, slot_clock& clock, const std::int64_t& worked) noexcept
        : stage_(stage), clock_(clock), worked_(worked) {
        stage_.enter(clock_, stage_state::busy);
        before_ = stage_.meter().served_so_far(clock_);
    }
    corrects_busy(const corrects_busy&) = delete;
    corrects_busy& operator=(const corrects_busy&) = delete;
    ~corrects_busy() {
        stage_.enter(clock_, stage_state::busy);
        stage_.meter().correct_busy(clock_, before_, worked_);
    }

private:
    stage_base& stage_;
    slot_clock& clock_;
    const std::int64_t& worked_;
    std::int64_t before_ = 0;
};

template <class Options>
constexpr bool keeps_its_item = false;
template <class... Parts>
constexpr bool keeps_its_item<basic_stage_options<Parts...>> =
    basic_stage_options<Parts...>::template has<retry_part> ||
    basic_stage_options<Parts...>::template has<dead_part> ||
    basic_stage_options<Parts...>::template has<done_part>;

/// The queue for dead letters, if there is one, is for those of this stage.
template <class Options, class In>
constexpr bool takes_letters = true;
template <class... Parts, class In>
requires(basic_stage_options<Parts...>::template has<dead_part>)  //
    constexpr bool takes_letters<basic_stage_options<Parts...>, In> =
        (std::is_same_v<Parts, dead_part<queue<dead_item<In>>>> || ...);

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
