// tandem - the loop without its I/O: ready queue, timers, inbox for other threads
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <source_location>
#include <string>
#include <type_traits>
#include <utility>

#include <tandem/base/detail/sleep_watch.hpp>
#include <tandem/base/detail/trace_point.hpp>
#include <tandem/base/detail/unique_function.hpp>
#include <tandem/base/error.hpp>
#include <tandem/core/callback.hpp>
#include <tandem/core/clock.hpp>
#include <tandem/core/detail/current_loop.hpp>
#include <tandem/core/detail/inbox.hpp>
#include <tandem/core/detail/loop_pins.hpp>
#include <tandem/core/detail/ready_node.hpp>
#include <tandem/core/detail/timer_heap.hpp>
#include <tandem/core/loop_owned.hpp>
#include <tandem/core/loop_reports.hpp>
#include <tandem/core/random.hpp>

namespace tandem::inline TANDEM_ABI {

class boundary;
class leaf;
class stall_info;

namespace detail {
class frame;
using fiber = frame;
}  // namespace detail

/// The scheduler that every loop has: `event_loop` attaches it to an io_context,
/// `testing::test_loop` runs it on virtual time.
/// Threads: one loop, one thread. Only `call_soon_threadsafe` may be called from another.
class loop_core {
public:
    loop_core(const loop_core&) = delete;
    loop_core& operator=(const loop_core&) = delete;

    /// The loop that runs on this thread now, or null.
    static loop_core* current() noexcept { return detail::current_loop; }

    time_point now() const noexcept { return detail::to_time_point(ticks()); }

    // The templates below are the whole of asyncio's call_* family; `fn` is moved or copied in.

    /// Calls `fn()` in a later step of the loop, after what is ready now.
    /// Errors: what `fn` throws goes to `on_unhandled`.
    template <class Fn>
    call_handle call_soon(Fn&& fn) {
        return queue_callback(*new detail::callback_of<std::decay_t<Fn>>(*this, std::forward<Fn>(fn)));
    }

    /// Calls `fn()` after `delay`, or at `when`, unless the handle is cancelled first.
    template <class Rep, class Period, class Fn>
    call_handle call_later(std::chrono::duration<Rep, Period> delay, Fn&& fn) {
        return time_callback(*new detail::callback_of<std::decay_t<Fn>>(*this, std::forward<Fn>(fn)),
                             detail::later(ticks(), detail::to_ticks(delay)));
    }
    template <class Fn>
    call_handle call_at(time_point when, Fn&& fn) {
        return time_callback(*new detail::callback_of<std::decay_t<Fn>>(*this, std::forward<Fn>(fn)),
                             detail::to_ticks(when));
    }

    /// As `call_soon`, from any thread. A callback that the loop no longer gets to is destroyed uncalled.
    template <class Fn>
    void call_soon_threadsafe(Fn&& fn) {
        ready_from_thread(*new detail::callback_of<std::decay_t<Fn>>(*this, std::forward<Fn>(fn)),
                          detail::step::call);
    }

    /// Sets who hears of a failure that nobody awaits; the default prints it to standard error.
    void on_unhandled(detail::unique_function<void(const unhandled_error&)> fn) {
        unhandled_ = std::move(fn);
    }

    /// Sets who hears of an exception that another one displaced: of a second child of `gather`, of
    /// the loser of a `race`. The default is silence.
    void on_suppressed(detail::unique_function<void(std::exception_ptr)> fn) { suppressed_ = std::move(fn); }

    /// Sets who hears of a step that runs for longer than `threshold`, and so keeps all tasks waiting.
    /// Defined in trace/watchdog.hpp, which says from where `fn` is called.
    inline void on_stall(duration threshold, detail::unique_function<void(const stall_info&)> fn);

    /// Bounds one turn of the loop: after `steps` steps the clock is read, and when `slice` has
    /// passed, I/O gets its turn. Defaults: 64 steps, 15 microseconds.
    void set_batch(unsigned steps, duration slice) {
        if (steps == 0) throw std::invalid_argument("tandem::loop::set_batch: 0 steps; give 1 or more");
        batch_steps_ = steps;
        batch_slice_ = detail::to_ticks(slice);
    }

    loop_statistics statistics() const noexcept { return {drains_, steps_, timers_.size()}; }

    // ---- for awaitables and for the loops built on this one

    std::int64_t ticks() const noexcept { return virtual_clock_ ? virtual_now_ : detail::steady_now(); }

    bool has_task_locals() const noexcept { return has_task_locals_; }
    void note_task_locals() noexcept { has_task_locals_ = true; }

