// SPDX-License-Identifier: BSL-1.0
#include "child_process.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <utility>

extern char** environ;

namespace quest {
namespace {

void close_end(int& descriptor) noexcept {
    if (descriptor >= 0) ::close(std::exchange(descriptor, -1));
}

class pipe_ends {
public:
    pipe_ends() {
        if (::pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
    }
    pipe_ends(const pipe_ends&) = delete;
    pipe_ends& operator=(const pipe_ends&) = delete;
    ~pipe_ends() {
        close_end(ends[0]);
        close_end(ends[1]);
    }

    int ends[2] = {-1, -1};
};

// Its signals are as if it had been started from a shell, whatever this program does with its own.
class spawn_attributes {
public:
    spawn_attributes() {
        ::posix_spawnattr_init(&value);
        sigset_t none;
        sigset_t usual;
        ::sigemptyset(&none);
        ::sigemptyset(&usual);
        for (const int number : {SIGINT, SIGTERM, SIGPIPE}) ::sigaddset(&usual, number);
        ::posix_spawnattr_setsigmask(&value, &none);
        ::posix_spawnattr_setsigdefault(&value, &usual);
        ::posix_spawnattr_setflags(&value,
                                   POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
        ::posix_spawnattr_setpgroup(&value, 0);
    }
    spawn_attributes(const spawn_attributes&) = delete;
    spawn_attributes& operator=(const spawn_attributes&) = delete;
    ~spawn_attributes() { ::posix_spawnattr_destroy(&value); }

    posix_spawnattr_t value;
};

::pid_t spawn(const std::string& program, const std::vector<std::string>& arguments, int input, int output) {
    std::vector<char*> words{const_cast<char*>(program.c_str())};
    for (const std::string& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
    words.push_back(nullptr);

    const spawn_attributes attributes;
    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
    ::pid_t id = -1;
    const int error = ::posix_spawnp(&id, program.c_str(), &files, &attributes.value, words.data(), environ);
    ::posix_spawn_file_actions_destroy(&files);
    if (error != 0) throw std::system_error(error, std::generic_category(), "starting " + program);
    return id;
}

}  // namespace

child_process::child_process(const std::string& program, const std::vector<std::string>& arguments) {
    pipe_ends in;
    pipe_ends out;
    group_ = id_ = spawn(program, arguments, in.ends[0], out.ends[1]);
    input_ = std::exchange(in.ends[1], -1);
    output_ = std::exchange(out.ends[0], -1);
}

child_process::~child_process() {
    close_input();
    close_end(output_);
    ::kill(-group_, SIGKILL);
    wait();
}

int child_process::take_output() noexcept { return std::exchange(output_, -1); }
void child_process::close_input() noexcept { close_end(input_); }
int child_process::wait() noexcept { return reap(0); }
int child_process::poll() noexcept { return reap(WNOHANG); }

int child_process::reap(int options) noexcept {
    int status = 0;
    while (id_ > 0) {
        const ::pid_t ended = ::waitpid(id_, &status, options);
        if (ended == 0) return -1;
        if (ended < 0 && errno == EINTR) continue;
        if (ended > 0) status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        id_ = -1;
    }
    return status_;
}

}  // namespace quest
