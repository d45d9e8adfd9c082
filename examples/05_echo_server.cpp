// A TCP echo server on Boost.Asio that ends well on Ctrl-C: it stops accepting, finishes the answers
// that it has begun, closes its connections, and says how many there were.
//     05_echo_server 7777            serves until Ctrl-C; try: nc 127.0.0.1 7777
//     05_echo_server --self-test     (or nothing) serves clients of its own, then interrupts itself
// SPDX-License-Identifier: BSL-1.0
// expect: ^stopped by signal 2 after 3 connections, 0 left open$
#include <tandem/tandem.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <future>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "check.hpp"

namespace asio = boost::asio;
using asio::ip::tcp;
using namespace std::chrono_literals;
using tandem::use_task;  // the completion token: an Asio operation with it can be awaited

int accepted = 0;
int open_now = 0;

class counted_connection {
public:
    counted_connection() { ++accepted, ++open_now; }
    ~counted_connection() { --open_now; }
};

// Ctrl-C cancels this task like all others. If it waits in read, it stops there, and destructors close
// the socket. What has been read is answered first, because the write is shielded; a client that does
// not take its answer may hold us up for one second.
tandem::task<> echo(tcp::socket socket) {
    counted_connection counted;
    std::vector<char> buffer(4096);  // on the heap: locals live in the coroutine's frame
    for (;;) {
        boost::system::error_code closed;  // the client went away: no error of ours, so no exception
        const std::size_t size =
            co_await socket.async_read_some(asio::buffer(buffer), asio::redirect_error(use_task, closed));
        if (closed) co_return;
        co_await tandem::shield(
            tandem::timeout(1s, asio::async_write(socket, asio::buffer(buffer, size), use_task)));
    }
}

tandem::task<> serve(tcp::acceptor& acceptor) {
    // A supervisor owns the connections, and one that fails leaves the others alone. (In a task group
    // it would cancel them.)
    co_await tandem::with_supervisor([&](tandem::task_group& connections) -> tandem::task<> {
        for (;;) {
            tcp::socket socket = co_await acceptor.async_accept(use_task);
            connections.create_task(echo(std::move(socket)), "connection");
        }
    });
}

// Plain blocking clients on a thread of their own. The last of them interrupts the server and then
// sees its connection closed in an orderly way.
bool run_clients(tcp::endpoint server) {
    asio::io_context context;
    std::vector<tcp::socket> clients;
    bool answered = true;
    for (int i = 0; i < 3; ++i) {
        clients.emplace_back(context).connect(server);
        for (std::size_t bytes : {1u, 1000u, 100'000u}) {
            const std::string sent(bytes, static_cast<char>('a' + i));
            std::string received(bytes, ' ');
            auto writing =
                std::async(std::launch::async, [&] { asio::write(clients.back(), asio::buffer(sent)); });
            asio::read(clients.back(), asio::buffer(received));
            writing.get();
            answered = answered && received == sent;
        }
    }
    std::raise(SIGINT);  // Ctrl-C
    for (tcp::socket& client : clients) {
        char more;
        boost::system::error_code error;
        asio::read(client, asio::buffer(&more, 1), error);
        answered = answered && error == asio::error::eof;
    }
    return answered;
}

int main(int argc, char** argv) {
    const std::string argument = argc > 1 ? argv[1] : "--self-test";
    const bool self_test = argument == "--self-test";
    const auto port = static_cast<unsigned short>(self_test ? 0 : std::stoi(argument));

    tandem::event_loop loop;  // what tandem::run makes; here the acceptor needs its io_context
    tcp::acceptor acceptor(loop.context(), tcp::endpoint(asio::ip::address_v4::loopback(), port));
    std::cout << "listening on " << acceptor.local_endpoint() << ", Ctrl-C ends it" << std::endl;

    std::future<bool> clients;
    if (self_test) clients = std::async(std::launch::async, run_clients, acceptor.local_endpoint());
    int signal = 0;
    try {
        loop.run(serve(acceptor));
    } catch (const tandem::interrupted_error& interrupted) {
        signal = interrupted.signal();
    }
    if (self_test) check(clients.get(), "every client got its bytes back, and an orderly end");
    check(open_now == 0, "no connection outlives run()");
    std::cout << "stopped by signal " << signal << " after " << accepted << " connections, " << open_now
              << " left open\n";
}
