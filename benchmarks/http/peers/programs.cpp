// SPDX-License-Identifier: BSL-1.0
// Clients in other languages: each measures itself and prints one number.
#include "peers.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include <unistd.h>

namespace {

namespace fs = std::filesystem;

std::string peer_file(const char* name) { return std::string(BENCH_PEERS "/") + name; }
bool succeeds(const std::string& command) { return std::system((command + " >/dev/null 2>&1").c_str()) == 0; }

bench::sample run(const std::string& program, const job& what) {
    const std::string command = program + " " + what.url + " " + std::to_string(what.requests) + " " +
                                std::to_string(what.connections) + " " + std::to_string(what.body);
    std::FILE* const out = ::popen(command.c_str(), "r");
    if (!out) throw std::runtime_error("cannot start " + program);
    double nanoseconds = 0;
    const bool read = std::fscanf(out, "%lf", &nanoseconds) == 1;
    if (::pclose(out) != 0 || !read) throw std::runtime_error(program + " failed");
    return {nanoseconds, 0};
}

/// The Go client, built when it is asked for first, gone with this process.
class built_client {
public:
    built_client() : path_(fs::temp_directory_path() / ("tandem_bench_go_" + std::to_string(::getpid()))) {
        usable_ = succeeds("go version") &&
                  succeeds("go build -o '" + path_.string() + "' '" + peer_file("client.go") + "'");
    }
    built_client(const built_client&) = delete;
    built_client& operator=(const built_client&) = delete;
    ~built_client() {
        std::error_code ignored;
        fs::remove(path_, ignored);
    }

    bool usable() const noexcept { return usable_; }
    std::string command() const { return "GOMAXPROCS=1 '" + path_.string() + "'"; }

private:
    fs::path path_;
    bool usable_ = false;
};

const built_client& go_program() {
    static const built_client program;
    return program;
}

/// The first Python that has aiohttp; empty if there is none.
const std::string& python_with_aiohttp() {
    static const std::string python = [] {
        for (const char* candidate : {"python3", "/usr/bin/python3"}) {
            if (succeeds(std::string(candidate) + " -c 'import aiohttp'")) return std::string(candidate);
        }
        return std::string();
    }();
    return python;
}

}  // namespace

bool go_client::installed() { return go_program().usable(); }
bench::sample go_client::get(const job& what) { return run(go_program().command(), what); }

bool aiohttp_client::installed() { return !python_with_aiohttp().empty(); }
bench::sample aiohttp_client::get(const job& what) {
    return run(python_with_aiohttp() + " '" + peer_file("client.py") + "'", what);
}
