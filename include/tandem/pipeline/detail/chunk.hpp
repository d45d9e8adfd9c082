// tandem - a chunk of items that one job on a worker deals with, because a hop there and back costs more
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <stop_token>
#include <type_traits>
#include <utility>
#include <vector>

#include <tandem/core/clock.hpp>
#include <tandem/cpu/throw_if_stopped.hpp>
#include <tandem/pipeline/detail/call.hpp>
#include <tandem/pipeline/detail/stage.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// An item of a chunk, and what became of it.
template <class In, class Result>
class chunk_item {
public:
    chunk_item(held<In>&& taken, std::uint64_t sequence, bool in_line)
        : item(std::move(taken)), k(sequence), keeps_place(in_line) {}

    held<In> item;
    std::uint64_t k;
    std::optional<Result> value;
    std::exception_ptr error;
    std::int64_t worked = 0;
    bool keeps_place;  // in the queue, until it has left the stage
};

/// The job. Its copy in the awaiting frame points at the items, which stay in their slot.
template <class In, class Fn, bool Kept, class Result>
class chunk_call {
    static constexpr bool takes_token = timed_call<In, Fn, Kept>::takes_token;
    using items = std::vector<chunk_item<In, Result>>;

public:
    chunk_call(const Fn& fn, items& chunk, bool timed) noexcept : fn_(&fn), items_(&chunk), timed_(timed) {}

    void operator()() const requires(!takes_token) { run(); }
    void operator()(const std::stop_token& token) const requires(takes_token) { run(token); }

private:
    template <class... Token>
    void run(const Token&... token) const {
        std::int64_t before = timed_ ? steady_now() : 0;
        for (chunk_item<In, Result>& each : *items_) {
            (throw_if_stopped(token), ...);
            try {
                each.value.emplace(
                    std::invoke(*fn_, token..., static_cast<handed_t<In, Kept>>(each.item.value())));
            } catch (const job_gave_up&) {
                throw;
            } catch (...) {
                each.error = std::current_exception();
            }
            if (!timed_) continue;
            const std::int64_t after = steady_now();
            each.worked = after - before;
            before = after;
        }
    }

    const Fn* fn_;
    items* items_;
    bool timed_;  // virtual time stands still while a job runs
};

/// How many items the next chunk should have: half a millisecond of work, as the last ones showed.
class chunk_size {
public:
    explicit chunk_size(std::size_t most) noexcept : most_(most) {}

    std::size_t wanted() const noexcept {
        if (per_item_ == 0) return 1;
        const auto fitting = static_cast<std::size_t>(std::max<std::int64_t>(1, target / per_item_));
        return std::min(fitting, most_);
    }
    /// Learns from what took longer at once, from what was quicker by and by.
    void learn(std::int64_t worked, std::size_t items) noexcept {
        if (worked <= 0 || items == 0) return;
        per_item_ = std::max(worked / static_cast<std::int64_t>(items) + 1, per_item_ / 2);
    }
    std::size_t most() const noexcept { return most_; }

private:
    static constexpr std::int64_t target = 500'000;

    std::size_t most_;
    std::int64_t per_item_ = 0;
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
