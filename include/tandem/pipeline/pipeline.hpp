// tandem - pipeline: typed stages that overlap, joined by bounded queues
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include <tandem/pipeline/detail/engine.hpp>
#include <tandem/pipeline/detail/source.hpp>
#include <tandem/pipeline/pipeline_builder.hpp>
#include <tandem/pipeline/pipeline_line.hpp>

namespace tandem::inline TANDEM_ABI {

/// Begins a pipeline. `source` is a range, borrowed if it is an lvalue and moved from if not; a `queue<T>`,
/// which ends with its shutdown; or a callable that gives a `task<std::optional<T>>`, empty at the end.
/// Lifetime: what is borrowed outlives the run.
template <class Source>
auto pipeline(std::string name, Source&& source);

/// Several sources as one: their items go into one queue as they come, each source in its own order.
template <class... Sources>
auto merge(Sources&&... sources) {
    static_assert(sizeof...(Sources) != 0, "tandem::merge: give at least one source");
    static_assert(
        (detail::pipeline_source<Sources> && ...),
        "tandem::merge: each source is a range, a tandem::queue, or a callable that gives a task of "
        "std::optional");
    return std::apply(
        [](auto... part) { return detail::merged_source<decltype(part)...>(std::move(part)...); },
        std::tuple_cat(detail::make_source<Sources>(sources).parts...));
}

// ---- implementation

template <class Source>
auto pipeline(std::string name, Source&& source) {
    static_assert(
        detail::pipeline_source<Source>,
        "tandem::pipeline: the source is a range, a tandem::queue, or a callable that gives a task of "
        "std::optional");
    auto engine = std::make_shared<detail::engine>(std::move(name));
    if constexpr (!detail::pipeline_source<Source>) {
        return pipeline_builder<detail::after_an_error>(engine, nullptr, 1);
    } else {
        auto from = detail::make_source<Source>(source);
        using value = typename detail::source_value<decltype(from)>::type;
        return [&]<class... Parts>(detail::merged_source<Parts...>& merged) {
            using stage_type = detail::source_stage<value, Parts...>;
            stage_type& stage = engine->template add<stage_type>(std::move(merged));
            engine->accounts().max_live += sizeof...(Parts);
            pipeline_builder<value> builder(engine, &stage.to(), 1);
            builder.on_skip(
                [&stage](detail::unique_function<bool(const value&)> fn) { stage.skip_if(std::move(fn)); });
            return builder;
        }(from);
    }
}

}  // namespace tandem::inline TANDEM_ABI
