// tandem - task_local<T>: values that a task hands down to the tasks it starts
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <new>
#include <utility>

#include <tandem/core/fiber.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// The first fiber of the task that `f` belongs to: bodies of timeouts and groups are part of it.
inline fiber& task_of(fiber& f) noexcept {
    fiber* task = &f;
    while (task->has(fiber_flag::scope)) task = &task->root.owner->fiber();
    return *task;
}

inline fiber* running_task() noexcept {
    loop_core* const loop = current_loop;
    return loop && loop->running() ? &task_of(*loop->running()) : nullptr;
}

inline fiber& require_running_task(const char* call) {
    if (fiber* const task = running_task()) return *task;
    throw invalid_state_error(std::string("tandem::") + call +
                              ": no task is running here; call it from a task of a running loop");
}

}  // namespace detail

/// A value inherited at the creation of a task: what a task sets is seen by the tasks it starts
/// afterwards, not by its parent or its siblings (Python's contextvars). `timeout`, `shield`,
/// `finally` and the body of a group are part of the task that awaits them and share its values.
/// Lifetime: the variable outlives the tasks that use it; make it a global or a static member.
/// Cost: `set` makes one small recycled block; `get` walks the values set since, by variable.
template <class T>
class task_local {
public:
    explicit task_local(T initial = T()) : initial_(std::move(initial)) {}
    task_local(const task_local&) = delete;
    task_local& operator=(const task_local&) = delete;

    /// The value of the running task; the initial one if it was never set, or outside of tasks.
    const T& get() const noexcept {
        const detail::fiber* const task = detail::running_task();
        for (detail::context_node* n = task ? task->root.context : nullptr; n; n = n->up) {
            if (n->key == this) return static_cast<node*>(n)->value;
        }
        return initial_;
    }

    /// Sets the value for the running task and for those it starts from now on.
    /// Errors: `invalid_state_error` outside of a task.
    void set(T value) {
        detail::fiber& task = detail::require_running_task("task_local::set");
        for (detail::context_node* n = task.root.context; n && n->references == 1; n = n->up) {
            if (n->key == this) {  // seen by nobody else: no new node, so that loops do not pile them up
                static_cast<node*>(n)->value = std::move(value);
                return;
            }
        }
        task.root.context = new node(this, task.root.context, std::move(value));
        task.root.owner->loop().note_task_locals();
    }

private:
    struct node final : detail::context_node {
        node(const void* variable, detail::context_node* outer, T v)
            : detail::context_node(variable, outer), value(std::move(v)) {}
        T value;
    };

    T initial_;
};

}  // namespace tandem::inline TANDEM_ABI
