// SPDX-License-Identifier: BSL-1.0
#include "server/session.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

#include <cerrno>
#include <sys/socket.h>
#include <utility>
#include <vector>

namespace quest_server {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

session::session(tcp::socket socket, routes& known, ledger& seen)
    : socket_(std::move(socket)),
      timer_(socket_.get_executor()),
      routes_(known),
      seen_(seen),
      number_(seen.connection_opened()) {
    error_code ignored;
    socket_.set_option(tcp::no_delay(true), ignored);
}

session::~session() { seen_.connection_closed(); }

asio::awaitable<void> session::serve(std::shared_ptr<session> self) {
    bool open = true;
    while (open) {
        request asked;
        open = co_await self->read(asked);
        if (open) open = co_await self->answer(asked);
    }
}

asio::awaitable<bool> session::read(request& into) {
    http::request_parser<http::string_body> parser;
    parser.body_limit(64 << 20);
    error_code error;
    co_await http::async_read(socket_, buffer_, parser, asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return false;
    auto& message = parser.get();
    into.method = std::string(message.method_string());
    into.target = std::string(message.target());
    into.body = std::move(message.body());
    into.keep_alive = message.keep_alive();
    co_return true;
}

// False when the connection is to be closed.
asio::awaitable<bool> session::answer(const request& asked) {
    const reply how = routes_.answer(asked.method, asked.target, asked.body);
    bool taken = false;
    if (how.control) {
        const std::vector<wire_part> parts = to_wire(how, asked.keep_alive, asked.method == "HEAD");
        taken = co_await send(parts.front().bytes);
    } else {
        taken = co_await send_counted(how, asked);
    }
    end_as(how);
    co_return taken&& how.is_whole() && !how.closes && asked.keep_alive;
}

asio::awaitable<bool> session::send_counted(const reply& how, const request& asked) {
    const ledger::ticket ticket = seen_.begin(asked.target.substr(0, asked.target.find('?')), number_);
    const std::vector<wire_part> parts =
        to_wire(how, asked.keep_alive && !how.closes, asked.method == "HEAD");
    bool taken = true;
    for (std::size_t n = 0; taken && n < parts.size(); ++n) {
        taken = co_await wait(parts[n].before);
        if (!taken) break;
        // Left before the write: the client may have its answer, and ask again, before we go on.
        if (n + 1 == parts.size() && !how.hangs) seen_.leave(ticket, how.status);
        taken = co_await send(parts[n].bytes);
        if (n + 1 == parts.size() && !how.hangs) {
            seen_.settle(ticket, taken);
            co_return taken;
        }
    }
    if (taken) co_await hang();
    seen_.leave(ticket, how.status);
    seen_.settle(ticket, false);
    co_return false;
}

asio::awaitable<bool> session::send(std::string bytes) {
    error_code error;
    co_await asio::async_write(socket_, asio::buffer(bytes),
                               asio::redirect_error(asio::use_awaitable, error));
    co_return !error;
}

// False if the client went away meanwhile.
asio::awaitable<bool> session::wait(std::chrono::milliseconds time) {
    if (time.count() == 0) co_return true;
    timer_.expires_after(time);
    watch();
    error_code ignored;
    co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    socket_.cancel(ignored);  // the watch
    co_return !gone_;
}

asio::awaitable<void> session::hang() {
    constexpr std::chrono::milliseconds a_minute(60'000);
    bool here = true;
    while (here) here = co_await wait(a_minute);
}

// Notices that the client closes its end while we wait. A client that already sends its next request is
// still there; that request is read when its turn comes.
void session::watch() {
    socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](error_code aborted) {
        if (aborted || !self->client_has_left()) return;
        self->gone_ = true;
        self->timer_.cancel();
    });
}

bool session::client_has_left() {
    char byte = 0;
    const auto size = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return size == 0 || (size < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

void session::end_as(const reply& how) {
    if (!how.resets) return;
    error_code ignored;
    socket_.set_option(asio::socket_base::linger(true, 0), ignored);
    socket_.close(ignored);
}

}  // namespace quest_server
