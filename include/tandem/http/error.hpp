// tandem - http::error: what went wrong with a request, where, and on which attempt
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>
#include <system_error>
#include <utility>

#include <tandem/base/error.hpp>

namespace tandem::inline TANDEM_ABI {
namespace http {

/// What went wrong. Statuses such as 404 are no errors unless `raise_for_status` makes one of them.
enum class errc {
    invalid_url,
    invalid_request,        ///< a method, name or value with CR, LF, NUL or what is no token
    resolve,
    connect,
    connect_timeout,
    tls,
    tls_unavailable,        ///< https without tls.hpp
    certificate,
    proxy,
    pool_timeout,
    pool_closed,
    write_timeout,
    header_timeout,
    read_timeout,
    total_timeout,
    server_disconnected,    ///< closed before the first byte of the response
    connection_lost_reused, ///< the same on a connection from the pool, when the request cannot be repeated
    incomplete_headers,
    incomplete_body,
    truncated,
    protocol,               ///< what came is not HTTP/1.1, or is ambiguous
    headers_too_large,
    body_too_large,
    decode,                 ///< gzip, deflate or a document that is damaged
    too_many_redirects,
    body_not_replayable,
    status,                 ///< `raise_for_status` on 4xx or 5xx
};

/// How far the request had come.
enum class phase { pool, resolve, connect, proxy, tls, write, header, body };

/// The words for a code, as they stand in `what()`.
inline const char* to_string(errc code) noexcept {
    switch (code) {
        case errc::invalid_url: return "invalid URL";
        case errc::invalid_request: return "invalid request";
        case errc::resolve: return "the host name was not resolved";
        case errc::connect: return "no connection";
        case errc::connect_timeout: return "connecting took too long";
        case errc::tls: return "TLS failed";
        case errc::tls_unavailable: return "TLS is not available";
        case errc::certificate: return "the certificate was refused";
        case errc::proxy: return "the proxy refused";
        case errc::pool_timeout: return "no connection became free in time";
        case errc::pool_closed: return "the client was closed";
        case errc::write_timeout: return "the server does not take the request";
        case errc::header_timeout: return "the server does not answer";
        case errc::read_timeout: return "the body stopped coming";
        case errc::total_timeout: return "the request took too long";
        case errc::server_disconnected: return "the server closed the connection without an answer";
        case errc::connection_lost_reused: return "a kept connection was closed as the request left";
        case errc::incomplete_headers: return "the connection ended inside the headers";
        case errc::incomplete_body: return "the connection ended inside the body";
        case errc::truncated: return "the response may be cut short";
        case errc::protocol: return "the answer is not valid HTTP/1.1";
        case errc::headers_too_large: return "the headers are too large";
        case errc::body_too_large: return "the body is too large";
        case errc::decode: return "the body is damaged";
        case errc::too_many_redirects: return "too many redirects";
        case errc::body_not_replayable: return "the body cannot be sent again";
        case errc::status: return "the server reports an error";
    }
    return "unknown";
}

inline const char* to_string(phase where) noexcept {
    switch (where) {
        case phase::pool: return "pool";
        case phase::resolve: return "resolve";
        case phase::connect: return "connect";
        case phase::proxy: return "proxy";
        case phase::tls: return "tls";
        case phase::write: return "write";
        case phase::header: return "header";
        case phase::body: return "body";
    }
    return "unknown";
}

/// Every failure of a request. A cancelled task gets no error: it stops.
class error : public tandem::error {
public:
    /// `detail`: the numbers and what to do about it.
    error(errc code, http::phase where, const std::string& detail)
        : tandem::error(std::string("tandem::http: ") + to_string(code) + (detail.empty() ? "" : ": ") + detail),
          code_(code),
          phase_(where),
          detail_(detail) {}

    /// The same failure, now that it is known which request it belongs to.
    error(const error& bare, std::string url, unsigned attempt)
        : tandem::error(std::string(bare.what()) + (url.empty() ? "" : " [" + url + "]")),
          code_(bare.code_),
          phase_(bare.phase_),
          detail_(bare.detail_),
          url_(std::move(url)),
          cause_(bare.cause_),
          attempt_(attempt) {}

    errc code() const noexcept { return code_; }
    http::phase phase() const noexcept { return phase_; }
    /// What stands after the words for the code.
    const std::string& detail() const noexcept { return detail_; }
    /// The URL without credentials; empty where no request was made yet.
    const std::string& url() const noexcept { return url_; }
    /// 1 for the first; 2 if the request was repeated on a fresh connection.
    unsigned attempt() const noexcept { return attempt_; }
    /// What the system said, if it said something.
    const std::error_code& cause() const noexcept { return cause_; }
    error& cause(std::error_code system) noexcept {
        cause_ = system;
        return *this;
    }

    /// True for each of the limits in time.
    bool timed_out() const noexcept {
        switch (code_) {
            case errc::connect_timeout:
            case errc::pool_timeout:
            case errc::write_timeout:
            case errc::header_timeout:
            case errc::read_timeout:
            case errc::total_timeout: return true;
            default: return false;
        }
    }

private:
    errc code_;
    http::phase phase_;
    std::string detail_;
    std::string url_;
    std::error_code cause_;
    unsigned attempt_ = 1;
};

}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
