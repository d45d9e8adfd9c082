// tandem - where events are noted: one branch when nobody records
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include <tandem/base/config.hpp>

namespace tandem::inline TANDEM_ABI {

class loop_core;

namespace detail {

/// What happened. In brackets what `argument` and `more` say. A task is told by the address of its fiber,
/// which no other task has while it is alive.
enum class trace_kind : std::uint8_t {
    task_created,    // (the fiber that awaits its scope, 1 if it is part of that
                     // task)
    task_named,      // (name)
    task_numbered,   // (kind of its scope, index in it)
    task_located,    // (source file, line)
    task_resumed,    // a step of the loop
    task_stopping,   // a step that unwinds
    task_suspended,  // (kind of the leaf)
    task_cancelled,  // asked to stop (by the fiber that runs)
    task_finished,   // (, ending)
    callback,        // a step that calls a function
    steps_over,      // control goes back to what runs the loop
    remote_wake,
    job_submitted,
    job_started,
    job_finished,
    job_arrived,  // back on its loop
    span_begin,   // (name, number of the span)
    span_end,     // (, number of the span)
    instant,      // (name)
    counter,      // (value); the name is the id
    counter_real,
};

/// Hears of the steps of a loop that is watched. On the loop's thread.
class step_watch {
public:
    step_watch(const step_watch&) = delete;
    step_watch& operator=(const step_watch&) = delete;
    virtual ~step_watch() = default;

    /// `fiber` is null for a callback.
    virtual void step_begins(const void* fiber) noexcept = 0;
    virtual void steps_over() noexcept = 0;

protected:
    step_watch() noexcept = default;
};

/// One thread's place to write events to. A recording can be read while its threads go on, so words are
/// stored as atomics are, which costs nothing. They are none, so that memory is first touched when it is
/// used.
class trace_cursor {
public:
    using word = std::uint64_t;
    static constexpr std::size_t words_per_event = 4;

    trace_cursor(const trace_cursor&) = delete;
    trace_cursor& operator=(const trace_cursor&) = delete;

    TANDEM_NEVER_INLINE void write(trace_kind kind, std::uint64_t id, std::uint64_t argument,
                                   std::uint64_t more) noexcept {
        if (!ring_) return;
        const std::uint64_t index = next_.load(std::memory_order_relaxed);
        word* const event = ring_ + (index & mask_) * words_per_event;
        // Release: who reads a word of this event also sees that the one it overwrites is gone.
        store(event[0], clock_ ? clock_() : ticks());
        store(event[1], static_cast<std::uint64_t>(kind) | flags_ | more << 16);
        store(event[2], id);
        store(event[3], argument);
        next_.store(index + 1, std::memory_order_release);
    }
    void put(trace_kind kind, const void* id, const void* about = nullptr, std::uint64_t more = 0) noexcept {
        write(kind, reinterpret_cast<std::uintptr_t>(id), reinterpret_cast<std::uintptr_t>(about), more);
    }

    TANDEM_NEVER_INLINE void step(trace_kind kind, const void* fiber) noexcept {
        running_ = fiber;
        if (watch_) {
            if (kind == trace_kind::steps_over) {
                watch_->steps_over();
            } else {
                watch_->step_begins(fiber);
            }
        }
        put(kind, fiber);
    }

    void ended(const void* fiber) noexcept {
        if (running_ == fiber) running_ = nullptr;
    }
    /// The task that runs on this thread, by its fiber.
    const void* running() const noexcept { return running_; }
    bool records() const noexcept { return ring_ != nullptr; }
    /// A number that nothing else on this thread has.
    std::uint64_t new_number() noexcept { return ++numbers_; }

    /// A copy of a name that lasts as long as the recording; null if there is no memory.
    const char* keep(const char* name, std::size_t length) const noexcept {
        return ring_ ? keep_(*this, name, length) : nullptr;
    }

#if defined(__x86_64__) || defined(__i386__)
    static std::uint64_t ticks() noexcept { return __builtin_ia32_rdtsc(); }
#else
    static std::uint64_t ticks() noexcept { return 0; }  // there is always a `clock_`
#endif

protected:
    static void store(word& to, std::uint64_t value) noexcept {
        __atomic_store_n(&to, value, __ATOMIC_RELEASE);
    }
    static std::uint64_t load(const word& from) noexcept { return __atomic_load_n(&from, __ATOMIC_ACQUIRE); }

    static constexpr std::uint64_t virtual_time = 1 << 8;

    trace_cursor() noexcept = default;
    ~trace_cursor() = default;

