// tandem - where the items of a pipeline come from: a range, a queue, a coroutine, several of them
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <optional>
#include <ranges>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <tandem/base/detail/unique_function.hpp>
#include <tandem/core/this_task.hpp>
#include <tandem/pipeline/detail/outlet.hpp>
#include <tandem/pipeline/detail/stage.hpp>
#include <tandem/sync/event.hpp>
#include <tandem/sync/queue.hpp>
#include <tandem/tasks/task_group.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// A range: borrowed, if it was given as an lvalue, so that its elements are copied; else it is kept here
/// and its elements are moved.
template <class Range>
class range_source {
    using kept =
        std::conditional_t<std::is_lvalue_reference_v<Range>, std::remove_reference_t<Range>*, Range>;

public:
    using value_type = std::ranges::range_value_t<Range>;
    static constexpr bool waits_for_others = false;
    static constexpr bool suspends = false;

    explicit range_source(std::remove_reference_t<Range>& range) : range_(keep(range)) {}

    std::optional<value_type> next() {
        if (!at_) at_.emplace(std::ranges::begin(range()));
        if (*at_ == std::ranges::end(range())) return std::nullopt;
        std::optional<value_type> item;
        if constexpr (std::is_lvalue_reference_v<Range> || std::ranges::view<Range>) {
            item.emplace(**at_);
        } else {
            item.emplace(std::ranges::iter_move(*at_));
        }
        ++*at_;
        return item;
    }

private:
    static kept keep(std::remove_reference_t<Range>& range) {
        if constexpr (std::is_lvalue_reference_v<Range>) {
            return std::addressof(range);
        } else {
            return std::move(range);
        }
    }
    auto& range() noexcept {
        if constexpr (std::is_lvalue_reference_v<Range>) {
            return *range_;
        } else {
            return range_;
        }
    }

    kept range_;
    std::optional<std::ranges::iterator_t<Range>> at_;
};

template <class T>
class queue_source {
public:
    using value_type = T;
    static constexpr bool waits_for_others = true;
    static constexpr bool suspends = true;

    explicit queue_source(queue<T>& from) noexcept : from_(&from) {}
    auto next() { return from_->next(); }

private:
    queue<T>* from_;
};

/// A callable that gives an awaitable of std::optional<T>.
template <class Fn>
class function_source {
    using given = await_result_t<std::invoke_result_t<Fn&>>;

public:
    using value_type = typename std::remove_cvref_t<given>::value_type;
    static constexpr bool waits_for_others = false;
    static constexpr bool suspends = true;

    explicit function_source(Fn fn) : fn_(std::move(fn)) {}
    decltype(auto) next() { return std::invoke(fn_); }

private:
    Fn fn_;
};

/// Several sources, whose items go into one queue as they come.
template <class... Sources>
class merged_source {
public:
    explicit merged_source(Sources... from) : parts(std::move(from)...) {}
    std::tuple<Sources...> parts;
};

template <class Fn>
concept gives_items = std::is_invocable_v<Fn&> && awaitable<std::invoke_result_t<Fn&>> &&
    requires(await_result_t<std::invoke_result_t<Fn&>> given) {
    typename std::remove_cvref_t<decltype(given)>::value_type;
    static_cast<bool>(given);
    *given;
};

template <class T>
constexpr bool is_queue_v = false;
template <class T>
constexpr bool is_queue_v<queue<T>> = true;
template <class T>
constexpr bool is_merged_v = false;
template <class... Sources>
constexpr bool is_merged_v<merged_source<Sources...>> = true;

template <class Source>
concept pipeline_source =
    is_merged_v<std::remove_cvref_t<Source>> || is_queue_v<std::remove_cvref_t<Source>> ||
    gives_items<std::decay_t<Source>> || std::ranges::input_range<Source>;

/// What is kept of something given as a source.
template <class Source>
auto make_source(std::remove_reference_t<Source>& given) {
    using plain = std::remove_cvref_t<Source>;
    if constexpr (is_merged_v<plain>) {
        return plain(std::move(given));
    } else if constexpr (is_queue_v<plain>) {
        static_assert(std::is_lvalue_reference_v<Source> && !std::is_const_v<std::remove_reference_t<Source>>,
                      "tandem::pipeline: a queue is borrowed and taken from, and this one is a temporary or "
                      "constant; name it");
        return merged_source(queue_source(given));
    } else if constexpr (gives_items<std::decay_t<Source>>) {
        return merged_source(function_source<std::decay_t<Source>>(std::forward<Source>(given)));
    } else {
        static_assert(!std::is_lvalue_reference_v<Source> ||
                          std::is_constructible_v<std::ranges::range_value_t<Source>,
                                                  std::ranges::range_reference_t<Source>>,
                      "tandem::pipeline: the items of a range that is borrowed are copied, and these cannot "
                      "be copied; hand the range over with std::move");
        return merged_source(range_source<Source>(given));
    }
}

