// tandem - writes a recording as Chrome trace JSON, which Perfetto opens
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <bit>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <tandem/core/fiber.hpp>
#include <tandem/trace/detail/json_out.hpp>
#include <tandem/trace/detail/session.hpp>
#include <tandem/trace/detail/timeline.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// Steps of a loop and jobs are slices of their thread. Tasks overlap and are no stack, so each is an
/// asynchronous track, with what it waits for nested in it.
class chrome_json {
public:
    static void write(const trace_session::capture& capture, json_out& out) {
        chrome_json(capture, out).write();
    }

    static std::uint64_t dropped(const trace_session::capture& capture) {
        std::uint64_t dropped = 0;
        for (const auto& ring : capture.rings) dropped += ring->displaced();
        return dropped;
    }

private:
    static constexpr std::uint64_t span_key = std::uint64_t{1} << 63;  // no address has this bit

    struct open_part {      // of a task's track
        std::uint64_t key;  // a fiber that waits, or the number of a span
        std::string name;
    };
    struct track {
        const traced_task* task = nullptr;
        std::vector<open_part> parts;
    };
    struct job_events {
        bool submitted = false, started = false, arrived = false;
        const traced_task* task = nullptr;

        bool whole() const noexcept { return submitted && started && arrived; }
    };

    chrome_json(const trace_session::capture& capture, json_out& out)
        : out_(out), unrecorded_(capture.unrecorded_threads) {
        const trace_timeline clock(capture.begin, capture.end);
        for (const auto& ring : capture.rings) threads_.emplace_back(*ring, clock, tasks_);
        for (const thread_timeline& thread : threads_) {
            for (const traced_event& e : thread.events()) note_job(e);
        }
    }

    void note_job(const traced_event& e) {
        switch (e.event.kind) {
            case trace_kind::job_submitted: {
                job_events& job = jobs_[e.event.id];
                job.submitted = true;
                job.task = e.task;
                return;
            }
            case trace_kind::job_started:
                jobs_[e.event.id].started = true;
                return;
            case trace_kind::job_arrived:
                jobs_[e.event.id].arrived = true;
                return;
            default:
                return;
        }
    }

    void write() {
        std::uint64_t dropped = 0;
        for (const thread_timeline& thread : threads_) dropped += thread.dropped();
        out_ << "{\"displayTimeUnit\":\"ms\",\"otherData\":{\"dropped_events\":" << dropped
             << ",\"unrecorded_threads\":" << std::uint64_t{unrecorded_} << "},\"traceEvents\":[\n"
             << "{\"ph\":\"M\",\"pid\":1,\"name\":\"process_name\",\"args\":{"
                "\"name\":\"tandem\"}}";
        for (const thread_timeline& thread : threads_) write_thread(thread);
        out_ << "\n]}\n";
    }

    void write_thread(const thread_timeline& thread) {
        thread_ = thread.number();
        alive_ = 0;
        open_.clear();
        metadata("thread_name") << ",\"args\":{\"name\":";
        out_.quoted(thread.label()) << "}}";
        const bool loop = thread.label().starts_with("loop");
        metadata("thread_sort_index")
            << ",\"args\":{\"sort_index\":" << (loop ? thread_ : thread_ + 1000) << "}}";
        if (thread.dropped() != 0) {
            begin("i", "events dropped", thread.events().front().at)
                << ",\"s\":\"t\",\"args\":{\"count\":" << thread.dropped() << "}}";
        }
        for (const traced_event& e : thread.events()) write_event(e);
        while (!open_.empty()) end_task(*open_.begin()->second.task, thread.end(), "");
    }

    void write_event(const traced_event& e) {
        const trace_event& raw = e.event;
        if (e.task && raw.kind != trace_kind::task_finished) show(*e.task, e.at);
        switch (raw.kind) {
            case trace_kind::task_resumed:
                close_part(*e.task, raw.id, e.at);
                return slice(e, e.task->name, "step");
            case trace_kind::task_stopping:
                close_part(*e.task, raw.id, e.at);
                mark(*e.task, e.part ? "scope stopped" : "stopped", e.at);
                return slice(e, e.task->name, "unwind");
            case trace_kind::task_suspended:
                return open_part_of(*e.task, raw.id, text_at(raw.argument), e.at);
            case trace_kind::task_cancelled:
                return mark(*e.task, e.part ? "scope cancelled" : "cancel requested", e.at);
            case trace_kind::task_finished:
                return finish(e);
            case trace_kind::callback:
                return slice(e, "callback", "step");
            case trace_kind::steps_over:
                return count_tasks(e.at);
            case trace_kind::job_submitted:
                if (jobs_[raw.id].whole()) flow("s", raw.id, e.at);
                return;
            case trace_kind::job_started:
                return write_job(e);
            case trace_kind::job_arrived:
                if (jobs_[raw.id].whole()) flow("f", raw.id, e.at);
                return;
            case trace_kind::span_begin:
                if (e.task) return open_part_of(*e.task, span_key | raw.more, text_at(raw.argument), e.at);
                return slice(e, text_at(raw.argument), "span");
            case trace_kind::span_end:
                if (e.task) close_part(*e.task, span_key | raw.more, e.at);
                return;
            case trace_kind::instant:
                if (e.task) return mark(*e.task, text_at(raw.argument), e.at);
                begin("i", text_at(raw.argument), e.at) << ",\"s\":\"t\"}";
                return;
            case trace_kind::remote_wake:
                begin("i", "wakes a loop", e.at) << ",\"s\":\"t\"}";
                return;
            case trace_kind::counter:
                begin("C", text_at(raw.id), e.at)
                    << ",\"args\":{\"value\":" << std::bit_cast<std::int64_t>(raw.argument) << "}}";
                return;
            case trace_kind::counter_real:
                begin("C", text_at(raw.id), e.at)
                    << ",\"args\":{\"value\":" << std::bit_cast<double>(raw.argument) << "}}";
                return;
            case trace_kind::task_created:
            case trace_kind::task_named:
            case trace_kind::task_numbered:
            case trace_kind::task_located:
            case trace_kind::job_finished:
                return;
        }
    }

