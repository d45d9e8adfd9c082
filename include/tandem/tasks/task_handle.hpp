// tandem - task_handle<T>: a view of a task that runs on its own
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coroutine>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include <tandem/core/this_task.hpp>
#include <tandem/tasks/detail/done_callback.hpp>
#include <tandem/tasks/detail/handle_block.hpp>

namespace tandem::inline TANDEM_ABI {
/// A view of a task that was started on its own. Copies look at the same task; dropping all of them
/// cancels nothing.
/// `co_await handle` waits for the end and gives the value as `const T&`, as often as you like;
/// `co_await std::move(handle)` moves it out.
/// Cancellation: cancelling the task that awaits a handle leaves the target alone.
/// Errors: awaiting rethrows the task's exception, each time; `cancelled_error` if it was cancelled;
///   `std::logic_error` if a task awaits itself.
/// Lifetime: a handle may outlive task, group and loop; the result stays.
template <class T = void>
class task_handle final : private detail::end_listener {
public:
    using value_type = T;

    task_handle() noexcept = default;
    explicit task_handle(detail::fiber& started) noexcept { attach(&started); }
    /// Of a task that was dropped because its scope was being cancelled: it counts as stopped.
    static task_handle never_started() noexcept {
        task_handle dropped;
        try {
            dropped.block_ = new detail::handle_block_of<T>(nullptr);
        } catch (const std::bad_alloc&) {
            dropped.lost_ = true;
        }
        return dropped;
    }
    task_handle(const task_handle& other) : block_(other.shared_block()), lost_(other.lost_) {
        if (block_) block_->retain();
    }
    task_handle(task_handle&& other) noexcept { take(other); }
    task_handle& operator=(const task_handle& other) {
        task_handle copy(other);
        return *this = std::move(copy);
    }
    task_handle& operator=(task_handle&& other) noexcept {
        if (this == &other) return *this;
        drop();
        take(other);
        return *this;
    }
    ~task_handle() { drop(); }

    /// False for a handle that looks at no task.
    explicit operator bool() const noexcept { return fiber_ || block_; }

    /// True when the task has ended, in whatever way.
    bool done() const noexcept { return !fiber_ && (!block_ || block_->done()); }
    /// True when the task has ended because it was cancelled.
    bool cancelled() const noexcept {
        return block_ && block_->done() && block_->ended_by() == detail::ending::stopped;
    }

    /// Asks the task to stop. True if this call was the first to ask and the task had not ended.
    bool cancel(std::string reason = {}) const;

    /// The result of a task that has ended; throws its exception, or `cancelled_error`.
    /// Errors: `invalid_state_error` while it runs.
    decltype(auto) result() const;

    /// The exception of a task that has ended, or null; throws `cancelled_error` if it was cancelled.
    /// Errors: `invalid_state_error` while it runs.
    std::exception_ptr exception() const;

    std::string name() const;
    std::uint64_t id() const;

    /// Calls `fn(handle)`, or `fn()`, once the task has ended in whatever way: in a later step of its loop,
    /// in the order of the calls of this function; soon if it has ended already.
    /// Errors: what `fn` throws goes to `on_unhandled`. A failure that `fn` does not ask for is reported as
    ///   if no callback were there. `invalid_state_error` if the task has ended and no loop runs here.
    template <class Fn>
    void add_done_callback(Fn&& fn) const;

    // ---- for combinators

    detail::handle_block_of<T>& block(const char* call) const {
        detail::handle_block_of<T>* const b = shared_block();
        if (lost_) throw std::bad_alloc();
        if (!b) {
            throw invalid_state_error(std::string("tandem::task_handle::") + call +
                                      ": the handle is empty; assign it what create_task gives");
        }
        return *b;
    }

private:
    detail::handle_block_of<T>* shared_block() const {
        if (fiber_) {
            block_ = new detail::handle_block_of<T>(fiber_);
            fiber_ = nullptr;
        }
        return block_;
    }
    void attach(detail::fiber* f) noexcept {
        fiber_ = f;
        f->root.listener = this;
    }
    void take(task_handle& other) noexcept {
        block_ = std::exchange(other.block_, nullptr);
        lost_ = std::exchange(other.lost_, false);
        if (other.fiber_) attach(std::exchange(other.fiber_, nullptr));
    }
    void drop() noexcept {
        if (fiber_) fiber_->root.listener = nullptr;
        if (block_) block_->release();
        fiber_ = nullptr;
        block_ = nullptr;
        lost_ = false;
    }
    void fiber_ended(detail::fiber& f) noexcept override {
        try {
            static_cast<detail::end_listener*>(shared_block())->fiber_ended(f);
        } catch (const std::bad_alloc&) {  // no room to keep the result in: the handle says so
            f.root.listener = nullptr;
            fiber_ = nullptr;
            lost_ = true;
        }
    }

