// tandem - a TCP or Unix socket as a byte_stream
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/basic_endpoint.hpp>
#include <boost/asio/io_context.hpp>

#include <array>
#include <cerrno>
#include <span>
#include <string_view>
#include <utility>

#include <tandem/http/transport.hpp>

namespace tandem::inline TANDEM_ABI {
namespace http {
namespace detail {

/// Asio's Protocol for both kinds: what it makes of each operation of a kind takes long to compile, and
/// its own generic::stream_protocol brings the iostreams of sockets, and with them Boost.DateTime.
class stream_protocol {
public:
    using endpoint = boost::asio::generic::basic_endpoint<stream_protocol>;

    stream_protocol(int family, int protocol) noexcept : family_(family), protocol_(protocol) {}
    template <class Specific>  // ip::tcp, say
    stream_protocol(const Specific& p) noexcept : stream_protocol(p.family(), p.protocol()) {}

    int family() const noexcept { return family_; }
    int type() const noexcept { return SOCK_STREAM; }
    int protocol() const noexcept { return protocol_; }

private:
    int family_;
    int protocol_;
};

class socket_stream final : public byte_stream {
public:
    // With the concrete executor: the type-erased one costs a tenth of the rate.
    using socket = boost::asio::basic_stream_socket<stream_protocol, boost::asio::io_context::executor_type>;

    explicit socket_stream(socket&& connected) : socket_(std::move(connected)) {}

    /// Gives the socket to whoever puts TLS on it.
    socket release() noexcept { return std::move(socket_); }

    void start_read(stream_operation& op, std::span<char> into) override {
        socket_.async_read_some(boost::asio::mutable_buffer(into.data(), into.size()), handler(op));
    }
    void start_write(stream_operation& op, std::string_view first, std::string_view second) override {
        const std::array<boost::asio::const_buffer, 2> both{
            boost::asio::const_buffer(first.data(), first.size()),
            boost::asio::const_buffer(second.data(), second.size())};
        socket_.async_write_some(both, handler(op));
    }
    std::size_t try_write(std::string_view first, std::string_view second) noexcept override {
        iovec parts[2];
        parts[0].iov_base = const_cast<char*>(first.data());
        parts[0].iov_len = first.size();
        parts[1].iov_base = const_cast<char*>(second.data());
        parts[1].iov_len = second.size();
        msghdr message{};
        message.msg_iov = parts;
        message.msg_iovlen = second.empty() ? 1 : 2;
        const ssize_t sent = ::sendmsg(socket_.native_handle(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        return sent > 0 ? static_cast<std::size_t>(sent) : 0;
    }
    void cancel() noexcept override {
        boost::system::error_code ignored;
        socket_.cancel(ignored);
    }
    void close() noexcept override {
        boost::system::error_code ignored;
        socket_.close(ignored);
    }
    // One call that does not wait: nothing to read is what an idle connection looks like.
    bool looks_alive() noexcept override {
        char byte;
        return ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
               (errno == EAGAIN || errno == EWOULDBLOCK);
    }

private:
    socket socket_;
};

}  // namespace detail
}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
