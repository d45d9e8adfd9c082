// tandem - what stands in a ready queue: one word that holds the link and the kind of step
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>

#include <tandem/base/config.hpp>

namespace tandem::inline TANDEM_ABI {

class loop_core;

namespace detail {

enum class step : std::uintptr_t {
    resume = 0,  // a leaf whose task goes on
    unwind = 1,  // a leaf whose task is stopped
    start = 2,   // a fiber that begins
    call = 3,    // a plain callback
};

inline constexpr std::uintptr_t step_mask = 3;

struct alignas(8) ready_node {  // three bits of its address are free
    std::uintptr_t link = 0;
};

/// A step that calls a function. A loop that ends before it gets there calls it with null, so that
/// the node can free what it holds.
struct call_node : ready_node {
    using function = void (*)(call_node& self, loop_core* loop) noexcept;

    explicit call_node(function f) noexcept : function_(f) {}
    void call_now(loop_core* loop) noexcept { function_(*this, loop); }

private:
    function function_;
};

/// A call that another thread sends; see `handover_trail`.
struct far_node : call_node {
    using call_node::call_node;

    const void* earlier = nullptr;
};

/// Intrusive FIFO; the kind of a step stands in the low bits of its link.
class ready_queue {
public:
    bool empty() const noexcept { return head_ == nullptr; }

    void push(ready_node& node, step kind) noexcept {
        node.link = static_cast<std::uintptr_t>(kind);
        if (tail_) {
            tail_->link |= reinterpret_cast<std::uintptr_t>(&node);
        } else {
            head_ = &node;
        }
        tail_ = &node;
    }

    ready_node* pop(step& kind) noexcept {
        ready_node* const node = head_;
        kind = static_cast<step>(node->link & step_mask);
        head_ = reinterpret_cast<ready_node*>(node->link & ~step_mask);
        if (!head_) tail_ = nullptr;
        return node;
    }

private:
    ready_node* head_ = nullptr;
    ready_node* tail_ = nullptr;
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
