// tandem - loop.on_stall: who is told when a step keeps its loop from all else
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <mutex>
#include <source_location>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <tandem/core/fiber.hpp>
#include <tandem/core/loop_core.hpp>
#include <tandem/core/this_task.hpp>
#include <tandem/trace/detail/session.hpp>

namespace tandem::inline TANDEM_ABI {

/// A step of a loop that took longer than it may.
class stall_info {
public:
    stall_info(std::string task, std::uint64_t id, const std::source_location& where, duration lasted,
               bool ended)
        : task_(std::move(task)), id_(id), where_(where), lasted_(lasted), ended_(ended) {}

    /// The name of the task, or "a callback of the loop"; its number, 0 for a callback.
    const std::string& task() const noexcept { return task_; }
    std::uint64_t id() const noexcept { return id_; }
    /// Where the task was started, or the one that it belongs to; line 0 if that is not known.
    const std::source_location& where() const noexcept { return where_; }
    /// How long the step has run so far, or did in all.
    duration lasted() const noexcept { return lasted_; }
    /// False while the step still runs.
    bool ended() const noexcept { return ended_; }

    /// All of it in one line.
    std::string text() const;

private:
    std::string task_;
    std::uint64_t id_;
    std::source_location where_;
    duration lasted_;
    bool ended_;
};

namespace detail {

/// Watches the steps of one loop from a thread of its own, which sleeps while the loop does. It never touches
/// a task: what it says of one was copied by the loop when the step began.
class watchdog final : public step_watch {
public:
    watchdog(duration threshold, unique_function<void(const stall_info&)> fn)
        : threshold_(to_ticks(threshold)), tell_(std::move(fn)), thread_([this] { watch(); }) {}
    ~watchdog() override {
        {
            const std::lock_guard hold(mutex_);
            ending_ = true;
            wake_.notify_one();
        }
        thread_.join();
        trace_session::changed();
    }

    void step_begins(const void* f) noexcept override {
        // A fiber is told by the address of its frame; both ends of that conversion are here and in
        // fiber.hpp.
        fiber* const running = static_cast<fiber*>(const_cast<void*>(f));
        const task_info* const info = running ? info_or_null(task_of(*running)) : nullptr;
        const std::int64_t now = steady_now();
        const std::lock_guard hold(mutex_);
        end_step(now);
        try {
            name_ = !running ? "a callback of the loop" : info ? info->name() : "a task";
        } catch (...) {
            name_.clear();
        }
        id_ = info ? info->id() : 0;
        where_ = running ? started_at(*running) : std::source_location();
        begun_ = now;
        busy_ = true;
        ++step_;
        if (std::exchange(dozing_, false)) wake_.notify_one();
    }
    void steps_over() noexcept override {
        const std::int64_t now = steady_now();
        const std::lock_guard hold(mutex_);
        end_step(now);
        busy_ = false;
    }

    /// True while the thread sleeps until the loop has something to do.
    bool dozing() {
        const std::lock_guard hold(mutex_);
        return dozing_;
    }

private:
    using lock = std::unique_lock<std::mutex>;

    static fiber& task_of(fiber& f) noexcept {
        fiber* task = &f;
        while (task->has(fiber_flag::scope) && task->root.owner->awaiting())
            task = &task->root.owner->fiber();
        return *task;
    }
    static const task_info* info_or_null(fiber& task) noexcept {
        try {
            return &info_of(task);
        } catch (...) {
            return nullptr;
        }
    }
    static std::source_location started_at(fiber& f) noexcept {
        fiber* task = &f;
        while (task->root.where.line() == 0 && task->root.owner->awaiting())
            task = &task->root.owner->fiber();
        return task->root.where;
    }

    stall_info info(std::int64_t now, bool ended) const {
        return stall_info(name_, id_, where_, duration(std::chrono::nanoseconds(now - begun_)), ended);
    }

    void end_step(std::int64_t now) noexcept {
        if (!busy_ || now - begun_ < threshold_ || slow_.size() >= most_kept) return;
        try {
            slow_.push_back(info(now, true));
        } catch (...) {
            return;
        }
        wake_.notify_one();
    }

