// tandem - what is left of a task for its handles: its state, later its result
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <exception>
#include <new>
#include <optional>
#include <source_location>
#include <string>
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
    std::string name() const { return info_ ? std::string(info_->name()) : "task-" + std::to_string(id_); }

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
        if (target) {
            target->root.listener = this;
        } else {
            ended_by_ = ending::stopped;
        }
    }
    ~handle_block() {
        if (info_) detail::release(*info_);
    }

private:
    virtual void take_value(detail::fiber& f) = 0;
    virtual void destroy_block() noexcept = 0;

    void fiber_ended(detail::fiber& f) noexcept final {
        target_ = nullptr;
        ended_by_ = f.ended_by;
        info_ = f.root.info;
        if (info_) detail::retain(*info_);
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
    static void* operator new(std::size_t bytes, std::align_val_t to) { return ::operator new(bytes, to); }
    static void operator delete(void* p, std::size_t, std::align_val_t to) noexcept {
        ::operator delete(p, to);
    }

    stored_t<T>& value() noexcept { return *value_; }

private:
    void take_value(detail::fiber& f) override {
        value_.emplace(take_stored<T>(static_cast<typename task<T>::promise_type&>(f)));
    }
    void destroy_block() noexcept override { delete this; }

    std::optional<stored_t<T>> value_;
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
