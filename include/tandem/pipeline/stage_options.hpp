// tandem - stage_options: how a stage of a pipeline runs, what it waits for, what becomes of failures
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <tuple>
#include <type_traits>
#include <utility>

#include <tandem/base/callable.hpp>
#include <tandem/core/clock.hpp>

namespace tandem::inline TANDEM_ABI {

class rate_limiter;

namespace detail {

enum class on_error : std::uint8_t { fail_fast, skip, dead_letter };

struct stage_settings {
    stage_settings() = default;

    static constexpr std::size_t by_default = static_cast<std::size_t>(-1) / 2;  // -1 is a mistake

    std::size_t concurrency = by_default;
    std::size_t queue = by_default;
    std::size_t queue_bytes = 0;
    std::size_t reorder = 0;
    rate_limiter* limiter = nullptr;
    std::int64_t item_deadline = never;
    on_error policy = on_error::fail_fast;
    bool ordered = true;
};

// What the options hold beside plain values; its type is part of the options' type, so that calling it
// for each item costs a call and no more.
template <class Policy>
struct retry_part {
    Policy policy;
};
template <class Fn>
struct bytes_part {
    Fn size;
};
template <class Fn, class Map>
struct key_part {
    Fn key;
    Map* limiters;
};
template <class Queue>
struct dead_part {
    Queue* queue;
};
template <class Fn>
struct done_part {
    Fn notify;
};

template <class Part, template <class...> class Kind>
constexpr bool is_part_v = false;
template <template <class...> class Kind, class... Args>
constexpr bool is_part_v<Kind<Args...>, Kind> = true;

}  // namespace detail

/// How a stage runs: `stage_options().concurrency(10).queue(20).retry(policy)`. What takes a callable, a
/// policy or a queue gives options of another type; chain them and hand them over.
template <class... Parts>
class basic_stage_options {
public:
    basic_stage_options() = default;
    basic_stage_options(const detail::stage_settings& settings, std::tuple<Parts...> parts)
        : settings_(settings), parts_(std::move(parts)) {}

    /// Items that the stage works on at a time. Default: 1; of a `cpu` stage, the workers there are. 0 is
    /// refused when the stage is built. For a width that finds itself: as many slots as it may ever be, and
    /// a function that calls through `adaptive_semaphore::call`.
    basic_stage_options& concurrency(std::size_t slots) noexcept {
        settings_.concurrency = slots;
        return *this;
    }
    /// Items that may wait before the stage. Default: four times its concurrency; of a `cpu` stage 64 at
    /// least, because it hands small items over in chunks that keep their places here.
    basic_stage_options& queue(std::size_t items) noexcept {
        settings_.queue = items;
        return *this;
    }
    /// The waiting items have at most so many bytes, as `size(item)` tells; a larger one waits alone.
    /// The bound by number holds too.
    template <class Fn>
    auto queue_bytes(std::size_t bytes, Fn size) const {
        auto result = with(detail::bytes_part<Fn>{std::move(size)});
        result.settings().queue_bytes = bytes;
        return result;
    }
    /// Results leave as soon as they are there. Default: in the order in which the items came.
    basic_stage_options& unordered() noexcept {
        settings_.ordered = false;
        return *this;
    }
    /// So many results may wait for their turn outside of their slot, which goes on meanwhile.
    basic_stage_options& reorder(std::size_t results) noexcept {
        settings_.reorder = results;
        return *this;
    }
    /// Every attempt waits for the limiter first. Lifetime: it outlives the run.
    basic_stage_options& limit(rate_limiter& limiter) noexcept {
        settings_.limiter = &limiter;
        return *this;
    }
    /// The same with a limiter for each key, `key(item)`. Lifetime: the map outlives the run.
    template <class Fn, class Map>
    auto limit_by(Fn key, Map& limiters) const {
        return with(detail::key_part<Fn, Map>{std::move(key), &limiters});
    }
    /// What fails is called again, as `tandem::retry` does; after the last attempt the error policy says
    /// what becomes of the item. The function takes its item by `const&`, or a copy of it.
    template <class Policy>
    auto retry(Policy policy) const {
        return with(detail::retry_part<Policy>{std::move(policy)});
    }
    /// An item that is older, counted from the source, is late: not begun, or stopped; it goes where
    /// failures go.
    template <class Rep, class Period>
    basic_stage_options& item_deadline(std::chrono::duration<Rep, Period> age) noexcept {
        settings_.item_deadline = detail::to_ticks(age);
        return *this;
    }
    /// A failure ends the run. The default.
    basic_stage_options& fail_fast() noexcept {
        settings_.policy = detail::on_error::fail_fast;
        return *this;
    }
    /// An item that fails is left out and counted; the report keeps the first messages.
    basic_stage_options& skip() noexcept {
        settings_.policy = detail::on_error::skip;
        return *this;
    }
    /// An item that fails is put into `letters`, a `queue<dead_item<In>>`; a full one is waited for.
    /// Lifetime: the queue outlives the run.
    template <class Queue>
    auto dead_letter(Queue& letters) const {
        auto result = with(detail::dead_part<Queue>{&letters});
        result.settings().policy = detail::on_error::dead_letter;
        return result;
    }
    /// `notify(item)` is called, and awaited if it gives something awaitable, when the function has
    /// returned for that item: of a sink, when the item is stored. What it throws ends the run.
    template <class Fn>
    auto on_done(Fn notify) const {
        return with(detail::done_part<Fn>{std::move(notify)});
    }

    // ---- for stages

    detail::stage_settings& settings() noexcept { return settings_; }
    const detail::stage_settings& settings() const noexcept { return settings_; }

    template <template <class...> class Kind>
    static constexpr bool has = (detail::is_part_v<Parts, Kind> || ...);
    template <template <class...> class Kind>
    auto& part() noexcept {
        return std::get<place_of<Kind>()>(parts_);
    }
    template <template <class...> class Kind>
    const auto& part() const noexcept {
        return std::get<place_of<Kind>()>(parts_);
    }

private:
    template <template <class...> class Kind>
    static constexpr std::size_t place_of() noexcept {
        constexpr bool found[] = {detail::is_part_v<Parts, Kind>...};
        std::size_t last = 0;
        for (std::size_t i = 0; i < sizeof...(Parts); ++i) {
            if (found[i]) last = i;
        }
        return last;
    }
    template <class Part>
    basic_stage_options<Parts..., Part> with(Part part) const {
        return basic_stage_options<Parts..., Part>(settings_,
                                                   std::tuple_cat(parts_, std::tuple<Part>(std::move(part))));
    }

    detail::stage_settings settings_;
    [[no_unique_address]] std::tuple<Parts...> parts_;
};

using stage_options = basic_stage_options<>;
static_assert(!std::is_aggregate_v<stage_options>);

}  // namespace tandem::inline TANDEM_ABI
