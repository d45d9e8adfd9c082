// tandem - with_task_group, with_supervisor: a scope that owns tasks and ends when they have ended
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <source_location>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <tandem/base/callable.hpp>
#include <tandem/base/detail/intrusive_list.hpp>
#include <tandem/base/exception_group.hpp>
#include <tandem/tasks/detail/child_scope.hpp>
#include <tandem/tasks/detail/failures.hpp>
#include <tandem/tasks/task_handle.hpp>

namespace tandem::inline TANDEM_ABI {

/// Starts and owns tasks; handed to the body of `with_task_group` and `with_supervisor`, valid until
/// that call has ended. Children may start children.
class task_group : public detail::child_scope {
public:
    class join_awaiter;

    /// Starts a child. It runs from the next turn of the loop on.
    /// Errors: `invalid_state_error` if the group has ended. In a group that is being cancelled the
    ///   child is born cancelled and never runs.
    template <class T>
    TANDEM_ALWAYS_INLINE task_handle<T> create_task(
        task<T> t, std::string_view name = {},
        const std::source_location& where = std::source_location::current()) {
        if (ended_ && !must_be_open()) return task_handle<T>::never_started();
        return task_handle<T>(add_child(t, name, where));
    }

    /// Starts `fn(args...)`; callable and arguments live as long as the child. Up to three arguments the
    /// place of the call is known: nothing has a default behind any number of them.
    template <class Fn>
    requires detail::starts_task<Fn>
    auto create_task(Fn&& fn, const std::source_location& where = std::source_location::current()) {
        return create_task(detail::stored_task(std::forward<Fn>(fn)), {}, where);
    }
    template <class Fn, class A>
    requires detail::starts_task<Fn, A>
    auto create_task(Fn&& fn, A&& a, const std::source_location& where = std::source_location::current()) {
        return create_task(detail::stored_task(std::forward<Fn>(fn), std::forward<A>(a)), {}, where);
    }
    template <class Fn, class A, class B>
    requires detail::starts_task<Fn, A, B>
    auto create_task(Fn&& fn, A&& a, B&& b,
                     const std::source_location& where = std::source_location::current()) {
        return create_task(detail::stored_task(std::forward<Fn>(fn), std::forward<A>(a), std::forward<B>(b)),
                           {}, where);
    }
    template <class Fn, class A, class B, class C>
    requires detail::starts_task<Fn, A, B, C>
    auto create_task(Fn&& fn, A&& a, B&& b, C&& c,
                     const std::source_location& where = std::source_location::current()) {
        return create_task(detail::stored_task(std::forward<Fn>(fn), std::forward<A>(a), std::forward<B>(b),
                                               std::forward<C>(c)),
                           {}, where);
    }
    template <class Fn, class... Args>
    requires(sizeof...(Args) > 3 && detail::starts_task<Fn, Args...>) auto create_task(Fn&& fn,
                                                                                       Args&&... args) {
        return create_task(detail::stored_task(std::forward<Fn>(fn), std::forward<Args>(args)...), {}, {});
    }

    TANDEM_REFUSE_TO_START;

    /// Ends the group without an error: children and the rest of the body are cancelled and joined.
    void cancel() noexcept {
        if (cancelled_ || ended_) return;
        cancel_all();
        if (body_) request_stop(*body_);
    }
    bool cancel_requested() const noexcept { return cancelled_; }

    /// Waits, inside the body, for the children; the body's locals then outlive them also if it returns.
    /// A task outside of the group may wait, too.
    /// Cancellation: the wait ends; the group's own rules see to the children.
    /// Errors: a failing child cancels the group and stops the body here; `std::logic_error` in a child.
    [[nodiscard("co_await it")]] join_awaiter join() noexcept;

    const char* kind() const noexcept override { return "task_group"; }
    void cancel_children() noexcept override { cancel(); }
    void each_child(void (*visit)(void*, detail::fiber&), void* with) override {
        if (body_) visit(with, *body_);
        child_scope::each_child(visit, with);
    }

protected:
    enum class on_failure { cancel_siblings, keep_going };

    explicit task_group(on_failure policy) noexcept : policy_(policy) {}
    ~task_group() = default;

    std::coroutine_handle<> enter_body(detail::frame& body) noexcept {
        body_ = &body;
        return enter_child(body, detail::fiber_flag::scope);
    }
    /// The body could not even be made; it may have started children before.
    void fail_body(std::exception_ptr e) noexcept {
        body_error_ = std::move(e);
        cancel();
        if (children() != 0) return;
        ended_ = true;
        complete();
    }

