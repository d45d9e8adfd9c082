// tandem - callbacks of a loop: what call_soon, call_later and call_at hand out and keep
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <new>
#include <optional>
#include <utility>

#include <tandem/base/detail/intrusive_list.hpp>
#include <tandem/core/frame_alloc.hpp>
#include <tandem/core/detail/ready_node.hpp>
#include <tandem/core/detail/timer_heap.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// A callback, owned by the loop until it has run and by the handles that look at it.
class callback : public call_node, public timer_node, public list_links<callback> {
public:
    void retain() noexcept { ++references_; }
    void release() noexcept {
        if (--references_ == 0) destroy();
    }

    bool pending() const noexcept { return phase_ == phase::pending; }
    bool cancelled() const noexcept { return phase_ == phase::cancelled; }

    /// Drops the function; a step that is queued already then does nothing.
    void cancel() noexcept;

protected:
    explicit callback(loop_core& loop) noexcept : call_node(&callback::run), loop_(loop) {}
    ~callback() = default;

private:
    friend class tandem::loop_core;
    enum class phase : std::uint8_t { pending, done, cancelled };

    virtual void invoke() = 0;
    virtual void drop_function() noexcept = 0;
    virtual void destroy() noexcept = 0;

    static void run(call_node& self, loop_core* loop) noexcept;
    inline void fire() noexcept final;
    void leave_loop() noexcept;

    loop_core& loop_;
    std::uint32_t references_ = 1;
    phase phase_ = phase::pending;
    bool listed_ = false;
};

template <class Fn>
class callback_of final : public callback {
public:
    template <class F>
    callback_of(loop_core& loop, F&& fn) : callback(loop), fn_(std::in_place, std::forward<F>(fn)) {}

    static void* operator new(std::size_t bytes) { return allocate_frame(bytes); }
    static void operator delete(void* p, std::size_t bytes) noexcept { release_frame(p, bytes); }
    static void* operator new(std::size_t bytes, std::align_val_t to) { return ::operator new(bytes, to); }
    static void operator delete(void* p, std::size_t, std::align_val_t to) noexcept {
        ::operator delete(p, to);
    }

private:
    void invoke() override { (*fn_)(); }
    void drop_function() noexcept override { fn_.reset(); }
    void destroy() noexcept override { delete this; }

    std::optional<Fn> fn_;
};

}  // namespace detail

/// Looks at a callback that a loop was asked to call. Dropping it cancels nothing.
class call_handle {
public:
    call_handle() noexcept = default;
    explicit call_handle(detail::callback& node) noexcept : node_(&node) { node.retain(); }
    call_handle(const call_handle& other) noexcept : node_(other.node_) {
        if (node_) node_->retain();
    }
    call_handle(call_handle&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
    call_handle& operator=(call_handle other) noexcept {
        std::swap(node_, other.node_);
        return *this;
    }
    ~call_handle() {
        if (node_) node_->release();
    }

    /// Makes sure that the function is not called any more; no effect once it has been called.
    void cancel() noexcept {
        if (node_) node_->cancel();
    }
    bool cancelled() const noexcept { return node_ && node_->cancelled(); }
    bool pending() const noexcept { return node_ && node_->pending(); }

private:
    detail::callback* node_ = nullptr;
};

}  // namespace tandem::inline TANDEM_ABI
