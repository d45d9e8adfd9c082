// quest - the server process, and how tasks ask it
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <tandem/core/clock.hpp>
#include <tandem/core/task.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "child_process.hpp"

namespace quest {

/// The quest_server beside this program, for as long as the object lives.
class server_process {
public:
    /// Errors: `std::runtime_error` if it does not start.
    server_process();
    server_process(const server_process&) = delete;
    server_process& operator=(const server_process&) = delete;
    ~server_process();

    unsigned short port() const noexcept { return port_; }
    /// The status with which it ended before its time, if it did: 128 + the signal if one killed it.
    std::optional<int> ended() noexcept;

private:
    child_process child_;
    unsigned short port_ = 0;
};

/// What an API answered instead of a result: a status of 400 or above.
class api_error : public std::runtime_error {
public:
    api_error(int code, const std::string& text) : std::runtime_error(text), status(code) {}

    int status;
};

/// 429: come again later.
class too_many_requests : public api_error {
public:
    too_many_requests(const std::string& text, std::chrono::milliseconds wait)
        : api_error(429, text), retry_after(wait) {}

    std::chrono::milliseconds retry_after;
};

/// What the server saw since the last reset.
class server_statistics {
public:
    server_statistics() {}
    int in_flight = 0;
    int peak = 0;  ///< most requests in flight at one time
    int answered = 0;
    int refused = 0;    ///< answered with 429
    int abandoned = 0;  ///< connections closed before the answer
    int connections_opened = 0;
    int connections_open = 0;
    double cpu_seconds = 0;  ///< of the server, which shares the cores
};

/// One request as the server saw it. The clock is the loop's: one machine, one steady clock.
class seen_request {
public:
    seen_request() {}
    std::string path;  ///< without the query
    tandem::time_point arrived;
    tandem::time_point ended;
    int status = 0;
    bool abandoned = false;
    int connection = 0;
};

/// The APIs of the demo, as tasks, over kept connections. What is cancelled closes its connection.
/// Lifetime: outlives the tasks it gave.
class service {
public:
    explicit service(unsigned short port);
    service(const service&) = delete;
    service& operator=(const service&) = delete;
    ~service();

    /// "http://127.0.0.1:<port>"; GET / there names all routes.
    const std::string& base_url() const noexcept { return base_url_; }
    unsigned short port() const noexcept { return port_; }

    /// Asks the API `name`, which takes `delay` to answer; gives its name.
    tandem::task<std::string> get(std::string name, std::chrono::milliseconds delay);
    /// Asks an API that fails after `delay`: `api_error`.
    tandem::task<std::string> get_broken(std::string name, std::chrono::milliseconds delay);
    /// Asks an API that allows so many requests in any `window`: `too_many_requests`.
    tandem::task<std::string> get_limited(std::string name, std::chrono::milliseconds delay, int allowed,
                                          std::chrono::milliseconds window);
    /// GETs any route, as in "/bytes/page?size=1000&ms=20": the body.
    /// Errors: `api_error`, `http::error`.
    tandem::task<std::string> fetch(std::string target);
    /// Gives the server a text, to be fetched as /documents/<name>.
    tandem::task<> keep_document(std::string name, std::string text);

    /// What the server saw, once it has noticed the end of everything that was cancelled.
    tandem::task<server_statistics> statistics();
    /// Every request since the last reset, in the order in which they ended.
    tandem::task<std::vector<seen_request>> log();
    /// Begins to count afresh, once nothing is in flight.
    tandem::task<> reset();

private:
    class connections;

    std::unique_ptr<connections> pool_;
    std::string base_url_;
    unsigned short port_;
};

}  // namespace quest
