// SPDX-License-Identifier: BSL-1.0
#include "system_calls.hpp"

#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <exception>
#include <stdexcept>

namespace bench {
namespace {

[[noreturn]] void be_traced(const std::function<void()>& body) {
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(2);
    std::raise(SIGSTOP);
    try {
        body();
    } catch (const std::exception&) {
        ::_exit(1);
    }
    ::_exit(0);
}

}  // namespace

std::size_t system_calls_of(const std::function<void()>& body) {
    const ::pid_t child = ::fork();
    if (child < 0) throw std::runtime_error("fork failed");
    if (child == 0) be_traced(body);

    int status = 0;
    ::waitpid(child, &status, 0);
    ::ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
    std::size_t stops = 0;
    int signal = 0;
    for (;;) {
        if (::ptrace(PTRACE_SYSCALL, child, nullptr, signal) != 0) break;
        signal = 0;
        if (::waitpid(child, &status, 0) != child || WIFEXITED(status) || WIFSIGNALED(status)) break;
        if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
            ++stops;
        } else if (WSTOPSIG(status) != SIGTRAP) {
            signal = WSTOPSIG(status);
        }
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) throw std::runtime_error("the traced process failed");
    return (stops + 1) / 2;  // one stop where a call begins, one where it ends; the last one, exit, has one
}

}  // namespace bench