template <class Merged>
struct source_value;
template <class First, class... Rest>
struct source_value<merged_source<First, Rest...>> {
    using type = typename First::value_type;
    static_assert((std::is_same_v<type, typename Rest::value_type> && ...),
                  "tandem::merge: the sources give items of different types; make them one type first");
};

template <class T, class... Sources>
class source_stage final : public stage_base {
public:
    source_stage(books& accounts, merged_source<Sources...> from)
        : stage_base(accounts, "source", "source", sizeof...(Sources)), from_(std::move(from)) {}

    outlet<T>& to() noexcept { return to_; }
    void skip_if(unique_function<bool(const T&)> done) { done_before_ = std::move(done); }

    void start(task_group& group) override {
        group_ = &group;
        start_all(std::index_sequence_for<Sources...>());
    }
    void drain() noexcept override {
        for (puller& each : pullers_) {
            if (each.begun) each.handle.cancel();  // else it sees the flag
        }
    }

private:
    /// One source. The task that pulls can be cancelled for a drain; an item that it has taken by then
    /// lies in `pending` and is passed on by another task, so that it is not lost.
    struct puller {
        std::optional<envelope<T>> pending;
        event ended;
        task_handle<> handle;
        bool begun = false;
    };
    class ends_puller {
    public:
        explicit ends_puller(puller& p) noexcept : puller_(p) {}
        ends_puller(const ends_puller&) = delete;
        ends_puller& operator=(const ends_puller&) = delete;
        ~ends_puller() { puller_.ended.set(); }

    private:
        puller& puller_;
    };

    template <std::size_t... I>
    void start_all(std::index_sequence<I...>) {
        open_ = sizeof...(I);
        ((pullers_[I].handle = group_->create_task(pull(std::get<I>(from_.parts), I), name())), ...);
        (group_->create_task(flush(I), name()), ...);
    }

    template <class Source>
    task<> pull(Source& source, std::size_t index) {
        constexpr stage_state waiting =
            Source::waits_for_others ? stage_state::blocked_up : stage_state::busy;
        puller& mine = pullers_[index];
        slot_clock& clock = meter().slot(index);
        const ends_puller at_end(mine);
        mine.begun = true;
        for (unsigned passed_over = 0; !accounts().draining;) {
            enter(clock, waiting);
            std::optional<T> item;  // is filled, not assigned: an item need not be assignable
            if constexpr (Source::suspends) {
                auto given = co_await source.next();
                if (given) item.emplace(*std::move(given));
            } else {
                auto given = source.next();
                if (given) item.emplace(*std::move(given));
            }
            const std::int64_t ticks = enter(clock, stage_state::blocked_down);
            if (!item) break;
            if (done_before_ && done_before_(std::as_const(*item))) {
                ++accounts().resumed;
                if (++passed_over % 64 == 0) co_await this_task::checkpoint();
                continue;
            }
            take(mine, std::move(*item), ticks, clock);
            if (!pass_on_at_once(mine, ticks)) co_await pass_on(mine);
            if (accounts().alone != 0) {
                co_await accounts().empty.wait();
                accounts().ran_alone();
            }
        }
        enter(clock, stage_state::blocked_up);
    }
    void take(puller& mine, T&& item, std::int64_t ticks, slot_clock& clock) {
        mine.pending.emplace(std::move(item), ticks, 1);
        meter().item_served(clock);
        ++accounts().taken;
        ++counts().taken;
        accounts().empty.clear();
        accounts().enters(1);
    }
    /// The common case, without a coroutine and at the time when the item came.
    bool pass_on_at_once(puller& mine, std::int64_t ticks) {
        mine.pending->bytes = to_.next().bytes_of(mine.pending->value);
        if (!to_.next().try_room(mine.pending->bytes)) return false;
        push(mine, ticks);
        return true;
    }
    task<> pass_on(puller& mine) {
        mine.pending->bytes = to_.next().bytes_of(mine.pending->value);
        co_await to_.next().room(mine.pending->bytes);
        push(mine, now());
    }
    void push(puller& mine, std::int64_t ticks) {
        to_.next().push(std::move(*mine.pending), ticks);
        mine.pending.reset();
        ++counts().items;
        ++counts().emitted;
    }
    task<> flush(std::size_t index) {
        puller& mine = pullers_[index];
        co_await mine.ended.wait();
        if (mine.pending) co_await pass_on(mine);
        enter(meter().slot(index), stage_state::blocked_up);
        if (--open_ == 0) to_.next().close();
    }
    std::uint64_t discard() noexcept override {
        std::uint64_t left = 0;
        for (puller& each : pullers_) {
            if (each.pending) ++left;
            each.pending.reset();
            each.handle = task_handle<>();
        }
        return left;
    }

    merged_source<Sources...> from_;
    outlet<T> to_;
    unique_function<bool(const T&)> done_before_;
    puller pullers_[sizeof...(Sources)];
    task_group* group_ = nullptr;
    std::size_t open_ = 0;
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
