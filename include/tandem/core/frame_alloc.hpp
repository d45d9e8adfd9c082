// tandem - recycling of coroutine frames: free lists by size, one set for each thread
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <new>

#include <tandem/base/config.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

inline constexpr std::size_t frame_grain = 32;  // bytes between two size classes
// In grains: frames up to 4 KiB are kept. An I/O operation takes 0.4 KiB of the frame that awaits it.
inline constexpr std::size_t largest_frame_class = 128;

struct frame_block {
    frame_block* next;
};

/// The free blocks of one size, and how many more may be kept. No room is what the slow path sees
/// first: on a thread that has kept nothing yet, on one that ends, and when enough is kept.
struct frame_class {
    frame_block* free = nullptr;
    std::ptrdiff_t room = 0;
};

enum class cache_state : unsigned char { untouched, owned, closed };

struct frame_cache {
    frame_class classes[largest_frame_class + 1];
    cache_state state = cache_state::untouched;
};

// Plain data, so that it is reached without an initialisation guard.
TANDEM_PROCESS_WIDE inline constinit thread_local frame_cache frames{};
TANDEM_PROCESS_WIDE inline std::size_t frame_cache_limit = std::size_t{4} << 20;

// Frames alive on this thread; counted where TANDEM_COUNT_FRAMES is set, as it is for the tests.
TANDEM_PROCESS_WIDE inline constinit thread_local std::ptrdiff_t live_frames = 0;

/// Makes room on this thread, and gives the blocks back when it ends.
class frame_cache_owner {
public:
    frame_cache_owner() noexcept {
        frames.state = cache_state::owned;
        for (std::size_t i = 1; i <= largest_frame_class; ++i) {
            frames.classes[i].room = static_cast<std::ptrdiff_t>(frame_cache_limit / (i * frame_grain));
        }
    }
    frame_cache_owner(const frame_cache_owner&) = delete;
    frame_cache_owner& operator=(const frame_cache_owner&) = delete;
    ~frame_cache_owner() {
        frames.state = cache_state::closed;
        for (frame_class& c : frames.classes) {
            c.room = 0;
            while (frame_block* const block = c.free) {
                c.free = block->next;
                ::operator delete(block);
            }
        }
    }

    TANDEM_PROCESS_WIDE static void adopt_this_thread() { static thread_local frame_cache_owner owner; }
};

TANDEM_NEVER_INLINE inline void release_frame_slowly(void* frame, frame_class& c) noexcept {
    if (frames.state == cache_state::untouched) {
        frame_cache_owner::adopt_this_thread();
        if (c.room > 0) {
            --c.room;
            c.free = ::new (frame) frame_block{c.free};
            return;
        }
    }
    ::operator delete(frame);  // unsized: clang 16 has no sized deallocation by default
}

TANDEM_ALWAYS_INLINE void* allocate_frame(std::size_t bytes) {
#ifdef TANDEM_COUNT_FRAMES
    ++live_frames;
#endif
#if !TANDEM_SANITIZED  // recycled memory would hide a use after free from the sanitizers
    const std::size_t index = (bytes + frame_grain - 1) / frame_grain;
    if (index <= largest_frame_class) {
        frame_class& c = frames.classes[index];
        frame_block* const block = c.free;
        if (!block) return ::operator new(index* frame_grain);
        c.free = block->next;
        ++c.room;
        return block;
    }
#endif
    return ::operator new(bytes);
}

TANDEM_ALWAYS_INLINE void release_frame(void* frame, std::size_t bytes) noexcept {
#ifdef TANDEM_COUNT_FRAMES
    --live_frames;
#endif
#if !TANDEM_SANITIZED
    const std::size_t index = (bytes + frame_grain - 1) / frame_grain;
    if (index <= largest_frame_class) {
        frame_class& c = frames.classes[index];
        if (c.room <= 0) return release_frame_slowly(frame, c);
        --c.room;
        c.free = ::new (frame) frame_block{c.free};
        return;
    }
#endif
    static_cast<void>(bytes);
    ::operator delete(frame);
}

}  // namespace detail

/// Sets how many bytes of freed frames of one size a thread keeps for reuse; 4 MiB by default.
/// Counts for the calling thread and for those that have freed no frame yet.
inline void set_frame_cache_limit(std::size_t bytes_per_size) noexcept {
    if (detail::frames.state == detail::cache_state::owned) {
        for (std::size_t i = 1; i <= detail::largest_frame_class; ++i) {
            const std::size_t block = i * detail::frame_grain;
            detail::frames.classes[i].room += static_cast<std::ptrdiff_t>(bytes_per_size / block) -
                                              static_cast<std::ptrdiff_t>(detail::frame_cache_limit / block);
        }
    }
    detail::frame_cache_limit = bytes_per_size;
}

}  // namespace tandem::inline TANDEM_ABI
