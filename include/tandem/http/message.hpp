// tandem - http::request and what it carries: method, URL, headers, body, its own limits
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <tandem/core/task.hpp>
#include <tandem/http/error.hpp>
#include <tandem/http/headers.hpp>
#include <tandem/http/limits.hpp>
#include <tandem/http/url.hpp>

namespace tandem::inline TANDEM_ABI {
namespace http {

class hooks;

enum class version { http_1_0, http_1_1 };

/// A request body that is made while it is sent. Derive from it to send what you compute; a file and a
/// coroutine that gives pieces have theirs in body.hpp, a form with files in multipart.hpp.
class body_source {
public:
    body_source() noexcept = default;
    body_source(const body_source&) = delete;
    body_source& operator=(const body_source&) = delete;
    virtual ~body_source() = default;

    /// The next piece; an empty one is the end.
    /// Cancellation: stopped when the request is cancelled, and when the server answers early with anything but
    ///   2xx: that says that it does not want the rest.
    virtual task<std::string> next() = 0;
    /// The number of bytes, if it is known; else the body is sent in chunks.
    virtual std::optional<std::uint64_t> length() const { return std::nullopt; }
    /// Starts again from the beginning, for a redirect or a repetition; false if that is not possible.
    virtual bool rewind() { return false; }
};

/// A request as a value. It can be built without a client, copied and sent many times.
/// Errors: `invalid_request` for a method that is no token, at once; see `headers` for names and values.
class request {
public:
    request(std::string_view name, http::url to) : url_(std::move(to)) { method(name); }

    const std::string& method() const noexcept { return method_; }
    const http::url& url() const noexcept { return url_; }
    http::url& url() noexcept { return url_; }
    const http::headers& headers() const noexcept { return headers_; }

    /// Replaces a header. Content-Length and Transfer-Encoding follow from the body and are refused.
    request& header(std::string_view name, std::string_view value) {
        refuse_framing(name);
        headers_.set(name, value);
        return *this;
    }
    request& add_header(std::string_view name, std::string_view value) {
        refuse_framing(name);
        headers_.add(name, value);
        return *this;
    }
    request& remove_header(std::string_view name) noexcept {
        headers_.erase(name);
        return *this;
    }

    request& body(std::string bytes) noexcept {
        body_ = std::move(bytes);
        has_body_ = true;
        source_.reset();
        return *this;
    }
    request& body(std::shared_ptr<body_source> source) noexcept {
        source_ = std::move(source);
        has_body_ = source_ != nullptr;
        body_.clear();
        return *this;
    }
    request& remove_body() noexcept { return body(std::shared_ptr<body_source>()); }

    bool has_body() const noexcept { return has_body_; }
    /// The body in memory; empty if it comes from a source.
    const std::string& body() const noexcept { return body_; }
    const std::shared_ptr<body_source>& source() const noexcept { return source_; }

    http::timeouts& timeouts() noexcept { return timeouts_; }
    const http::timeouts& timeouts() const noexcept { return timeouts_; }
    http::limits& limits() noexcept { return limits_; }
    const http::limits& limits() const noexcept { return limits_; }

    request& method(std::string_view name) {
        if (!detail::is_token(name) || name == "CONNECT") {
            throw error(errc::invalid_request, phase::write,
                        "the method " + detail::shown(name) + " cannot be sent; use a token such as GET");
        }
        method_ = name;
        return *this;
    }
    request& follow_redirects(bool yes) noexcept { return follow_redirects_ = yes, *this; }
    bool follow_redirects() const noexcept { return follow_redirects_; }
    /// Whether gzip and deflate are asked for and undone; not if the request has an Accept-Encoding of its
    /// own, or a Range.
    request& decompress(bool yes) noexcept { return decompress_ = yes, *this; }
    bool decompress() const noexcept { return decompress_; }
    /// Sends the body only when the server says 100, or after one second.
    request& expect_continue(bool yes) noexcept { return expect_continue_ = yes, *this; }
    bool expect_continue() const noexcept { return expect_continue_; }
    /// 1.0 for servers that know no other: no chunks, one request on a connection. Default: 1.1.
    request& version(http::version v) noexcept { return version_ = v, *this; }
    http::version version() const noexcept { return version_; }
    /// Heard instead of the client's; null: those of the client.
    request& hooks(std::shared_ptr<const http::hooks> h) noexcept { return hooks_ = std::move(h), *this; }
    const std::shared_ptr<const http::hooks>& hooks() const noexcept { return hooks_; }

    /// Safe to repeat: what RFC 9110 calls idempotent, or what has an Idempotency-Key.
    bool is_idempotent() const noexcept {
        for (const char* const name : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"}) {
            if (method_ == name) return true;
        }
        return headers_.contains("Idempotency-Key");
    }

private:
    static void refuse_framing(std::string_view name) {
        if (detail::equal_ignoring_case(name, "Content-Length") ||
            detail::equal_ignoring_case(name, "Transfer-Encoding")) {
            throw error(errc::invalid_request, phase::write,
                        "the header " + detail::shown(name) + " follows from the body; leave it out");
        }
    }

    std::string method_;
    http::url url_;
    http::headers headers_;
    std::string body_;
    std::shared_ptr<body_source> source_;
    http::timeouts timeouts_;
    http::limits limits_;
    std::shared_ptr<const http::hooks> hooks_;
    http::version version_ = http::version::http_1_1;
    bool has_body_ = false;
    bool follow_redirects_ = true;
    bool decompress_ = true;
    bool expect_continue_ = false;
};

namespace detail {

/// The values of all fields of that name, as the one list that they are (RFC 9110, section 5.3).
inline std::string all_of(const headers& fields, std::string_view name) {
    std::string list;
    for (const header_view field : fields) {
        if (!equal_ignoring_case(field.name(), name)) continue;
        if (!list.empty()) list += ',';
        list += field.value();
    }
    return list;
}

/// Whether a message says that its connection carries no other.
inline bool asks_to_close(const headers& fields) {
    bool close = false;
    each_element(all_of(fields, "Connection"),
                 [&close](std::string_view one) { close = close || equal_ignoring_case(one, "close"); });
    return close;
}

/// The head of a response as the parser has read it, and how its body is delimited.
class response_head {
public:
    response_head() {}

    std::string reason;
    http::headers fields;
    http::headers trailers;
    std::optional<http::headers> as_sent;  // if `fields` lost what a decoded body made wrong
    std::optional<std::uint64_t> content_length;
    int status = 0;
    int version = 11;         // 10 or 11
    bool keep_alive = false;  // as the header fields say; a trailer has no say
    bool to_end_of_stream = false;
    bool has_body = false;
    bool gzip_transfer = false;  // "Transfer-Encoding: gzip, chunked": one coding more to undo
};

}  // namespace detail
}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
