// SPDX-License-Identifier: BSL-1.0
// What a user of Beast writes: a coroutine a connection, one request after the other.
#include "peers.hpp"

#include "../site.hpp"

#include <support/check.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include <chrono>
#include <exception>

namespace beast_client {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

asio::awaitable<void> get_some(beast::tcp_stream& stream, const job& what, std::size_t& left) {
    beast::flat_buffer buffer;
    while (left > 0) {
        --left;
        const auto start = std::chrono::steady_clock::now();
        http::request<http::empty_body> request(http::verb::get, "/small", 11);
        request.set(http::field::host, "127.0.0.1:" + std::to_string(site::port()));
        request.set(http::field::user_agent, "beast");
        request.set(http::field::accept, "*/*");
        stream.expires_after(std::chrono::seconds(30));
        co_await http::async_write(stream, request, asio::use_awaitable);
        http::response<http::string_body> response;
        co_await http::async_read(stream, buffer, response, asio::use_awaitable);
        bench::check(response.body().size() == what.body, "Beast: a body is not whole");
        if (what.latencies) {
            const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
            what.latencies->push_back(took.count());
        }
    }
}

void run(asio::io_context& context, std::vector<beast::tcp_stream>& streams, const job& what,
         std::size_t requests) {
    std::exception_ptr failure;
    const auto note = [&failure](std::exception_ptr error) {
        if (error) failure = error;
    };
    for (beast::tcp_stream& stream : streams) asio::co_spawn(context, get_some(stream, what, requests), note);
    context.run();
    context.restart();
    if (failure) std::rethrow_exception(failure);
}

}  // namespace

bench::sample get(const job& what) {
    asio::io_context context(1);
    std::vector<beast::tcp_stream> streams;
    for (std::size_t i = 0; i < what.connections; ++i) {
        streams.emplace_back(context).connect(
            asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), site::port()));
    }
    run(context, streams, what, what.warm_up);
    if (what.latencies) what.latencies->clear();
    bench::meter meter;
    run(context, streams, what, what.requests);
    return meter.cpu(what.requests);
}

}  // namespace beast_client
