// tandem - fiber, leaf, boundary: a chain of awaits, what it waits for, and who owns it
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <source_location>
#include <utility>

#include <tandem/core/detail/context_node.hpp>
#include <tandem/core/detail/task_info.hpp>
#include <tandem/core/frame_alloc.hpp>
#include <tandem/core/loop_core.hpp>

namespace tandem::inline TANDEM_ABI {

class leaf;
class boundary;

namespace detail {

/// Stops a fiber and what is inside it, shields or not: for a loop on which nothing can happen any more.
void stop_in_spite_of_shields(fiber& f) noexcept;

/// Hears of the end of a fiber before its frame is destroyed; a task_handle does.
class end_listener {
public:
    virtual void fiber_ended(fiber& f) noexcept = 0;

protected:
    ~end_listener() = default;
};

enum class ending : std::uint8_t { value, error, stopped };

namespace fiber_flag {
inline constexpr std::uint8_t stop = 1;  // cancellation was requested
inline constexpr std::uint8_t started = 2;
inline constexpr std::uint8_t ended = 4;
inline constexpr std::uint8_t has_value = 8;
inline constexpr std::uint8_t scope = 16;     // part of the outer task: the body of a timeout, a group
inline constexpr std::uint8_t shielded = 32;  // the request waits until `shield` has ended
}  // namespace fiber_flag

/// The promise of every task. A fiber is a linear chain of awaited tasks; it is no object of its own
/// but lives in the promise of the chain's first frame, in room that the others use for their link
/// to the frame that awaits them. `link` holds, in turn: the place in the ready queue, the current
/// leaf (first frame) or the owner's pointer to this frame (others), the exception it ended with.
class frame : public ready_node {
public:
    frame() noexcept : chain{} {}
    frame(const frame&) = delete;
    frame& operator=(const frame&) = delete;
    ~frame() {
        if (ended_by != ending::value) dispose();
    }

    TANDEM_ALWAYS_INLINE static void* operator new(std::size_t bytes) { return allocate_frame(bytes); }
    TANDEM_ALWAYS_INLINE static void operator delete(void* p, std::size_t bytes) noexcept {
        release_frame(p, bytes);
    }

    bool has(std::uint8_t flag) const noexcept { return (flags & flag) != 0; }
    bool stop_pending() const noexcept {
        return (flags & (fiber_flag::stop | fiber_flag::shielded)) == fiber_flag::stop;
    }
    void set(std::uint8_t flag) noexcept { flags = static_cast<std::uint8_t>(flags | flag); }
    void reset(std::uint8_t flag) noexcept { flags = static_cast<std::uint8_t>(flags & ~flag); }
    leaf* current_leaf() const noexcept { return reinterpret_cast<leaf*>(link); }
    void set_leaf(leaf* l) noexcept { link = reinterpret_cast<std::uintptr_t>(l); }
    std::exception_ptr& exception() noexcept {
        return *std::launder(reinterpret_cast<std::exception_ptr*>(&link));
    }
    std::coroutine_handle<frame> handle() noexcept {
        return std::coroutine_handle<frame>::from_promise(*this);
    }

    /// Makes this frame the first of a new fiber. `like`: the fiber whose context it inherits.
    void become_fiber(boundary& owner, fiber* like, std::uint8_t with_flags) noexcept;
    /// Tells listener and owner that the fiber has ended. The locals of a stopped one go after that, with
    /// its first frame, and may ask for name and task locals: it keeps those until then.
    void end_fiber() noexcept;

    void store_exception() noexcept {
        ::new (static_cast<void*>(&link)) std::exception_ptr(std::current_exception());
        ended_by = ending::error;
    }

    struct root_part {
        boundary* owner;
        context_node* context;
        task_info* info;
        std::source_location where;
        fiber* previous;  // siblings in a group; a combinator's child keeps its index here
        fiber* next;
        end_listener* listener;
    };
    struct chain_part {
        std::coroutine_handle<> continuation;
        frame* parent;
    };

