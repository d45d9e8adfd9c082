// tandem - event_loop: runs tasks on a Boost.Asio io_context, its own or yours
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/wait_traits.hpp>
#include <boost/system/error_code.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

#include <tandem/asio/detail/loop_registration.hpp>
#include <tandem/asio/run_options.hpp>
#include <tandem/asio/signals.hpp>
#include <tandem/core/task.hpp>
#include <tandem/tasks/create_task.hpp>
#include <tandem/tasks/main_scope.hpp>

namespace tandem::inline TANDEM_ABI {

/// The loop on which tasks, Asio operations and timers run. It shares its io_context with whatever
/// else runs there; tasks run in batches between the handlers.
/// Threads: one. The io_context is run by one thread, the one that touches the loop.
/// Lifetime: the destructor cancels and joins the tasks that are left, by running the io_context.
class event_loop : public loop_core {  // not final: Asio derives from it to see what it is
public:
    /// Makes an io_context of its own.
    event_loop() : event_loop(std::make_unique<boost::asio::io_context>(1), nullptr) {}
    /// Attaches to `context`, which outlives the loop.
    /// Errors: `std::logic_error` if another loop is attached to it.
    explicit event_loop(boost::asio::io_context& context) : event_loop(nullptr, &context) {}
    ~event_loop();

    /// Runs `main`; then cancels and joins what `create_task` left, and gives or throws what `main` did.
    /// Errors: `cancelled_error` if main was stopped, as it is when somebody stops the io_context;
    ///   `interrupted_error` if by a signal; `std::logic_error` inside a running loop; what a plain
    ///   Asio handler throws, after all tasks were cancelled and joined.
    template <class T>
    T run(task<T> main, run_options options = run_options());

    boost::asio::io_context& context() noexcept { return context_; }
    boost::asio::io_context::executor_type get_executor() noexcept { return context_.get_executor(); }

    /// The event_loop that runs on this thread: a task gets the executor for its sockets from it.
    /// Errors: `invalid_state_error` if none does, or one without I/O.
    static event_loop& running() {
        loop_core* const loop = loop_core::current();
        if (loop && loop->io()) return static_cast<event_loop&>(*loop);
        throw invalid_state_error(
            "tandem::event_loop::running: no event_loop runs on this thread; call it from a task that "
            "tandem::run or event_loop::run runs");
    }

    /// The loop that is attached to an execution context, or null.
    static event_loop* attached_to(boost::asio::execution_context& context) {
        if (!boost::asio::has_service<detail::loop_registration>(context)) return nullptr;
        return boost::asio::use_service<detail::loop_registration>(context).loop;
    }

    // ---- for co_spawn and the threadsafe calls

    detail::root_group& tasks() noexcept { return tasks_; }

private:
    class drain_handler;
    class wake_handler;

    event_loop(std::unique_ptr<boost::asio::io_context> owned, boost::asio::io_context* borrowed);

    inline void schedule_drain() noexcept override;
    inline void wake_remote() noexcept override;
    inline void arm(std::int64_t when) noexcept override;
    inline void expect_remote() noexcept override;
    inline void remote_arrived() noexcept override;
    detail::sleep_watch* sleep_watch() noexcept override { return &sleep_watch_; }
    void main_ended() noexcept override { stop_if_done(); }

    void drain();
    void drain_unless_scheduled();
    void update_hold() noexcept;
    void cancel_all() noexcept;
    enum class until { told, main_ended, tasks_ended };
    bool may_sleep() noexcept;
    bool reached() const noexcept;
    void stop_if_done() noexcept {
        if (reached()) context_.stop();
    }
    void run_context(until end);

    std::unique_ptr<boost::asio::io_context> owned_;
    boost::asio::io_context& context_;
    detail::loop_registration& service_;
    // With the concrete executor: the type-erased one costs every file a third of a second to compile.
    boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                      boost::asio::wait_traits<std::chrono::steady_clock>,
                                      boost::asio::io_context::executor_type>
        timer_;
    detail::root_group tasks_;
    detail::sleep_watch sleep_watch_;
    std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> work_;
    until until_ = until::told;
};

// ---- implementation

/// The queued drain. There is never more than one for a loop, so its memory is in its registration.
class event_loop::drain_handler {
public:
    using allocator_type = detail::handler_allocator<void>;

    explicit drain_handler(event_loop& loop) noexcept
        : service_(&loop.service_), allocator_(loop.service_.drain_memory) {}
    allocator_type get_allocator() const noexcept { return allocator_; }
    void operator()() const {
        if (service_->loop) service_->loop->drain();
    }

private:
    detail::loop_registration* service_;
    allocator_type allocator_;
};

/// Another thread has put something into the inbox. There is one at a time of this as well: who finds one
/// queued relies on it, and it takes what was put in before it says that it has come.
class event_loop::wake_handler {
public:
    using allocator_type = detail::handler_allocator<void>;

