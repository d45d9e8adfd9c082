// quest - the server process, and how tasks ask it
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <tandem/tandem.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <stdexcept>
#include <string>
#include <sys/types.h>

namespace quest {

/// The quest_server beside this program, for as long as the object lives.
class server_process {
public:
    server_process();
    server_process(const server_process&) = delete;
    server_process& operator=(const server_process&) = delete;
    ~server_process();

    unsigned short port() const noexcept { return port_; }

private:
    int input_ = -1;  // the server ends when this is closed, also if we are killed
    ::pid_t child_ = -1;
    unsigned short port_ = 0;
};

/// What an API answered instead of a result.
class api_error : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// What the server saw since the last reset.
class server_statistics {
public:
    server_statistics() {}
    int in_flight = 0;
    int peak = 0;  ///< most requests in flight at one time
    int answered = 0;
    int abandoned = 0;  ///< connections closed before the answer
};

/// The APIs of the demo, as tasks; one connection per request.
class service {
public:
    service(boost::asio::io_context& context, unsigned short port);

    /// Asks the API `name`, which takes `delay` to answer.
    tandem::task<std::string> get(std::string name, std::chrono::milliseconds delay);
    /// Asks an API that fails after `delay`: `api_error`.
    tandem::task<std::string> get_broken(std::string name, std::chrono::milliseconds delay);
    /// What the server saw, once it has noticed the end of everything that was cancelled.
    tandem::task<server_statistics> statistics();
    tandem::task<> reset();

private:
    tandem::task<std::string> ask(std::string line);

    boost::asio::io_context& context_;
    boost::asio::ip::tcp::endpoint endpoint_;
};

}  // namespace quest
