// tandem - the events of one thread, put in relation: whose they are, where what begins ends
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <tandem/trace/detail/ring.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// A task as the trace shows it.
struct traced_task {
    std::uint64_t number = 0;
    std::string name;
    std::string where;
    const traced_task* parent = nullptr;
    bool shown = false;
};

struct traced_event {
    trace_event event;
    std::int64_t at = 0;          // nanoseconds since the recording began
    std::int64_t until = 0;       // of what begins a slice
    traced_task* task = nullptr;  // null: none, or not of a task
    bool part = false;            // about a scope in the task, not all of it
};

inline const char* text_at(std::uint64_t argument) noexcept {
    const char* const text = reinterpret_cast<const char*>(static_cast<std::uintptr_t>(argument));
    return text ? text : "?";
}

/// Reads a ring and finds out which events are about one task, also when an address was used again, and where
/// slices of the thread end. Slices nest by construction: closing one closes what is inside it.
class thread_timeline {
public:
    thread_timeline(const thread_ring& ring, const trace_timeline& clock, std::deque<traced_task>& tasks)
        : number_(ring.number), label_(ring.label), tasks_(tasks) {
        std::vector<trace_event> raw;
        dropped_ = ring.copy_to(raw);
        events_.reserve(raw.size());
        const bool is_virtual = std::any_of(raw.begin(), raw.end(), [](auto& e) { return e.virtual_time; });
        for (const trace_event& e : raw) {
            const std::int64_t time = e.virtual_time ? static_cast<std::int64_t>(e.time)
                                      : is_virtual   ? 0
                                                     : clock.since_begin(e.time);
            end_ = std::max(end_, time);
            events_.push_back({e, end_, end_, nullptr, false});
            relate(events_.back());
        }
        close_slices(0);
    }

    const std::vector<traced_event>& events() const noexcept { return events_; }
    std::uint64_t number() const noexcept { return number_; }
    const std::string& label() const noexcept { return label_; }
    std::uint64_t dropped() const noexcept { return dropped_; }
    std::int64_t end() const noexcept { return end_; }

private:
    struct fiber_state {
        traced_task* task = nullptr;
        bool part = false;  // of the task, as the body of a timeout is
    };

    void relate(traced_event& e) {
        const trace_event& raw = e.event;
        switch (raw.kind) {
            case trace_kind::task_created:
                e.task = create(raw);
                return;
            case trace_kind::task_named:
                e.task = known(raw.id);
                e.task->name = text_at(raw.argument);
                return;
            case trace_kind::task_numbered:
                e.task = known(raw.id);
                if (!e.task->name.empty()) return;
                e.task->name = std::string(text_at(raw.argument)) + '[' + std::to_string(raw.more) + ']';
                return;
            case trace_kind::task_located: {
                e.task = known(raw.id);
                const std::string_view file = text_at(raw.argument);
                e.task->where = file.substr(file.find_last_of("/\\") + 1);
                e.task->where += ':' + std::to_string(raw.more);
                return;
            }
            case trace_kind::task_resumed:
            case trace_kind::task_stopping:
                e.task = known(raw.id);
                e.part = fibers_[raw.id].part;
                [[fallthrough]];
            case trace_kind::callback:
                close_slices(0);
                open_.push_back(events_.size() - 1);
                return;
            case trace_kind::steps_over:
                close_slices(0);
                return;
            case trace_kind::task_suspended:
            case trace_kind::task_cancelled:
                e.task = known(raw.id);
                e.part = fibers_[raw.id].part;
                return;
            case trace_kind::task_finished:
                e.task = known(raw.id);
                fibers_.erase(raw.id);
                return;
            case trace_kind::job_started:
                open_.push_back(events_.size() - 1);
                return;
            case trace_kind::job_finished:
                close_like(trace_kind::job_started,
                           [&](const trace_event& begun) { return begun.id == raw.id; });
                return;
            case trace_kind::job_submitted:
                if (raw.argument != 0) e.task = known(raw.argument);
                return;
            case trace_kind::span_begin:
                if (raw.id != 0) {
                    e.task = known(raw.id);
                } else {
                    open_.push_back(events_.size() - 1);
                }
                return;
            case trace_kind::span_end:
                if (raw.id != 0) {
                    const auto found = fibers_.find(raw.id);
                    if (found != fibers_.end()) e.task = found->second.task;
                } else {
                    close_like(trace_kind::span_begin,
                               [&](const trace_event& begun) { return begun.more == raw.more; });
                }
                return;
            case trace_kind::instant:
                if (raw.id != 0) e.task = known(raw.id);
                return;
            case trace_kind::job_arrived:
            case trace_kind::remote_wake:
            case trace_kind::counter:
            case trace_kind::counter_real:
                return;
        }
    }

    traced_task* create(const trace_event& raw) {
        traced_task* const parent = raw.argument != 0 ? known(raw.argument) : nullptr;
        const bool part = raw.more != 0 && parent;
        traced_task* const made = part ? parent : add();
        fibers_[raw.id] = {made, part};
        if (!part) made->parent = parent;
        return made;
    }

    /// One whose beginning was displaced, or lies before the recording, begins where it is first seen.
    traced_task* known(std::uint64_t address) {
        fiber_state& state = fibers_[address];
        if (!state.task) state.task = add();
        return state.task;
    }

    traced_task* add() {
        tasks_.emplace_back();
        tasks_.back().number = tasks_.size();
        return &tasks_.back();
    }

    template <class Match>
    void close_like(trace_kind kind, Match match) {
        for (std::size_t i = open_.size(); i-- > 0;) {
            const trace_event& begun = events_[open_[i]].event;
            if (begun.kind == kind && match(begun)) return close_slices(i);
        }
    }

    void close_slices(std::size_t down_to) {
        while (open_.size() > down_to) {
            events_[open_.back()].until = end_;
            open_.pop_back();
        }
    }

    std::uint64_t number_;
    std::string label_;
    std::deque<traced_task>& tasks_;
    std::uint64_t dropped_ = 0;
    std::int64_t end_ = 0;
    std::vector<traced_event> events_;
    std::vector<std::size_t> open_;                          // slices, outermost first
    std::unordered_map<std::uint64_t, fiber_state> fibers_;  // those alive, by address
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
