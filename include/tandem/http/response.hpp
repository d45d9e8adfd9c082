// tandem - http::response, and response_stream for bodies that are read piece by piece
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tandem/base/error.hpp>
#include <tandem/core/clock.hpp>
#include <tandem/http/message.hpp>

namespace tandem::inline TANDEM_ABI {
namespace http {

namespace detail {
class client_state;
class exchange;
class json_document;
}  // namespace detail
class sse_stream;

/// A redirect that was followed.
class hop {
public:
    hop(int status, http::url from) : url_(std::move(from)), status_(status) {}
    int status() const noexcept { return status_; }
    /// The URL that answered with the redirect.
    const http::url& url() const noexcept { return url_; }

private:
    http::url url_;
    int status_;
};

/// When the phases of a call ended, from its beginning; zero for one that did not take place. After a
/// redirect or a repetition they are those of the last sending.
class timing {
public:
    timing() {}

    duration queued{};     ///< a connection was free, or there was room for one
    duration connected{};  ///< resolved, connected and secured; zero on a kept connection
    duration sent{};       ///< the request was written, as far as the server took it
    duration answered{};   ///< the final head was there
    duration done{};       ///< the body was there; zero for a stream
    unsigned attempt = 1;  ///< 2 if the request was repeated on a fresh connection
    bool reused = false;   ///< whether the connection had served a request before
};

/// What every response has: its head, and how it came about.
class response_base {
public:
    int status() const noexcept { return head_.status; }
    const std::string& reason() const noexcept { return head_.reason; }
    /// Fields of the head, ordered, found in any case. When the body was decompressed,
    /// Content-Encoding and Content-Length, which no longer hold, are left out.
    const http::headers& headers() const noexcept { return head_.fields; }
    /// All fields as they came, also when the body was decompressed.
    const http::headers& raw_headers() const noexcept {
        return head_.as_sent ? *head_.as_sent : head_.fields;
    }
    /// What the server says it speaks.
    http::version version() const noexcept {
        return head_.version == 10 ? http::version::http_1_0 : http::version::http_1_1;
    }
    /// True for 200 to 299.
    bool ok() const noexcept { return status() / 100 == 2; }
    /// The URL that has answered, after all redirects.
    const http::url& url() const noexcept { return url_; }
    const std::vector<hop>& history() const noexcept { return history_; }
    /// From the call to the end of the body; of a stream, to the end of the head.
    duration elapsed() const noexcept { return elapsed_; }
    const http::timing& timing() const noexcept { return timing_; }

    /// Errors: `http::error` with `errc::status` for 400 and above.
    void raise_for_status() const {
        if (status() < 400) return;
        throw error(error(errc::status, phase::header, std::to_string(status()) + " " + reason()),
                    url_.redacted(), 1);
    }

protected:
    friend class detail::client_state;
    response_base(detail::response_head&& head, http::url from, std::vector<hop>&& history,
                  const http::timing& times, duration elapsed)
        : head_(std::move(head)),
          url_(std::move(from)),
          history_(std::move(history)),
          timing_(times),
          elapsed_(elapsed) {}

    detail::response_head head_;
    http::url url_;
    std::vector<hop> history_;
    http::timing timing_;
    duration elapsed_;
};

/// A response whose body is in memory.
class response : public response_base {
public:
    /// The body, decompressed.
    const std::string& text() const& noexcept { return body_; }
    std::string text() && noexcept { return std::move(body_); }
    std::span<const std::byte> bytes() const noexcept { return std::as_bytes(std::span(body_)); }
    /// The body as a JSON document, or as a `T` that nlohmann/json makes of it; include http/json.hpp.
    /// Errors: `decode`, with the status, the type and the beginning of what came.
    /// Cost: parses on the loop's thread; above 256 KiB do it in `run_in_executor`.
    template <class T = detail::json_document>
    auto json() const;
    /// Fields that came after the body, in a chunked one.
    const http::headers& trailers() const noexcept { return head_.trailers; }

private:
    friend class detail::client_state;
    response(response_base&& base, std::string&& body)
        : response_base(std::move(base)), body_(std::move(body)) {}

    std::string body_;
};

/// A response whose body is still to be read. Nothing is read while nobody asks.
/// Lifetime: dropping it early closes the connection, unless the rest has come already or `drain` was
///   awaited; it never blocks. Once read to its end the connection is free for others.
class response_stream : public response_base {
public:
    response_stream(response_stream&&) noexcept;
    response_stream& operator=(response_stream&&) noexcept;
    ~response_stream();

    /// The next piece of the body, decompressed, valid until the next call; empty at its end.
    /// Cancellation: what was read is kept for the next call.
    /// Errors: `read_timeout`, `incomplete_body`, `decode`; the size is not limited.
    [[nodiscard("co_await it")]] task<std::string_view> next_chunk();
    /// Copies some bytes of the body to `into`; 0 at its end.
    [[nodiscard("co_await it")]] task<std::size_t> read_some(std::span<char> into);
    /// Reads the rest into memory. Errors: also `body_too_large`.
    [[nodiscard("co_await it")]] task<std::string> text();
    /// Reads and drops a small rest, for at most 50 ms, so that the connection can be used again.
    [[nodiscard("co_await it")]] task<> drain();
    /// The body as server-sent events; include http/sse.hpp. Errors: `protocol` for another type.
    sse_stream sse(std::size_t event_limit = 1024 * 1024) &&;
    /// Fields that came after the body; complete when it has ended.
    const http::headers& trailers() const;

private:
    friend class detail::client_state;
    response_stream(response_base&& base, std::shared_ptr<detail::client_state> of,
                    std::unique_ptr<detail::exchange> rest);

    detail::exchange& rest() const {
        if (rest_) return *rest_;
        throw invalid_state_error(
            "tandem::http::response_stream: its body was moved elsewhere; read it there");
    }

    std::shared_ptr<detail::client_state> of_;  // the connection belongs to it; gone last
    std::unique_ptr<detail::exchange> rest_;
    std::string_view piece_;  // what read_some has not yet copied
};

}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
