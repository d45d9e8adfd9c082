// tandem - a boundary whose children come and go: what groups and the loop's own scope share
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <source_location>
#include <string_view>
#include <type_traits>
#include <utility>

#include <tandem/base/detail/refuse.hpp>
#include <tandem/base/detail/stateless_call.hpp>
#include <tandem/core/task.hpp>
#include <tandem/core/this_task.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// Children are linked through their own frames. They start from the ready queue, in order.
class child_scope : public boundary {
public:
    std::size_t children() const noexcept { return count_; }

    void each_child(void (*visit)(void*, detail::fiber&), void* with) override {
        for (detail::fiber* child = first_; child;) {
            detail::fiber* const next = child->root.next;
            visit(with, *child);
            child = next;
        }
    }

protected:
    child_scope() noexcept = default;
    ~child_scope() = default;

    /// Takes the task over and queues its start; one added while the scope is being cancelled never runs.
    template <class T>
    TANDEM_ALWAYS_INLINE detail::fiber& add_child(task<T>& t, std::string_view name,
                                                  const std::source_location& where) {
        detail::fiber& child = unawaited(t).promise();
        adopt(child, name, where);
        static_cast<void>(t.release());
        return child;
    }

    void unlink(detail::fiber& child) noexcept {
        (child.root.previous ? child.root.previous->root.next : first_) = child.root.next;
        (child.root.next ? child.root.next->root.previous : last_) = child.root.previous;
        --count_;
    }

    void cancel_all() noexcept {
        cancelled_ = true;
        for (detail::fiber* child = first_; child; child = child->root.next) request_stop(*child);
    }

    bool cancelled_ = false;

private:
    // One for all types of results, and apart from the handle, which is mostly dropped where it is made.
    void adopt(detail::fiber& child, std::string_view name, const std::source_location& where) {
        TANDEM_ASSERT(loop_->on_its_thread(),
                      "tandem::create_task: off the loop's thread; use run_coroutine_threadsafe");
        child.become_fiber(*this, loop_->running(), cancelled_ ? fiber_flag::stop : std::uint8_t{0});
        child.root.where = where;
        trace_point(trace_kind::task_located, &child, where.file_name(), where.line());
        if (!name.empty()) {
            try {
                set_name(child, name);
            } catch (...) {
                if (child.root.context) release(*child.root.context);
                throw;
            }
        }
        link(child);
        loop_->ready(child, step::start);
    }
    void link(detail::fiber& child) noexcept {
        child.root.previous = last_;
        (last_ ? last_->root.next : first_) = &child;
        last_ = &child;
        ++count_;
    }

    detail::fiber* first_ = nullptr;
    detail::fiber* last_ = nullptr;
    std::size_t count_ = 0;
};

template <class T, class Fn, class... Args>
task<T> hold_and_run(Fn fn, Args... args) {
    co_return co_await fn(static_cast<Args&&>(args)...);
}

template <class Fn, class... Args>
using started_task_t = std::invoke_result_t<std::decay_t<Fn>&, std::unwrap_ref_decay_t<Args>...>;

template <class Fn, class... Args>
concept starts_task = std::is_invocable_v < std::decay_t<Fn>
&, std::unwrap_ref_decay_t<Args>... > &&is_task_v<started_task_t<Fn, Args...>>;

// What create_task cannot start, of a loop and of a group.
#define TANDEM_REFUSE_TO_START                                                                    \
    TANDEM_REFUSE(                                                                                \
        "tandem::create_task: takes a task and its name, or a function that gives a task and "    \
        "its arguments, which are copied: pass a reference by std::ref, and await anything else " \
        "inside a coroutine",                                                                     \
        create_task(::tandem::detail::any_argument, ...))

/// The task of `fn(args...)`, with callable and arguments in storage that lives as long as it does.
/// A callable without state whose parameters are values needs none: its own frame holds them.
template <class Fn, class... Args>
auto stored_task(Fn&& fn, Args&&... args) {
    if constexpr (stateless_by_value<std::decay_t<Fn>>) {
        return fn(std::unwrap_ref_decay_t<Args>(std::forward<Args>(args))...);
    } else {
        using result = typename started_task_t<Fn, Args...>::value_type;
        return hold_and_run<result, std::decay_t<Fn>, std::unwrap_ref_decay_t<Args>...>(
            std::forward<Fn>(fn), std::forward<Args>(args)...);
    }
}

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
