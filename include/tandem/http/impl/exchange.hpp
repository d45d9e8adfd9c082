// tandem - one request and its response on one connection
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <boost/asio/error.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <tandem/core/task.hpp>
#include <tandem/http/hooks.hpp>
#include <tandem/http/impl/inflate.hpp>
#include <tandem/http/impl/limit_reached.hpp>
#include <tandem/http/impl/parser.hpp>
#include <tandem/http/impl/pool.hpp>
#include <tandem/http/impl/serializer.hpp>

namespace tandem::inline TANDEM_ABI {
namespace http {
namespace detail {

/// Sends a request and reads the response. Its destructor gives the connection back if the response
/// has been read to its end, or can be without waiting; else the connection is closed.
class exchange {
public:
    /// `end`: when the whole call has to be over; up to the end of the head if `body` is null. `body`: where
    /// a body that is read into memory goes, alive until `round_trip` has ended, as `h` is if it is not null.
    exchange(lease on, const request& r, const http::hooks* h, std::int64_t end, std::string* body)
        : lease_(std::move(on)),
          hooks_(h),
          end_(end),
          early_(body),
          decompress_(wants_codings(r)),
          one_request_(r.version() == version::http_1_0 || asks_to_close(r.headers())),
          limits_(r.limits()),
          timeouts_(r.timeouts()),
          decoder_(limits_),
          reader_(limits_, r.method() == "HEAD") {}
    exchange(const exchange&) = delete;
    exchange& operator=(const exchange&) = delete;
    ~exchange() {
        if (!finished_) skip_what_is_here();
    }

    /// Sends `r` and reads up to the end of the response's head. `codings`: what to undo beside gzip.
    /// Cancellation: the connection is closed.
    task<> round_trip(const request& r, const head_defaults& defaults, const decoder::codings& codings);
    /// The next piece of the decoded body, valid until the next call; empty at its end.
    task<std::string_view> next();
    /// Reads the rest of the body to `to`, within the limit of bodies in memory.
    task<> read_all(std::string& to);
    /// Reads and drops the rest if it is small and comes soon, so that the connection can be kept.
    task<> drain();

    response_head& head() noexcept { return reader_.head(); }
    bool reused() const noexcept { return lease_.reused(); }
    bool unanswered() const noexcept { return !reader_.started(); }
    bool body_done() const noexcept { return finished_; }
    timeouts::duration read_limit() const noexcept { return timeouts_.read(); }
    void set_read_limit(timeouts::duration limit) noexcept { timeouts_.read(limit); }
    /// When the request was written, and when the final head was there; in ticks, 0 before.
    std::int64_t sent_at() const noexcept { return sent_at_; }
    std::int64_t answered_at() const noexcept { return answered_at_; }
    /// Bytes of the body as they came.
    std::uint64_t received() const noexcept { return received_; }

private:
    enum class filled { some, end, reset };

    connection& on() {
        if (lease_.get() && !lease_->dead()) return *lease_;
        throw error(errc::pool_closed, phase::body, "the loop on which the response came has ended");
    }
    task<bool> write(std::string_view first, std::string_view second);
    task<> write_body(const request& r);
    task<> send_body_and_read_head(const request& r, const decoder::codings& codings);
    task<> read_while_sending(const request& r, const decoder::codings& codings);
    void written(const request& r);
    task<> read_head(const request& r, bool until_continue);
    task<filled> fill(errc limit, phase where);
    void stream_ended(filled how);
    void head_read();
    void end_header_limit();
    void begin_body(const decoder::codings& codings);
    std::int64_t now() { return lease_.of().loop().ticks(); }
    void finish() noexcept;
    void skip_what_is_here() noexcept;
    [[noreturn]] void timed_out(errc code, phase where, timeouts::duration limit) const;
    [[noreturn]] void too_large(std::uint64_t size) const;
    [[noreturn]] static void wrong_length(std::uint64_t sent, std::uint64_t said);

