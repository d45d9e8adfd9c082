// tandem - the half of an exchange that sends: head, body, and what the server says meanwhile
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <tandem/core/sleep.hpp>
#include <tandem/core/task.hpp>
#include <tandem/http/impl/exchange.hpp>
#include <tandem/http/impl/serializer.hpp>
#include <tandem/sync/event.hpp>
#include <tandem/tasks/race.hpp>
#include <tandem/tasks/timeout.hpp>

namespace tandem::inline TANDEM_ABI {
namespace http {
namespace detail {

inline task<> exchange::round_trip(const request& r, const head_defaults& defaults,
                                   const decoder::codings& codings) {
    connection& c = on();
    std::string& text = c.head();
    text.clear();
    write_head(r, defaults, text);
    constexpr std::size_t small = 64 * 1024;
    const bool at_once = !r.source() && r.body().size() <= small && !waits_for_continue(r);
    c.deadline().set_end_of_call(end_);
    c.deadline().set(timeouts_.write());
    if (at_once) {
        written_ = co_await write(text, r.body());
        if (written_ && hooks_ && r.has_body()) hooks_->sent(r, r.body().size());
    } else {
        const bool head_written = co_await write(text, {});
        if (head_written) co_await send_body_and_read_head(r, codings);
    }
    if (!head_read_) {
        written(r);
        co_await read_head(r, false);
    }
    begin_body(codings);
}

/// False if the peer does not take it any more: perhaps it has answered already.
inline task<bool> exchange::write(std::string_view first, std::string_view second) {
    connection& c = on();
    while (!(first.empty() && second.empty())) {
        if (first.empty()) std::swap(first, second);
        const io_result r = co_await stream_write(c.stream(), first, second);
        if (r.error) {
            const bool late = c.deadline().expired();
            if (late && (!head_read_ || c.deadline().expired_for_call())) {
                timed_out(errc::write_timeout, phase::write, timeouts_.write());
            }
            if (!late) cause_ = r.error;
            write_failed_ = true;
            co_return false;
        }
        const std::size_t of_first = r.bytes < first.size() ? r.bytes : first.size();
        first.remove_prefix(of_first);
        second.remove_prefix(r.bytes - of_first);
        if (!first.empty() || !second.empty()) c.deadline().set(timeouts_.write());
    }
    co_return true;
}

TANDEM_COLD inline task<> exchange::write_body(const request& r) {
    connection& c = on();
    bool good = true;
    if (!r.source()) {
        const std::size_t at_once = hooks_ ? 64 * 1024 : r.body().size();
        for (std::size_t from = 0; good && from < r.body().size(); from += at_once) {
            const std::string_view piece = std::string_view(r.body()).substr(from, at_once);
            good = co_await write(piece, {});
            if (good && hooks_) hooks_->sent(r, from + piece.size());
        }
    } else {
        const auto length = r.source()->length();
        std::uint64_t sent = 0;
        for (;;) {
            c.deadline().clear();  // the time that the source takes is not the server's
            const std::string piece = co_await r.source()->next();
            sent += piece.size();
            if (piece.empty()) break;
            if (length && sent > *length) break;
            c.deadline().set(timeouts_.write());
            const std::string frame = length ? std::string() : chunk_header(piece.size());
            good = co_await write(frame, piece);
            if (!good) break;
            if (!length) good = co_await write("\r\n", {});
            if (!good) break;
            if (hooks_) hooks_->sent(r, sent);
            written_ = length && sent == *length;  // the answer may come before the source has ended
        }
        if (good && length && sent != *length) wrong_length(sent, *length);
        c.deadline().set(timeouts_.write());
        const bool last_chunk = good && !length;
        if (last_chunk) good = co_await write("0\r\n\r\n", {});
    }
    written_ = good;
    if (good) written(r);
}

TANDEM_COLD inline void exchange::wrong_length(std::uint64_t sent, std::uint64_t said) {
    throw error(errc::invalid_request, phase::write,
                "the body has " + (sent > said ? "more than" : std::to_string(sent) + " of") + " the " +
                    std::to_string(said) + " bytes that its length() said");
}

inline void exchange::written(const request& r) {
    sent_at_ = now();
    if (hooks_) hooks_->phase(r, phase::header);
    on().deadline().set(timeouts_.header());
}

// The server may answer before it has read everything, with 413 or 401: then it is no use to go on.
TANDEM_COLD inline task<> exchange::send_body_and_read_head(const request& r,
                                                            const decoder::codings& codings) {
    connection& c = on();
    if (waits_for_continue(r)) {
        c.deadline().clear();  // that it waits for 100 is no fault of the server
        co_await move_on_after(std::chrono::seconds(1), read_head(r, true));
        if (head_read_) co_return;
        c.deadline().set(timeouts_.write());
    }
    sending_ = true;
    const auto first = co_await race(write_body(r), read_while_sending(r, codings));
    sending_ = false;
    if (head_read_) {
        end_header_limit();
        if (finished_) finish();
    } else if (first.index() == 0) {
        c.deadline().set(timeouts_.header());
        co_await read_head(r, false);
    }
}

// Ends when there is no use in sending more. A server that answers 2xx early still wants the rest, and may
// wait until somebody reads what it makes of it. Of a stream the rest of the request goes out first.
TANDEM_COLD inline task<> exchange::read_while_sending(const request& r, const decoder::codings& codings) {
    co_await read_head(r, false);
    const bool goes_on = reader_.head().status / 100 == 2;
    if (!goes_on) co_return;
    if (early_) {
        begin_body(codings);
        co_await read_all(*early_);
        co_await sleep(std::chrono::milliseconds(50));  // the last bytes may be on their way
    } else {
        event sent;
        co_await sent.wait();
    }
}

}  // namespace detail
}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
