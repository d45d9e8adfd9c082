// quest_server - one connection: requests are read, answered and counted until it is closed
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "server/ledger.hpp"
#include "server/reply.hpp"
#include "server/routes.hpp"

namespace quest_server {

class session : public std::enable_shared_from_this<session> {
public:
    using tcp = boost::asio::ip::tcp;

    session(tcp::socket socket, routes& known, ledger& seen);
    session(const session&) = delete;
    session& operator=(const session&) = delete;
    ~session();

    /// Serves until one side closes.
    static boost::asio::awaitable<void> serve(std::shared_ptr<session> self);

private:
    class request {
    public:
        std::string method;
        std::string target;
        std::string body;
        bool keep_alive = false;
    };

    boost::asio::awaitable<bool> read(request& into);
    boost::asio::awaitable<bool> answer(const request& asked);
    boost::asio::awaitable<bool> send_counted(const reply& how, const request& asked);
    boost::asio::awaitable<bool> send(std::string bytes);
    boost::asio::awaitable<bool> wait(std::chrono::milliseconds time);
    boost::asio::awaitable<void> hang();
    void watch();
    bool client_has_left();
    void end_as(const reply& how);

    tcp::socket socket_;
    boost::asio::steady_timer timer_;
    boost::beast::flat_buffer buffer_;
    routes& routes_;
    ledger& seen_;
    std::uint64_t number_;
    bool gone_ = false;
};

}  // namespace quest_server
