// tandem - http::sse_stream: server-sent events, read to the rules of the WHATWG
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <tandem/http/client.hpp>
#include <tandem/http/impl/separate.hpp>

namespace tandem::inline TANDEM_ABI {
namespace http {

/// One event.
class sse_event {
public:
    sse_event() {}

    std::string type = "message";
    std::string data;  ///< its lines, joined by LF
    std::string id;    ///< the last one that the stream has given, also earlier
};

/// Cuts a text/event-stream into events. Pure: bytes in, in any pieces; events out.
/// Errors: `body_too_large` for an event that is larger than the limit, from `take` and after all events
///   before it.
class sse_parser {
public:
    static constexpr std::size_t default_limit = 1024 * 1024;

    explicit sse_parser(std::size_t event_limit = default_limit) : limit_(event_limit) {}

    void give(std::string_view bytes);
    /// The next complete event, if there is one.
    std::optional<sse_event> take() {
        if (ready_.empty()) {
            if (too_large_) refuse();
            return std::nullopt;
        }
        std::optional<sse_event> out(std::move(ready_.front()));
        ready_.pop_front();
        return out;
    }
    /// For a reconnection: the id of what was complete, and how long the server asks to wait before it.
    const std::string& last_id() const noexcept { return last_id_; }
    /// The id that events have until the stream gives one: that of the stream which this one goes on from.
    void resume_after(std::string id) noexcept { id_ = last_id_ = std::move(id); }
    std::optional<std::chrono::milliseconds> retry() const noexcept { return retry_; }

private:
    void end_of_line();
    void field(std::string_view name, std::string_view value);
    [[noreturn]] void refuse() const {
        throw error(errc::body_too_large, phase::body,
                    "an event of more than " + std::to_string(limit_) + " bytes; raise the limit of sse()");
    }

    std::deque<sse_event> ready_;
    std::string line_;
    std::string data_;
    std::string type_;
    std::string id_;
    std::string last_id_;  // not that of an event that is cut off before its end: it has to come again
    std::optional<std::chrono::milliseconds> retry_;
    std::size_t limit_;
    bool has_data_ = false;
    bool after_cr_ = false;
    bool first_line_ = true;
    bool too_large_ = false;
};

/// The events of a response. `auto events = std::move(stream).sse(); ... co_await events.next()`.
/// Lifetime: owns the response; dropping it closes the connection.
class sse_stream {
public:
    sse_stream(response_stream&& from, std::size_t event_limit)
        : from_(std::move(from)), parser_(event_limit) {}

    /// The next event; empty at the end of the stream, where an unfinished event is dropped.
    /// Cancellation: what was read is kept for the next call.
    /// Errors: as `response_stream::next_chunk`, `body_too_large`. Comments of the server count as a
    ///   sign of life; the read limit is 60 s unless another than the default was set.
    [[nodiscard("co_await it")]] task<std::optional<sse_event>> next();
    const sse_parser& parser() const noexcept { return parser_; }
    void resume_after(std::string id) noexcept { parser_.resume_after(std::move(id)); }
    const response_stream& response() const noexcept { return from_; }

private:
    response_stream from_;
    sse_parser parser_;
};

// ---- implementation

inline void sse_parser::give(std::string_view bytes) {
    while (!bytes.empty() && !too_large_) {
        if (std::exchange(after_cr_, false) && bytes.front() == '\n') {
            bytes.remove_prefix(1);
            continue;
        }
        const std::size_t end = bytes.find_first_of("\r\n");
        line_.append(bytes.substr(0, end));
        too_large_ = line_.size() + data_.size() > limit_;
        if (too_large_ || end == std::string_view::npos) return;
        after_cr_ = bytes[end] == '\r';
        bytes.remove_prefix(end + 1);
        end_of_line();
    }
}

inline void sse_parser::end_of_line() {
    std::string line = std::exchange(line_, std::string());
    if (std::exchange(first_line_, false) && line.starts_with("\xef\xbb\xbf")) line.erase(0, 3);
    if (!line.empty()) {
        const std::size_t colon = line.find(':');
        if (colon == 0) return;  // a comment
        std::string_view value;
        if (colon != std::string::npos) value = std::string_view(line).substr(colon + 1);
        if (value.starts_with(' ')) value.remove_prefix(1);
        return field(std::string_view(line).substr(0, colon), value);
    }
    last_id_ = id_;
    if (has_data_) {
        sse_event e;
        e.data = std::move(data_);
        e.data.pop_back();  // the last LF
        if (!type_.empty()) e.type = std::move(type_);
        e.id = id_;
        ready_.push_back(std::move(e));
    }
    data_.clear();
    type_.clear();
    has_data_ = false;
}

inline void sse_parser::field(std::string_view name, std::string_view value) {
    if (name == "data") {
        data_.append(value) += '\n';
        has_data_ = true;
    } else if (name == "event") {
        type_ = value;
    } else if (name == "id") {
        if (value.find('\0') == std::string_view::npos) id_ = value;
    } else if (name == "retry") {
        if (value.empty() || value.size() > 9) return;
        std::int64_t number = 0;
        for (const char c : value) {
            if (!detail::is_digit(c)) return;
            number = number * 10 + (c - '0');
        }
        retry_ = std::chrono::milliseconds(number);
    }
}

inline task<std::optional<sse_event>> sse_stream::next() {
    for (;;) {
        std::optional<sse_event> event = parser_.take();
        if (event) co_return event;
        const std::string_view bytes = co_await from_.next_chunk();
        if (bytes.empty()) co_return std::nullopt;
        parser_.give(bytes);
    }
}

#if TANDEM_HTTP_BODIES
TANDEM_HTTP_INLINE sse_stream response_stream::sse(std::size_t event_limit) && {
    std::string type;
    const std::string_view given = headers().get("Content-Type").value_or("");
    for (const char c : given) type += detail::to_lower(c);
    constexpr std::string_view wanted = "text/event-stream";
    const std::string_view behind = std::string_view(type).substr(std::min(type.size(), wanted.size()));
    if (!type.starts_with(wanted) || (!behind.empty() && behind.find_first_of("; \t") != 0)) {
        throw error(error(errc::protocol, phase::header,
                          "the Content-Type is " + detail::shown(type) +
                              ", not text/event-stream; read it with next_chunk()"),
                    url().redacted(), 1);
    }
    const auto patient = std::chrono::seconds(60);  // servers send a comment every 15 to 30 s
    if (rest_->read_limit() == http::timeouts().read()) rest_->set_read_limit(patient);
    return sse_stream(std::move(*this), event_limit);
}
#endif

}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
