// tandem - makes the connection for a URL: addresses, one race among them, TLS on top
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/basic_endpoint.hpp>
#include <boost/asio/local/basic_endpoint.hpp>
#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <tandem/asio/event_loop.hpp>
#include <tandem/http/client_options.hpp>
#include <tandem/http/impl/resolver.hpp>
#include <tandem/http/proxy_route.hpp>
#include <tandem/http/socket_stream.hpp>
#include <tandem/http/url.hpp>
#include <tandem/sync/event.hpp>
#include <tandem/tasks/race.hpp>
#include <tandem/tasks/timeout.hpp>

namespace tandem::inline TANDEM_ABI {
namespace http {
namespace detail {

/// The generic form of an Internet or Unix endpoint.
template <class Endpoint>
stream_protocol::endpoint any_endpoint(const Endpoint& to, int protocol) {
    return stream_protocol::endpoint(to.data(), to.size(), protocol);
}

inline stream_protocol::endpoint tcp_endpoint(const boost::asio::ip::address& address, std::uint16_t port) {
    return any_endpoint(boost::asio::ip::basic_endpoint<stream_protocol>(address, port), IPPROTO_TCP);
}

TANDEM_COLD inline stream_protocol::endpoint unix_endpoint(const std::string& path) {
    try {
        return any_endpoint(boost::asio::local::basic_endpoint<stream_protocol>(path), 0);
    } catch (const boost::system::system_error& e) {
        error failed(errc::connect, phase::connect,
                     "the path of the Unix socket has " + std::to_string(path.size()) +
                         " bytes, more than the system takes; give a shorter one, or a relative one");
        throw failed.cause(e.code());
    }
}

TANDEM_COLD inline task<std::unique_ptr<byte_stream>> connect_to(stream_protocol::endpoint to) {
    socket_stream::socket socket(event_loop::running().context());
    boost::system::error_code ec;
    co_await socket.async_connect(to, boost::asio::redirect_error(use_task, ec));
    if (ec) {
        error failed(errc::connect, phase::connect, ec.message());
        failed.cause(ec);
        throw failed;
    }
    if (to.data()->sa_family != AF_UNIX) {
        const int on = 1;
        ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    }
    std::unique_ptr<byte_stream> made = std::make_unique<socket_stream>(std::move(socket));
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
TANDEM_COLD inline task<std::unique_ptr<byte_stream>> attempt(connect_race& r, std::size_t index,
                                                              std::uint16_t port) {
    for (std::size_t before = 0; before < index; ++before) {
        co_await move_on_after(std::chrono::milliseconds(250), r.failed[before]->wait());
    }
    try {
        std::unique_ptr<byte_stream> made = co_await connect_to(tcp_endpoint(r.addresses[index], port));
        co_return made;
    } catch (const error& e) {
        r.reasons += (r.reasons.empty() ? "" : ", ") + r.addresses[index].to_string() + ": " + e.detail();
        r.cause = e.cause();
    }
    r.failed[index]->set();
    throw error(errc::connect, phase::connect, "this address");
}

/// The addresses in a list with commas between; empty if it is a name.
TANDEM_COLD inline address_list literal_addresses(const std::string& text) {
    address_list out;
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t end = std::min(text.find(',', at), text.size());
        boost::system::error_code no_literal;
        out.push_back(boost::asio::ip::make_address(text.substr(at, end - at), no_literal));
        if (no_literal) return {};
        at = end + 1;
    }
    return out;
}

/// Families take turns, beginning with the one that the system's order puts first.
TANDEM_COLD inline address_list interleaved(const address_list& in) {
    address_list first, second, out;
    for (const auto& a : in) (a.is_v6() == in.front().is_v6() ? first : second).push_back(a);
    for (std::size_t i = 0; i < first.size() || i < second.size(); ++i) {
        if (i < first.size()) out.push_back(first[i]);
        if (i < second.size()) out.push_back(second[i]);
    }
    return out;
}

TANDEM_COLD inline task<std::unique_ptr<byte_stream>> connect_tcp(address_list found, std::string host,
                                                                  std::uint16_t port) {
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
        error failed(
            errc::connect, phase::connect,
            shown(host) + " port " + std::to_string(port) + " (" + r.reasons + "); is the server running?");
        throw failed.cause(r.cause);
    }
    co_return made;
}

/// The proxy that a request to `to` goes through, if any.
inline const url* proxy_for(const url& to, const client_options& options) {
    if (!options.proxy() || !options.unix_socket().empty()) return nullptr;
    return options.proxy()->find(to);
}

/// A TCP connection to the host and port of `to`.
TANDEM_COLD inline task<std::unique_ptr<byte_stream>> connect_to_host(http::url to,
                                                                      const client_options& options) {
    const auto mapped = options.addresses().find(to.host());
    const std::string host = mapped != options.addresses().end() ? mapped->second : to.host();
    address_list found = literal_addresses(host);
    if (found.empty()) found = co_await this_task::loop().owned<name_cache>().find(host);
    std::unique_ptr<byte_stream> stream = co_await connect_tcp(std::move(found), to.host(), to.port());
    co_return stream;
}

/// A connected stream for the origin of `to`.
/// Cancellation: closes what has been opened.
TANDEM_COLD inline task<std::unique_ptr<byte_stream>> connect(http::url to, const client_options& options) {
    const tandem::detail::trace_scope traced("http: connect");
    const url* const proxy = proxy_for(to, options);
    std::unique_ptr<byte_stream> stream;
    if (!options.unix_socket().empty()) {
        stream = co_await connect_to(unix_endpoint(options.unix_socket()));
    } else {
        stream = co_await connect_to_host(proxy ? *proxy : to, options);
        const bool in_tunnel = proxy && to.is_https();
        if (in_tunnel) co_await options.proxy()->open_tunnel(*stream, to, *proxy, options.limits());
    }
    if (to.is_https()) stream = co_await options.tls()->secure(std::move(stream), to);
    co_return stream;
}

}  // namespace detail
}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
