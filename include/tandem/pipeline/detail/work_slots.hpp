// tandem - how the slots of a work stage take items and call its function
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include <tandem/pipeline/detail/work_stage.hpp>
#include <tandem/resilience/rate_limiter.hpp>
#include <tandem/resilience/retry.hpp>
#include <tandem/tasks/timeout.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

template <class In, class Call, class Options, shape Shape>
task<> work_stage<In, Call, Options, Shape>::slot(std::size_t index) {
    slot_clock& clock = this->meter().slot(index);
    [[maybe_unused]] std::int64_t worked = 0;  // of a call on the loop: nobody asks
    for (;;) {
        const bool more = co_await this->in().take();
        if (!more) break;
        const std::int64_t begun = this->now();
        held<In> item(*this, this->in().pop(begun));
        const std::uint64_t k = sequence_++;
        this->meter().enter(clock, stage_state::busy, begun);
        std::optional<stored> value;
        std::exception_ptr error;
        try {
            if (careful()) {
                if constexpr (std::is_void_v<result>) {
                    co_await carefully(item, clock, index);
                    value.emplace();
                } else {
                    result given = co_await carefully(item, clock, index);
                    value.emplace(static_cast<result&&>(given));
                }
            } else if constexpr (Call::on_workers) {
                result given = co_await called(item.value(), clock);
                value.emplace(static_cast<result&&>(given));
            } else if constexpr (std::is_void_v<result>) {
                co_await call_(item.value(), worked);
                value.emplace();
            } else {
                result given = co_await call_(item.value(), worked);
                value.emplace(static_cast<result&&>(given));
            }
        } catch (...) {
            error = std::current_exception();
        }
        const std::int64_t ended = this->enter(clock, stage_state::blocked_down);
        this->meter().item_served(clock);
        if constexpr (has_retry) {
            const std::size_t made = logs_[index].attempts().size();
            if (made > 1) this->counts().retries += made - 1;
        }
        if (!has_done && !error && deliver_at_once(item, k, *value, ended)) {
            this->meter().enter(clock, stage_state::blocked_up, ended);
            continue;
        }
        if (error) {
            co_await fail(item, k, index, error);
        } else {
            if constexpr (has_done) co_await done(item);
            co_await deliver(item, k, *value);
        }
        this->enter(clock, stage_state::blocked_up);
    }
    if constexpr (Shape != shape::last) {
        if (this->lane_ends()) to_.next().close();
    }
}

/// A lane whose items go to a worker, several at a time if they are small.
template <class In, class Call, class Options, shape Shape>
task<> work_stage<In, Call, Options, Shape>::chunk_lane(std::size_t index) {
    using items = std::vector<chunk_item<In, stored>>;
    slot_clock& clock = this->meter().slot(index);
    items chunk;
    chunk.reserve(size_.most());
    const bool timed = !this->accounts().loop->has_virtual_clock();
    for (;;) {
        const bool more = co_await this->in().take();
        if (!more) break;
        fill(chunk);
        this->enter(clock, stage_state::busy);
        std::exception_ptr refused;
        try {
            const typename Call::chunk job(call_.function(), chunk, timed);
            co_await run_in_executor(call_.pool(), job);
        } catch (...) {
            refused = std::current_exception();
        }
        std::int64_t now = this->enter(clock, stage_state::blocked_down);
        std::int64_t worked = 0;
        for (const auto& each : chunk) worked += each.worked;
        this->meter().chunk_served(clock, worked);
        size_.learn(worked, chunk.size());
        for (auto& each : chunk) {
            if (refused && !each.value && !each.error) each.error = refused;
            this->meter().add_served(each.worked);
            if (settle_at_once(each, now)) continue;
            co_await settle(each, index);
            now = this->now();
        }
        chunk.clear();
        this->enter(clock, stage_state::blocked_up);
    }
    if (this->lane_ends()) to_.next().close();
}