    void ready(detail::ready_node& node, detail::step kind) noexcept {
        ready_.push(node, kind);
        stay_awake();
    }
    /// The loop looks for steps, and does what is left for then, before it sleeps.
    void stay_awake() noexcept {
        if (!draining_) start_draining();
    }

    /// Hands a node over from another thread. The pin keeps the loop alive until this call has left it.
    void ready_from_thread(detail::ready_node& node, detail::step kind) noexcept {
        const detail::loop_pin pin(pins_);
        if (inbox_.push(node, kind)) wake_traced();
    }
    void ready_from_thread(detail::far_node& node) noexcept {
        const detail::loop_pin pin(pins_);
        if (inbox_.push(node)) wake_traced();
    }
    detail::loop_pins& pins() noexcept { return pins_; }

    /// Counts what other threads still owe this loop, so that it waits for them instead of ending.
    virtual void expect_remote() noexcept { ++remote_expected_; }
    virtual void remote_arrived() noexcept { --remote_expected_; }
    /// Where to leave what is to be done before this loop sleeps; null if it never does.
    virtual detail::sleep_watch* sleep_watch() noexcept { return nullptr; }

    /// The main task has ended.
    virtual void main_ended() noexcept {}

    /// False if there is no memory left for the timer; it is then not armed.
    bool arm_timer(detail::timer_node& node, std::int64_t when) noexcept {
        if (!timers_.add(node, when)) return false;
        if (when < armed_until_) {
            armed_until_ = when;
            arm(when);
        }
        return true;
    }
    void disarm_timer(detail::timer_node& node) noexcept {
        if (node.armed()) timers_.remove(node);
    }

    /// Puts a boundary whose children have yet to start on top of the start stack.
    void push_start(boundary& b) noexcept;
    void pop_start() noexcept;
    boundary* next_to_start() const noexcept { return starts_; }

    /// Cancels the children of a boundary, and of those inside it, without recursion.
    void cancel_flat(boundary& b) noexcept;

    /// Destroys a frame when control is back in the drain. One frame at most ends in a step.
    void bury(std::coroutine_handle<> frame) noexcept { grave_ = frame; }

    /// Enters a coroutine and what it transfers to, until control is back; then empties the grave.
    void enter(std::coroutine_handle<> h);

    void empty_grave();

    /// Starts what stands on the start stack.
    void start_pending();

    /// Resumes a task from outside the drain, as an I/O completion does; a step of its own.
    void resume_now(leaf& completed);

    /// False on another thread than the one that runs the tasks that are alive. A plain Asio handler on
    /// the loop's thread is fine: it may set events, release permits, cancel tasks.
    bool on_its_thread() const noexcept { return !thread_ || thread_ == &detail::current_loop; }

    /// The io_context of a loop that has one.
    void* io() const noexcept { return io_; }

    /// True on virtual time, which stands still while another thread owes this loop something.
    bool has_virtual_clock() const noexcept { return virtual_clock_; }

    /// What the loop owns beside its tasks; made on first use, gone when `run` ends. Loop's thread only.
    template <class T>
    T& owned() {
        return possessions_.get<T>();
    }

    void set_running(detail::fiber* f) noexcept { running_ = f; }
    detail::fiber* running() const noexcept { return running_; }
    boundary* root() const noexcept { return root_; }  // of the tasks that create_task starts
    boundary* main() const noexcept { return main_; }  // of the task given to run; null between runs
    std::uint64_t next_task_id() noexcept { return ++last_task_id_; }
    detail::step_watch* watch() const noexcept { return watch_; }

    /// For jitter: on virtual time the numbers repeat from run to run, on a real loop they do not.
    detail::random_source& random() noexcept { return random_source_; }

    void report_unhandled(const unhandled_error& failure) noexcept;
    void report_suppressed(const std::exception_ptr& exception) noexcept {
        if (suppressed_) suppressed_(exception);
    }

protected:
    loop_core() noexcept
        : random_source_(static_cast<std::uint64_t>(detail::steady_now()) ^
                         (reinterpret_cast<std::uintptr_t>(this) << 20)) {}
    ~loop_core() { delete watch_; }

    /// The ready queue is no longer empty.
    virtual void schedule_drain() noexcept = 0;
    /// The inbox is no longer empty. Called from any thread.
    virtual void wake_remote() noexcept = 0;
    /// The earliest deadline moved earlier.
    virtual void arm(std::int64_t when) noexcept = 0;

