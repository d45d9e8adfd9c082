// tandem - this_task: name, id, loop, stop state and deadline of the running task
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <tandem/core/context.hpp>
#include <tandem/core/fiber.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

inline void set_name(fiber& task, std::string_view name) {
    task_info* const old = task.root.info;
    const std::uint64_t id = old ? old->id() : task.root.owner->loop().next_task_id();
    task.root.info = task_info::make(id, name);
    if (old) release(*old);
    if (trace_cursor* const c = tracing()) [[unlikely]] {
        c->put(trace_kind::task_named, &task, c->keep(name.data(), name.size()));
    }
}

/// A task without a name is called "task-7", as in asyncio.
inline const task_info& info_of(fiber& task) {
    if (!task.root.info) {
        const std::uint64_t id = task.root.owner->loop().next_task_id();
        task.root.info = task_info::make(id, "task-" + std::to_string(id));
    }
    return *task.root.info;
}

/// The least deadline of the scopes around `f`, up to a shield; `never` if there is none.
inline std::int64_t deadline_of(fiber& f) noexcept {
    std::int64_t least = never;
    for (fiber* inner = &f; !inner->has(fiber_flag::shielded);) {
        boundary& scope = *inner->root.owner;
        const std::int64_t deadline = scope.deadline();
        if (deadline < least) least = deadline;
        if (!scope.awaiting()) break;  // the loop's own scope: no task awaits it
        inner = &scope.fiber();
    }
    return least;
}

/// Awaitable of `checkpoint`.
class checkpoint_awaiter final : public leaf {
public:
    checkpoint_awaiter() noexcept = default;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) noexcept {
        if (suspend(h)) give_turn();
    }
    void await_resume() const noexcept { turn_came(); }
    const char* kind() const noexcept override { return "checkpoint"; }

private:
    detach on_cancel() noexcept override {
        stop_in_turn();
        return detach::later;
    }
};

}  // namespace detail

/// About the task that is running. Outside of a task these throw `invalid_state_error`.
namespace this_task {

/// A number that no other task of this loop has.
inline std::uint64_t id() { return detail::info_of(detail::require_running_task("this_task::id")).id(); }

/// The name given at creation or by `set_name`; "task-<id>" if none was.
inline std::string name() {
    return std::string(detail::info_of(detail::require_running_task("this_task::name")).name());
}

inline void set_name(std::string_view name) {
    detail::set_name(detail::require_running_task("this_task::set_name"), name);
}

/// True if the task is to stop: its next suspension is its last. False inside `shield`.
inline bool stop_requested() {
    detail::require_running_task("this_task::stop_requested");
    return detail::current_loop->running()->stop_pending();
}

/// The loop that runs the task.
inline loop_core& loop() {
    if (!detail::current_loop) detail::require_running_task("this_task::loop");
    return *detail::current_loop;
}

/// When the innermost scope with the earliest end stops this task; empty if nothing limits it.
/// Asked inside a `timeout` that has not suspended yet, it fixes the start of that timeout.
inline std::optional<time_point> deadline() {
    detail::require_running_task("this_task::deadline");
    const std::int64_t when = detail::deadline_of(*detail::current_loop->running());
    if (when == detail::never) return std::nullopt;
    return detail::to_time_point(when);
}

/// The time left until `deadline()`, never negative; `duration::max()` if nothing limits the task.
inline duration remaining() {
    const std::optional<time_point> end = deadline();
    if (!end) return duration::max();
    const time_point now = loop().now();
    return *end <= now ? duration::zero() : *end - now;
}

/// Lets everything run that is ready now, then goes on.
/// Cancellation: stops here if the task was cancelled, also while the others ran.
[[nodiscard("co_await it")]] inline detail::checkpoint_awaiter checkpoint() noexcept { return {}; }

}  // namespace this_task
}  // namespace tandem::inline TANDEM_ABI
