// tandem - engine: the stages of a pipeline, its books, its run and its end
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <tandem/core/callback.hpp>
#include <tandem/pipeline/detail/stage.hpp>
#include <tandem/pipeline/pipeline_options.hpp>
#include <tandem/pipeline/report.hpp>
#include <tandem/sync/event.hpp>
#include <tandem/tasks/task_group.hpp>
#include <tandem/tasks/timeout.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// Owns the stages. It is made when a pipeline is begun and lives as long as the line.
class engine {
public:
    explicit engine(std::string name) : name_(std::move(name)) {}
    engine(const engine&) = delete;
    engine& operator=(const engine&) = delete;

    const std::string& name() const noexcept { return name_; }
    books& accounts() noexcept { return books_; }

    template <class Stage, class... Args>
    Stage& add(Args&&... args) {
        auto made = std::make_unique<Stage>(books_, std::forward<Args>(args)...);
        Stage& stage = *made;
        stages_.push_back(std::move(made));
        books_.stages.push_back(&stage);
        return stage;
    }
    /// For refusals: which stage is about to be built.
    std::size_t position() const noexcept { return stages_.size(); }

    void drain() noexcept {
        books_.draining = true;
        if (group_) {
            for (const auto& stage : stages_) stage->drain();
        }
    }
    void drain(std::int64_t within) {
        drain();
        if (!group_) return;
        give_up_.cancel();
        give_up_ = books_.loop->call_later(std::chrono::nanoseconds(within), [this] { stop(); });
    }

    pipeline_report report();
    task<pipeline_report> run(pipeline_options options);

private:
    /// Around the run: however it ends, its books are closed.
    class running {
    public:
        explicit running(engine& e) : engine_(e) { engine_.begin(); }
        running(const running&) = delete;
        running& operator=(const running&) = delete;
        ~running() { engine_.end(); }

    private:
        engine& engine_;
    };

    void begin();
    void end() noexcept;
    void start(task_group& group) {
        group_ = &group;
        for (const auto& stage : stages_) stage->start(group);
        if (books_.draining) drain();
    }
    void stop() noexcept {
        if (group_) group_->cancel();
    }
    task<> run_stages();
    void add_resources(pipeline_report& r) const;

    std::string name_;
    books books_;
    std::vector<std::unique_ptr<stage_base>> stages_;
    task_group* group_ = nullptr;
    call_handle give_up_;
    std::int64_t ended_ = 0;
    bool begun_ = false;
    bool over_ = false;
};

// ---- implementation

inline void engine::begin() {
    if (begun_) {
        throw invalid_state_error("tandem::pipeline::run: pipeline \"" + name_ +
                                  "\" was run before; build another one");
    }
    begun_ = true;
    books_.loop = &this_task::loop();
    books_.began = books_.now();
    books_.overlap.restart(books_.began);
    for (const auto& stage : stages_) stage->begin();
}

inline void engine::end() noexcept {
    give_up_.cancel();
    group_ = nullptr;
    if (over_) return;
    over_ = true;
    ended_ = books_.now();
    for (const auto& stage : stages_) stage->close_books();
}

inline task<> engine::run_stages() {
    co_await with_task_group([this](task_group& group) -> task<> {
        start(group);
        co_return;
    });
}

inline task<pipeline_report> engine::run(pipeline_options options) {
    std::vector<std::exception_ptr> failures;
    {
        const running scope(*this);
        books_.alone = options.calibration();
        try {
            if (options.deadline_ticks() == never) {
                co_await run_stages();
            } else {
                co_await timeout(std::chrono::nanoseconds(options.deadline_ticks()), run_stages());
            }
        } catch (const exception_group& group) {
            failures = group.exceptions();
        }
    }
    if (!failures.empty()) throw pipeline_error(std::move(failures), report());
    co_return report();
}

inline pipeline_report engine::report() {
    pipeline_report r;
    r.name = name_;
    const std::int64_t now = over_ ? ended_ : begun_ ? books_.now() : 0;
    r.elapsed = std::chrono::nanoseconds(now - books_.began);
    for (const auto& stage : stages_) r.stages.push_back(stage->report(now));
    r.overlap = std::chrono::nanoseconds(books_.overlap.total(now));
    r.taken = books_.taken;
    r.added = books_.added;
    r.stored = books_.stored;
    r.filtered = books_.filtered;
    r.skipped = books_.skipped;
    r.dead = books_.dead;
    r.abandoned = books_.abandoned;
    r.resumed = books_.resumed;
    r.live = books_.live;
    r.peak_live = books_.peak_live;
    r.max_live = books_.max_live;
    r.drained = books_.draining;
    r.finished = over_;
    add_resources(r);
    return r;
}

// Utilisation of each thing that has a capacity; the greatest is the share of the bound that was reached.
inline void engine::add_resources(pipeline_report& r) const {
    const auto elapsed = static_cast<double>(r.elapsed.count());
    if (elapsed <= 0) return;
    for (std::size_t i = 0; i < stages_.size(); ++i) {
        const stage_report& s = r.stages[i];
        r.resources.emplace_back(s.name, s.utilisation(), s.honest_utilisation());
        const double limited = static_cast<double>(s.limiter_busy.count()) / elapsed;
        if (limited > 0) r.resources.emplace_back("the limit of " + s.name, limited, limited);
    }
    for (std::size_t i = 0; i < stages_.size(); ++i) {
        const executor* const pool = stages_[i]->workers();
        bool first = pool != nullptr;
        for (std::size_t j = 0; j < i; ++j) first = first && stages_[j]->workers() != pool;
        if (!first) continue;
        double used = 0;
        double honest = 0;
        for (std::size_t j = i; j < stages_.size(); ++j) {
            if (stages_[j]->workers() != pool) continue;
            const stage_report& s = r.stages[j];
            const double slots =
                static_cast<double>(s.concurrency) / static_cast<double>(pool->max_workers());
            used += s.utilisation() * slots;
            honest += s.honest_utilisation() * slots;
        }
        r.resources.emplace_back("executor " + pool->name(), used, honest);
    }
    std::stable_sort(
        r.resources.begin(), r.resources.end(),
        [](const bounding_resource& a, const bounding_resource& b) { return a.utilisation > b.utilisation; });
}

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
