// tandem - reads a response: Beast's parser, and around it what Beast lets through or misses
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/version.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <tandem/http/message.hpp>

namespace tandem::inline TANDEM_ABI {
namespace http {
namespace detail {

using boost::beast::error_code;
using beast_text = boost::beast::string_view;

/// One message. Beast cuts and checks; this class keeps, counts and refuses.
class beast_parser final : public boost::beast::http::basic_parser<false> {
public:
    beast_parser(response_head& head, const http::limits& limits, bool without_body)
        : head_(head), limits_(limits) {
        eager(false);  // one step for each call: what a step takes can be counted
        header_limit(
            std::numeric_limits<std::uint32_t>::max());  // counted outside, the same however it is cut
        body_limit(boost::none);
        skip(without_body);
    }

    std::string_view take_piece() noexcept { return std::exchange(piece_, std::string_view()); }
    bool header_done() const noexcept { return header_done_; }
    bool in_chunk_frame() const noexcept { return header_done_ && chunked() && frame_; }
    bool in_trailers() const noexcept { return trailers_; }
    errc failure() const noexcept { return failure_; }
    const std::string& reason() const noexcept { return reason_; }

private:
    static std::string_view view(beast_text text) noexcept {
        return std::string_view(text.data(), text.size());
    }
    void fail(errc code, std::string why, error_code& ec) {
        failure_ = code;
        reason_ = std::move(why);
        ec = boost::beast::http::make_error_code(boost::beast::http::error::bad_value);
    }

    void on_request_impl(boost::beast::http::verb, beast_text, beast_text, int, error_code&) override {}

    void on_response_impl(int status, beast_text text, int version, error_code&) override {
        head_.status = status;
        head_.reason.assign(text.data(), text.size());
        head_.version = version;
    }

    void on_field_impl(boost::beast::http::field name, beast_text spelled, beast_text value,
                       error_code& ec) override {
        if (++fields_ > limits_.header_fields()) {
            return fail(errc::headers_too_large,
                        "more than " + std::to_string(limits_.header_fields()) +
                            " fields; raise limits::header_fields",
                        ec);
        }
        if (!header_done_) {
            if (name == boost::beast::http::field::transfer_encoding)
                check_transfer_encoding(view(value), ec);
            if (name == boost::beast::http::field::content_length) length_seen_ = true;
            if (!ec) head_.fields.append(view(spelled), view(value));
        } else if (name == boost::beast::http::field::content_length ||
                   name == boost::beast::http::field::transfer_encoding) {
            fail(errc::protocol, "a trailer frames the message", ec);  // Beast looks at it before 1.90 only
        } else if (is_trailer(name)) {
            head_.trailers.append(view(spelled), view(value));
        }
    }
#if BOOST_VERSION >= 109000  // before, trailers came to on_field_impl
    void on_trailer_field_impl(boost::beast::http::field name, beast_text spelled, beast_text value,
                               error_code& ec) override {
        on_field_impl(name, spelled, value, ec);
    }
#endif

    // Beast takes "xchunked" or "chunked, gzip" for a body up to the end of the stream, frames included.
    void check_transfer_encoding(std::string_view value, error_code& ec) {
        if (encoding_seen_) return fail(errc::protocol, "two Transfer-Encoding fields", ec);
        encoding_seen_ = true;
        std::string codings;
        each_element(value, [&codings](std::string_view one) {
            if (!codings.empty()) codings += ',';
            for (const char c : one) codings += to_lower(c);
        });
        if (codings == "gzip,chunked" || codings == "x-gzip,chunked") {
            head_.gzip_transfer = true;
        } else if (codings != "chunked" && codings != "identity") {
            fail(errc::protocol, "the Transfer-Encoding " + shown(value) + " is not known", ec);
        }
    }

    // RFC 9110, section 6.5.1: no field that frames, routes, authenticates or describes the message.
    static bool is_trailer(boost::beast::http::field name) noexcept {
        using field = boost::beast::http::field;
        switch (name) {
            case field::transfer_encoding:
            case field::content_length:
            case field::content_encoding:
            case field::content_type:
            case field::content_range:
            case field::connection:
            case field::proxy_connection:
            case field::keep_alive:
            case field::upgrade:
            case field::host:
            case field::trailer:
            case field::te:
            case field::set_cookie:
            case field::cookie:
            case field::authorization:
            case field::proxy_authenticate:
            case field::proxy_authorization:
            case field::www_authenticate:
            case field::location:
            case field::cache_control:
            case field::expect:
                return false;
            default:
                return true;
        }
    }

    void on_header_impl(error_code& ec) override {
        header_done_ = true;
        fields_ = 0;
        frame_ = true;
        if (encoding_seen_ && length_seen_) {
            return fail(errc::protocol, "both Content-Length and Transfer-Encoding", ec);
        }
        head_.keep_alive = keep_alive();
        head_.to_end_of_stream = need_eof();
        if (const auto length = content_length()) head_.content_length = *length;
        const int status = head_.status;
        const bool bodiless = status / 100 == 1 || status == 204;
        // Whoever announces a body where none can be will send it, and it would be the next response.
        if (bodiless && (encoding_seen_ || head_.content_length.value_or(0) != 0)) head_.keep_alive = false;
        // A 1.0 peer that sends chunks is not what it says it is; one that says close and keep-alive closes.
        if (head_.version == 10 && (encoding_seen_ || asks_to_close(head_.fields))) head_.keep_alive = false;
    }

