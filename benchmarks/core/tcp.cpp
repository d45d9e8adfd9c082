// tandem benchmarks - ping-pong over loopback sockets: what the library adds to the kernel's work
// SPDX-License-Identifier: BSL-1.0
#include <tandem/asio/event_loop.hpp>
#include <tandem/asio/use_task.hpp>
#include <tandem/tasks/task_group.hpp>

#include "asio_peer.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <memory>
#include <vector>

#include "groups.hpp"

namespace {

using bench::check;
using bench::meter;
using bench::sample;
using boost::asio::ip::tcp;
namespace asio = boost::asio;

constexpr std::size_t connections = 20;
constexpr std::size_t request_bytes = 56;
constexpr std::size_t answer_bytes = 120;
constexpr std::size_t warm_up = 20;

using socket_type = asio::basic_stream_socket<tcp, asio::io_context::executor_type>;
using acceptor_type = asio::basic_socket_acceptor<tcp, asio::io_context::executor_type>;
using buffer_type = std::array<char, 4096>;

struct connection {
    explicit connection(asio::io_context& context) : client(context), server(context) {}

    socket_type client;
    socket_type server;
    buffer_type client_buffer{};
    buffer_type server_buffer{};
};
using connection_list = std::vector<std::unique_ptr<connection>>;

connection_list connect_all(asio::io_context& context) {
    acceptor_type acceptor(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    connection_list list;
    for (std::size_t i = 0; i < connections; ++i) {
        list.push_back(std::make_unique<connection>(context));
        list.back()->client.connect(acceptor.local_endpoint());
        acceptor.accept(list.back()->server);
    }
    return list;
}

std::size_t rounds_of(std::size_t operations) { return operations / connections + 1; }

// ---- tandem

tandem::task<> ask(connection& c, std::size_t times) {
    for (std::size_t i = 0; i < times; ++i) {
        co_await asio::async_write(c.client, asio::buffer(c.client_buffer, request_bytes), tandem::use_task);
        co_await c.client.async_read_some(asio::buffer(c.client_buffer), tandem::use_task);
    }
}

tandem::task<> answer(connection& c, std::size_t times) {
    for (std::size_t i = 0; i < times; ++i) {
        co_await c.server.async_read_some(asio::buffer(c.server_buffer), tandem::use_task);
        co_await asio::async_write(c.server, asio::buffer(c.server_buffer, answer_bytes), tandem::use_task);
    }
}

tandem::task<> ping_pong(connection_list& list, std::size_t times) {
    co_await tandem::with_task_group([&](tandem::task_group& group) -> tandem::task<> {
        for (auto& c : list) {
            group.create_task(answer(*c, times));
            group.create_task(ask(*c, times));
        }
        co_return;
    });
}

tandem::task<sample> measured(connection_list& list, std::size_t times) {
    co_await ping_pong(list, warm_up);
    meter m;
    co_await ping_pong(list, times);
    co_return m.cpu(times * connections);
}

sample with_tandem(std::size_t operations) {
    tandem::event_loop loop;
    connection_list list = connect_all(loop.context());
    return loop.run(measured(list, rounds_of(operations)));
}

// ---- Asio's coroutines

peer::awaitable<void> ask_awaitable(connection& c, std::size_t times) {
    for (std::size_t i = 0; i < times; ++i) {
        co_await asio::async_write(c.client, asio::buffer(c.client_buffer, request_bytes),
                                   peer::use_awaitable);
        co_await c.client.async_read_some(asio::buffer(c.client_buffer), peer::use_awaitable);
    }
}

peer::awaitable<void> answer_awaitable(connection& c, std::size_t times) {
    for (std::size_t i = 0; i < times; ++i) {
        co_await c.server.async_read_some(asio::buffer(c.server_buffer), peer::use_awaitable);
        co_await asio::async_write(c.server, asio::buffer(c.server_buffer, answer_bytes),
                                   peer::use_awaitable);
    }
}

peer::awaitable<void> ping_pong_awaitable(peer::executor ex, connection_list& list, std::size_t times) {
    peer::countdown all(ex, 2 * connections);
    for (auto& c : list) {
        asio::co_spawn(ex, answer_awaitable(*c, times), all.one());
        asio::co_spawn(ex, ask_awaitable(*c, times), all.one());
    }
    co_await all.wait();
}

peer::awaitable<sample> with_awaitable(peer::executor ex, std::size_t operations) {
    connection_list list = connect_all(ex.context());
    const std::size_t times = rounds_of(operations);
    co_await ping_pong_awaitable(ex, list, warm_up);
    meter m;
    co_await ping_pong_awaitable(ex, list, times);
    co_return m.cpu(times * connections);
}

// ---- Asio's callbacks

class asker {
public:
    asker(connection& c, std::size_t times) : connection_(c), left_(times) {}
    void start() {
        asio::async_write(connection_.client, asio::buffer(connection_.client_buffer, request_bytes),
                          [this](boost::system::error_code failed, std::size_t) {
                              check(!failed, "write");
                              read();
                          });
    }

private:
    void read() {
        connection_.client.async_read_some(asio::buffer(connection_.client_buffer),
                                           [this](boost::system::error_code failed, std::size_t) {
                                               check(!failed, "read");
                                               if (--left_ != 0) start();
                                           });
    }

    connection& connection_;
    std::size_t left_;
};

class answerer {
public:
    answerer(connection& c, std::size_t times) : connection_(c), left_(times) {}
    void start() {
        connection_.server.async_read_some(asio::buffer(connection_.server_buffer),
                                           [this](boost::system::error_code failed, std::size_t) {
                                               check(!failed, "read");
                                               write();
                                           });
    }

private:
    void write() {
        asio::async_write(connection_.server, asio::buffer(connection_.server_buffer, answer_bytes),
                          [this](boost::system::error_code failed, std::size_t) {
                              check(!failed, "write");
                              if (--left_ != 0) start();
                          });
    }

    connection& connection_;
    std::size_t left_;
};

void ping_pong_callbacks(asio::io_context& context, connection_list& list, std::size_t times) {
    std::vector<answerer> answerers;
    std::vector<asker> askers;
    answerers.reserve(list.size());
    askers.reserve(list.size());
    for (auto& c : list) {
        answerers.emplace_back(*c, times).start();
        askers.emplace_back(*c, times).start();
    }
    context.restart();
    context.run();
}

sample with_callbacks(std::size_t operations) {
    asio::io_context context(1);
    connection_list list = connect_all(context);
    const std::size_t times = rounds_of(operations);
    ping_pong_callbacks(context, list, warm_up);
    meter m;
    ping_pong_callbacks(context, list, times);
    return m.cpu(times * connections);
}

}  // namespace

std::vector<bench::workload> tcp_workloads() {
    return {
        {"TCP round trip, 20 connections; at most 1.02 x awaitable, 1.05 x callbacks",
         "ns CPU",
         20'000,
         with_tandem,
         {{"asio awaitable", peer::contender<with_awaitable>, bench::at_most(1.02)},
          {"asio callbacks", with_callbacks, bench::at_most(1.05)}},
         0.2},
    };
}
