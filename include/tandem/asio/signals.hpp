// tandem - SIGINT and SIGTERM for as long as a loop runs
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/basic_signal_set.hpp>
#include <boost/system/error_code.hpp>

#include <atomic>
#include <csignal>
#include <cstdint>

#include <tandem/base/config.hpp>
#include <tandem/core/clock.hpp>
#include <tandem/core/loop_core.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// What the process did on a signal before any loop watched it; in force again when none does any more.
template <int Number>
class shared_disposition {
public:
    /// False if the signal is ignored, as in a program started with nohup: it stays so.
    static bool enter() noexcept {
        const guard lock;
        if (watchers++ == 0) ::sigaction(Number, nullptr, &before);
        return before.sa_handler != SIG_IGN;
    }
    /// To be called once a handler is in force: the first signal takes it away again, whatever the loop is
    /// doing, so that a second one ends also a process whose loop is busy. Not if there was a handler before.
    static void end_on_second() noexcept {
        const guard lock;
        if (before.sa_handler != SIG_DFL) return;
        struct sigaction now {};
        ::sigaction(Number, nullptr, &now);
        now.sa_flags |= static_cast<int>(SA_RESETHAND);
        ::sigaction(Number, &now, nullptr);
    }
    static void leave() noexcept {
        const guard lock;
        if (--watchers == 0) ::sigaction(Number, &before, nullptr);
    }

private:
    class guard {  // held for a system call at most
    public:
        guard() noexcept {
            while (busy.test_and_set(std::memory_order_acquire)) {
            }
        }
        guard(const guard&) = delete;
        guard& operator=(const guard&) = delete;
        ~guard() { busy.clear(std::memory_order_release); }
    };

    TANDEM_PROCESS_WIDE inline static std::atomic_flag busy = ATOMIC_FLAG_INIT;
    TANDEM_PROCESS_WIDE inline static int watchers = 0;
    TANDEM_PROCESS_WIDE inline static struct sigaction before {};
};

/// Calls `on_signal(number)` once, for the first SIGINT or SIGTERM; then what was in force before is
/// in force again, so that a second one ends the process.
template <class OnSignal>
class signal_watch final : private timer_node {
public:
    signal_watch(boost::asio::io_context& context, loop_core& loop, OnSignal on_signal)
        : loop_(loop), set_(context), on_signal_(on_signal) {
        if (shared_disposition<SIGINT>::enter()) {
            set_.add(SIGINT);
            shared_disposition<SIGINT>::end_on_second();
        }
        if (shared_disposition<SIGTERM>::enter()) set_.add(SIGTERM);
        set_.async_wait([this](const boost::system::error_code& ended, int number) {
            if (ended) return;  // `this` is gone
            const bool waits = number == SIGTERM && loop_.arm_timer(*this, later(loop_.ticks(), one_signal));
            if (!waits) act(number);
        });
    }
    signal_watch(const signal_watch&) = delete;
    signal_watch& operator=(const signal_watch&) = delete;
    ~signal_watch() {
        loop_.disarm_timer(*this);
        unwatch();
    }

private:
    // timeout(1) sends the signal to the process and to its group: the second of the two must not end it.
    static constexpr std::int64_t one_signal = 20'000'000;

    void fire() noexcept override { act(SIGTERM); }
    void act(int number) {
        unwatch();
        on_signal_(number);
    }
    void unwatch() noexcept {
        if (!watching_) return;
        watching_ = false;
        boost::system::error_code ignored;
        set_.clear(ignored);
        set_.cancel(ignored);
        shared_disposition<SIGINT>::leave();
        shared_disposition<SIGTERM>::leave();
    }

    loop_core& loop_;
    boost::asio::basic_signal_set<boost::asio::io_context::executor_type> set_;
    OnSignal on_signal_;
    bool watching_ = true;
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
