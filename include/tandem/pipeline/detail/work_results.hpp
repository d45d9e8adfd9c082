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
        for (auto& each : value) {
            co_await to_.emit_more(*this, envelope<out>(std::move(each), item.first_seen(), 1));
            any = true;
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
    ++this->counts().errors;
    if (why == dead_reason::deadline) ++this->counts().late;
    this->note_message(error);
    if (this->settings().policy == on_error::fail_fast) std::rethrow_exception(error);
    if (this->settings().policy == on_error::skip) {
        ++this->counts().skipped;
        item.failed(&books::skipped);
    } else {
        co_await bury(item, index, why, error);
    }
    const bool parked = in_order() && order_.nothing(k);
    if (parked) co_await deliver_parked();
}

template <class In, class Call, class Options, shape Shape>
task<> work_stage<In, Call, Options, Shape>::bury(held<In>& item, std::size_t index, dead_reason why,
                                                  std::exception_ptr error) {
    if constexpr (has_dead) {
        std::vector<retry_record> history;
        if constexpr (has_retry) history = logs_[index].attempts();
        const bool begun = why != dead_reason::deadline || !too_late_to_begin(error);
        const duration age = std::chrono::nanoseconds(this->now() - item.first_seen());
        dead_item<In> letter(this->name(), std::move(item.value()), why, error, std::move(history),
                             begun ? attempts_made(index) : 0, to_time_point(item.first_seen()), age);
        co_await this->options().template part<dead_part>().queue->put(std::move(letter));
        ++this->counts().dead;
        item.failed(&books::dead);
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
