// quest - a program that runs beside this one, with pipes to its input and from its output
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

namespace quest {

/// A running program, found by PATH unless its name has a slash, in a process group of its own: Ctrl-C
/// does not reach it. Neither it nor what it started outlives the object.
class child_process {
public:
    /// Errors: `std::system_error` if it cannot be started.
    child_process(const std::string& program, const std::vector<std::string>& arguments);
    child_process(const child_process&) = delete;
    child_process& operator=(const child_process&) = delete;
    /// Kills what still runs of the group, and waits for its end.
    ~child_process();

    /// The end of the pipe from which its output is read; the caller closes it.
    int take_output() noexcept;
    void close_input() noexcept;
    /// Waits for its end, blocking this thread: the exit status, or 128 + the signal.
    int wait() noexcept;
    /// The same without waiting; negative while it runs.
    int poll() noexcept;

private:
    int reap(int options) noexcept;

    ::pid_t group_ = -1;
    ::pid_t id_ = -1;  // -1 once it has been waited for
    int input_ = -1;
    int output_ = -1;
    int status_ = -1;
};

}  // namespace quest
