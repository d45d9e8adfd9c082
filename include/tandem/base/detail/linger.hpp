// tandem - waiting awake for what another thread is about to give
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <mutex>

#include <tandem/base/config.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// Tells the processor that this thread looks at memory until another one writes there.
inline void spin_pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("isb" ::: "memory");
#endif
}

/// Locks what others hold for some tens of nanoseconds: to sleep and be woken would cost more than
/// looking again.
inline std::unique_lock<std::mutex> lock_soon(std::mutex& mutex) {
    for (int looks = 0; looks < 32; ++looks) {
        if (mutex.try_lock()) return std::unique_lock<std::mutex>(mutex, std::adopt_lock);
        spin_pause();
    }
    return std::unique_lock<std::mutex>(mutex);
}

/// A thread that sleeps is woken for 5 to 40 microseconds, so one that expects something in less waits
/// for a moment before it sleeps. Who did so in vain several times tries it now and then only.
class linger {
public:
    bool worthwhile() noexcept { return misses_ < patience || ++skipped_ % seldom == 0; }

    /// Whether `came()` within a moment; `now()` gives nanoseconds.
    template <class Came, class Now>
    static bool wait(Came came, Now now) noexcept {
        const std::int64_t end = now() + moment;
        do {
            for (int pauses = 0; pauses < between_looks; ++pauses) spin_pause();
            if (came()) return true;
        } while (now() < end);
        return false;
    }
    void note(bool came) noexcept {
        if (came) {
            misses_ = 0;
        } else if (misses_ < patience) {
            ++misses_;
        }
    }

private:
    static constexpr std::int64_t moment = 2'000;
    // Each look takes the memory away from the one who is about to write there.
    static constexpr int between_looks = 24;
    static constexpr unsigned patience = 4;
    static constexpr unsigned seldom = 64;

    unsigned misses_ = 0;
    unsigned skipped_ = 0;
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
