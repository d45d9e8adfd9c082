// tandem - other people's servers for tests and benchmarks: found, started on a free port, ended
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace real_server {

/// Where a program is, looked for where servers are installed too; empty if nowhere.
inline std::string find_program(const std::string& name) {
    const char* const path = std::getenv("PATH");
    std::istringstream folders(std::string(path ? path : "") + ":/usr/sbin:/usr/local/sbin:/sbin");
    for (std::string folder; std::getline(folders, folder, ':');) {
        const std::string file = folder + "/" + name;
        if (!folder.empty() && ::access(file.c_str(), X_OK) == 0) return file;
    }
    return {};
}

inline sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

/// A port that nobody listened on a moment ago.
inline std::uint16_t free_port() {
    const int s = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof(address);
    const bool good = ::bind(s, reinterpret_cast<const sockaddr*>(&address), size) == 0 &&
                      ::getsockname(s, reinterpret_cast<sockaddr*>(&address), &size) == 0;
    ::close(s);
    if (!good) throw std::runtime_error("no free port");
    return ntohs(address.sin_port);
}

inline bool listens(std::uint16_t port) {
    const int s = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(port);
    const bool yes = ::connect(s, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
    ::close(s);
    return yes;
}

// Between two looks at a process that has no other way to say that it is ready.
inline void pause() noexcept { ::poll(nullptr, 0, 10); }

/// A folder that goes with the object.
class scratch_folder {
public:
    scratch_folder() {
        std::string name = (std::filesystem::temp_directory_path() / "tandem_server_XXXXXX").string();
        if (!::mkdtemp(name.data())) throw std::runtime_error("no temporary folder");
        path_ = name;
        std::filesystem::permissions(path_, std::filesystem::perms(0755));  // servers may change their user
    }
    scratch_folder(const scratch_folder&) = delete;
    scratch_folder& operator=(const scratch_folder&) = delete;
    ~scratch_folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    std::string path(const std::string& file = {}) const { return (path_ / file).string(); }
    void write(const std::string& file, const std::string& bytes) const {
        std::filesystem::create_directories(std::filesystem::path(path(file)).parent_path());
        std::ofstream(path(file), std::ios::binary) << bytes;
    }
    std::string read(const std::string& file) const {
        std::ifstream in(path(file), std::ios::binary);
        return std::string(std::istreambuf_iterator<char>(in), {});
    }

private:
    std::filesystem::path path_;
};

/// A program that runs until the object goes, or its parent does; what it says goes to a file.
class child_process {
public:
    child_process(const std::vector<std::string>& command, const std::string& log, int cpu = -1) {
        std::vector<char*> words;
        for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
        words.push_back(nullptr);
        id_ = ::fork();
        if (id_ < 0) throw std::runtime_error("fork failed");
        if (id_ != 0) return;
        ::prctl(PR_SET_PDEATHSIG, SIGTERM);
        const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
        ::dup2(out, 1);
        ::dup2(out, 2);
        if (cpu >= 0) {
            cpu_set_t one;
            CPU_ZERO(&one);
            CPU_SET(static_cast<unsigned>(cpu), &one);
            ::sched_setaffinity(0, sizeof(one), &one);
        }
        ::execv(words[0], words.data());
        ::_exit(127);
    }
    child_process(const child_process&) = delete;
    child_process& operator=(const child_process&) = delete;
    ~child_process() {
        if (!runs()) return;
        ::kill(id_, SIGTERM);
        for (int i = 0; i < 300 && runs(); ++i) pause();
        if (!runs()) return;
        ::kill(id_, SIGKILL);
        ::waitpid(id_, nullptr, 0);
    }

    bool runs() {
        if (id_ > 0 && ::waitpid(id_, nullptr, WNOHANG) == id_) id_ = 0;
        return id_ > 0;
    }
    /// False if it ends, or does not listen within 10 s.
    bool wait_until_it_listens(std::uint16_t port) {
        for (int i = 0; i < 1000; ++i) {
            if (!runs()) return false;
            if (listens(port)) return true;
            pause();
        }
        return false;
    }

private:
    pid_t id_ = 0;
};

/// nginx with one worker, that serves the folder `root` below its scratch folder; `server` and `http`
/// are lines for those blocks of its configuration.
class nginx {
public:
    static bool present() { return !find_program("nginx").empty(); }

    explicit nginx(const std::string& server = {}, const std::string& http = {}, int cpu = -1)
        : port_(free_port()) {
        const std::string place = folder_.path();
        folder_.write("root/small.txt", std::string(1024, 'x'));
        folder_.write(
            "nginx.conf",
            "daemon off;\nworker_processes 1;\npid " + place + "/pid;\nerror_log " + place +
                "/error.log;\nworker_rlimit_nofile 20000;\n" + (::getuid() == 0 ? "user root;\n" : "") +
                "events { worker_connections 15000; }\nhttp {\n  access_log off;\n  client_body_temp_path " +
                place + "/body;\n  proxy_temp_path " + place + "/proxy;\n  fastcgi_temp_path " + place +
                "/f;\n  uwsgi_temp_path " + place + "/u;\n  scgi_temp_path " + place + "/s;\n" + http +
                "\n  server {\n    listen 127.0.0.1:" + std::to_string(port_) + ";\n    root " + place +
                "/root;\n" + server + "\n  }\n}\n");
        run(cpu);
    }

    const scratch_folder& folder() const noexcept { return folder_; }
    std::uint16_t port() const noexcept { return port_; }
    std::string url(const std::string& target) const {
        return "http://127.0.0.1:" + std::to_string(port_) + target;
    }

private:
    void run(int cpu) {
        process_ = std::make_unique<child_process>(
            std::vector<std::string>{find_program("nginx"), "-p", folder_.path(), "-c",
                                     folder_.path("nginx.conf"), "-e", folder_.path("error.log")},
            folder_.path("output"), cpu);
        if (process_->wait_until_it_listens(port_)) return;
        throw std::runtime_error("nginx does not start: " + folder_.read("output") +
                                 folder_.read("error.log"));
    }

    scratch_folder folder_;
    std::uint16_t port_;
    std::unique_ptr<child_process> process_;
};

}  // namespace real_server
