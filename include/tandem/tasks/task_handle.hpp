// tandem - task_handle<T>: a view of a task that runs on its own
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <tandem/base/detail/intrusive_list.hpp>
#include <tandem/core/task.hpp>
#include <tandem/core/this_task.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// Waits for the end of a task, in line in its block.
class handle_waiter : public list_links<handle_waiter> {
public:
    virtual void target_ended() noexcept = 0;

protected:
    ~handle_waiter() = default;
};

/// What is left of a task for its handles: its state, later its result. Made when a handle is copied
/// or awaited, or outlives its task; one that is dropped before never makes it.
class handle_block : public end_listener, public list_links<handle_block> {
public:
    handle_block(const handle_block&) = delete;
    handle_block& operator=(const handle_block&) = delete;

    void retain() noexcept { ++references_; }
    void release() noexcept;

    bool done() const noexcept { return target_ == nullptr; }
    detail::fiber* target() const noexcept { return target_; }
    ending ended_by() const noexcept { return ended_by_; }
    const std::string& reason() const noexcept { return reason_; }
    void set_reason(std::string reason) noexcept { reason_ = std::move(reason); }
    std::uint64_t id() const noexcept { return id_; }
    std::string name() const {
        return info_ ? std::string(info_->name()) : "task-" + std::to_string(id_);
    }

    /// Throws what the task ended with unless that is a value; somebody has asked from now on.
    void throw_if_failed() {
        mark_retrieved();
        if (ended_by_ == ending::error) std::rethrow_exception(exception_);
        if (ended_by_ == ending::stopped) throw cancelled_error(reason_);
        if (moved_) {
            throw invalid_state_error(
                "tandem::task_handle: the value was moved out by an await of an rvalue handle; "
                "await lvalues to share it");
        }
    }
    std::exception_ptr exception() noexcept {
        mark_retrieved();
        return exception_;
    }
    void set_moved() noexcept { moved_ = true; }

    /// Notes that the task failed and nobody has asked yet; the end of the last handle reports it.
    void report_later(intrusive_list<handle_block>& unretrieved, loop_core& loop) noexcept {
        unretrieved_in_ = &unretrieved;
        loop_ = &loop;
        unretrieved.push_back(*this);
    }
    void report_unretrieved() noexcept;

    void add_waiter(handle_waiter& w) noexcept { waiters_.push_back(w); }
    void remove_waiter(handle_waiter& w) noexcept { waiters_.erase(w); }

protected:
    explicit handle_block(detail::fiber* target) noexcept : target_(target) {
        if (target) target->root.listener = this;
    }
    ~handle_block() {
        if (info_) destroy(*info_);
    }

private:
    virtual void take_value(detail::fiber& f) = 0;
    virtual void destroy_block() noexcept = 0;

    void fiber_ended(detail::fiber& f) noexcept final {
        target_ = nullptr;
        ended_by_ = f.ended_by;
        info_ = std::exchange(f.root.info, nullptr);
        id_ = info_ ? info_->id() : f.root.owner->loop().next_task_id();
        where_ = f.root.where;
        if (f.ended_by == ending::error) exception_ = f.exception();
        if (f.ended_by == ending::value) {
            try {
                take_value(f);
            } catch (...) {
                ended_by_ = ending::error;
                exception_ = std::current_exception();
            }
        }
        while (handle_waiter* const w = waiters_.pop_front()) w->target_ended();
    }

    void mark_retrieved() noexcept {
        if (unretrieved_in_) unretrieved_in_->erase(*this);
        unretrieved_in_ = nullptr;
    }

    detail::fiber* target_;
    intrusive_list<handle_waiter> waiters_;
    intrusive_list<handle_block>* unretrieved_in_ = nullptr;  // the loop's list of errors nobody asked for
    loop_core* loop_ = nullptr;                               // set while in that list
    task_info* info_ = nullptr;
    std::uint64_t id_ = 0;
    std::source_location where_;
    std::exception_ptr exception_;
    std::string reason_;
    std::uint32_t references_ = 1;
    ending ended_by_ = ending::value;
    bool moved_ = false;
};

inline void handle_block::report_unretrieved() noexcept {
    loop_core& loop = *loop_;
    mark_retrieved();
    loop.report_unhandled({name(), where_, exception_});
}

inline void handle_block::release() noexcept {
    if (--references_ != 0) return;
    if (unretrieved_in_) report_unretrieved();
    if (target_) target_->root.listener = nullptr;
    destroy_block();
}

template <class T>
class handle_block_of final : public handle_block {
public:
    explicit handle_block_of(detail::fiber* target) noexcept : handle_block(target) {}

    static void* operator new(std::size_t bytes) { return allocate_frame(bytes); }
    static void operator delete(void* p, std::size_t bytes) noexcept { release_frame(p, bytes); }

    stored_t<T>& value() noexcept { return *value_; }

private:
    void take_value(detail::fiber& f) override {
        value_.emplace(take_stored<T>(static_cast<typename task<T>::promise_type&>(f)));
    }
    void destroy_block() noexcept override { delete this; }

    std::optional<stored_t<T>> value_;
};

}  // namespace detail

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