    detail::failure_list failures_;  // of children, and of the body where it counts as one
    std::exception_ptr body_error_;
    bool body_stopped_ = false;

private:
    // `inline` here, too: a virtual declared without it makes every file that includes this emit the vtable.
    inline void child_done(detail::fiber& child) noexcept override;
    void body_done(detail::fiber& body) noexcept;
    void note_failure(const std::exception_ptr& e) noexcept;
    bool is_child(const detail::fiber& f) const noexcept;
    /// A group that has ended takes no task. False if it was cancelled: a destructor that runs while
    /// its tasks unwind cannot afford an exception, so the task is dropped as one born cancelled.
    bool must_be_open() const {
        if (cancelled_) return false;
        throw invalid_state_error(
            "tandem::task_group::create_task: the group has ended; start the task before its body and "
            "children have ended");
    }
    void end() noexcept;

    /// Ends the group in a step of its own.
    class late_end final : public detail::call_node {
    public:
        explicit late_end(task_group& group) noexcept : call_node(&late_end::run), group_(group) {}

    private:
        static void run(detail::call_node& self, loop_core* loop) noexcept {
            task_group& group = static_cast<late_end&>(self).group_;
            group.end_queued_ = false;
            if (loop && group.children() == 0) group.end();
        }
        task_group& group_;
    };

    detail::fiber* body_ = nullptr;
    detail::intrusive_list<join_awaiter> joins_;
    on_failure policy_;
    bool ended_ = false;
    bool child_stopped_ = false;  // by the group's cancellation, not by its own handle
    bool end_queued_ = false;
    late_end late_end_{*this};
};

/// Awaitable of `task_group::join`.
class task_group::join_awaiter final : public leaf, public detail::list_links<join_awaiter> {
public:
    explicit join_awaiter(task_group& group) noexcept : group_(group) {}

    bool await_ready() noexcept {
        if (stop_pending()) return false;
        from_child_ = group_.is_child(fiber());
        return from_child_ || group_.children() == 0;
    }
    void await_suspend(std::coroutine_handle<> h) noexcept {
        if (suspend(h)) group_.joins_.push_back(*this);
    }
    void await_resume() const {
        if (!from_child_) return;
        throw std::logic_error(
            "tandem::task_group::join: called by a child, which would wait for itself; "
            "call it in the group's body");
    }
    const char* kind() const noexcept override { return "task_group::join"; }

private:
    friend class task_group;

    detach on_cancel() noexcept override {
        group_.joins_.erase(*this);
        return detach::done;
    }

    task_group& group_;
    bool from_child_ = false;
};

inline task_group::join_awaiter task_group::join() noexcept { return join_awaiter(*this); }

namespace detail {

/// Awaitable of both calls. Owns the body's closure and its frame, which is destroyed last: after
/// all children have ended.
template <class Body, bool Supervisor>
class group_awaiter final : public task_group {
    using body_task = std::invoke_result_t<Body&, task_group&>;
    using result = typename body_task::value_type;

public:
    template <class F>
    explicit group_awaiter(F&& body)
        : task_group(Supervisor ? on_failure::keep_going : on_failure::cancel_siblings),
          body_(forward_callable<F>(body)) {}

