// tandem - what a task inherits: the values of its task-locals
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

#include <tandem/core/frame_alloc.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// One value of one variable. Nodes are shared by the tasks that inherited them and then immutable.
struct context_node {
    explicit context_node(const void* variable, context_node* outer) noexcept : key(variable), up(outer) {}
    context_node(const context_node&) = delete;
    context_node& operator=(const context_node&) = delete;
    virtual ~context_node() = default;

    static void* operator new(std::size_t bytes) { return allocate_frame(bytes); }
    static void operator delete(void* p, std::size_t bytes) noexcept { release_frame(p, bytes); }
    static void* operator new(std::size_t bytes, std::align_val_t to) { return ::operator new(bytes, to); }
    static void operator delete(void* p, std::size_t, std::align_val_t to) noexcept {
        ::operator delete(p, to);
    }

    const void* key;
    context_node* up;
    std::uint32_t references = 1;
};

inline void retain(context_node& context) noexcept { ++context.references; }

inline void release(context_node& context) noexcept {
    context_node* node = &context;
    while (node && --node->references == 0) {
        context_node* const up = node->up;
        delete node;
        node = up;
    }
}

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
