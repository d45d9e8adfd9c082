// tandem - the exceptions that tandem throws
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <tandem/base/config.hpp>

namespace tandem::inline TANDEM_ABI {

/// Base of every error that tandem itself raises.
class error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Says that the awaited task was cancelled: a fact about that task, not about the one that waits.
class cancelled_error : public error {
public:
    explicit cancelled_error(std::string reason = {})
        : error(reason.empty() ? "tandem: the task was cancelled"
                               : "tandem: the task was cancelled: " + reason),
          reason_(std::move(reason)) {}

    /// What the canceller gave as its reason; empty if it gave none.
    const std::string& reason() const noexcept { return reason_; }

private:
    std::string reason_;
};

/// Says that a signal ended `run()`: SIGINT or SIGTERM cancelled its main task.
class interrupted_error : public cancelled_error {
public:
    explicit interrupted_error(int signal)
        : cancelled_error("signal " + std::to_string(signal)), signal_(signal) {}

    /// The number of the signal, as in <csignal>.
    int signal() const noexcept { return signal_; }

private:
    int signal_;
};

/// Says that the time given to an operation was up before it ended; the operation has stopped.
class timeout_error : public error {
public:
    explicit timeout_error(const std::string& text = "tandem::timeout: the time is up") : error(text) {}
};

/// Says that the object is not in a state that allows the call.
class invalid_state_error : public error {
public:
    using error::error;
};

/// Thrown by `get_nowait` on an empty queue.
class queue_empty : public error {
public:
    using error::error;
};

/// Thrown by `put_nowait` on a full queue.
class queue_full : public error {
public:
    using error::error;
};

/// Thrown by a queue that was shut down.
class queue_shut_down : public error {
public:
    using error::error;
};

/// Thrown by an executor that was shut down.
class executor_shut_down : public error {
public:
    using error::error;
};

/// Thrown to the waiters of a barrier that was aborted.
class broken_barrier_error : public error {
public:
    using error::error;
};

namespace detail {

/// What an exception says of itself.
inline std::string message_of(const std::exception_ptr& e) {
    try {
        std::rethrow_exception(e);
    } catch (const std::exception& known) {
        return known.what();
    } catch (...) {
        return "an exception that is not a std::exception";
    }
}

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