    bool await_ready() const noexcept { return false; }
    transfer await_suspend(std::coroutine_handle<> h) noexcept {
        if (!begin(h)) return stay_suspended();
        try {
            task_ = body_(static_cast<task_group&>(*this));
            unawaited(task_);
        } catch (...) {
            fail_body(std::current_exception());
            return stay_suspended();
        }
        return transfer_to(enter_body(task_.promise()));
    }
    auto await_resume() -> std::conditional_t<Supervisor, std::vector<std::exception_ptr>, result> {
        if constexpr (Supervisor) {
            if (!body_error_) return std::move(failures_);
            for (const std::exception_ptr& e : failures_) loop_->report_suppressed(e);
            std::rethrow_exception(body_error_);
        } else {
            if (body_error_) failures_.push_back(std::move(body_error_));
            if (!failures_.empty()) throw exception_group(std::move(failures_));
            if constexpr (std::is_void_v<result>) {
                return;
            } else {
                if (body_stopped_)
                    throw cancelled_error("the group was cancelled before its body had a result");
                return task_.promise().take();
            }
        }
    }

private:
    Body body_;
    body_task task_;
};

template <class F>
concept group_body = std::is_invocable_v < callable_t<F>
&, task_group& > &&is_task_v<std::invoke_result_t<callable_t<F>&, task_group&>>;

}  // namespace detail

/// Runs `body(group)` and the tasks it starts, all or nothing, and gives what the body returns when
/// the last of them has ended.
/// Cancellation: cancels body and children and joins them; then this task stops.
/// Errors: if a child or the body throws, the rest are cancelled and joined, and an `exception_group`
///   with all failures is thrown, in the order they happened, even for a single one; the exception of
///   a child counts once if others fail with it because they await its handle. Ended by
///   `group.cancel()` with a body that owes a value: `cancelled_error`.
/// Lifetime: closure and parameters of the body outlive the children, so `[&]` on the enclosing
///   coroutine is safe. The body's own locals do not once it has returned or thrown: pass what
///   children refer to, keep it outside, or end the body with `co_await group.join()`.
template <class F>
[[nodiscard("co_await it")]] auto with_task_group(F&& body) {
    TANDEM_REQUIRE_SAFE_CALLABLE(F);
    static_assert(detail::group_body<F>,
                  "tandem::with_task_group: the body is a callable that takes tandem::task_group& and "
                  "returns a tandem::task; write [&](tandem::task_group& group) -> tandem::task<> {...}");
    return detail::group_awaiter<detail::callable_t<F>, false>(std::forward<F>(body));
}

/// As `with_task_group`, but a failing child leaves the others alone; gives the failures in the order
/// they happened. The body's own exception cancels and joins the children and is rethrown bare.
/// Cancellation: as there. Failures collected until a stop or the body's exception go to the loop's
///   `on_suppressed`.
template <class F>
[[nodiscard("co_await it")]] auto with_supervisor(F&& body) {
    TANDEM_REQUIRE_SAFE_CALLABLE(F);
    static_assert(detail::group_body<F>,
                  "tandem::with_supervisor: the body is a callable that takes tandem::task_group& and "
                  "returns a tandem::task; write [&](tandem::task_group& group) -> tandem::task<> {...}");
    return detail::group_awaiter<detail::callable_t<F>, true>(std::forward<F>(body));
}

// ---- implementation

inline void task_group::child_done(detail::fiber& child) noexcept {
    if (&child == body_) {
        body_done(child);
    } else {
        if (child.ended_by == detail::ending::error) {
            note_failure(child.exception());
            if (policy_ == on_failure::cancel_siblings) cancel();
        }
        if (child.ended_by == detail::ending::stopped && cancelled_) child_stopped_ = true;
        unlink(child);
        loop_->bury(child.handle());
    }
    if (children() != 0 || end_queued_) return;
    while (join_awaiter* const waiting = joins_.pop_front()) waiting->complete();
    if (body_) return;
    // Stopped through its handle: its locals go when this step ends, and may start another child.
    if (child.ended_by == detail::ending::stopped && !cancelled_) {
        end_queued_ = true;
        loop_->ready(late_end_, detail::step::call);
        return;
    }
    end();
}

inline void task_group::end() noexcept {
    ended_ = true;
    const bool failed = body_error_ || (policy_ == on_failure::cancel_siblings && !failures_.empty());
    const bool complete = !body_stopped_ && !child_stopped_;
    if (!failed && !complete && stop_pending()) {
        for (const std::exception_ptr& e : failures_) loop_->report_suppressed(e);
    }
    finish(failed || complete);
}

inline void task_group::body_done(detail::fiber& body) noexcept {
    body_ = nullptr;
    body_stopped_ = body.ended_by == detail::ending::stopped;
    if (body.ended_by != detail::ending::error) return;
    if (policy_ == on_failure::cancel_siblings) {
        note_failure(body.exception());
    } else {
        body_error_ = body.exception();
    }
    cancel();
}

inline void task_group::note_failure(const std::exception_ptr& e) noexcept {
    if (policy_ == on_failure::cancel_siblings && detail::is_noted(failures_, e)) return;
    detail::note_failure(failures_, e, *loop_);
}

inline bool task_group::is_child(const detail::fiber& f) const noexcept {
    const detail::fiber* inner = &f;
    while (inner->root.owner != this) {
        if (!inner->root.owner->awaiting()) return false;  // the loop's own scope: not inside this group
        inner = &inner->root.owner->fiber();
    }
    return inner != body_;
}

}  // namespace tandem::inline TANDEM_ABI
