// tandem - pipeline_builder: one stage after the other, each checked against the one before it
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <tandem/base/error.hpp>
#include <tandem/cpu/to_thread.hpp>
#include <tandem/pipeline/detail/engine.hpp>
#include <tandem/pipeline/detail/fits.hpp>
#include <tandem/pipeline/detail/simple_stages.hpp>
#include <tandem/pipeline/detail/work_results.hpp>
#include <tandem/pipeline/detail/work_slots.hpp>
#include <tandem/pipeline/detail/work_stage.hpp>
#include <tandem/pipeline/pipeline_line.hpp>
#include <tandem/pipeline/stage_options.hpp>

namespace tandem::inline TANDEM_ABI {

/// A pipeline that is being built: the next stage takes `T`. Each call gives the pipeline with one more
/// stage, until `sink` closes it. `Stage` counts them, for the compiler's messages.
/// Errors: `std::invalid_argument` for a concurrency or a queue of 0; `invalid_state_error` if the same
///   builder is continued twice: `broadcast` and `route` make branches.
template <class T, std::size_t Stage = 1>
class pipeline_builder {
public:
    using value_type = T;

    pipeline_builder(std::shared_ptr<detail::engine> engine, detail::outlet<T>* from,
                     std::size_t unit) noexcept
        : engine_(std::move(engine)), from_(from), unit_(unit) {}

    /// A coroutine, awaited on the loop for each item: `task<Out> fn(In)`.
    template <class Fn, class... Parts>
    auto io(std::string name, Fn&& fn, const basic_stage_options<Parts...>& options) {
        return on_loop<detail::shape::one>("io", std::move(name), std::forward<Fn>(fn), options);
    }
    template <class Fn>
    auto io(std::string name, Fn&& fn) {
        return io(std::move(name), std::forward<Fn>(fn), stage_options());
    }

    /// A plain function, called on the workers of an executor, by several at once: `Out fn(In) const`. A
    /// `std::stop_token` in front of its parameter tells it of a cancellation.
    template <class Fn, class... Parts>
    auto cpu(std::string name, executor_ref pool, Fn&& fn, const basic_stage_options<Parts...>& options) {
        return on_workers("cpu", std::move(name), pool, std::forward<Fn>(fn), options,
                          pool.pool().max_workers(), least_cpu_queue);
    }
    template <class Fn>
    auto cpu(std::string name, executor_ref pool, Fn&& fn) {
        return cpu(std::move(name), pool, std::forward<Fn>(fn), stage_options());
    }

    /// A plain function that blocks, on the threads of a pool; without one, of the pool that `to_thread`
    /// uses, which needs a running loop.
    template <class Fn, class... Parts>
    auto blocking(std::string name, executor_ref pool, Fn&& fn,
                  const basic_stage_options<Parts...>& options) {
        return on_workers("blocking", std::move(name), pool, std::forward<Fn>(fn), options, 1, 0);
    }
    template <class Fn>
    auto blocking(std::string name, executor_ref pool, Fn&& fn) {
        return blocking(std::move(name), pool, std::forward<Fn>(fn), stage_options());
    }
    template <class Fn, class... Parts>
    auto blocking(std::string name, Fn&& fn, const basic_stage_options<Parts...>& options) {
        return blocking(std::move(name), this_task::loop().owned<detail::default_blocking_pool>().pool,
                        std::forward<Fn>(fn), options);
    }
    template <class Fn>
    requires(!std::is_convertible_v<Fn, executor_ref>) auto blocking(std::string name, Fn&& fn) {
        return blocking(std::move(name), std::forward<Fn>(fn), stage_options());
    }

    /// Items of which `keep(item)` is false go no further. On the loop, one at a time: of the options it
    /// takes those of its queue and what becomes of an item for which `keep` throws, and refuses others.
    template <class Pred, class... Parts>
    auto filter(std::string name, Pred keep, const basic_stage_options<Parts...>& options);
    template <class Pred>
    auto filter(std::string name, Pred keep) {
        return filter(std::move(name), std::move(keep), stage_options());
    }

