// tandem - recycling of coroutine frames: free lists by size, one set for each thread
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <new>

#include <tandem/base/config.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

inline constexpr std::size_t frame_grain = 32;         // bytes between two size classes
inline constexpr std::size_t largest_frame_class = 32;  // in grains: frames up to 1 KiB are kept

struct frame_block {
    frame_block* next;
};

struct frame_class {
    frame_block* free = nullptr;
    std::size_t bytes = 0;
};

enum class cache_state : unsigned char { untouched, owned, closed };

struct frame_cache {
    frame_class classes[largest_frame_class + 1];
    cache_state state = cache_state::untouched;
};

inline constinit thread_local frame_cache frames{};
inline std::size_t frame_cache_limit = std::size_t{4} << 20;

// Frames alive on this thread; counted where TANDEM_COUNT_FRAMES is set, as it is for the tests.
inline constinit thread_local std::ptrdiff_t live_frames = 0;

/// Gives the blocks back when the thread ends. Constructed on the slow path only, so that the lists
/// themselves are plain data and reached without an initialisation guard.
class frame_cache_owner {
public:
    frame_cache_owner() noexcept { frames.state = cache_state::owned; }
    frame_cache_owner(const frame_cache_owner&) = delete;
    frame_cache_owner& operator=(const frame_cache_owner&) = delete;
    ~frame_cache_owner();
    static void adopt_this_thread() { static thread_local frame_cache_owner owner; }
};

inline frame_cache_owner::~frame_cache_owner() {
    frames.state = cache_state::closed;
    for (frame_class& c : frames.classes) {
        while (frame_block* block = c.free) {
            c.free = block->next;
            ::operator delete(block);
        }
        c.bytes = 0;
    }
}

inline void* allocate_frame(std::size_t bytes) {
#ifdef TANDEM_COUNT_FRAMES
    ++live_frames;
#endif
#if !TANDEM_SANITIZED  // recycled memory would hide a use after free from the sanitizers
    const std::size_t index = (bytes + frame_grain - 1) / frame_grain;
    if (index <= largest_frame_class) {
        frame_class& c = frames.classes[index];
        if (frame_block* block = c.free) {
            c.free = block->next;
            c.bytes -= index * frame_grain;
            return block;
        }
        return ::operator new(index * frame_grain);
    }
#endif
    return ::operator new(bytes);
}

inline void release_frame(void* frame, std::size_t bytes) noexcept {
#ifdef TANDEM_COUNT_FRAMES
    --live_frames;
#endif
#if !TANDEM_SANITIZED
    const std::size_t index = (bytes + frame_grain - 1) / frame_grain;
    if (index <= largest_frame_class) {
        if (frames.state == cache_state::untouched) frame_cache_owner::adopt_this_thread();
        frame_class& c = frames.classes[index];
        if (c.bytes < frame_cache_limit && frames.state == cache_state::owned) {
            c.free = ::new (frame) frame_block{c.free};
            c.bytes += index * frame_grain;
            return;
        }
    }
#endif
    static_cast<void>(bytes);
    ::operator delete(frame);  // unsized: clang 16 has no sized deallocation by default
}

}  // namespace detail

/// Sets how many bytes of freed frames of one size a thread keeps for reuse; 4 MiB by default.
/// Set it before any loop runs.
inline void set_frame_cache_limit(std::size_t bytes_per_size) noexcept {
    detail::frame_cache_limit = bytes_per_size;
}

}  // namespace tandem::inline TANDEM_ABI
