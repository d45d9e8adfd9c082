// tandem - lock-free list through which other threads hand nodes to a loop
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <atomic>
#include <cstdint>

#include <tandem/core/detail/ready_node.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// Many producers, one consumer: a Treiber stack that is taken whole, so no node is ever popped
/// alone and the ABA problem does not arise. Taking reverses it: first in, first out.
class inbox {
public:
    /// True if the inbox was empty: the producer that sees it wakes the loop, the others need not.
    bool push(ready_node& node, step kind) noexcept {
        std::uintptr_t top = top_.load(std::memory_order_relaxed);
        const std::uintptr_t self =
            reinterpret_cast<std::uintptr_t>(&node) | static_cast<std::uintptr_t>(kind);
        do {
            node.link = top;
        } while (
            !top_.compare_exchange_weak(top, self, std::memory_order_release, std::memory_order_relaxed));
        return top == 0;
    }

    bool empty() const noexcept { return top_.load(std::memory_order_relaxed) == 0; }

    /// Moves everything into `queue`, oldest first.
    void take_into(ready_queue& queue) noexcept {
        std::uintptr_t newest = top_.exchange(0, std::memory_order_acquire);
        std::uintptr_t oldest = 0;
        while (newest != 0) {
            ready_node& node = node_of(newest);
            const std::uintptr_t rest = node.link;
            node.link = oldest;
            oldest = newest;
            newest = rest;
        }
        while (oldest != 0) {
            ready_node& node = node_of(oldest);
            const step kind = static_cast<step>(oldest & step_mask);
            oldest = node.link;
            queue.push(node, kind);
        }
    }

private:
    static ready_node& node_of(std::uintptr_t tagged) noexcept {
        return *reinterpret_cast<ready_node*>(tagged & ~step_mask);
    }

    std::atomic<std::uintptr_t> top_{0};
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
