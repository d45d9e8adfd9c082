// SPDX-License-Identifier: BSL-1.0
#include "slow_server.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::string_view answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A request is taken to be one read: what the clients here send fits into one segment.
class session : public std::enable_shared_from_this<session> {
public:
    explicit session(tcp::socket socket) : socket_(std::move(socket)), timer_(socket_.get_executor()) {}

    void read() {
        socket_.async_read_some(asio::buffer(request_),
                                [self = shared_from_this()](error_code error, std::size_t) {
                                    if (!error) self->wait();
                                });
    }

private:
    void wait() {
        timer_.expires_after(std::chrono::seconds(1));
        timer_.async_wait([self = shared_from_this()](error_code) { self->reply(); });
    }
    void reply() {
        asio::async_write(socket_, asio::buffer(answer),
                          [self = shared_from_this()](error_code error, std::size_t) {
                              if (!error) self->read();
                          });
    }

    tcp::socket socket_;
    asio::steady_timer timer_;
    std::array<char, 1024> request_;
};

void accept_all(tcp::acceptor& acceptor) {
    acceptor.async_accept([&acceptor](error_code error, tcp::socket socket) {
        if (!error) std::make_shared<session>(std::move(socket))->read();
        accept_all(acceptor);
    });
}

}  // namespace

slow_server::slow_server() {
    asio::io_context context(1);
    tcp::acceptor acceptor(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    acceptor.listen(16384);
    port_ = acceptor.local_endpoint().port();
    context.notify_fork(asio::io_context::fork_prepare);
    child_ = ::fork();
    if (child_ < 0) throw std::runtime_error("fork failed");
    if (child_ > 0) {
        context.notify_fork(asio::io_context::fork_parent);
        return;
    }
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    context.notify_fork(asio::io_context::fork_child);
    accept_all(acceptor);
    context.run();
    ::_exit(0);
}

slow_server::~slow_server() {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
}
