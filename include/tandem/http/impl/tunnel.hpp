// tandem - asks a proxy for a tunnel: CONNECT
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tandem/core/task.hpp>
#include <tandem/http/error.hpp>
#include <tandem/http/impl/parser.hpp>
#include <tandem/http/impl/serializer.hpp>
#include <tandem/http/limits.hpp>
#include <tandem/http/transport.hpp>
#include <tandem/http/url.hpp>

namespace tandem::inline TANDEM_ABI {
namespace http {
namespace detail {

inline std::string connect_request(const url& to, const url& proxy) {
    const std::string bracketed = to.host_is_ipv6() ? "[" + to.host() + "]" : to.host();
    const std::string target = bracketed + ":" + std::to_string(to.port());
    std::string head = "CONNECT " + target + " HTTP/1.1\r\n";
    append_field(head, "Host", target);
    if (!proxy.credentials().empty()) {
        append_field(head, "Proxy-Authorization", basic_credentials(proxy));
    }
    return head + "\r\n";
}

/// Makes of a connection to `proxy` one to the host of `to`.
/// Cancellation: the connection is good for nothing then but to be closed.
/// Errors: `proxy`, with the status; as for any response, if what comes is none.
inline task<> open_tunnel(byte_stream& stream, url to, url proxy, http::limits limits) {
    const std::string name = shown(proxy.authority());
    const std::string request = connect_request(to, proxy);
    std::string_view left = request;
    while (!left.empty()) {
        const io_result r = co_await stream_write(stream, left, std::string_view());
        if (r.error)
            throw error(errc::proxy, phase::proxy, name + " hung up: " + r.error.message()).cause(r.error);
        left.remove_prefix(r.bytes);
    }
    response_reader reader(limits, true);  // the answer has no body
    std::string unread;
    std::vector<char> room(4096);
    while (!reader.head_done()) {
        reader.step(unread);
        unread.erase(0, reader.consumed());
        if (reader.head_done() || reader.consumed() != 0) continue;
        const io_result r = co_await stream_read(stream, std::span<char>(room));
        if (r.error)
            throw error(errc::proxy, phase::proxy, name + " hung up: " + r.error.message()).cause(r.error);
        unread.append(room.data(), r.bytes);
    }
    const int status = reader.head().status;
    if (status / 100 != 2) {
        throw error(errc::proxy, phase::proxy,
                    name + " answers " + std::to_string(status) + " " + reader.head().reason +
                        (status == 407 ? "; put user:password@ into its URL" : " to CONNECT"));
    }
    if (!unread.empty()) {
        throw error(errc::proxy, phase::proxy,
                    name + " sent " + std::to_string(unread.size()) + " bytes that nobody asked for");
    }
}

}  // namespace detail
}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
