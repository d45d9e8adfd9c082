// tandem - SIGINT and SIGTERM for as long as a loop runs
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/basic_signal_set.hpp>
#include <boost/system/error_code.hpp>

#include <csignal>

#include <tandem/base/config.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// Calls `on_signal(number)` once, for the first SIGINT or SIGTERM; then what was in force before is
/// in force again, so that a second one ends the process. A signal that was ignored stays ignored.
template <class OnSignal>
class signal_watch {
public:
    signal_watch(boost::asio::io_context& context, OnSignal on_signal)
        : interrupt_(SIGINT), terminate_(SIGTERM), set_(context), on_signal_(on_signal) {
        if (interrupt_.to_be_handled()) set_.add(SIGINT);
        if (terminate_.to_be_handled()) set_.add(SIGTERM);
        set_.async_wait([this](const boost::system::error_code& failed, int number) {
            if (failed) return;  // the watch has ended; `this` is gone
            restore();
            on_signal_(number);
        });
    }
    signal_watch(const signal_watch&) = delete;
    signal_watch& operator=(const signal_watch&) = delete;
    ~signal_watch() { restore(); }

private:
    /// What the process did on a signal before.
    class disposition {
    public:
        explicit disposition(int number) noexcept : number_(number) { ::sigaction(number, nullptr, &before_); }
        bool to_be_handled() const noexcept { return before_.sa_handler != SIG_IGN; }
        void restore() const noexcept { ::sigaction(number_, &before_, nullptr); }

    private:
        int number_;
        struct sigaction before_ {};
    };

    void restore() noexcept {
        if (restored_) return;
        restored_ = true;
        boost::system::error_code ignored;
        set_.clear(ignored);
        set_.cancel(ignored);
        interrupt_.restore();
        terminate_.restore();
    }

    disposition interrupt_;
    disposition terminate_;
    boost::asio::basic_signal_set<boost::asio::io_context::executor_type> set_;
    OnSignal on_signal_;
    bool restored_ = false;
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