    void watch() {
        lock held(mutex_);
        while (!ending_ || !slow_.empty()) {  // what has happened is told, also at the end
            if (!slow_.empty()) {
                const stall_info over = std::move(slow_.front());
                slow_.erase(slow_.begin());
                tell(over, held);
            } else if (!busy_) {
                dozing_ = true;
                wake_.wait(held, [this] { return !dozing_ || ending_ || !slow_.empty(); });
                dozing_ = false;
            } else if (step_ == told_of_) {
                wait_for_next(held, later(steady_now(), threshold_));
            } else if (const std::int64_t now = steady_now(); now - begun_ >= threshold_) {
                told_of_ = step_;
                tell(info(now, false), held);
            } else {
                wait_for_next(held, later(begun_, threshold_));
            }
        }
    }

    void wait_for_next(lock& held, std::int64_t until) {
        wake_.wait_until(held, to_time_point(until), [this] { return ending_ || !slow_.empty(); });
    }

    void tell(const stall_info& stall, lock& held) noexcept {
        held.unlock();
        try {
            tell_(stall);
        } catch (const std::exception& e) {
            std::fprintf(stderr,
                         "tandem::loop::on_stall: what was to be told of a stall "
                         "threw (%s); catch it there\n",
                         e.what());
        } catch (...) {
            std::fprintf(stderr,
                         "tandem::loop::on_stall: what was to be told of a "
                         "stall threw; catch it there\n");
        }
        held.lock();
    }

    static constexpr std::size_t most_kept = 64;  // while the one who is told takes his time

    const std::int64_t threshold_;
    const unique_function<void(const stall_info&)> tell_;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool ending_ = false;
    bool busy_ = false;
    bool dozing_ = false;
    std::uint64_t step_ = 0;
    std::uint64_t told_of_ = 0;
    std::int64_t begun_ = 0;
    std::string name_;
    std::uint64_t id_ = 0;
    std::source_location where_;
    std::vector<stall_info> slow_;  // have ended, not yet told
    std::thread thread_;
};

}  // namespace detail

inline std::string stall_info::text() const {
    char time[32];
    std::snprintf(time, sizeof time, "%.3f s", std::chrono::duration<double>(lasted_).count());
    std::string line = task_;
    if (where_.line() != 0) {
        const std::string_view file = where_.file_name();
        line += " (";
        line += file.substr(file.find_last_of("/\\") + 1);
        line += ':' + std::to_string(where_.line()) + ')';
    }
    line += ended_ ? " kept the loop for " : " has kept the loop for ";
    return line + time;
}

/// Calls `fn(const stall_info&)` when a step of the loop, from one suspension of a task to the next, runs for
/// longer than `threshold`: once while it runs, and once when it has ended, with all of its time. An empty
/// `fn` ends the watch, and so does the end of the loop. Handlers of plain Asio code are not steps. Errors:
/// `std::invalid_argument` for a threshold that is not above zero; `invalid_state_error` under
/// TANDEM_NO_TRACE. Threads: set on the loop's thread, or while the loop does not run. `fn` is called on the
/// watchdog's own thread, one call at a time; it must not touch tasks. Setting anew, and the end of the loop,
/// wait for a call.
/// Cost: nothing where it is not used; a thread for each loop that is watched, asleep while the loop is, and
///   some 100 ns a step.
inline void loop_core::on_stall(duration threshold, detail::unique_function<void(const stall_info&)> fn) {
    if (threshold <= duration::zero()) {
        throw std::invalid_argument("tandem::loop::on_stall: a threshold of " +
                                    std::to_string(threshold.count()) + " ns; give more than zero");
    }
#ifdef TANDEM_NO_TRACE
    throw invalid_state_error("tandem::loop::on_stall: compiled out; build without TANDEM_NO_TRACE");
#endif
    delete std::exchange(watch_, nullptr);
    if (!fn) return;
    watch_ = new detail::watchdog(threshold, std::move(fn));
    detail::trace_session::changed();
}

}  // namespace tandem::inline TANDEM_ABI
