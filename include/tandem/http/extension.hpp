// tandem - what can be plugged into a client: cookies, a gate before each sending, codings, a network
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <tandem/core/task.hpp>
#include <tandem/http/message.hpp>

namespace tandem::inline TANDEM_ABI {
namespace http {

class byte_stream;

/// Remembers cookies; cookie_jar.hpp has the one that does.
class cookie_store {
public:
    virtual ~cookie_store() = default;
    /// The value of the Cookie header for a request to `to`; empty for none.
    virtual std::string cookies_for(const url& to) = 0;
    /// Takes the Set-Cookie fields of a response that `from` gave.
    virtual void received(const url& from, const headers& fields) = 0;
};

/// Stands before each sending of a request, redirects and repetitions included; host_limits.hpp has one.
class request_gate {
public:
    virtual ~request_gate() = default;
    /// Awaited before a connection is taken.
    /// Cancellation: stops the request; what was awaited is left as if nobody had waited.
    virtual task<> enter(const request& r) = 0;
    /// The head that came back for it.
    virtual void answered(const url& from, int status, const headers& fields) = 0;
};

/// Undoes one coding of a body. Takes input as it comes, gives output a buffer at a time.
class content_decoder {
public:
    virtual ~content_decoder() = default;
    /// The input stays where it is until `take` has given an empty view.
    virtual void give(std::string_view input) = 0;
    /// The next piece of output; empty when more input is needed. Errors: `decode`.
    virtual std::string_view take() = 0;
    /// The input has ended. False if that is in the middle of something.
    virtual bool complete() const noexcept = 0;
};

/// A coding that a client asks for beside gzip and deflate; brotli.hpp has one.
class content_coding {
public:
    virtual ~content_coding() = default;
    /// As it stands in Accept-Encoding and Content-Encoding, in lower case.
    virtual std::string_view name() const noexcept = 0;
    virtual std::unique_ptr<content_decoder> make() const = 0;
};

/// Makes connections instead of the sockets; testing/mock_transport.hpp has one that needs none.
class network {
public:
    virtual ~network() = default;
    /// A connected stream for the origin of `to`, with its TLS if there is any.
    /// Cancellation: closes what has been opened. Errors: `http::error`.
    virtual task<std::unique_ptr<byte_stream>> connect(url to) = 0;
};

}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
