// tandem - how a loop runs its steps: resume, unwind, start, call
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coroutine>
#include <utility>

#include <tandem/core/fiber.hpp>
#include <tandem/core/loop_core.hpp>

namespace tandem::inline TANDEM_ABI {

inline void loop_core::push_start(boundary& b) noexcept {
    b.below = starts_;
    starts_ = &b;
}

inline void loop_core::pop_start() noexcept { starts_ = starts_->below; }

// A boundary inside the cancelled one only puts itself on the list, so that a million nested ones
// are cancelled on a small stack.
inline void loop_core::cancel_flat(boundary& b) noexcept {
    b.cancelled_next = std::exchange(cancels_, &b);
    if (cancelling_) return;
    cancelling_ = true;
    while (boundary* const next = cancels_) {
        cancels_ = next->cancelled_next;
        next->cancel_children();
    }
    cancelling_ = false;
}

inline void loop_core::enter(std::coroutine_handle<> h) {
#if TANDEM_TRAMPOLINE
    do {
        detail::next_to_enter = {};
        h.resume();
        h = detail::next_to_enter;
    } while (h);
#else
    h.resume();
#endif
    if (!grave_) return;
    running_ = nullptr;  // what has ended is gone but for its parameters
    empty_grave();
}

inline void loop_core::empty_grave() {
    if (grave_) std::exchange(grave_, std::coroutine_handle<>()).destroy();
}

inline void loop_core::start_pending() {
    while (boundary* const top = starts_) {
        ++steps_;
        if (const std::coroutine_handle<> child = top->start_next()) {
            enter(child);
        } else {
            empty_grave();
        }
    }
}

namespace detail {

// Innermost frame first; each frame's owner is told that it is gone. The first frame of the fiber
// stays: it belongs to the boundary.
inline void unwind(leaf& where) noexcept {
    fiber& stopped = where.fiber();
    std::coroutine_handle<> h = where.awaiting();
    frame* f = &std::coroutine_handle<frame>::from_address(h.address()).promise();
    while (f != &stopped) {
        const std::coroutine_handle<> outer = f->chain.continuation;
        frame* const parent = f->chain.parent;
        *reinterpret_cast<void**>(f->link) = nullptr;
        h.destroy();
        h = outer;
        f = parent;
    }
    stopped.ended_by = ending::stopped;
    stopped.end_fiber();
}

inline void stop_in_spite_of_shields(fiber& f) noexcept {
    if (f.has(fiber_flag::ended)) return;
    f.reset(fiber_flag::shielded);
    f.set(fiber_flag::stop);
    leaf* const waits = f.has(fiber_flag::started) ? f.current_leaf() : nullptr;
    if (!waits) return;
    if (boundary* const scope = dynamic_cast<boundary*>(waits)) {
        scope->each_child([](void*, fiber& child) { stop_in_spite_of_shields(child); }, nullptr);
    } else if (waits->on_cancel() == detach::done) {
        waits->stop();
    }
}

TANDEM_NEVER_INLINE inline void trace_end(trace_cursor& c, const fiber& f) noexcept {
    const std::uint64_t how =
        static_cast<std::uint64_t>(f.ended_by) | (f.has(fiber_flag::scope) ? 0x100u : 0u);
    c.put(trace_kind::task_finished, &f, nullptr, how);
    c.ended(&f);
}

// What the last one waits for is noted here, when control is back: the awaits carry no code for it.
TANDEM_NEVER_INLINE inline void trace_switch(trace_cursor& c, trace_kind kind, const fiber* next) noexcept {
    const fiber* const last = static_cast<const fiber*>(c.running());
    const leaf* const waits = last ? last->current_leaf() : nullptr;
    if (waits) c.put(trace_kind::task_suspended, last, waits->kind());
    c.step(kind, next);
}

TANDEM_NEVER_INLINE inline void trace_run_step(trace_cursor& c, ready_node& node, step kind) noexcept {
    switch (kind) {
        case step::resume:
            return trace_switch(c, trace_kind::task_resumed, &static_cast<leaf&>(node).fiber());
        case step::unwind:
            return trace_switch(c, trace_kind::task_stopping, &static_cast<leaf&>(node).fiber());
        case step::start:
            return trace_switch(c, trace_kind::task_resumed, &static_cast<fiber&>(node));
        case step::call:
            return trace_switch(c, trace_kind::callback, nullptr);
    }
}

}  // namespace detail

inline void loop_core::run_step(detail::ready_node& node, detail::step kind) {
    if (detail::trace_cursor* const c = detail::tracing()) [[unlikely]]
        detail::trace_run_step(*c, node, kind);
    switch (kind) {
        case detail::step::resume: {
            leaf& resumed = static_cast<leaf&>(node);
            running_ = &resumed.fiber();
            enter(resumed.awaiting());
            return;
        }
        case detail::step::unwind: {
            leaf& stopped = static_cast<leaf&>(node);
            running_ = &stopped.fiber();
            detail::unwind(stopped);
            empty_grave();
            return;
        }
        case detail::step::start: {
            detail::fiber& f = static_cast<detail::fiber&>(node);
            f.set_leaf(nullptr);
            running_ = &f;
            if (f.stop_pending()) {  // born or made cancelled before its turn: the body never runs
                f.ended_by = detail::ending::stopped;
                f.end_fiber();
                empty_grave();
                return;
            }
            f.flags |= detail::fiber_flag::started;
            enter(f.handle());
            return;
        }
        case detail::step::call:
            running_ = nullptr;
            static_cast<detail::call_node&>(node).call_now(this);
            return;
    }
}

inline void loop_core::resume_now(leaf& completed) {
    const detail::current_loop_scope here(*this);
    detail::trace_enter(*this);
    ++steps_;
    running_ = &completed.fiber();
    detail::trace_step(detail::trace_kind::task_resumed, running_);
    running_->set_leaf(nullptr);
    enter(completed.awaiting());
    start_pending();
    running_ = nullptr;
    detail::trace_step(detail::trace_kind::steps_over, nullptr);
}

inline unsigned loop_core::run_steps(unsigned limit) {
    const std::uint64_t before = steps_;
    detail::trace_enter(*this);
    for (;;) {
        start_pending();
        const auto done = static_cast<unsigned>(steps_ - before);
        if (done >= limit || ready_.empty()) {
            running_ = nullptr;
            detail::trace_step(detail::trace_kind::steps_over, nullptr);
            return done;
        }
        ++steps_;
        detail::step kind;
        detail::ready_node* const node = ready_.pop(kind);
        run_step(*node, kind);
    }
}

}  // namespace tandem::inline TANDEM_ABI
