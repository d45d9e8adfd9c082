// tandem - what a scripted HTTP server answers, and what it was asked
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tandem/http/headers.hpp>

namespace tandem::inline TANDEM_ABI {
namespace testing {

/// A request as the server has read it.
class seen_request {
public:
    seen_request() {}

    /// The value of a header, empty if there is none.
    std::string header(std::string_view name) const { return std::string(headers.get(name).value_or("")); }

    std::string method;
    std::string target;  ///< path and query
    std::string path;    ///< without the query
    http::headers headers;
    std::string body;
    std::size_t connection = 0;  ///< which connection of the server it came on, from 1
};

/// An answer and the way it is given: late, in drops, cut, wrong. Each setter says what is unusual.
class reply {
public:
    using duration = std::chrono::nanoseconds;
    static constexpr std::size_t all = std::numeric_limits<std::size_t>::max();

    explicit reply(int status = 200, std::string body = {}) : body_(std::move(body)), status_(status) {}

    reply& header(std::string_view name, std::string_view value) { return headers_.add(name, value), *this; }
    reply& body(std::string bytes) { return body_ = std::move(bytes), *this; }
    /// Sends the body in chunks of `size` bytes.
    reply& chunked(std::size_t size) { return chunk_ = size, *this; }
    reply& trailer(std::string_view name, std::string_view value) { return trailers_.add(name, value), *this; }
    /// Sends neither length nor chunks: the body ends with the connection.
    reply& until_close() { return until_close_ = true, close(); }
    /// Says this Content-Length, whatever the body has.
    reply& length(std::uint64_t bytes) { return length_ = bytes, *this; }
    /// Sends these bytes instead of anything that is made here.
    reply& raw(std::string bytes) { return raw_ = std::move(bytes), *this; }
    /// Sends an informational response first.
    reply& informational(int status) { return informational_.push_back(status), *this; }

    /// Waits before the first byte, or between head and body.
    reply& delay(duration time) { return delay_ = time, *this; }
    reply& body_delay(duration time) { return body_delay_ = time, *this; }
    /// Sends `bytes` at a time with a pause between.
    reply& drip(std::size_t bytes, duration pause) { return drip_ = bytes, drip_pause_ = pause, *this; }
    /// Never answers; the connection stays open.
    reply& never() { return never_ = true, *this; }
    /// Answers without having read the request's body, and closes.
    reply& early() { return early_ = true, close(); }

    /// Says "Connection: close" and closes.
    reply& close() { return header_close_ = true, close_after_ = true, *this; }
    /// Closes after the answer without having said so.
    reply& close_silently() { return close_after_ = true, *this; }
    /// Closes after so many bytes of the answer; 0: instead of it.
    reply& cut_after(std::size_t bytes) { return cut_after_ = bytes, *this; }
    /// Resets the connection after so many bytes.
    reply& reset_after(std::size_t bytes) { return cut_after_ = bytes, reset_ = true, *this; }

    // ---- for whoever plays it

    /// The bytes up to the end of the head, and the rest.
    std::pair<std::string, std::string> wire(bool head_only) const;
    duration delay() const noexcept { return delay_; }
    duration body_delay() const noexcept { return body_delay_; }
    std::size_t drip_size() const noexcept { return drip_; }
    duration drip_pause() const noexcept { return drip_pause_; }
    std::size_t cut_after() const noexcept { return cut_after_; }
    bool resets() const noexcept { return reset_; }
    bool is_never() const noexcept { return never_; }
    bool is_early() const noexcept { return early_; }
    bool closes() const noexcept { return close_after_ || cut_after_ != all; }

private:
    http::headers headers_;
    http::headers trailers_;
    std::string body_;
    std::optional<std::string> raw_;
    std::optional<std::uint64_t> length_;
    std::vector<int> informational_;
    duration delay_{0};
    duration body_delay_{0};
    duration drip_pause_{0};
    std::size_t drip_ = all;
    std::size_t chunk_ = 0;
    std::size_t cut_after_ = all;
    int status_;
    bool until_close_ = false;
    bool never_ = false;
    bool early_ = false;
    bool header_close_ = false;
    bool close_after_ = false;
    bool reset_ = false;
};

/// Routes and their replies, and the requests that came. May be used from any thread.
class http_script {
public:
    using handler = std::function<reply(const seen_request&)>;