    /// Each item becomes none, one or several: `fn(item)` gives a range or a `std::optional`, or a task of
    /// one. The elements of a view are copied, those of a container moved. On the loop.
    template <class Fn, class... Parts>
    auto flat_map(std::string name, Fn&& fn, const basic_stage_options<Parts...>& options) {
        return on_loop<detail::shape::many>("flat_map", std::move(name), std::forward<Fn>(fn), options);
    }
    template <class Fn>
    auto flat_map(std::string name, Fn&& fn) {
        return flat_map(std::move(name), std::forward<Fn>(fn), stage_options());
    }

    /// Collects `items` into a `std::vector`. A batch leaves earlier when its first item has waited for
    /// `window`, and at the end of the stream. It is never empty.
    auto batch(std::string name, std::size_t items) {
        return batch_of(std::move(name), detail::batch_limits(items, detail::never, 0), no_size());
    }
    template <class Rep, class Period>
    auto batch(std::string name, std::size_t items, std::chrono::duration<Rep, Period> window) {
        return batch_of(std::move(name), detail::batch_limits(items, detail::to_ticks(window), 0), no_size());
    }
    /// The same, and when its items have `bytes` or more together, as `size(item)` tells.
    template <class Rep, class Period, class Size>
    auto batch(std::string name, std::size_t items, std::chrono::duration<Rep, Period> window,
               std::size_t bytes, Size size) {
        return batch_of(std::move(name), detail::batch_limits(items, detail::to_ticks(window), bytes),
                        std::move(size));
    }

    /// Gives a copy of each item to every branch. A branch is a callable that takes a builder, adds stages
    /// and returns what `sink` gives. The slowest branch sets the pace.
    template <class... Branches>
    pipeline_line broadcast(std::string name, Branches&&... branches);

    /// Gives each item to the branch that `key(item)` names, counted from 0.
    /// Errors: a number that names no branch ends the run with `std::out_of_range`.
    template <class Key, class... Branches>
    pipeline_line route(std::string name, Key key, Branches&&... branches);

    /// The last stage: a coroutine without a result, or one whose result nobody needs.
    template <class Fn, class... Parts>
    pipeline_line sink(std::string name, Fn&& fn, const basic_stage_options<Parts...>& options) {
        on_loop<detail::shape::last>("sink", std::move(name), std::forward<Fn>(fn), options);
        return pipeline_line(engine_);
    }
    template <class Fn>
    pipeline_line sink(std::string name, Fn&& fn) {
        return sink(std::move(name), std::forward<Fn>(fn), stage_options());
    }

    /// Items of the source of which `done(item)` is true are left out and counted as `resumed`: they were
    /// dealt with in an earlier run. Before the first stage only.
    template <class Pred>
    pipeline_builder& skip_if(Pred done) requires(Stage == 1) {
        if constexpr (detail::sound<T>) skip_(std::move(done));
        return *this;
    }

    // ---- for pipeline()

    void on_skip(detail::unique_function<void(detail::unique_function<bool(const T&)>)> fn) {
        skip_ = std::move(fn);
    }

private:
    static constexpr std::size_t least_cpu_queue = 64;  // so that small items can go in chunks

    static auto no_size() noexcept {
        return [](const T&) noexcept { return std::size_t{0}; };
    }
    void connect(detail::channel<T>& next) {
        if (!from_) {
            throw invalid_state_error("tandem::pipeline: pipeline \"" + engine_->name() +
                                      "\": a stage is followed by two others; use broadcast() or route()");
        }
        std::exchange(from_, nullptr)->connect(next);
    }
    void claim(const detail::stage_room& room) noexcept { claim(room.items()); }
    void claim(std::size_t items) noexcept {
        std::uint64_t& sum = engine_->accounts().max_live;
        if (__builtin_add_overflow(sum, items_of_source(items), &sum)) sum = UINT64_MAX;
    }
    /// Of `items` that stand for `unit_` each; no number is too large.
    std::size_t items_of_source(std::size_t items) const noexcept {
        std::size_t product = 0;
        return __builtin_mul_overflow(items, unit_, &product) ? SIZE_MAX : product;
    }

