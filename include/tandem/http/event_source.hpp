// tandem - http::event_source: an event stream that connects again when it breaks
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include <tandem/core/sleep.hpp>
#include <tandem/http/retry.hpp>
#include <tandem/http/sse.hpp>

namespace tandem::inline TANDEM_ABI {
namespace http {

/// How an `event_source` connects again.
class event_source_options {
public:
    event_source_options() {}

    /// How long to wait after a connection has ended, until the server says otherwise by `retry:`. Default: 3
    /// s.
    event_source_options& wait(duration time) noexcept { return wait_ = time, *this; }
    /// Failed attempts in a row until it gives up; the waits between them double up to `longest_wait`.
    /// Default: no limit.
    event_source_options& attempts(std::size_t in_a_row) noexcept { return attempts_ = in_a_row, *this; }
    event_source_options& longest_wait(duration time) noexcept { return longest_wait_ = time, *this; }
    /// Bytes of one event. Default: 1 MiB.
    event_source_options& event_limit(std::size_t bytes) noexcept { return event_limit_ = bytes, *this; }

    duration wait() const noexcept { return wait_; }
    duration longest_wait() const noexcept { return longest_wait_; }
    std::size_t attempts() const noexcept { return attempts_; }
    std::size_t event_limit() const noexcept { return event_limit_; }

private:
    duration wait_ = std::chrono::seconds(3);
    duration longest_wait_ = std::chrono::seconds(60);
    std::size_t attempts_ = std::numeric_limits<std::size_t>::max();
    std::size_t event_limit_ = sse_parser::default_limit;
};

/// Events, also beyond the end of a connection: `event_source events(client.get(url)); auto e = co_await
/// events.next();`. When the stream ends or breaks it waits, sends the request again with Last-Event-ID, and
/// goes on. The server ends it for good by answering 204.
class event_source {
public:
    explicit event_source(request_builder request, event_source_options options = event_source_options())
        : request_(std::move(request)), options_(options), wait_(options.wait()) {
        request_.header("Accept", "text/event-stream").header("Cache-Control", "no-store");
    }

    /// The next event; empty after 204.
    /// Cancellation: what was read is kept for the next call; a wait or an attempt begins afresh.
    /// Errors: `status` for an answer that no repetition changes, `protocol` for another Content-Type,
    ///   `body_too_large`; after `attempts` failures in a row the last of them.
    [[nodiscard("co_await it")]] task<std::optional<sse_event>> next();

    /// The id of the last event that had one: what the next request will say.
    const std::string& last_id() const noexcept { return last_id_; }
    /// Connections made so far.
    std::size_t connections() const noexcept { return connections_; }

private:
    task<> connect();
    task<std::optional<sse_event>> read();
    static task<response_stream> attempt(request_builder request);

    request_builder request_;
    event_source_options options_;
    duration wait_;
    std::string last_id_;
    std::optional<sse_stream> events_;
    std::size_t connections_ = 0;
    bool over_ = false;
};

// ---- implementation

inline task<std::optional<sse_event>> event_source::next() {
    for (;;) {
        if (over_) co_return std::nullopt;
        if (!events_) co_await connect();
        if (!events_) continue;  // 204
        std::optional<sse_event> event = co_await read();
        if (event) co_return event;
        events_.reset();
    }
}

/// Empty when the stream has ended, in good order or not.
inline task<std::optional<sse_event>> event_source::read() {
    std::optional<sse_event> event;
    try {
        event = co_await events_->next();
    } catch (const error& e) {
        if (e.code() == errc::body_too_large) throw;
    }
    if (const auto asked = events_->parser().retry()) wait_ = *asked;
    last_id_ = event ? event->id : events_->parser().last_id();
    co_return event;
}

inline task<response_stream> event_source::attempt(request_builder request) {
    response_stream got = co_await std::move(request).stream();
    co_return got;
}

inline task<> event_source::connect() {
    if (connections_ != 0) co_await sleep(wait_);
    request_builder request(request_);
    const bool sendable = !last_id_.empty() && detail::is_field_value(last_id_);
    if (sendable) request.header("Last-Event-ID", last_id_);
    const duration least =
        std::chrono::milliseconds(100);  // "retry: 0" is no leave to hammer one that is down
    const auto policy = retry_policy()
                            .attempts(options_.attempts())
                            .base(std::max(wait_, least))
                            .cap(options_.longest_wait())
                            .jitter(jitter::equal)
                            .classify(retryable());
    response_stream got = co_await tandem::retry(policy, attempt, request);
    ++connections_;
    if (got.status() == 204) {
        over_ = true;
        co_return;
    }
    if (got.status() != 200) {
        throw error(
            error(errc::status, phase::header,
                  std::to_string(got.status()) + " " + got.reason() + " to the request for an event stream"),
            got.url().redacted(), 1);
    }
    events_.emplace(std::move(got).sse(options_.event_limit()));
    events_->resume_after(last_id_);
}

}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
