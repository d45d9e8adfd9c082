// tandem - a connection of a test server: requests are read as they come, bytes are written as they are
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tandem/core/task.hpp>
#include <tandem/http/socket_stream.hpp>
#include <tandem/http/transport.hpp>
#include <tandem/testing/http_script.hpp>

namespace tandem::inline TANDEM_ABI {
namespace testing {
namespace detail {

class http_connection {
public:
    http_connection(http::detail::socket_stream::socket s, std::size_t which)
        : descriptor(s.native_handle()),
          stream(std::make_unique<http::detail::socket_stream>(std::move(s))),
          number(which) {}
    http_connection(const http_connection&) = delete;
    http_connection& operator=(const http_connection&) = delete;
    ~http_connection() {
        if (stream) stream->close();
    }

    /// Reads more; false at the end of the stream.
    task<bool> more() {
        std::vector<char> room(16 * 1024);
        const http::detail::io_result r = co_await http::detail::stream_read(*stream, room);
        received.append(room.data(), r.bytes);
        co_return !r.error;
    }
    /// Writes all of it; false if the client is gone.
    task<bool> write(std::string_view bytes) {
        while (!bytes.empty()) {
            const http::detail::io_result r =
                co_await http::detail::stream_write(*stream, bytes, std::string_view());
            if (r.error) co_return false;
            bytes.remove_prefix(r.bytes);
        }
        co_return true;
    }
    /// Closing, which comes with the destructor, resets the connection.
    void reset_on_close() noexcept {
        ::linger at_once{};
        at_once.l_onoff = 1;
        ::setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    }
    void end_output() noexcept { ::shutdown(descriptor, SHUT_WR); }
    /// Reads a request head; false if none comes.
    task<bool> read_head(seen_request& request);
    task<bool> read_body(seen_request& request);

    const int descriptor;  // of the stream, for what only sockets know
    std::unique_ptr<http::byte_stream> stream;
    std::string received;
    const std::size_t number;
};

// ---- implementation

inline task<bool> http_connection::read_head(seen_request& request) {
    std::size_t end = received.find("\r\n\r\n");
    while (end == std::string::npos) {
        const bool more_came = co_await more();
        if (!more_came) co_return false;
        end = received.find("\r\n\r\n");
    }
    const std::string head = received.substr(0, end + 2);
    received.erase(0, end + 4);
    std::size_t line = head.find("\r\n");
    const std::size_t first = head.find(' ');
    const std::size_t second = head.find(' ', first + 1);
    if (first == std::string::npos || second == std::string::npos || second > line) co_return false;
    request.method = head.substr(0, first);
    request.target = head.substr(first + 1, second - first - 1);
    request.path = request.target.substr(0, request.target.find('?'));
    request.connection = number;
    for (line += 2; line < head.size();) {
        const std::size_t next = head.find("\r\n", line);
        const std::size_t colon = head.find(':', line);
        if (colon > next) co_return false;
        request.headers.append(
            head.substr(line, colon - line),
            http::detail::trim(std::string_view(head).substr(colon + 1, next - colon - 1)));
        line = next + 2;
    }
    co_return true;
}

inline task<bool> http_connection::read_body(seen_request& request) {
    bool open = true;
    if (!request.headers.contains("Transfer-Encoding")) {
        const std::size_t length = std::stoull("0" + request.header("Content-Length"));
        while (open && received.size() < length) {
            open = co_await more();
        }
        request.body = received.substr(0, length);
        received.erase(0, length);
        co_return open;
    }
    for (;;) {
        std::size_t line = received.find("\r\n");
        while (line == std::string::npos) {
            open = co_await more();
            if (!open) co_return false;
            line = received.find("\r\n");
        }
        const std::size_t size = std::stoull(received.substr(0, line), nullptr, 16);
        while (received.size() < line + 2 + size + 2) {
            open = co_await more();
            if (!open) co_return false;
        }
        request.body += received.substr(line + 2, size);
        received.erase(0, line + 2 + size + 2);
        if (size == 0) co_return true;
    }
}

}  // namespace detail
}  // namespace testing
}  // namespace tandem::inline TANDEM_ABI