    lease lease_;
    const http::hooks* hooks_;
    std::int64_t end_;
    std::int64_t sent_at_ = 0;
    std::int64_t answered_at_ = 0;
    std::string* early_;  // for a body that comes while the request is still being sent; null for a stream
    bool decompress_;
    bool one_request_;
    bool written_ = false;  // the request is on its way, all of it
    bool write_failed_ = false;
    bool sending_ = false;  // a task of its own sends the body, and has the deadline
    bool head_read_ = false;
    bool begun_ = false;  // the body is
    bool finished_ = false;
    bool giving_ = false;    // the decoder has input that is not used up
    std::size_t taken_ = 0;  // of the unread bytes, by the piece that was given last
    std::uint64_t received_ = 0;
    std::error_code cause_;
    http::limits limits_;
    http::timeouts timeouts_;
    decoder decoder_;
    response_reader reader_;
};

// ---- implementation

/// Reads on until the final head is there, or one that says 100; may be stopped and called again.
inline task<> exchange::read_head(const request& r, bool until_continue) {
    while (!head_read_) {
        connection& c = on();
        const read_step step = reader_.step(c.unread());
        c.consume(reader_.consumed());
        if (reader_.head_done()) {
            head_read();
        } else if (step == read_step::head) {
            if (hooks_) hooks_->informational(r, reader_.head());
            if (until_continue && reader_.head().status == 100) co_return;
            if (!until_continue) c.deadline().set(timeouts_.header());
        } else {
            const filled how = co_await fill(errc::header_timeout, phase::header);
            if (how != filled::some) stream_ended(how);
        }
    }
}

inline void exchange::head_read() {
    head_read_ = true;
    answered_at_ = now();
    if (!sending_) end_header_limit();
}

// A stream has no limit as a whole: what comes now takes as long as its reader takes.
inline void exchange::end_header_limit() {
    if (!early_) on().deadline().set_end_of_call(tandem::detail::never);
    on().deadline().clear();
}

inline void exchange::begin_body(const decoder::codings& codings) {
    if (std::exchange(begun_, true)) return;
    response_head& h = reader_.head();
    if (reader_.done()) return finish();
    const std::string coding = decompress_ ? all_of(h.fields, "Content-Encoding") : std::string();
    if (coding.empty() && !h.gzip_transfer) return;
    if (!decoder_.use(coding, h.gzip_transfer, codings) || coding.empty()) return;
    h.as_sent = h.fields;
    h.fields.erase("Content-Encoding");
    h.fields.erase("Content-Length");
}

inline task<exchange::filled> exchange::fill(errc limit, phase where) {
    connection& c = on();
    const io_result r = co_await stream_read(c.stream(), c.room());
    if (!r.error) {
        c.commit(r.bytes);
        co_return filled::some;
    }
    if (c.deadline().expired()) {
        const bool of_writer = sending_ && head_read_ && !c.deadline().expired_for_call();
        if (of_writer) co_return filled::some;  // it gives up; what the server sends is still to come
        if (limit == errc::header_timeout && !written_ && !write_failed_) {
            timed_out(errc::write_timeout, phase::write, timeouts_.write());
        }
        timed_out(limit, where, where == phase::header ? timeouts_.header() : timeouts_.read());
    }
    if (r.error == boost::asio::error::eof) co_return filled::end;
    cause_ = r.error;
    co_return filled::reset;
}

inline void exchange::timed_out(errc code, phase where, timeouts::duration limit) const {
    limit_reached(code, where, timeouts_, limit, lease_->deadline().expired_for_call());
}

TANDEM_COLD inline void exchange::stream_ended(filled how) {
    try {
        if (cause_.category().name() == std::string_view("asio.ssl")) {  // also a refused client certificate
            throw error(errc::tls, head_read_ ? phase::body : phase::header,
                        "the server ended it: " + cause_.message());
        }
        reader_.end_of_stream();
        if (how == filled::end) return;
        if (cause_.category().name() == std::string_view("asio.ssl.stream")) {
            throw error(errc::truncated, phase::body,
                        "the stream ended without close_notify, and nothing says how long it is");
        }
        throw error(errc::incomplete_body, phase::body, "the connection was reset");
    } catch (error& e) {
        if (cause_) e.cause(cause_);
        throw;
    }
}

inline task<std::string_view> exchange::next() {
    if (finished_) co_return std::string_view();
    for (;;) {
        if (giving_) {
            const std::string_view out = decoder_.take();
            if (!out.empty()) co_return out;
            giving_ = false;
        }
        connection& c = on();
        c.consume(std::exchange(taken_, 0));
        if (reader_.done()) break;
        reader_.step(c.unread());
        const std::string_view piece = reader_.piece();
        if (!piece.empty()) {
            taken_ = reader_.consumed();
            received_ += piece.size();
            if (!decoder_.active()) co_return piece;
            decoder_.give(piece);
            giving_ = true;
            continue;
        }
        c.consume(reader_.consumed());
        if (reader_.done()) break;
        if (!sending_) c.deadline().set(timeouts_.read());
        const filled how = co_await fill(errc::read_timeout, phase::body);
        if (!sending_) c.deadline().clear();
        if (how != filled::some) stream_ended(how);
    }
    if (decoder_.active()) decoder_.finish();
    finish();
    co_return std::string_view();
}

inline task<> exchange::read_all(std::string& to) {
    const response_head& h = reader_.head();
    if (h.content_length && !decoder_.active() && !finished_) {
        if (*h.content_length > limits_.body_bytes()) too_large(*h.content_length);
        constexpr std::uint64_t at_once = 1024 * 1024;  // what a server says is not yet what it sends
        to.reserve(static_cast<std::size_t>(*h.content_length < at_once ? *h.content_length : at_once));
    }
    while (!finished_) {
        const std::string_view piece = co_await next();
        if (to.size() + piece.size() > limits_.body_bytes()) too_large(to.size() + piece.size());
        to.append(piece);
    }
}

TANDEM_COLD inline void exchange::too_large(std::uint64_t size) const {
    throw error(errc::body_too_large, phase::body,
                std::to_string(size) + " bytes or more, the limit is " +
                    std::to_string(limits_.body_bytes()) + "; raise limits::body_bytes, or use stream()");
}

TANDEM_COLD inline task<> exchange::drain() {
    const std::uint64_t most = received_ + 64 * 1024;
    if (reader_.head().content_length.value_or(0) > most) co_return;
    while (!finished_ && received_ <= most) {
        co_await next();
    }
}

// Only if every byte of both messages went where it belongs may another request follow.
inline void exchange::finish() noexcept {
    finished_ = true;
    if (sending_) return;  // who sends still uses the connection
    connection* const c = lease_.get();
    if (!c || c->dead()) return;
    if (reader_.reusable() && written_ && !one_request_ && c->unread().empty() && !c->deadline().expired()) {
        const int seconds = keep_alive_seconds(reader_.head().fields);
        if (seconds >= 0) c->limit_idle((seconds - 1) * std::int64_t{1'000'000'000});
        if (seconds < 0 || seconds > 1) lease_.set_reusable();
    }
    lease_ = lease();
}

// Of a response that nobody reads on: what has come already is taken without waiting.
inline void exchange::skip_what_is_here() noexcept {
    connection* const c = lease_.get();
    if (!c || c->dead() || !head_read_) return;
    try {
        c->consume(std::exchange(taken_, 0));
        while (!reader_.done()) {
            reader_.step(c->unread());
            c->consume(reader_.consumed());
            if (reader_.consumed() == 0) break;
        }
        if (reader_.done()) finish();
    } catch (...) {  // damaged: the lease closes the connection
    }
}

}  // namespace detail
}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
