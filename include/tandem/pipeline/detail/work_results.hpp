// tandem - what becomes of the results and the failures of a work stage
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <type_traits>
#include <utility>
#include <vector>

#include <tandem/pipeline/dead_item.hpp>
#include <tandem/pipeline/detail/work_stage.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// True if nothing had to be waited for: the common case, without a coroutine. `now`: the time when the
/// function has returned, so that this takes none of the clock's.
template <class In, class Call, class Options, shape Shape>
bool work_stage<In, Call, Options, Shape>::deliver_at_once(held<In>& item, std::uint64_t k, stored& value,
                                                           std::int64_t now) {
    if constexpr (Shape == shape::last) {
        item.left(&books::stored);
        return true;
    } else if constexpr (Shape == shape::one) {
        const bool ordered = in_order();
        if (ordered && (!order_.is_turn(k) || order_.any_parked())) return false;
        if (!to_.emit_at_once(*this, value, item.first_seen(), item.weight(), now)) return false;
        item.passed_on();
        if (ordered) order_.advance();
        return true;
    } else {
        return false;
    }
}

template <class In, class Call, class Options, shape Shape>
task<> work_stage<In, Call, Options, Shape>::deliver(held<In>& item, std::uint64_t k, stored& value) {
    if constexpr (Shape == shape::last) {
        item.left(&books::stored);
        co_return;
    } else {
        const bool ordered = in_order();
        if (ordered && !order_.is_turn(k)) {
            if (order_.can_park()) {
                order_.park(k, parked_result(std::move(item), std::move(value)));
                co_return;
            }
            co_await order_.turn(k);
        }
        co_await pass_on(item, value);
        const bool parked = ordered && order_.advance();
        if (parked) co_await deliver_parked();
    }
}

/// This slot has made way for a result that others left behind.
template <class In, class Call, class Options, shape Shape>
task<> work_stage<In, Call, Options, Shape>::deliver_parked() {
    for (bool more = true; more; more = order_.advance()) {
        parked_result next(order_.unpark());
        co_await pass_on(next.item, next.value);
    }
}

template <class In, class Call, class Options, shape Shape>
task<> work_stage<In, Call, Options, Shape>::pass_on(held<In>& item, stored& value) {
    if constexpr (Shape == shape::one) {
        co_await to_.emit(*this, envelope<out>(std::move(value), item.first_seen(), item.weight()));
        item.passed_on();
    } else if constexpr (Shape == shape::many) {
        bool any = false;
        if constexpr (is_optional_v<stored>) {
            any = value.has_value();
            if (any) co_await to_.emit_more(*this, envelope<out>(std::move(*value), item.first_seen(), 1));
        } else {
            for (auto&& each : value) {
                out one(taken_from<stored>(std::forward<decltype(each)>(each)));
                co_await to_.emit_more(*this, envelope<out>(std::move(one), item.first_seen(), 1));
                any = true;
            }
        }
        if (any) {
            item.replaced();
        } else {
            ++this->counts().filtered;
            item.left(&books::filtered);
        }
    }
}

template <class In, class Call, class Options, shape Shape>
task<> work_stage<In, Call, Options, Shape>::fail(held<In>& item, std::uint64_t k, std::size_t index,
                                                  std::exception_ptr error) {
    const dead_reason why = reason_of(item, error);
    if (why == dead_reason::deadline) ++this->counts().late;
    this->note_failure(error);
    if (this->settings().policy == on_error::skip) {
        this->skipped(item);
    } else {
        co_await bury(item, index, why, error);
    }
    if (!in_order()) co_return;
    const bool too_early = !order_.is_turn(k) && !order_.may_leave(sequence_);
    if (too_early) co_await order_.turn(k);
    const bool parked = order_.nothing(k);
    if (parked) co_await deliver_parked();
}

template <class In, class Call, class Options, shape Shape>
task<> work_stage<In, Call, Options, Shape>::bury(held<In>& item, std::size_t index, dead_reason why,
                                                  std::exception_ptr error) {
    if constexpr (has_dead) {
        std::vector<retry_record> history;
        if constexpr (has_retry) history = logs_[index].attempts();
        const std::size_t calls = careful() ? calls_[index] : 1;
        dead_item<In> letter = letter_of(*this, item, why, error, std::move(history), calls);
        co_await this->options().template part<dead_part>().queue->put(std::move(letter));
        this->died(item);
    }
}

/// Tells the one who asked that the function has returned for this item.
template <class In, class Call, class Options, shape Shape>
task<> work_stage<In, Call, Options, Shape>::done(held<In>& item) {
    auto& notify = this->options().template part<done_part>().notify;
    if constexpr (awaitable<std::invoke_result_t<decltype(notify), const In&>>) {
        co_await notify(std::as_const(item.value()));
    } else {
        notify(std::as_const(item.value()));
    }
}

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