    fiber* chain_root = nullptr;
    union {
        root_part root;
        chain_part chain;
    };
    std::uint8_t flags = 0;
    ending ended_by = ending::value;

private:
    void dispose() noexcept;
    void forget_context() noexcept {
        if (root.context) release(*std::exchange(root.context, nullptr));
    }
    void forget_info() noexcept {
        if (root.info) release(*std::exchange(root.info, nullptr));
    }
};

static_assert(sizeof(void*) != 8 || sizeof(frame) == 80, "a task's promise has grown");

void trace_end(trace_cursor& c, const fiber& f) noexcept;
/// A step begins, of `next` if it is one of a task, or the last one is over.
void trace_switch(trace_cursor& c, trace_kind kind, const fiber* next) noexcept;
TANDEM_ALWAYS_INLINE void trace_step(trace_kind kind, const fiber* next) noexcept {
    if (trace_cursor* const c = tracing()) [[unlikely]]
        trace_switch(*c, kind, next);
}

#if TANDEM_TRAMPOLINE
using transfer = void;
/// What `loop_core::enter` resumes when the coroutine that runs has returned to it. A variable of the
/// thread, because the way from a task to its loop is three loads, one after the other.
TANDEM_PROCESS_WIDE inline constinit thread_local std::coroutine_handle<> next_to_enter{};
inline void transfer_to(std::coroutine_handle<> h) noexcept { next_to_enter = h; }
inline void stay_suspended() noexcept {}
#else
using transfer = std::coroutine_handle<>;
inline transfer transfer_to(std::coroutine_handle<> h) noexcept { return h; }
inline transfer stay_suspended() noexcept { return std::noop_coroutine(); }
#endif

}  // namespace detail

/// What a leaf answers when its task is cancelled.
enum class detach {
    done,   ///< unlinked: nobody will touch the leaf any more, the frames may go
    later,  ///< a completion will come and call `complete()` or `stop()`; frames are kept until then
};

/// What a task waits for: a timer, a place in a line, an operation, a group of tasks.
/// Derive from it to write an awaitable: `await_ready` checks `stop_pending()` before its fast path,
/// `await_suspend` registers only if `suspend(h)` says so and never throws, whoever serves the leaf
/// commits the result and then calls `complete()`. Return it as a prvalue from a plain function.
/// Threads: the loop's thread alone touches a leaf.
class leaf : public detail::ready_node {
public:
    leaf(const leaf&) = delete;
    leaf& operator=(const leaf&) = delete;

    /// What the task dump says of a task that waits here, such as "queue::get".
    virtual const char* kind() const noexcept = 0;

    loop_core& loop() const noexcept;
    bool stop_pending() const noexcept { return fiber_->stop_pending(); }

    void bind(detail::fiber* f) noexcept { fiber_ = f; }
    detail::fiber& fiber() const noexcept { return *fiber_; }
    std::coroutine_handle<> awaiting() const noexcept { return awaiting_; }

protected:
    leaf() noexcept = default;
    ~leaf() = default;

    /// Registers what the task waits for. False if it is to stop here: its unwinding is queued.
    bool suspend(std::coroutine_handle<> h) noexcept;
    /// The operation is done: the task resumes from the ready queue, also if it is cancelled by now.
    void complete() noexcept;
    /// The operation has ended because the task was cancelled: its frames are destroyed.
    void stop() noexcept;

    /// Goes to the end of the ready queue, and nothing else: a cancel that comes meanwhile still stops
    /// the task there. `await_resume` calls `turn_came()`, `on_cancel` `stop_in_turn()`.
    void give_turn() noexcept;
    void turn_came() const noexcept { fiber_->set_leaf(nullptr); }
    void stop_in_turn() noexcept {
        link = (link & ~detail::step_mask) | static_cast<std::uintptr_t>(detail::step::unwind);
        fiber_->set_leaf(nullptr);
    }

private:
    friend void request_stop(detail::fiber& f) noexcept;
    friend void detail::stop_in_spite_of_shields(detail::fiber& f) noexcept;

    /// The task was cancelled. Unlink, or see to it that a completion comes. Runs no user code.
    virtual detach on_cancel() noexcept = 0;

    detail::fiber* fiber_ = nullptr;
    std::coroutine_handle<> awaiting_;
};

/// A leaf that owns fibers: group, gather, race, timeout, finally, the loop's main task.
class boundary : public leaf {
public:
    loop_core& loop() const noexcept { return *loop_; }

    virtual void cancel_children() noexcept = 0;
    /// A child has ended. Its frame is destroyed by the boundary: buried, or kept with its result.
    virtual void child_done(detail::fiber& child) noexcept = 0;
    /// On top of the start stack: gives the next child to enter, or null.
    virtual std::coroutine_handle<> start_next() noexcept { return {}; }
    virtual void each_child(void (*visit)(void*, detail::fiber&), void* with) = 0;
    /// Where `child` stands among those it was given with; `nowhere` if it has no place.
    virtual std::size_t index_of(const detail::fiber& /*child*/) const noexcept { return nowhere; }
    static constexpr std::size_t nowhere = SIZE_MAX;
    /// When this scope ends what is in it; `never` if it has no deadline.
    virtual std::int64_t deadline() noexcept { return detail::never; }

    boundary* below = nullptr;           // in the start stack
    boundary* cancelled_next = nullptr;  // in the list of boundaries to cancel

protected:
    boundary() noexcept = default;
    ~boundary() = default;