    /// Runs up to `limit` steps; gives the number run.
    unsigned run_steps(unsigned limit);
    void run_step(detail::ready_node& node, detail::step kind);
    void take_inbox() noexcept { inbox_.take_into(ready_); }
    bool idle() const noexcept { return ready_.empty() && !starts_; }

    /// Waits until no other thread is inside `ready_from_thread`. For the end of a loop.
    void wait_for_pins() const noexcept { pins_.wait_until_none(); }
    /// Frees the callbacks that will not be called any more. For the end of a loop.
    void discard_callbacks() noexcept;

private:
    void wake_traced() noexcept {
        detail::trace_point(detail::trace_kind::remote_wake, nullptr);
        wake_remote();
    }
    TANDEM_NEVER_INLINE void start_draining() noexcept {
        draining_ = true;
        schedule_drain();
    }

    call_handle queue_callback(detail::callback& node) noexcept {
        call_handle handle(node);
        enlist(node);
        ready(node, detail::step::call);
        return handle;
    }
    call_handle time_callback(detail::callback& node, std::int64_t when) {
        call_handle handle(node);
        if (!arm_timer(node, when)) {
            node.release();
            throw std::bad_alloc();
        }
        enlist(node);
        return handle;
    }
    void enlist(detail::callback& node) noexcept {
        TANDEM_ASSERT(on_its_thread(), "tandem::call_soon: off the loop's thread; use call_soon_threadsafe");
        node.listed_ = true;
        callbacks_.push_back(node);
    }
    friend class detail::callback;

protected:
    detail::ready_queue ready_;
    detail::intrusive_list<detail::callback> callbacks_;
    boundary* starts_ = nullptr;
    boundary* cancels_ = nullptr;
    std::coroutine_handle<> grave_;
    detail::fiber* running_ = nullptr;
    boundary* root_ = nullptr;
    boundary* main_ = nullptr;
    const void* thread_ = nullptr;  // told by the address of its `current_loop`
    void* io_ = nullptr;
    detail::timer_heap timers_;
    std::int64_t armed_until_ = detail::never;
    std::int64_t virtual_now_ = 0;
    std::int64_t batch_slice_ = 15'000;
    unsigned batch_steps_ = 64;
    std::size_t remote_expected_ = 0;
    bool virtual_clock_ = false;
    bool draining_ = false;  // a drain is scheduled or running
    bool cancelling_ = false;
    bool has_task_locals_ = false;  // there is something to inherit
    std::uint64_t drains_ = 0;
    std::uint64_t steps_ = 0;
    std::uint64_t last_task_id_ = 0;
    detail::random_source random_source_;
    detail::inbox inbox_;
    detail::loop_pins pins_;
    loop_possessions possessions_;
    detail::step_watch* watch_ = nullptr;
    detail::unique_function<void(const unhandled_error&)> unhandled_;
    detail::unique_function<void(std::exception_ptr)> suppressed_;
};

inline void loop_core::report_unhandled(const unhandled_error& failure) noexcept {
    if (unhandled_) return unhandled_(failure);
    std::fprintf(stderr, "tandem: unhandled error in %s (%s:%u): %s\n", failure.name.c_str(),
                 failure.where.file_name(), static_cast<unsigned>(failure.where.line()),
                 detail::message_of(failure.exception).c_str());
}

/// The tasks of the loop have ended: what is left are callbacks, in line or on a timer.
inline void loop_core::discard_callbacks() noexcept {
    take_inbox();
    while (!ready_.empty()) {
        detail::step kind;
        static_cast<detail::call_node*>(ready_.pop(kind))->call_now(nullptr);
    }
    while (detail::callback* const node = callbacks_.front()) node->cancel();
}

namespace detail {

inline void callback::cancel() noexcept {
    if (phase_ != phase::pending) return;
    phase_ = phase::cancelled;
    drop_function();
    if (armed()) {
        loop_.disarm_timer(*this);
        leave_loop();
    }
}

inline void callback::leave_loop() noexcept {
    if (listed_) loop_.callbacks_.erase(*this);
    listed_ = false;
    release();
}

inline void callback::fire() noexcept { loop_.ready(*this, step::call); }

inline void callback::run(call_node& node, loop_core* loop) noexcept {
    callback& self = static_cast<callback&>(node);
    if (loop && self.pending()) {
        self.phase_ = phase::done;
        try {
            self.invoke();
        } catch (...) {
            loop->report_unhandled(
                {"a callback of the loop", std::source_location(), std::current_exception()});
        }
        self.drop_function();
    }
    self.cancel();
    self.leave_loop();
}

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
