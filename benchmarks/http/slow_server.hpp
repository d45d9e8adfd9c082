// tandem benchmarks - a server that takes a second for every answer, in a process of its own
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <string>

#include <sys/types.h>

/// For as long as the object lives. Start it before anything that makes threads.
class slow_server {
public:
    static constexpr std::size_t body = 2;

    slow_server();
    slow_server(const slow_server&) = delete;
    slow_server& operator=(const slow_server&) = delete;
    ~slow_server();

    std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/"; }

private:
    ::pid_t child_ = -1;
    unsigned short port_ = 0;
};