    /// Attaches to the loop of the awaiting task. False if the task is to stop here.
    bool begin(std::coroutine_handle<> h) noexcept {
        if (!suspend(h)) return false;
        loop_ = &leaf::loop();
        return true;
    }
    /// Makes `child` a fiber of this scope that is entered now.
    std::coroutine_handle<> enter_child(detail::frame& child, std::uint8_t with_flags = 0) noexcept {
        child.become_fiber(*this, awaiting() ? &fiber() : nullptr,
                           static_cast<std::uint8_t>(with_flags | detail::fiber_flag::started));
        loop_->set_running(&child);
        detail::trace_step(detail::trace_kind::task_resumed, &child);
        return child.handle();
    }
    /// All children have ended and this scope has nothing to deliver but the stop of its task.
    void finish(bool result_to_deliver) noexcept {
        if (!result_to_deliver && stop_pending()) {
            stop();
        } else {
            complete();
        }
    }

    loop_core* loop_ = nullptr;

private:
    detach on_cancel() noexcept final {
        loop_->cancel_flat(*this);
        return detach::later;
    }
};

/// Cancels a fiber: it stops at its next suspension, or where it is suspended now.
void request_stop(detail::fiber& f) noexcept;

// ---- implementation

inline loop_core& leaf::loop() const noexcept { return fiber_->root.owner->loop(); }

TANDEM_ALWAYS_INLINE bool leaf::suspend(std::coroutine_handle<> h) noexcept {
    TANDEM_ASSERT(loop().on_its_thread(),
                  "tandem: co_await off the loop's thread; hand the work over with call_soon_threadsafe");
    awaiting_ = h;
    if (fiber_->stop_pending()) {
        loop().ready(*this, detail::step::unwind);
        return false;
    }
    fiber_->set_leaf(this);
    return true;
}

TANDEM_ALWAYS_INLINE void leaf::complete() noexcept {
    TANDEM_ASSERT(loop().on_its_thread(),
                  "tandem: a task is woken off its loop's thread; use call_soon_threadsafe");
    fiber_->set_leaf(nullptr);
    loop().ready(*this, detail::step::resume);
}

inline void leaf::give_turn() noexcept { loop().ready(*this, detail::step::resume); }

inline void leaf::stop() noexcept {
    fiber_->set_leaf(nullptr);
    loop().ready(*this, detail::step::unwind);
}

inline void request_stop(detail::fiber& f) noexcept {
    using namespace detail::fiber_flag;
    TANDEM_ASSERT(f.root.owner->loop().on_its_thread(),
                  "tandem: a task is cancelled off its loop's thread; use call_soon_threadsafe");
    if (f.has(detail::fiber_flag::stop | ended)) return;
    f.flags |= detail::fiber_flag::stop;
    detail::trace_point(detail::trace_kind::task_cancelled, &f, f.root.owner->loop().running());
    if (f.has(shielded) || !f.has(started)) return;
    leaf* const waits = f.current_leaf();
    if (waits && waits->on_cancel() == detach::done) waits->stop();
}

inline void detail::frame::become_fiber(boundary& owner, fiber* like, std::uint8_t with_flags) noexcept {
    context_node* context = nullptr;
    if (!(with_flags & fiber_flag::scope) && owner.loop().has_task_locals()) {
        while (like && like->has(fiber_flag::scope)) like = &like->root.owner->fiber();
        if (like) context = like->root.context;
        if (context) retain(*context);
    }
    chain_root = this;
    root = root_part{&owner, context, nullptr, std::source_location(), nullptr, nullptr, nullptr};
    link = 0;
    flags = static_cast<std::uint8_t>(flags | with_flags);
    if (trace_cursor* const c = tracing()) [[unlikely]] {
        c->put(trace_kind::task_created, this, owner.awaiting() ? &owner.fiber() : nullptr,
               has(fiber_flag::scope));
    }
}

inline void detail::frame::end_fiber() noexcept {
    flags |= fiber_flag::ended;
    if (trace_cursor* const c = tracing()) [[unlikely]]
        trace_end(*c, *this);
    if (!root.context && !root.listener && !root.info) return root.owner->child_done(*this);
    const bool gone = ended_by != ending::stopped;
    if (gone) forget_context();
    if (root.listener) root.listener->fiber_ended(*this);
    root.owner->child_done(*this);  // buries the frame at most: it is there until the step ends
    if (gone) forget_info();
}

// From here on the fiber is no task that anybody could ask about: not its parameters, which go next.
TANDEM_NEVER_INLINE inline void detail::frame::dispose() noexcept {
    if (ended_by == ending::error) return exception().~exception_ptr();
    if (loop_core& loop = root.owner->loop(); loop.running() == this) loop.set_running(nullptr);
    forget_context();
    forget_info();
}

}  // namespace tandem::inline TANDEM_ABI
