// tandem - the boundary under gather, race and any_success: children known by index
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>

#include <tandem/base/error.hpp>
#include <tandem/core/fiber.hpp>
#include <tandem/tasks/detail/failures.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// When the children that are left are cancelled.
enum class settle_on : std::uint8_t { first_error, all, first_end, first_value };

inline constexpr std::size_t none = std::numeric_limits<std::size_t>::max();

/// Starts its children in place and in order: the first by transfer, each further one when the loop
/// finds this boundary on top of its start stack. So nothing nests, and a child that fails before the
/// next one has started keeps it from starting.
class combinator : public boundary {
public:
    void cancel_children() noexcept override { abort(); }
    std::size_t index_of(const detail::fiber& child) const noexcept override {
        return reinterpret_cast<std::size_t>(child.root.previous);
    }

    void each_child(void (*visit)(void*, detail::fiber&), void* with) override {
        for (std::size_t i = 0; i < started_; ++i) {
            frame* const child = child_at(i);
            if (child && !child->has(fiber_flag::ended)) visit(with, *child);
        }
    }

protected:
    explicit combinator(settle_on policy, std::size_t limit = none) noexcept
        : limit_(limit), policy_(policy) {}
    ~combinator() = default;

    /// The frame of a started child, or null if it was dropped.
    virtual frame* child_at(std::size_t index) noexcept = 0;
    /// The frame of a stopped child is gone.
    virtual void drop_child(std::size_t index) noexcept = 0;
    /// The next child to start, or null if there is none. May throw what making it throws.
    virtual frame* make_child(std::size_t index) = 0;
    /// True if no child is left to make, asked when a cancel came before that was found out.
    virtual bool none_left() noexcept { return false; }
    /// All have ended; the last chance to disarm a timer.
    virtual void joined() noexcept {}

    transfer launch(std::coroutine_handle<> h, bool stay_on_stack = false) noexcept {
        if (!begin(h)) return stay_suspended();
        frame* const first = next_child();
        if (!first) {
            end_if_joined();
            return stay_suspended();
        }
        if (stay_on_stack || may_start()) push_start();
        return transfer_to(enter_child(*first));
    }

    std::coroutine_handle<> start_next() noexcept override {
        if (may_start()) {
            if (frame* const child = next_child()) {
                if (!may_start()) pop_start();
                return enter_child(*child);
            }
        }
        pop_start();
        end_if_joined();
        return {};
    }

    void abort() noexcept {
        if (aborting_) return;
        aborting_ = true;
        for (std::size_t i = 0; i < started_; ++i) {
            if (frame* const child = child_at(i)) request_stop(*child);
        }
    }

    void push_start() noexcept {
        on_stack_ = true;
        loop_->push_start(*this);
    }
    void pop_start() noexcept {
        on_stack_ = false;
        loop_->pop_start();
    }

    /// All children are known beforehand.
    void set_count(std::size_t count) noexcept { exhausted_at_ = count; }

    void throw_if_incomplete() const {
        if (error_) std::rethrow_exception(error_);
        if (stopped_) throw cancelled_error();
    }

    std::size_t winner_ = none;
    std::exception_ptr error_;  // the first that decided, or that kept a child from being made
    failure_list failures_;

private:
    bool may_start() const noexcept { return !aborting_ && running_ < limit_ && started_ < exhausted_at_; }

    TANDEM_ALWAYS_INLINE frame* next_child() noexcept {
        frame* child = nullptr;
        try {
            child = make_child(started_);
        } catch (...) {
            error_ = std::current_exception();
            abort();
            return nullptr;
        }
        if (!child) {
            exhausted_at_ = started_;
            return nullptr;
        }
        ++started_;
        ++running_;
        return child;
    }

    std::coroutine_handle<> enter_child(frame& child) noexcept {
        const std::coroutine_handle<> h = boundary::enter_child(child);
        child.root.previous = reinterpret_cast<detail::fiber*>(started_ - 1);
        if (trace_cursor* const c = tracing()) [[unlikely]] {
            c->put(trace_kind::task_numbered, &child, kind(), started_ - 1);
        }
        return h;
    }

    void child_done(detail::fiber& child) noexcept override {
        const std::size_t index = reinterpret_cast<std::size_t>(child.root.previous);
        --running_;
        if (child.ended_by == ending::stopped) {
            stopped_ = true;
            loop_->bury(child.handle());
            drop_child(index);
        } else {
            judge(child, index);
        }
        if (on_stack_) return;  // start_next goes on, or ends it
        if (may_start()) {
            push_start();
        } else {
            end_if_joined();
        }
    }

    void judge(detail::fiber& child, std::size_t index) noexcept {
        const bool failed = child.ended_by == ending::error;
        switch (policy_) {
            case settle_on::all:
                return;
            case settle_on::first_error:
                if (failed) decide(child, error_ == nullptr);
                return;
            case settle_on::first_end:
                if (winner_ == none) winner_ = index;
                if (failed) decide(child, winner_ == index);
                abort();
                return;
            case settle_on::first_value:
                if (failed) return note_failure(failures_, child.exception(), *loop_);
                if (winner_ == none) winner_ = index;
                abort();
                return;
        }
    }

    void decide(detail::fiber& child, bool first) noexcept {
        if (first) {
            error_ = child.exception();
            abort();
        } else {
            loop_->report_suppressed(child.exception());
        }
    }

    void end_if_joined() noexcept {
        if (running_ != 0 || !(aborting_ || started_ >= exhausted_at_)) return;
        joined();
        finish(error_ != nullptr || has_result());
    }

    // A result that is complete is delivered, also to a task that was cancelled meanwhile: what the
    // children have taken from queues and sockets is not lost.
    bool has_result() noexcept {
        switch (policy_) {
            case settle_on::first_error:
            case settle_on::all:
                return all_have_ended();
            case settle_on::first_end:
                return winner_ != none;
            case settle_on::first_value:
                return winner_ != none || all_have_ended();
        }
        return false;
    }
    bool all_have_ended() noexcept { return !stopped_ && (started_ >= exhausted_at_ || none_left()); }

    std::size_t limit_;
    std::size_t exhausted_at_ = none;
    std::size_t started_ = 0;
    std::size_t running_ = 0;
    settle_on policy_;
    bool aborting_ = false;
    bool on_stack_ = false;
    bool stopped_ = false;  // a child was stopped
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
