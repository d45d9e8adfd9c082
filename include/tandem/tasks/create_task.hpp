// tandem - create_task: start a task that the loop owns
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <source_location>
#include <string_view>
#include <utility>

#include <tandem/tasks/detail/child_scope.hpp>
#include <tandem/tasks/task_handle.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// The scope of the tasks that `create_task` starts. It belongs to the loop and cancels and joins
/// them at its end, so that nothing outlives `run`.
class root_group final : public child_scope {
public:
    explicit root_group(loop_core& loop) noexcept { loop_ = &loop; }

    const char* kind() const noexcept override { return "loop"; }
    void await_resume() const noexcept {}

    template <class T>
    task_handle<T> create_task(task<T> t, std::string_view name, const std::source_location& where) {
        task_handle<T> handle(add_child(t, name, where));
        if (children() == 1 && on_change) on_change(*loop_);
        return handle;
    }

    void cancel_children() noexcept override { cancel_all(); }
    /// Lets tasks be started again, for the next `run` of the same loop.
    void reopen() noexcept { cancelled_ = false; }
    bool empty() const noexcept { return children() == 0; }

    /// Called when the first task starts and when the last has ended: an attached loop then holds its
    /// io_context, or lets go of it.
    void (*on_change)(loop_core&) noexcept = nullptr;

    /// Reports the errors of ended tasks that nobody has asked for. For the end of the loop.
    void report_unretrieved() noexcept {
        while (handle_block* const block = unretrieved_.front()) block->report_unretrieved();
    }

private:
    void child_done(detail::fiber& child) noexcept override {
        if (child.ended_by == ending::error) note_failure(child);
        unlink(child);
        loop_->bury(child.handle());
        if (children() == 0 && on_change) on_change(*loop_);
    }

    void note_failure(detail::fiber& child) noexcept {
        if (child.root.listener) {  // a handle may still ask; if it never does, its end reports
            static_cast<handle_block&>(*child.root.listener).report_later(unretrieved_, *loop_);
            return;
        }
        const std::string_view name = child.root.info ? child.root.info->name() : "a task";
        loop_->report_unhandled({std::string(name), child.root.where, child.exception()});
    }

    intrusive_list<handle_block> unretrieved_;
};

inline root_group& require_root_group(const char* call) {
    loop_core* const loop = current_loop;
    if (!loop || !loop->root()) {
        throw invalid_state_error(std::string("tandem::") + call +
                                  ": no loop runs on this thread; call it from a task, or hand the task to "
                                  "a loop with run_coroutine_threadsafe");
    }
    return static_cast<root_group&>(*loop->root());
}

template <class Fn, class... Args>
auto start_in_root(const std::source_location& where, Fn&& fn, Args&&... args) {
    root_group& root = require_root_group("create_task");
    return root.create_task(stored_task(std::forward<Fn>(fn), std::forward<Args>(args)...), {}, where);
}

}  // namespace detail

/// Starts a task that runs concurrently, from the next turn of the loop on ("spawn" elsewhere).
/// Lifetime: the loop owns it, and cancels and joins it when `run` ends.
/// Errors: a failure that nobody asks for through the handle goes to the loop's `on_unhandled`;
///   `invalid_state_error` where no loop runs. While the loop ends, new tasks are born cancelled.
/// Cost: none beyond the task's frame; a handle that is dropped at once allocates nothing.
template <class T>
task_handle<T> create_task(task<T> t, std::string_view name = {},
                           const std::source_location& where = std::source_location::current()) {
    return detail::require_root_group("create_task").create_task(std::move(t), name, where);
}

/// Starts `fn(args...)`: callable and arguments are kept for as long as the task runs, so that a
/// closure and reference parameters are safe. `std::ref` passes a reference that you keep alive. Up to
/// three arguments the place of the call is known: nothing has a default behind any number of them.
template <class Fn>
requires detail::starts_task<Fn>
auto create_task(Fn&& fn, const std::source_location& where = std::source_location::current()) {
    return detail::start_in_root(where, std::forward<Fn>(fn));
}
template <class Fn, class A>
requires detail::starts_task<Fn, A>
auto create_task(Fn&& fn, A&& a, const std::source_location& where = std::source_location::current()) {
    return detail::start_in_root(where, std::forward<Fn>(fn), std::forward<A>(a));
}
template <class Fn, class A, class B>
requires detail::starts_task<Fn, A, B>
auto create_task(Fn&& fn, A&& a, B&& b, const std::source_location& where = std::source_location::current()) {
    return detail::start_in_root(where, std::forward<Fn>(fn), std::forward<A>(a), std::forward<B>(b));
}
template <class Fn, class A, class B, class C>
requires detail::starts_task<Fn, A, B, C>
auto create_task(Fn&& fn, A&& a, B&& b, C&& c,
                 const std::source_location& where = std::source_location::current()) {
    return detail::start_in_root(where, std::forward<Fn>(fn), std::forward<A>(a), std::forward<B>(b),
                                 std::forward<C>(c));
}
template <class Fn, class... Args>
requires(sizeof...(Args) > 3 && detail::starts_task<Fn, Args...>) auto create_task(Fn&& fn, Args&&... args) {
    return detail::start_in_root({}, std::forward<Fn>(fn), std::forward<Args>(args)...);
}

TANDEM_REFUSE_TO_START;

}  // namespace tandem::inline TANDEM_ABI
