// tandem - lock-free list through which other threads hand nodes to a loop
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <atomic>
#include <cstdint>

#include <tandem/core/detail/ready_node.hpp>
#include <tandem/base/detail/handover_trail.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// Many producers, one consumer: a Treiber stack that is taken whole, so no node is ever popped
/// alone and the ABA problem does not arise. Taking reverses it: first in, first out.
/// A consumer that says it is watching looks again before it sleeps, so that nobody needs to wake it.
class inbox {
public:
    /// True if the inbox was empty and unwatched: the producer that sees it wakes the loop.
    bool push(ready_node& node, step kind) noexcept {
        return push(node, reinterpret_cast<std::uintptr_t>(&node) | static_cast<std::uintptr_t>(kind));
    }
    bool push(far_node& node) noexcept {
        node.earlier = trail().swap(&node);
        return push(node, reinterpret_cast<std::uintptr_t>(static_cast<ready_node*>(&node)) |
                              static_cast<std::uintptr_t>(step::call) | from_afar);
    }

    bool empty() const noexcept { return top_.load(std::memory_order_relaxed) <= watched; }

    /// Moves everything into `queue`, oldest first, and lets go of the inbox.
    void take_into(ready_queue& queue) noexcept { move(top_.exchange(0, std::memory_order_acquire), queue); }

    /// The same, and goes on watching: `unwatch` is to come.
    void watch_into(ready_queue& queue) noexcept {
        if (top_.load(std::memory_order_relaxed) == watched) return;
        move(top_.exchange(watched, std::memory_order_acquire), queue);
    }
    /// False if something has come; the inbox stays watched then.
    bool unwatch() noexcept {
        std::uintptr_t top = watched;
        return top_.compare_exchange_strong(top, 0, std::memory_order_relaxed);
    }

private:
    static constexpr std::uintptr_t watched = 1;    // as a link: no node
    static constexpr std::uintptr_t from_afar = 4;  // a far_node

    static handover_trail& trail() noexcept {
        static constinit thread_local handover_trail mine;
        return mine;
    }

    bool push(ready_node& node, std::uintptr_t self) noexcept {
        std::uintptr_t top = top_.load(std::memory_order_relaxed);
        do {
            node.link = top == watched ? 0 : top;
        } while (
            !top_.compare_exchange_weak(top, self, std::memory_order_release, std::memory_order_relaxed));
        return top == 0;
    }

    static void move(std::uintptr_t newest, ready_queue& queue) noexcept {
        if (newest == watched) return;
        std::uintptr_t oldest = 0;
        while (newest != 0) {
            ready_node& node = node_of(newest);
            if (newest & from_afar) handover_trail::fetch(static_cast<far_node&>(node).earlier, -64);
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

    static ready_node& node_of(std::uintptr_t tagged) noexcept {
        return *reinterpret_cast<ready_node*>(tagged & ~(step_mask | from_afar));
    }

    std::atomic<std::uintptr_t> top_{0};
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
