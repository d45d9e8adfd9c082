// tandem - keeps a loop alive while another thread is inside a call on it
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <atomic>
#include <cstdint>

#include <tandem/base/config.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// Between handing a node over and waking the loop, a thread still uses the loop, which may run the
/// node, finish and go. So it pins the loop first, and the end of the loop waits until no pin is left.
class loop_pins {
public:
    void add() noexcept { count_.fetch_add(1, std::memory_order_relaxed); }

    /// The last use of the loop by this thread: what follows touches globals only.
    void remove() noexcept {
        count_.fetch_sub(1, std::memory_order_seq_cst);
        if (closing_loops.load(std::memory_order_seq_cst) == 0) return;
        departures.fetch_add(1, std::memory_order_release);
        departures.notify_all();
    }

    void wait_until_none() const noexcept {
        closing_loops.fetch_add(1, std::memory_order_seq_cst);
        for (;;) {
            const std::uint32_t seen = departures.load(std::memory_order_acquire);
            if (count_.load(std::memory_order_seq_cst) == 0) break;
            departures.wait(seen, std::memory_order_acquire);
        }
        closing_loops.fetch_sub(1, std::memory_order_relaxed);
    }

private:
    TANDEM_PROCESS_WIDE inline static std::atomic<std::uint32_t> closing_loops{0};
    TANDEM_PROCESS_WIDE inline static std::atomic<std::uint32_t> departures{0};

    std::atomic<std::uint32_t> count_{0};
};

/// Pins a loop for a scope.
class loop_pin {
public:
    explicit loop_pin(loop_pins& pins) noexcept : pins_(pins) { pins_.add(); }
    loop_pin(const loop_pin&) = delete;
    loop_pin& operator=(const loop_pin&) = delete;
    ~loop_pin() { pins_.remove(); }

private:
    loop_pins& pins_;
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
