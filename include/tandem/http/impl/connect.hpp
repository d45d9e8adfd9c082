// tandem - makes the connection for a URL: addresses, one race among them, TLS on top
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <tandem/asio/event_loop.hpp>
#include <tandem/http/client_options.hpp>
#include <tandem/http/impl/resolver.hpp>
#include <tandem/http/impl/socket_stream.hpp>
#include <tandem/http/url.hpp>
#include <tandem/sync/event.hpp>
#include <tandem/tasks/race.hpp>
#include <tandem/tasks/timeout.hpp>

namespace tandem::inline TANDEM_ABI {
namespace http {
namespace detail {

template <class Protocol>
task<std::unique_ptr<byte_stream>> connect_to(typename Protocol::endpoint to) {
    typename socket_stream<Protocol>::socket socket(event_loop::running().context());
    boost::system::error_code ec;
    co_await socket.async_connect(to, boost::asio::redirect_error(use_task, ec));
    if (ec) {
        error failed(errc::connect, phase::connect, ec.message());
        failed.cause(ec);
        throw failed;
    }
    if constexpr (std::is_same_v<Protocol, boost::asio::ip::tcp>) {
        socket.set_option(boost::asio::ip::tcp::no_delay(true), ec);
    }
    std::unique_ptr<byte_stream> made = std::make_unique<socket_stream<Protocol>>(std::move(socket));
    co_return made;
}

/// What the attempts of one race know of each other.
class connect_race {
public:
    explicit connect_race(const address_list& to) : addresses(to), failed(to.size()) {
        for (auto& f : failed) f = std::make_unique<event>();
    }

    const address_list& addresses;
    std::vector<std::unique_ptr<event>> failed;
    std::string reasons;
    std::error_code cause;
};

// RFC 8305: an attempt begins when the one before it has failed, or 250 ms after it began.
inline task<std::unique_ptr<byte_stream>> attempt(connect_race& r, std::size_t index, std::uint16_t port) {
    for (std::size_t before = 0; before < index; ++before) {
        co_await move_on_after(std::chrono::milliseconds(250), r.failed[before]->wait());
    }
    const boost::asio::ip::tcp::endpoint to(r.addresses[index], port);
    try {
        std::unique_ptr<byte_stream> made = co_await connect_to<boost::asio::ip::tcp>(to);
        co_return made;
    } catch (const error& e) {
        r.reasons += (r.reasons.empty() ? "" : ", ") + to.address().to_string() + ": " + e.detail();
        r.cause = e.cause();
    }
    r.failed[index]->set();
    throw error(errc::connect, phase::connect, "this address");
}

/// Families take turns, beginning with the one that the system's order puts first.
inline address_list interleaved(const address_list& in) {
    address_list first, second, out;
    for (const auto& a : in) (a.is_v6() == in.front().is_v6() ? first : second).push_back(a);
    for (std::size_t i = 0; i < first.size() || i < second.size(); ++i) {
        if (i < first.size()) out.push_back(first[i]);
        if (i < second.size()) out.push_back(second[i]);
    }
    return out;
}

inline task<std::unique_ptr<byte_stream>> connect_tcp(address_list found, std::string host, std::uint16_t port) {
    const address_list addresses = interleaved(found);
    connect_race r(addresses);
    std::vector<task<std::unique_ptr<byte_stream>>> attempts;
    for (std::size_t i = 0; i < addresses.size(); ++i) attempts.push_back(attempt(r, i, port));
    std::unique_ptr<byte_stream> made;
    try {
        made = co_await any_success(std::move(attempts));
    } catch (const exception_group&) {  // r.reasons has them all
    }
    if (!made) {
        error failed(errc::connect, phase::connect,
                     shown(host) + " port " + std::to_string(port) + " (" + r.reasons + "); is the server running?");
        throw failed.cause(r.cause);
    }
    co_return made;
}

/// A connected stream for the origin of `to`.
/// Cancellation: closes what has been opened.
inline task<std::unique_ptr<byte_stream>> connect(http::url to, const client_options& options) {
    std::unique_ptr<byte_stream> stream;
    if (!options.unix_socket().empty()) {
        stream = co_await connect_to<boost::asio::local::stream_protocol>(
            boost::asio::local::stream_protocol::endpoint(options.unix_socket()));
    } else {
        const auto mapped = options.addresses().find(to.host());
        const std::string host = mapped != options.addresses().end() ? mapped->second : to.host();
        boost::system::error_code no_literal;
        const auto literal = boost::asio::ip::make_address(host, no_literal);
        address_list found;
        if (no_literal) {
            found = co_await this_task::loop().owned<name_cache>().find(host);
        } else {
            found.push_back(literal);
        }
        stream = co_await connect_tcp(std::move(found), to.host(), to.port());
    }
    if (to.is_https()) stream = co_await options.tls()->secure(std::move(stream), to.host());
    co_return stream;
}

}  // namespace detail
}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