    template <detail::shape Shape, class Fn, class... Parts>
    auto on_loop(const char* kind, std::string name, Fn&& fn, const basic_stage_options<Parts...>& options);
    template <class Fn, class... Parts>
    auto on_workers(const char* kind, std::string name, executor_ref pool, Fn&& fn,
                    const basic_stage_options<Parts...>& options, std::size_t slots, std::size_t least_queue);
    template <class Size>
    auto batch_of(std::string name, detail::batch_limits limits, Size size);
    template <detail::shape Shape, class Call, class... Parts>
    auto add_work(const char* kind, std::string name, Call call, const basic_stage_options<Parts...>& options,
                  std::size_t slots, std::size_t least_queue);
    template <class Branch>
    void build_branch(Branch& branch, detail::outlet<T>& from) {
        static_assert(
            std::is_same_v<std::invoke_result_t<Branch&, pipeline_builder<T, Stage + 1>>, pipeline_line>,
            "tandem::pipeline: a branch takes a builder and returns what sink() gives: "
            "[](auto branch) { return branch.io(...).sink(...); }");
        branch(pipeline_builder<T, Stage + 1>(engine_, &from, unit_));
    }

    std::shared_ptr<detail::engine> engine_;
    detail::outlet<T>* from_;
    std::size_t unit_;  // items of the source that one of these may stand for
    detail::unique_function<void(detail::unique_function<bool(const T&)>)> skip_;
};

// ---- implementation

template <class T, std::size_t Stage>
template <detail::shape Shape, class Call, class... Parts>
auto pipeline_builder<T, Stage>::add_work(const char* kind, std::string name, Call call,
                                          const basic_stage_options<Parts...>& options, std::size_t slots,
                                          std::size_t least_queue) {
    using stage_type = detail::work_stage<T, Call, basic_stage_options<Parts...>, Shape>;
    const detail::stage_room room(kind, name, options.settings(), slots, least_queue);
    stage_type& stage =
        engine_->template add<stage_type>(std::move(name), kind, room, std::move(call), options);
    connect(stage.in());
    claim(room);
    const std::size_t unit = Shape == detail::shape::many ? 1 : unit_;
    return pipeline_builder<typename stage_type::out, Stage + 1>(engine_, &stage.to(), unit);
}

template <class T, std::size_t Stage>
template <detail::shape Shape, class Fn, class... Parts>
auto pipeline_builder<T, Stage>::on_loop(const char* kind, std::string name, Fn&& fn,
                                         const basic_stage_options<Parts...>& options) {
    using function = std::decay_t<Fn>;
    constexpr bool kept = detail::keeps_its_item<basic_stage_options<Parts...>>;
    constexpr bool letters = detail::takes_letters<basic_stage_options<Parts...>, T>;
    constexpr bool plain = Shape == detail::shape::many && detail::gives_range<function, T, kept>;
    constexpr detail::fit how =
        letters ? detail::fit_on_loop<Shape, T, function, kept>() : detail::fit::wrong_letters;
    if constexpr (plain && letters) {
        return add_work<Shape>(kind, std::move(name),
                               detail::plain_call<T, function, kept>(std::forward<Fn>(fn)), options, 1, 0);
    } else if constexpr (how == detail::fit::good) {
        return add_work<Shape>(kind, std::move(name),
                               detail::loop_call<T, function, kept>(std::forward<Fn>(fn)), options, 1, 0);
    } else {
        detail::refuse<how, Stage, T, function, kept>();
        return pipeline_builder<detail::after_an_error, Stage + 1>(engine_, nullptr, 1);
    }
}

template <class T, std::size_t Stage>
template <class Fn, class... Parts>
auto pipeline_builder<T, Stage>::on_workers(const char* kind, std::string name, executor_ref pool, Fn&& fn,
                                            const basic_stage_options<Parts...>& options, std::size_t slots,
                                            std::size_t least_queue) {
    using function = std::decay_t<Fn>;
    constexpr bool kept = detail::keeps_its_item<basic_stage_options<Parts...>>;
    constexpr bool letters = detail::takes_letters<basic_stage_options<Parts...>, T>;
    constexpr detail::fit how =
        letters ? detail::fit_on_worker<T, function, kept>() : detail::fit::wrong_letters;
    if constexpr (how == detail::fit::good) {
        return add_work<detail::shape::one>(
            kind, std::move(name), detail::worker_call<T, function, kept>(pool, std::forward<Fn>(fn)),
            options, slots, least_queue);
    } else {
        detail::refuse<how, Stage, T, function, kept>();
        return pipeline_builder<detail::after_an_error, Stage + 1>(engine_, nullptr, 1);
    }
}

template <class T, std::size_t Stage>
template <class Pred, class... Parts>
auto pipeline_builder<T, Stage>::filter(std::string name, Pred keep,
                                        const basic_stage_options<Parts...>& options) {
    constexpr detail::fit how = detail::fit_of_predicate<T, Pred, basic_stage_options<Parts...>>();
    if constexpr (how != detail::fit::good) {
        detail::refuse<how, Stage, T, Pred, true>();
        return pipeline_builder<detail::after_an_error, Stage + 1>(engine_, nullptr, 1);
    } else {
        using stage_type = detail::filter_stage<T, Pred, basic_stage_options<Parts...>>;
        detail::stage_settings settings = options.settings();
        settings.concurrency = 1;
        const detail::stage_room room("filter", name, settings, 1);
        stage_type& stage =
            engine_->template add<stage_type>(std::move(name), room, std::move(keep), options);
        connect(stage.in());
        claim(room);
        return pipeline_builder<T, Stage + 1>(engine_, &stage.to(), unit_);
    }
}

template <class T, std::size_t Stage>
template <class Size>
auto pipeline_builder<T, Stage>::batch_of(std::string name, detail::batch_limits limits, Size size) {
    if constexpr (!detail::sound<T>) {
        return pipeline_builder<T, Stage + 1>(engine_, nullptr, 1);
    } else {
        if (limits.items == 0) {
            throw std::invalid_argument("tandem::pipeline::batch: stage \"" + name +
                                        "\": a batch of 0 items is never complete; give 1 or more");
        }
        using stage_type = detail::batch_stage<T, Size, stage_options>;
        const detail::stage_room room("batch", name, detail::stage_settings(), 1);
        stage_type& stage = engine_->template add<stage_type>(std::move(name), room, limits, std::move(size),
                                                              stage_options());
        connect(stage.in());
        claim(room.queue);
        claim(limits.items);
        return pipeline_builder<std::vector<T>, Stage + 1>(engine_, &stage.to(),
                                                           items_of_source(limits.items));
    }
}

template <class T, std::size_t Stage>
template <class... Branches>
pipeline_line pipeline_builder<T, Stage>::broadcast(std::string name, Branches&&... branches) {
    static_assert(sizeof...(Branches) != 0, "tandem::pipeline: broadcast() needs at least one branch");
    static_assert(std::is_copy_constructible_v<T>,
                  "tandem::pipeline: broadcast() copies each item, and this one cannot be copied; send a "
                  "std::shared_ptr<const T>");
    using stage_type = detail::broadcast_stage<T, stage_options>;
    const detail::stage_room room("broadcast", name, detail::stage_settings(), 1);
    stage_type& stage =
        engine_->template add<stage_type>(std::move(name), room, sizeof...(Branches), stage_options());
    connect(stage.in());
    claim(room);
    std::size_t i = 0;
    (build_branch(branches, stage.to(i++)), ...);
    return pipeline_line(engine_);
}

template <class T, std::size_t Stage>
template <class Key, class... Branches>
pipeline_line pipeline_builder<T, Stage>::route(std::string name, Key key, Branches&&... branches) {
    static_assert(sizeof...(Branches) != 0, "tandem::pipeline: route() needs at least one branch");
    static_assert(
        std::is_invocable_v<Key&, const T&>,
        "tandem::pipeline: the key function of route() takes the item by const& and gives the number "
        "of a branch");
    using stage_type = detail::route_stage<T, Key, stage_options>;
    const detail::stage_room room("route", name, detail::stage_settings(), 1);
    stage_type& stage = engine_->template add<stage_type>(std::move(name), room, sizeof...(Branches),
                                                          std::move(key), stage_options());
    connect(stage.in());
    claim(room);
    std::size_t i = 0;
    (build_branch(branches, stage.to(i++)), ...);
    return pipeline_line(engine_);
}

}  // namespace tandem::inline TANDEM_ABI
