// tandem - http::proxy_route: what a client asks when there may be a proxy on its way; proxy.hpp answers
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <tandem/core/task.hpp>
#include <tandem/http/limits.hpp>
#include <tandem/http/url.hpp>

namespace tandem::inline TANDEM_ABI {
namespace http {

class byte_stream;

/// An interface, so that who uses no proxy compiles none.
class proxy_route {
public:
    virtual ~proxy_route() = default;
    /// The proxy for a request; null if it goes directly.
    virtual const url* find(const url& to) const = 0;
    /// Makes of a connection to `proxy` one to the host of `to`.
    /// Cancellation: the connection is good for nothing then but to be closed.
    /// Errors: `proxy`, with the status; as for any response, if what comes is none.
    virtual task<> open_tunnel(byte_stream& stream, url to, url proxy, http::limits limits) const = 0;
};

}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
