// quest_server - the network of the demo: APIs that take their time, in a process of their own
// SPDX-License-Identifier: BSL-1.0
//
// It listens on a free port of 127.0.0.1, prints "port <number>", speaks HTTP/1.1, and ends when its
// standard input is closed, so that it never outlives whoever started it. GET / names the routes. Plain
// Asio and Beast: what is measured against does not depend on what is measured.
#include "server/ledger.hpp"
#include "server/routes.hpp"
#include "server/session.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <csignal>
#include <cstring>
#include <iostream>
#include <memory>
#include <unistd.h>

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using quest_server::session;

asio::awaitable<void> accept_all(tcp::acceptor& acceptor, quest_server::routes& known,
                                 quest_server::ledger& seen) {
    asio::steady_timer pause(acceptor.get_executor());
    for (;;) {
        error_code error;
        tcp::socket socket = co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
        if (error) {  // the client has gone already, or there are too many of them: others will go
            pause.expires_after(std::chrono::milliseconds(10));
            co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
            continue;
        }
        auto accepted = std::make_shared<session>(std::move(socket), known, seen);
        asio::co_spawn(acceptor.get_executor(), session::serve(std::move(accepted)), asio::detached);
    }
}

void serve() {
    quest_server::ledger seen;
    quest_server::routes known(seen);
    asio::io_context context(1);
    tcp::acceptor acceptor(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    acceptor.listen(4096);
    std::cout << "port " << acceptor.local_endpoint().port() << std::endl;
    asio::co_spawn(context, accept_all(acceptor, known, seen), asio::detached);

    asio::posix::stream_descriptor input(context, ::dup(STDIN_FILENO));
    char byte = 0;
    input.async_read_some(asio::buffer(&byte, 1), [&](error_code, std::size_t) { context.stop(); });
    context.run();
}

}  // namespace

int main(int argc, char** argv) {
    if (argc > 1) {
        std::cout << "quest_server: listens on 127.0.0.1 until its standard input is closed; takes no "
                     "arguments\n\n"
                  << quest_server::routes::help();
        return std::strcmp(argv[1], "--help") == 0 ? 0 : 2;
    }
    std::signal(SIGINT, SIG_IGN);  // Ctrl-C is for the one who started us; we end with our input
    std::signal(SIGPIPE, SIG_IGN);
    serve();
}