    http_script() {}
    http_script(const http_script&) = delete;
    http_script& operator=(const http_script&) = delete;

    void add(std::string method, std::string path, handler make, bool early);
    /// Whether the route of this request answers before it has read the body.
    bool answers_early(const seen_request& request) {
        const std::lock_guard lock(mutex_);
        const route* const r = find(request);
        return r && r->early;
    }
    /// Notes the request and gives the reply whose turn it is; 404 if there is no route.
    reply take(const seen_request& request);
    std::vector<seen_request> log() const {
        const std::lock_guard lock(mutex_);
        return log_;
    }

private:
    class route {
    public:
        std::string method;
        std::string path;
        std::vector<handler> replies;
        std::size_t used = 0;
        bool early = false;
    };

    route* find(const seen_request& request) {
        for (route& r : routes_) {
            if ((r.method == "*" || r.method == request.method) && (r.path == "*" || r.path == request.path)) return &r;
        }
        return nullptr;
    }

    mutable std::mutex mutex_;
    std::vector<route> routes_;
    std::vector<seen_request> log_;
};

// ---- implementation

inline void http_script::add(std::string method, std::string path, handler make, bool early) {
    const std::lock_guard lock(mutex_);
    for (route& r : routes_) {
        if (r.method != method || r.path != path) continue;
        r.replies.push_back(std::move(make));
        r.early = r.early || early;
        return;
    }
    route added;
    added.method = std::move(method);
    added.path = std::move(path);
    added.replies.push_back(std::move(make));
    added.early = early;
    routes_.push_back(std::move(added));
}

inline reply http_script::take(const seen_request& request) {
    handler chosen;
    {
        const std::lock_guard lock(mutex_);
        log_.push_back(request);
        if (route* const r = find(request)) {
            chosen = r->replies[std::min(r->used, r->replies.size() - 1)];
            ++r->used;
        }
    }
    if (chosen) return chosen(request);
    return reply(404, "no route for " + request.method + " " + request.path);
}

inline std::pair<std::string, std::string> reply::wire(bool head_only) const {
    const auto append = [](std::string& to, std::string_view name, std::string_view value) {
        to.append(name).append(": ").append(value).append("\r\n");
    };
    const auto append_all = [&append](std::string& to, const http::headers& fields) {
        for (const http::header_view field : fields) append(to, field.name(), field.value());
    };
    if (raw_) return {*raw_, {}};
    std::string head;
    for (const int status : informational_) head += "HTTP/1.1 " + std::to_string(status) + " Informational\r\n\r\n";
    head += "HTTP/1.1 " + std::to_string(status_) + (status_ == 200 ? " OK\r\n" : " Scripted\r\n");
    append_all(head, headers_);
    std::string body = body_;
    if (length_) {
        append(head, "Content-Length", std::to_string(*length_));
    } else if (chunk_ != 0) {
        head += "Transfer-Encoding: chunked\r\n";
        body.clear();
        for (std::size_t at = 0; at < body_.size(); at += chunk_) {
            const std::string piece = body_.substr(at, chunk_);
            char size[16];
            body.append(size, std::to_chars(size, size + sizeof(size), piece.size(), 16).ptr);
            body += "\r\n" + piece + "\r\n";
        }
        body += "0\r\n";
        append_all(body, trailers_);
        body += "\r\n";
    } else if (!until_close_ && status_ != 204 && status_ != 304) {
        append(head, "Content-Length", std::to_string(body_.size()));
    }
    if (header_close_) head += "Connection: close\r\n";
    head += "\r\n";
    if (head_only) body.clear();
    return {std::move(head), std::move(body)};
}

}  // namespace testing
}  // namespace tandem::inline TANDEM_ABI