    void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {
        head_.has_body = true;
    }
    std::size_t on_body_impl(beast_text body, error_code&) override {
        piece_ = view(body);
        return body.size();
    }
    // A quoted LF ends the line for others, who would then see other chunks than we do.
    void on_chunk_header_impl(std::uint64_t size, beast_text extension, error_code& ec) override {
        frame_ = false;
        trailers_ = size == 0;
        if (!is_field_value(view(extension)))
            fail(errc::protocol, "a control character in a chunk extension", ec);
    }
    std::size_t on_chunk_body_impl(std::uint64_t remain, beast_text body, error_code&) override {
        piece_ = view(body);
        frame_ = remain == body.size();
        return body.size();
    }
    void on_finish_impl(error_code&) override {}

    response_head& head_;
    const http::limits& limits_;
    std::string_view piece_;
    std::string reason_;
    std::size_t fields_ = 0;
    errc failure_ = errc::protocol;
    bool header_done_ = false;
    bool frame_ = false;     // between chunks
    bool trailers_ = false;  // behind the last
    bool encoding_seen_ = false;
    bool length_seen_ = false;
};

enum class read_step { need_more, head, body, done };

/// Reads one response, with the informational ones before it, from bytes that come in any pieces.
/// Pure: no I/O, and the same result however the bytes are cut. `step` takes from the front of what is
/// unread; what it does not take comes again, with more behind it, after `need_more`.
class response_reader {
public:
    response_reader(const http::limits& limits, bool head_request)
        : limits_(limits), head_request_(head_request) {}
    response_reader(const response_reader&) = delete;
    response_reader& operator=(const response_reader&) = delete;

    /// Takes `consumed()` bytes of `unread`; `piece()` is part of the body, a view into `unread`.
    read_step step(std::string_view unread);
    /// The stream has ended. Errors: unless that is how this body ends.
    void end_of_stream();

    std::size_t consumed() const noexcept { return consumed_; }
    std::string_view piece() const noexcept { return piece_; }
    response_head& head() noexcept { return head_; }
    bool head_done() const noexcept { return state_ == state::body || state_ == state::done; }
    bool done() const noexcept { return state_ == state::done; }
    /// Whether anything of a response has come.
    bool started() const noexcept { return started_; }
    std::size_t informational() const noexcept { return informational_; }
    /// Whether the connection can serve another request, if nothing else came after the message.
    bool reusable() const noexcept { return done() && head_.keep_alive && head_.status != 101; }

private:
    enum class state { before, body, done };

    read_step read_head(std::string_view unread);
    void finish_head();
    std::size_t find_end_of_head(std::string_view unread);
    std::size_t put(std::string_view bytes);
    void check_frame(std::size_t bytes) const;
    [[noreturn]] void fail(errc code, const std::string& why) const {
        throw error(code, head_done() ? phase::body : phase::header, why);
    }

