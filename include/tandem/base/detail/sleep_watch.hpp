// tandem - what a loop does before it sleeps while other threads work for it
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>

#include <tandem/base/detail/intrusive_list.hpp>
#include <tandem/base/detail/linger.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// A call that can wait until its loop has nothing else to do; it often turns out to be needless.
class late_call : public list_links<late_call> {
public:
    using function = void (*)(late_call& self) noexcept;

    explicit late_call(function f) noexcept : function_(f) {}
    late_call(const late_call&) = delete;
    late_call& operator=(const late_call&) = delete;

private:
    friend class sleep_watch;

    function function_;
    std::uint64_t turn_ = 0;
    bool waits_ = false;
};

/// Threads: the loop's.
class sleep_watch {
public:
    /// Another thread is about to hand something over.
    void expect_soon() noexcept { soon_ = true; }

    /// Calls `c` before the loop sleeps, and at the latest when a few turns have passed.
    void call_late(late_call& c) noexcept {
        c.turn_ = turn_;
        c.waits_ = true;
        calls_.push_back(c);
    }
    void forget(late_call& c) noexcept {
        if (c.waits_) remove(c);
    }

    // ---- for the loop

    /// There is nothing to do now. True if what is expected comes within a moment.
    template <class Came, class Now>
    bool comes_soon(Came came, Now now) noexcept {
        if (!soon_) return false;
        const bool comes = linger_.worthwhile() && linger::wait(came, now);
        linger_.note(comes);
        soon_ = comes;
        return comes;
    }
    void before_sleep() noexcept {
        while (late_call* const c = calls_.front()) call(*c);
    }
    /// The loop has worked through its time slice, and goes on after others had their turn.
    void after_turn() noexcept {
        ++turn_;
        late_call* c = calls_.front();
        while (c && turn_ - c->turn_ >= patience) {
            call(*c);
            c = calls_.front();
        }
    }

private:
    static constexpr std::uint64_t patience = 4;

    void remove(late_call& c) noexcept {
        c.waits_ = false;
        calls_.erase(c);
    }
    void call(late_call& c) noexcept {
        remove(c);
        c.function_(c);
    }

    intrusive_list<late_call> calls_;
    std::uint64_t turn_ = 0;
    linger linger_;
    bool soon_ = false;
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