    mutable detail::fiber* fiber_ = nullptr;  // set: nobody else looks at the task, no block exists yet
    mutable detail::handle_block_of<T>* block_ = nullptr;
    bool lost_ = false;
};

// ---- implementation

namespace detail {

inline void require_ended(const handle_block& b, const char* call) {
    if (b.done()) return;
    throw invalid_state_error(std::string("tandem::task_handle::") + call +
                              ": the task still runs; co_await the handle, or ask done() first");
}

/// Awaitable of a handle: a place in the line of its block. `Move`: an rvalue handle, whose value is
/// moved out.
template <class T, bool Move>
class handle_awaiter final : public leaf, private handle_waiter {
public:
    explicit handle_awaiter(const task_handle<T>& h) : block_(&h.block("co_await")) { block_->retain(); }
    ~handle_awaiter() { block_->release(); }

    bool await_ready() noexcept {
        if (stop_pending()) return false;
        self_ = block_->target() == &task_of(fiber());
        return block_->done() || self_;
    }
    void await_suspend(std::coroutine_handle<> h) noexcept {
        if (suspend(h)) block_->add_waiter(*this);
    }
    decltype(auto) await_resume() {
        if (self_) throw std::logic_error("tandem::task_handle: a task awaits itself and would never end");
        block_->throw_if_failed();
        if constexpr (std::is_void_v<T>) {
            return;
        } else if constexpr (std::is_reference_v<T>) {
            return static_cast<T>(block_->value().get());
        } else if constexpr (Move) {
            block_->set_moved();
            return T(std::move(block_->value()));
        } else {
            return static_cast<const T&>(block_->value());
        }
    }
    const char* kind() const noexcept override { return "task_handle"; }

private:
    void target_ended() noexcept override { complete(); }
    detach on_cancel() noexcept override {
        block_->remove_waiter(*this);
        return detach::done;
    }

    handle_block_of<T>* block_;
    bool self_ = false;
};

}  // namespace detail

template <class T>
struct await_adapter<task_handle<T>> {
    static auto adapt(const task_handle<T>& h, detail::fiber& f) {
        return detail::leaf_holder<detail::handle_awaiter<T, false>>(f, h);
    }
    static auto adapt(task_handle<T>&& h, detail::fiber& f) {
        return detail::leaf_holder<detail::handle_awaiter<T, true>>(f, h);
    }
};

template <class T>
bool task_handle<T>::cancel(std::string reason) const {
    detail::fiber* const f = fiber_ ? fiber_ : block_ ? block_->target() : nullptr;
    if (!f || f->has(detail::fiber_flag::stop)) return false;
    if (!reason.empty()) block("cancel").set_reason(std::move(reason));
    request_stop(*f);
    return true;
}

template <class T>
template <class Fn>
void task_handle<T>::add_done_callback(Fn&& fn) const {
    using callback = detail::done_callback<task_handle<T>, std::decay_t<Fn>>;
    static_assert(std::is_invocable_v<std::decay_t<Fn>&, const task_handle<T>&> ||
                      std::is_invocable_v<std::decay_t<Fn>&>,
                  "tandem::task_handle::add_done_callback: the function takes the handle, or nothing");
    detail::handle_block_of<T>& b = block("add_done_callback");
    loop_core& loop = detail::loop_for_callback(b);
    callback* const added = new callback(loop, *this, std::forward<Fn>(fn));
    if (b.done()) {
        added->target_ended();
    } else {
        b.add_waiter(*added);
    }
}

template <class T>
decltype(auto) task_handle<T>::result() const {
    detail::handle_block_of<T>& b = block("result");
    detail::require_ended(b, "result");
    b.throw_if_failed();
    if constexpr (std::is_void_v<T>) {
        return;
    } else if constexpr (std::is_reference_v<T>) {
        return static_cast<T>(b.value().get());
    } else {
        return static_cast<const T&>(b.value());
    }
}

template <class T>
std::exception_ptr task_handle<T>::exception() const {
    detail::handle_block_of<T>& b = block("exception");
    detail::require_ended(b, "exception");
    if (b.ended_by() == detail::ending::stopped) throw cancelled_error(b.reason());
    return b.exception();
}

template <class T>
std::string task_handle<T>::name() const {
    detail::handle_block_of<T>& b = block("name");
    return b.done() ? b.name() : std::string(detail::info_of(*b.target()).name());
}

template <class T>
std::uint64_t task_handle<T>::id() const {
    detail::handle_block_of<T>& b = block("id");
    return b.done() ? b.id() : detail::info_of(*b.target()).id();
}

}  // namespace tandem::inline TANDEM_ABI