    word* ring_ = nullptr;  // null: there is only somebody who watches
    std::uint64_t mask_ = 0;
    std::uint64_t (*clock_)() noexcept = nullptr;  // null: the counter of the processor
    std::uint64_t flags_ = 0;
    step_watch* watch_ = nullptr;
    const void* running_ = nullptr;
    std::uint64_t numbers_ = 0;
    const char* (*keep_)(const trace_cursor&, const char*, std::size_t) noexcept = nullptr;
    std::atomic<std::uint64_t> next_{0};
};

/// What a thread knows of the recording.
struct trace_thread {
    trace_cursor* cursor = nullptr;
    const loop_core* loop = nullptr;  // that it ran last
    std::uint32_t seen = 0;           // the epoch that `cursor` belongs to
};

/// Gives this thread its cursor. Set by the first recording, or watch, of the process.
using trace_attach_function = void (*)(trace_thread&, loop_core* loop, const char* worker_of) noexcept;

TANDEM_PROCESS_WIDE inline constinit thread_local trace_thread trace_here{};
// Changes when a recording begins or ends.
TANDEM_PROCESS_WIDE inline constinit std::atomic<std::uint32_t> trace_epoch{0};
TANDEM_PROCESS_WIDE inline constinit std::atomic<trace_attach_function> trace_attach{nullptr};
// For TANDEM_TRACE.
TANDEM_PROCESS_WIDE inline constinit std::atomic<void (*)() noexcept> trace_first_run{nullptr};

/// This thread's cursor, or null.
TANDEM_ALWAYS_INLINE trace_cursor* tracing() noexcept {
#ifdef TANDEM_NO_TRACE
    return nullptr;
#else
    return trace_here.cursor;
#endif
}

TANDEM_ALWAYS_INLINE void trace_point(trace_kind kind, const void* id, const void* about = nullptr,
                                      std::uint64_t more = 0) noexcept {
    if (trace_cursor* const c = tracing()) [[unlikely]]
        c->put(kind, id, about, more);
}

inline void trace_job(trace_kind kind, std::uint64_t number) noexcept {
    if (trace_cursor* const c = tracing()) [[unlikely]]
        c->write(kind, number, 0, 0);
}

/// Numbers a job that the running task hands over; 0 if nothing is recorded.
inline std::uint64_t trace_new_job() noexcept {
    trace_cursor* const c = tracing();
    if (!c) return 0;
    const std::uint64_t number = c->new_number();
    c->write(trace_kind::job_submitted, number, reinterpret_cast<std::uintptr_t>(c->running()), 0);
    return number;
}

TANDEM_NEVER_INLINE inline void trace_attach_thread(loop_core* loop, const char* worker_of) noexcept {
    trace_here.seen = trace_epoch.load(std::memory_order_acquire);
    trace_here.loop = loop;
    if (const auto attach = trace_attach.load(std::memory_order_acquire)) attach(trace_here, loop, worker_of);
}

/// A thread is about to run steps of a loop.
TANDEM_ALWAYS_INLINE void trace_enter([[maybe_unused]] loop_core& loop) noexcept {
#ifndef TANDEM_NO_TRACE
    const bool known =
        trace_here.loop == &loop && trace_here.seen == trace_epoch.load(std::memory_order_relaxed);
    if (!known) [[unlikely]]
        trace_attach_thread(&loop, nullptr);
#endif
}

/// A thread is about to run jobs of an executor of this name.
inline void trace_enter_worker([[maybe_unused]] const char* executor) noexcept {
#ifndef TANDEM_NO_TRACE
    if (trace_here.seen != trace_epoch.load(std::memory_order_relaxed))
        trace_attach_thread(nullptr, executor);
#endif
}

/// A loop begins to run its main task.
inline void trace_run_begins() noexcept {
    if (const auto start = trace_first_run.load(std::memory_order_acquire)) start();
    trace_here.loop = nullptr;  // another loop may have been at the same address
}

/// A stretch of the running task, or of this thread where none runs, from here to the end of the scope.
/// `name` is a literal, or lasts as long as the recording.
class trace_scope {
public:
    explicit trace_scope(const char* name) noexcept {
        if (trace_cursor* const c = tracing()) [[unlikely]]
            begin(*c, name);
    }
    trace_scope(const trace_scope&) = delete;
    trace_scope& operator=(const trace_scope&) = delete;
    ~trace_scope() { end(); }

    void end() noexcept {
        if (number_ == 0) return;
        if (trace_cursor* const c = tracing()) c->put(trace_kind::span_end, task_, nullptr, number_);
        number_ = 0;
    }

protected:
    trace_scope() noexcept = default;
    void begin(trace_cursor& c, const char* name) noexcept {
        task_ = c.running();
        number_ = c.new_number();
        c.put(trace_kind::span_begin, task_, name, number_);
    }

private:
    const void* task_ = nullptr;
    std::uint64_t number_ = 0;  // 0: not recorded
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
