// tandem - reads requests from bytes that come in any pieces, for servers in tests
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <charconv>
#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include <tandem/testing/http_script.hpp>

namespace tandem::inline TANDEM_ABI {
namespace testing {

/// Cuts what a client sends into requests. Pure: bytes in, requests out; trusts its peer, as a test may.
class request_reader {
public:
    request_reader() {}

    void give(std::string_view bytes) { unread_ += bytes; }
    /// Reads on; true once the head is there. The body may still be on its way.
    bool head();
    /// Reads on; true once the whole request is there.
    bool body();
    /// False if what came is no request.
    bool good() const noexcept { return good_; }
    /// The request, as far as it has come.
    const seen_request& request() const noexcept { return request_; }
    /// Gives the request away and begins with the next.
    seen_request take() {
        state_ = state::head;
        return std::exchange(request_, seen_request());
    }

private:
    enum class state { head, length, chunk, done };

    bool refuse() noexcept { return good_ = false; }
    bool parse_head(std::string_view head);
    bool read_chunks();

    std::string unread_;
    seen_request request_;
    state state_ = state::head;
    std::size_t left_ = 0;
    bool good_ = true;
};

// ---- implementation

inline bool request_reader::head() {
    if (!good_) return false;
    if (state_ != state::head) return true;
    const std::size_t end = unread_.find("\r\n\r\n");
    if (end == std::string::npos || !parse_head(std::string_view(unread_).substr(0, end + 2))) return false;
    unread_.erase(0, end + 4);
    const std::string length = request_.header("Content-Length");
    left_ = 0;
    std::from_chars(length.data(), length.data() + length.size(), left_);
    state_ = request_.headers.contains("Transfer-Encoding") ? state::chunk : state::length;
    return true;
}

inline bool request_reader::parse_head(std::string_view head) {
    std::size_t line = head.find("\r\n");
    const std::size_t first = head.find(' ');
    const std::size_t second = head.find(' ', first + 1);
    if (first == std::string::npos || second == std::string::npos || second > line) return refuse();
    request_.method = head.substr(0, first);
    request_.target = head.substr(first + 1, second - first - 1);
    request_.path = request_.target.substr(0, request_.target.find('?'));
    for (line += 2; line < head.size();) {
        const std::size_t next = head.find("\r\n", line);
        const std::size_t colon = head.find(':', line);
        if (colon > next) return refuse();
        request_.headers.append(head.substr(line, colon - line),
                                http::detail::trim(head.substr(colon + 1, next - colon - 1)));
        line = next + 2;
    }
    return true;
}

inline bool request_reader::body() {
    if (!head()) return false;
    if (state_ == state::chunk && !read_chunks()) return false;
    if (state_ == state::length) {
        const std::size_t taken = unread_.size() < left_ ? unread_.size() : left_;
        request_.body.append(unread_, 0, taken);
        unread_.erase(0, taken);
        left_ -= taken;
        if (left_ != 0) return false;
        state_ = state::done;
    }
    return true;
}

inline bool request_reader::read_chunks() {
    for (;;) {
        const std::size_t line = unread_.find("\r\n");
        if (line == std::string::npos) return false;
        std::size_t size = 0;
        const auto parsed = std::from_chars(unread_.data(), unread_.data() + line, size, 16);
        if (parsed.ec != std::errc() || size > std::numeric_limits<std::size_t>::max() / 2) return refuse();
        if (unread_.size() < line + 2 + size + 2) return false;
        request_.body.append(unread_, line + 2, size);
        unread_.erase(0, line + 2 + size + 2);
        if (size != 0) continue;
        state_ = state::done;
        return true;
    }
}

}  // namespace testing
}  // namespace tandem::inline TANDEM_ABI