    const http::limits& limits_;
    response_head head_;
    std::optional<beast_parser> parser_;
    std::string_view piece_;
    std::size_t consumed_ = 0;
    std::size_t scanned_ = 0;      // of the head: no end before here
    std::size_t line_ = 0;         // where the line begins that is being scanned
    std::size_t blank_lines_ = 0;  // dropped before the status line
    std::size_t informational_ = 0;
    std::size_t framing_ = 0;  // bytes since the last chunk
    state state_ = state::before;
    bool head_request_;
    bool started_ = false;
    bool need_more_ = false;
};

// ---- implementation

inline read_step response_reader::step(std::string_view unread) {
    consumed_ = 0;
    piece_ = {};
    if (state_ == state::done) return read_step::done;
    if (!unread.empty()) started_ = true;
    if (state_ == state::before) return read_head(unread);
    while (consumed_ < unread.size()) {
        const bool frame = parser_->in_chunk_frame();
        const bool counted = frame || parser_->in_trailers();
        // Beast 1.81 asserts when it has seen "0 CRLF" and gets less than the shortest end of a body.
        if (frame && unread.size() - consumed_ < 5) break;
        const std::size_t taken = put(unread.substr(consumed_));
        consumed_ += taken;
        piece_ = parser_->take_piece();
        if (counted) {  // Beast takes all of it at once, from 1.90 on trailer by trailer
            framing_ += taken;
            check_frame(framing_ + (need_more_ ? unread.size() - consumed_ : 0));
        }
        if (!parser_->in_chunk_frame() && !parser_->in_trailers()) framing_ = 0;
        if (parser_->is_done()) state_ = state::done;
        if (!piece_.empty()) return read_step::body;
        if (parser_->is_done()) return read_step::done;
        if (need_more_) break;
    }
    return read_step::need_more;
}

// The size line of a chunk, and the trailers, are counted whole: a server may not grow them for ever.
inline void response_reader::check_frame(std::size_t bytes) const {
    if (bytes > limits_.header_bytes()) {
        fail(errc::headers_too_large, "chunk extensions or trailers of more than " +
                                          std::to_string(limits_.header_bytes()) + " bytes");
    }
}

inline std::size_t response_reader::put(std::string_view bytes) {
    error_code ec;
    std::size_t taken = 0;
    try {
        taken = parser_->put(boost::asio::const_buffer(bytes.data(), bytes.size()), ec);
    } catch (const std::exception& e) {  // Beast has thrown std::length_error here
        fail(errc::protocol, e.what());
    }
    need_more_ = ec == boost::beast::http::error::need_more;
    if (!ec || need_more_) return taken;
    if (!parser_->reason().empty()) fail(parser_->failure(), parser_->reason());
    fail(errc::protocol, ec.message());
}

// The whole head is there before Beast sees it, so that how it was cut makes no difference. A line is
// looked at as soon as it has ended: what is wrong with it needs no more to come.
inline std::size_t response_reader::find_end_of_head(std::string_view unread) {
    constexpr std::string_view start = "HTTP/1.";
    for (;;) {
        const std::size_t begin = 2 * blank_lines_;
        const std::string_view first = unread.substr(begin, start.size());
        if (line_ == begin && first != start.substr(0, first.size()) &&
            !std::string_view("\r\n").starts_with(first) && !first.starts_with("\r\n")) {
            fail(errc::protocol, "the answer begins with " + shown(unread.substr(begin, 20)));
        }
        const std::size_t end = unread.find('\n', scanned_);
        if (end == std::string_view::npos) {
            scanned_ = unread.size();
            if (scanned_ > limits_.header_bytes()) break;
            return 0;
        }
        scanned_ = end + 1;
        if (scanned_ > limits_.header_bytes()) break;
        if (end == 0 || unread[end - 1] != '\r') fail(errc::protocol, "a line of the head ends without CR");
        const bool blank = end - line_ == 1;
        if (blank && line_ == begin) {  // blank lines before the status line: some servers send one
            if (++blank_lines_ > 2) fail(errc::protocol, "three blank lines where a status line should be");
            line_ = scanned_;
            continue;
        }
        if (blank) return scanned_;
        line_ = scanned_;
    }
    fail(errc::headers_too_large,
         "more than " + std::to_string(limits_.header_bytes()) + " bytes; raise limits::header_bytes");
}

inline read_step response_reader::read_head(std::string_view unread) {
    const std::size_t end = find_end_of_head(unread);
    if (end == 0) return read_step::need_more;
    std::string_view block = unread.substr(0, end);
    block.remove_prefix(2 * blank_lines_);
    if (informational_ != 0) head_ = response_head();
    parser_.emplace(head_, limits_, head_request_);
    // "HTTP/1.1 200" without the blank before an empty reason: common, and refused by Beast.
    if (block.size() > 13 && block[12] == '\r' && block[8] == ' ') {
        put(std::string(block.substr(0, 12)) + " \r\n");
        block.remove_prefix(14);
    }
    while (!block.empty() && !parser_->header_done()) {
        const std::size_t taken = put(block);
        block.remove_prefix(taken);
        if (taken == 0 && !parser_->header_done()) fail(errc::protocol, "a header field is damaged");
    }
    consumed_ = end;
    scanned_ = line_ = blank_lines_ = 0;
    if (!parser_->header_done() || !block.empty()) fail(errc::protocol, "the head ends inside a field");
    finish_head();
    return read_step::head;
}

inline void response_reader::finish_head() {
    if (head_.status < 100) fail(errc::protocol, "the status is " + std::to_string(head_.status));
    if (head_.status == 101) fail(errc::protocol, "101 Switching Protocols, which nobody has asked for");
    if (head_.status / 100 == 1) {
        if (++informational_ > limits_.informational()) {
            fail(errc::protocol,
                 "more than " + std::to_string(limits_.informational()) + " informational responses");
        }
        if (!head_.keep_alive && (head_.content_length || head_.fields.contains("Transfer-Encoding"))) {
            fail(errc::protocol, "an informational response announces a body");
        }
        return;
    }
    state_ = parser_->is_done() ? state::done : state::body;
}

inline void response_reader::end_of_stream() {
    if (done()) return;
    if (!started_) {
        throw error(errc::server_disconnected, phase::header,
                    "not one byte came; send it again if it may be repeated");
    }
    if (state_ == state::before) fail(errc::incomplete_headers, "the server went away");
    error_code ec;
    parser_->put_eof(ec);
    if (ec) {
        fail(errc::incomplete_body,
             head_.content_length ? "of " + std::to_string(*head_.content_length) + " bytes not all came"
                                  : std::string("the last chunk is missing"));
    }
    state_ = state::done;
}

}  // namespace detail
}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