    // ---- tracks of tasks

    void show(traced_task& task, std::int64_t at) {
        if (task.shown) return;
        task.shown = true;
        if (task.name.empty()) task.name = "task " + std::to_string(task.number);
        open_[task.number].task = &task;
        ++alive_;
        on_track("b", task, task.name, at) << ",\"args\":{";
        const char* separator = "";
        if (task.parent) {
            out_ << "\"parent\":";
            out_.quoted(task.parent->name);
            separator = ",";
        }
        if (!task.where.empty()) {
            out_ << separator << "\"started\":";
            out_.quoted(task.where);
        }
        out_ << "}}";
    }

    void open_part_of(traced_task& task, std::uint64_t key, std::string_view name, std::int64_t at) {
        const auto found = open_.find(task.number);
        if (found == open_.end()) return;
        found->second.parts.push_back({key, std::string(name)});
        on_track("b", task, name, at) << "}";
    }

    void close_part(const traced_task& task, std::uint64_t key, std::int64_t at) {
        const auto found = open_.find(task.number);
        if (found == open_.end()) return;
        std::vector<open_part>& parts = found->second.parts;
        for (std::size_t i = parts.size(); i-- > 0;) {
            if (parts[i].key == key) return close_parts(task, parts, i, at);
        }
    }

    void close_parts(const traced_task& task, std::vector<open_part>& parts, std::size_t down_to,
                     std::int64_t at) {
        while (parts.size() > down_to) {
            on_track("e", task, parts.back().name, at) << "}";
            parts.pop_back();
        }
    }

    void mark(const traced_task& task, std::string_view what, std::int64_t at) {
        on_track("n", task, what, at) << "}";
    }

    void finish(const traced_event& e) {
        if (e.event.more >> 8 != 0) return close_part(*e.task, e.event.id, e.at);  // only a part of the task
        static constexpr const char* endings[] = {"value", "error", "stopped"};
        end_task(*e.task, e.at, endings[std::min<std::uint64_t>(e.event.more & 0xff, 2)]);
    }

    void end_task(const traced_task& task, std::int64_t at, std::string_view ending) {
        const auto found = open_.find(task.number);
        if (found == open_.end()) return;
        close_parts(task, found->second.parts, 0, at);
        open_.erase(found);
        --alive_;
        on_track("e", task, task.name, at);
        if (!ending.empty()) {
            out_ << ",\"args\":{\"ended\":";
            out_.quoted(ending) << "}";
        }
        out_ << "}";
    }

    void count_tasks(std::int64_t at) {
        if (alive_ == counted_) return;
        counted_ = alive_;
        begin("C", "tasks of thread " + std::to_string(thread_), at)
            << ",\"args\":{\"alive\":" << alive_ << "}}";
    }

    // ---- slices and flows of threads

    void slice(const traced_event& e, std::string_view name, std::string_view category) {
        begin("X", name, e.at) << ",\"cat\":\"" << category << "\",\"dur\":";
        out_.microseconds(e.until - e.at) << "}";
    }

    void write_job(const traced_event& e) {
        const job_events& job = jobs_[e.event.id];
        slice(e, job.task ? "job of " + job.task->name : std::string("job"), "job");
        if (job.whole()) flow("t", e.event.id, e.at);
    }

    void flow(std::string_view phase, std::uint64_t id, std::int64_t at) {
        begin(phase, "job", at) << ",\"cat\":\"job\",\"bp\":\"e\",\"id\":" << id << "}";
    }

    // ---- the common part of every event

    json_out& metadata(std::string_view name) {
        return out_ << ",\n{\"ph\":\"M\",\"pid\":1,\"tid\":" << thread_ << ",\"name\":\"" << name << "\"";
    }
    json_out& begin(std::string_view phase, std::string_view name, std::int64_t at) {
        out_ << ",\n{\"ph\":\"" << phase << "\",\"pid\":1,\"tid\":" << thread_ << ",\"ts\":";
        out_.microseconds(at) << ",\"name\":";
        return out_.quoted(name);
    }
    json_out& on_track(std::string_view phase, const traced_task& task, std::string_view name,
                       std::int64_t at) {
        return begin(phase, name, at) << ",\"cat\":\"task\",\"id\":" << task.number;
    }

    json_out& out_;
    unsigned unrecorded_;
    std::deque<traced_task> tasks_;
    std::deque<thread_timeline> threads_;
    std::unordered_map<std::uint64_t, job_events> jobs_;
    std::map<std::uint64_t, track> open_;  // by the task's number
    std::uint64_t thread_ = 0;
    std::uint64_t alive_ = 0;
    std::uint64_t counted_ = 0;
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