template <class In, class Call, class Options, shape Shape>
template <class Chunk>
void work_stage<In, Call, Options, Shape>::fill(Chunk& chunk) {
    const std::size_t wanted = size_.wanted();
    const std::size_t share = this->in().available() / lanes();  // the other lanes get theirs
    const std::int64_t now = this->now();
    add(chunk, now);
    for (std::size_t i = 0; i < share && chunk.size() < wanted && this->in().try_take(); ++i) add(chunk, now);
}

/// As many items as there are slots have left the queue. Those beyond keep their place there until they
/// have left the stage, so that chunks and lanes need no room of their own.
template <class In, class Call, class Options, shape Shape>
template <class Chunk>
void work_stage<In, Call, Options, Shape>::add(Chunk& chunk, std::int64_t now) {
    const bool keeps_place = in_slots_ >= this->slots();
    if (!keeps_place) ++in_slots_;
    chunk.emplace_back(held<In>(*this, this->in().pop(now, keeps_place)), sequence_++, keeps_place);
}

template <class In, class Call, class Options, shape Shape>
template <class Item>
bool work_stage<In, Call, Options, Shape>::settle_at_once(Item& each, std::int64_t now) {
    if (has_done || each.error || !deliver_at_once(each.item, each.k, *each.value, now)) return false;
    leave(each);
    return true;
}

template <class In, class Call, class Options, shape Shape>
template <class Item>
task<> work_stage<In, Call, Options, Shape>::settle(Item& each, std::size_t index) {
    if (each.error) {
        co_await fail(each.item, each.k, index, each.error);
    } else {
        if constexpr (has_done) co_await done(each.item);
        co_await deliver(each.item, each.k, *each.value);
    }
    leave(each);
}

/// With all that the options ask for around the call.
template <class In, class Call, class Options, shape Shape>
auto work_stage<In, Call, Options, Shape>::carefully(held<In>& item, slot_clock& clock, std::size_t index)
    -> task<result> {
    if constexpr (has_dead) calls_[index] = 0;
    const std::int64_t until = deadline_of_item(item);
    if (until == never) co_return co_await attempts(item.value(), clock, index);
    if (this->now() >= until) {
        if constexpr (has_retry) logs_[index].clear();
        throw item_too_late();
    }
    co_return co_await timeout_at(to_time_point(until), attempts(item.value(), clock, index));
}

template <class In, class Call, class Options, shape Shape>
auto work_stage<In, Call, Options, Shape>::attempts(In& item, slot_clock& clock, std::size_t index)
    -> task<result> {
    if constexpr (has_retry) {
        auto policy = this->options().template part<retry_part>().policy;
        policy.record(logs_[index]);
        const attempt_call<In, result> again(
            [](void* stage, slot_clock& mine, In& one) {
                return static_cast<work_stage*>(stage)->attempt(one, mine, true);
            },
            this, clock);
        co_return co_await tandem::retry(policy, again, std::ref(item));
    } else {
        co_return co_await attempt(item, clock, false);
    }
}

template <class In, class Call, class Options, shape Shape>
auto work_stage<In, Call, Options, Shape>::attempt(In& item, slot_clock& clock, bool with_backoff)
    -> task<result> {
    const enters_at_end backing_off(with_backoff ? this : nullptr, clock, stage_state::backoff);
    if (this->settings().limiter || has_key) this->enter(clock, stage_state::limited);
    if (this->settings().limiter) co_await this->settings().limiter->acquire();
    if constexpr (has_key) {
        auto& keyed = this->options().template part<key_part>();
        co_await keyed.limiters->acquire(keyed.key(std::as_const(item)));
    }
    this->enter(clock, stage_state::busy);
    if constexpr (has_dead) ++calls_[index_of(clock)];
    co_return co_await called(item, clock);
}

template <class In, class Call, class Options, shape Shape>
auto work_stage<In, Call, Options, Shape>::called(In& item, slot_clock& clock) -> task<result> {
    std::int64_t worked = 0;
    if constexpr (!Call::on_workers) {
        static_cast<void>(clock);
        co_return co_await call_(item, worked);
    } else {
        const corrects_busy at_end(*this, clock, worked);
        co_return co_await call_(item, worked);
    }
}

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