    explicit wake_handler(event_loop& loop) noexcept
        : service_(&loop.service_), allocator_(loop.service_.wake_memory) {}
    allocator_type get_allocator() const noexcept { return allocator_; }
    void operator()() const {
        service_->wake_queued.exchange(false, std::memory_order_acq_rel);
        if (service_->loop) service_->loop->drain_unless_scheduled();
    }

private:
    detail::loop_registration* service_;
    allocator_type allocator_;
};

TANDEM_COLD inline event_loop::event_loop(std::unique_ptr<boost::asio::io_context> owned,
                                          boost::asio::io_context* borrowed)
    : owned_(std::move(owned)),
      context_(borrowed ? *borrowed : *owned_),
      service_(boost::asio::use_service<detail::loop_registration>(context_)),
      timer_(context_),
      tasks_(*this) {
    if (service_.loop) {
        throw std::logic_error(
            "tandem::event_loop: the io_context has a loop already; use event_loop::attached_to(context)");
    }
    service_.loop = this;
    root_ = &tasks_;
    io_ = &context_;
    tasks_.on_change = [](loop_core& loop) noexcept {
        static_cast<event_loop&>(loop).update_hold();
        static_cast<event_loop&>(loop).stop_if_done();
    };
}

TANDEM_COLD inline event_loop::~event_loop() {
    for (bool joined = false; !joined;) {
        try {
            cancel_all();
            run_context(until::tasks_ended);
            joined = true;
        } catch (...) {  // thrown by a plain Asio handler; the tasks still have to be joined
        }
    }
    possessions_.clear();
    tasks_.report_unretrieved();
    wait_for_pins();
    discard_callbacks();
    timer_.cancel();
    service_.loop = nullptr;
}

inline void event_loop::schedule_drain() noexcept { boost::asio::post(context_, drain_handler(*this)); }

inline void event_loop::wake_remote() noexcept {
    if (service_.wake_queued.exchange(true, std::memory_order_acq_rel)) return;
    boost::asio::post(context_, wake_handler(*this));
}

inline void event_loop::arm(std::int64_t when) noexcept {
    timer_.expires_at(detail::to_time_point(when));
    timer_.async_wait([service = &service_](const boost::system::error_code& moved) {
        if (moved || !service->loop) return;
        event_loop& loop = *service->loop;
        loop.armed_until_ = detail::never;
        loop.drain_unless_scheduled();
        const std::int64_t next = loop.timers_.earliest();
        if (next < loop.armed_until_) {
            loop.armed_until_ = next;
            loop.arm(next);
        }
    });
}

inline void event_loop::drain_unless_scheduled() {
    if (draining_) return;
    draining_ = true;
    drain();
}

inline void event_loop::drain() {
    const detail::current_loop_scope here(*this);
    TANDEM_ASSERT(on_its_thread(),
                  "tandem::event_loop: two threads run its io_context; run it from one, and give CPU work to "
                  "an executor");
    // Only if it changes: a completion on another thread may be reading it, to see where it is.
    if (thread_ != &detail::current_loop) thread_ = &detail::current_loop;
    ++drains_;
    std::int64_t now = ticks();
    const std::int64_t end = detail::later(now, batch_slice_);
    do {
        inbox_.watch_into(ready_);
        timers_.fire_until(now);
        run_steps(batch_steps_);
        if (idle() && may_sleep()) {
            draining_ = false;
            return;
        }
        now = ticks();
    } while (now < end);
    sleep_watch_.after_turn();
    schedule_drain();  // others have their turn
}

inline bool event_loop::may_sleep() noexcept {
    if (sleep_watch_.comes_soon([this] { return !inbox_.empty(); }, [this] { return ticks(); })) return false;
    sleep_watch_.before_sleep();
    return inbox_.unwatch();
}

inline void event_loop::expect_remote() noexcept {
    ++remote_expected_;
    update_hold();
}

inline void event_loop::remote_arrived() noexcept {
    --remote_expected_;
    update_hold();
}

// Keeps the io_context running while there is a task, and lets go of it, armed timer included, after.
inline void event_loop::update_hold() noexcept {
    if (main_ || !tasks_.empty() || remote_expected_ != 0) {
        if (!work_) work_.emplace(context_.get_executor());
        return;
    }
    work_.reset();
    thread_ = nullptr;
    if (!timers_.empty()) return;  // callbacks of call_later
    armed_until_ = detail::never;
    timer_.cancel();
}

inline void event_loop::cancel_all() noexcept {
    const detail::current_loop_scope here(*this);
    if (main_) main_->cancel_children();
    tasks_.cancel_children();
}

inline bool event_loop::reached() const noexcept {
    switch (until_) {
        case until::told:
            return false;
        case until::main_ended:
            return static_cast<const detail::main_scope*>(main_)->done();
        case until::tasks_ended:
            return tasks_.empty();
    }
    return false;
}

// With run() and not run_one() for each handler: Asio recycles memory only within one call.
inline void event_loop::run_context(until end) {
    until_ = end;
    while (!reached()) {
        context_.run();
        context_.restart();
        if (!reached()) cancel_all();  // somebody else stopped it
    }
    until_ = until::told;
}

template <class T>
T event_loop::run(task<T> main, run_options options) {
    if (main_ || current()) {
        throw std::logic_error("tandem::run: a loop runs on this thread already; co_await the task instead");
    }
    if (context_.stopped()) context_.restart();
    int signal = 0;
    const auto on_signal = [this, &signal](int number) {
        signal = number;
        const detail::current_loop_scope here(*this);
        if (main_) main_->cancel_children();
    };
    std::optional<detail::signal_watch<decltype(on_signal)>> signals;
    if (options.handle_signals()) signals.emplace(context_, *this, on_signal);

    detail::main_task<T> scope(*this, std::move(main));
    main_ = &scope;
    update_hold();
    std::exception_ptr thrown_by_handler;
    for (bool joined = false; !joined;) {
        try {
            run_context(until::main_ended);
            cancel_all();
            run_context(until::tasks_ended);
            scope.drop_stopped();
            run_context(until::tasks_ended);
            joined = true;
        } catch (...) {
            if (!thrown_by_handler) thrown_by_handler = std::current_exception();
            cancel_all();
        }
    }
    main_ = nullptr;
    possessions_.clear();
    tasks_.reopen();  // for co_spawn between two runs, too
    update_hold();
    if (thrown_by_handler) std::rethrow_exception(thrown_by_handler);
    if (signal != 0 && scope.stopped()) throw interrupted_error(signal);
    return scope.take();
}

}  // namespace tandem::inline TANDEM_ABI
