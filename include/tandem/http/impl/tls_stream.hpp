// tandem - TLS on a connected socket, by OpenSSL
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/error.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <tandem/asio/use_task.hpp>
#include <tandem/core/task.hpp>
#include <tandem/http/socket_stream.hpp>
#include <tandem/http/transport.hpp>

namespace tandem::inline TANDEM_ABI {
namespace http {
namespace detail {

/// Frees what OpenSSL made: `openssl_ptr<SSL, SSL_free>`.
template <auto Free>
class openssl_free {
public:
    template <class T>
    void operator()(T* object) const noexcept {
        Free(object);
    }
};
template <class T, auto Free>
using openssl_ptr = std::unique_ptr<T, openssl_free<Free>>;

/// How OpenSSL reaches the socket: without waiting, and without SIGPIPE, which its own sockets raise.
class socket_bio {
public:
    static BIO* make(int descriptor) {
        BIO* const bio = ::BIO_new(method());
        if (!bio) throw std::bad_alloc();
        ::BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(descriptor)));
        ::BIO_set_init(bio, 1);
        return bio;
    }

private:
    static int descriptor_of(BIO* bio) {
        return static_cast<int>(reinterpret_cast<std::intptr_t>(::BIO_get_data(bio)));
    }
    static bool would_wait() noexcept { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

    static int read(BIO* bio, char* to, std::size_t size, std::size_t* got) {
        const ssize_t n = ::recv(descriptor_of(bio), to, size, MSG_DONTWAIT);
        BIO_clear_retry_flags(bio);
        *got = n > 0 ? static_cast<std::size_t>(n) : 0;
        if (n < 0 && would_wait()) BIO_set_retry_read(bio);
        if (n == 0) ::BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
        return n > 0;
    }
    static int write(BIO* bio, const char* from, std::size_t size, std::size_t* put) {
        const ssize_t n = ::send(descriptor_of(bio), from, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        BIO_clear_retry_flags(bio);
        *put = n > 0 ? static_cast<std::size_t>(n) : 0;
        if (n < 0 && would_wait()) BIO_set_retry_write(bio);
        return n > 0;
    }
    static long control(BIO* bio, int what, long, void*) {
        if (what == BIO_CTRL_EOF) return ::BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
        return what == BIO_CTRL_FLUSH;
    }
    static const BIO_METHOD* method() {
        static const openssl_ptr<BIO_METHOD, ::BIO_meth_free> made = [] {
            openssl_ptr<BIO_METHOD, ::BIO_meth_free> m(
                ::BIO_meth_new(::BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "tandem socket"));
            if (!m) throw std::bad_alloc();
            ::BIO_meth_set_read_ex(m.get(), &socket_bio::read);
            ::BIO_meth_set_write_ex(m.get(), &socket_bio::write);
            ::BIO_meth_set_ctrl(m.get(), &socket_bio::control);
            return m;
        }();
        return made.get();
    }
};

/// Client or server, as the state that `ssl()` is put in says; `handshake` comes before all else.
class tls_stream final : public byte_stream {
public:
    using socket = socket_stream::socket;

    tls_stream(socket&& connected, SSL_CTX* context)
        : socket_(std::move(connected)), ssl_(::SSL_new(context)) {
        if (!ssl_) throw std::bad_alloc();
        BIO* const bio = socket_bio::make(socket_.native_handle());
        ::SSL_set_bio(ssl_.get(), bio, bio);
        ::SSL_set_mode(ssl_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                       SSL_MODE_RELEASE_BUFFERS);
        // Several records for each call of recv. The buffer goes when it is empty.
        ::SSL_set_read_ahead(ssl_.get(), 1);
        ::SSL_set_default_read_buffer_len(ssl_.get(), read_ahead);
    }

    SSL* ssl() const noexcept { return ssl_.get(); }

    /// Cancellation: stops at once; the stream is good for nothing then but `close`.
    /// Errors: in what it gives.
    task<boost::system::error_code> handshake();

    void start_read(stream_operation& op, std::span<char> into) override {
        read_cancelled_ = false;
        read(op, into);
    }
    void start_write(stream_operation& op, std::string_view first, std::string_view second) override {
        write_cancelled_ = false;
        write(op, first, second);
    }
    std::size_t try_write(std::string_view first, std::string_view second) noexcept override {
        std::size_t done = 0;
        boost::system::error_code ignored;  // it comes again in start_write
        if (failed_) return 0;
        try {
            static_cast<void>(encrypt(first, second, done, ignored));
        } catch (...) {
        }
        return done;
    }
    void cancel() noexcept override {
        read_cancelled_ = write_cancelled_ = true;
        boost::system::error_code ignored;
        socket_.cancel(ignored);
    }
    // Says goodbye if that takes no waiting; does not wait for the peer to say it too.
    void close() noexcept override {
        if (std::exchange(secured_, false) && !failed_) {
            ::ERR_clear_error();
            ::SSL_shutdown(ssl_.get());
        }
        boost::system::error_code ignored;
        socket_.close(ignored);
    }
    bool looks_alive() noexcept override {
        char byte;
        return ::SSL_has_pending(ssl_.get()) == 0 &&
               ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
               (errno == EAGAIN || errno == EWOULDBLOCK);
    }

private:
    using wait_type = boost::asio::socket_base::wait_type;
    enum class step { done, failed, wait_read, wait_write };

    static constexpr std::size_t read_ahead = 64 * 1024;
    static constexpr std::size_t record = 16 * 1024;

    /// Goes on with an operation when the socket is ready. Lives in the memory of the operation's leaf.
    template <class Again>
    class ready {
    public:
        using allocator_type = handler::allocator_type;
        using cancellation_slot_type = handler::cancellation_slot_type;
        using executor_type = handler::executor_type;

        ready(stream_operation& op, Again again) noexcept : op_(&op), again_(again) {}
        allocator_type get_allocator() const noexcept { return handler(*op_).get_allocator(); }
        cancellation_slot_type get_cancellation_slot() const noexcept {
            return handler(*op_).get_cancellation_slot();
        }
        executor_type get_executor() const noexcept { return handler(*op_).get_executor(); }
        void operator()(const boost::system::error_code& ec) {
            if (ec) {
                op_->complete_with(ec, 0);
            } else {
                again_(*op_);
            }
        }

    private:
        stream_operation* op_;
        Again again_;
    };

    // A cancellation may have come after the socket was found ready: nothing would end a second wait.
    template <class Again>
    void go_on_when_ready(stream_operation& op, step how, bool cancelled, Again again) {
        if (cancelled || op.stop_pending()) {
            return op.complete_with(boost::asio::error::operation_aborted, 0);
        }
        socket_.async_wait(how == step::wait_read ? wait_type::wait_read : wait_type::wait_write,
                           ready<Again>(op, again));
    }

    void read(stream_operation& op, std::span<char> into) {
        std::size_t got = 0;
        boost::system::error_code ec;
        ::ERR_clear_error();
        const step how = judge(::SSL_read_ex(ssl_.get(), into.data(), into.size(), &got), ec);
        if (how == step::done || how == step::failed) return op.complete_with(ec, got);
        go_on_when_ready(op, how, read_cancelled_, [this, into](stream_operation& o) { read(o, into); });
    }
    void write(stream_operation& op, std::string_view first, std::string_view second) {
        std::size_t put = 0;
        boost::system::error_code ec;
        const step how = encrypt(first, second, put, ec);
        if (how == step::done || how == step::failed) return op.complete_with(ec, put);
        go_on_when_ready(op, how, write_cancelled_,
                         [this, first, second](stream_operation& o) { write(o, first, second); });
    }

    // One record, so a head and a small body leave in one packet. Until it is on its way, OpenSSL wants
    // the same bytes again.
    step encrypt(std::string_view first, std::string_view second, std::size_t& put,
                 boost::system::error_code& ec) {
        std::string_view bytes = first.substr(0, std::min(first.size(), record));
        if (!second.empty() && bytes.size() == first.size() && first.size() < record) {
            if (joined_.empty()) {
                joined_.assign(first);
                joined_.append(second.substr(0, record - first.size()));
            }
            bytes = joined_;
        }
        ::ERR_clear_error();
        const step how = judge(::SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &put), ec);
        if (how == step::done) joined_.clear();
        return how;
    }

    step judge(int result, boost::system::error_code& ec) noexcept {
        if (result == 1) return step::done;
        const int system = errno;
        switch (::SSL_get_error(ssl_.get(), result)) {
            case SSL_ERROR_WANT_READ:
                return step::wait_read;
            case SSL_ERROR_WANT_WRITE:
                return step::wait_write;
            case SSL_ERROR_ZERO_RETURN:
                ec = boost::asio::error::eof;
                return step::failed;
            case SSL_ERROR_SYSCALL:
                ec = boost::system::error_code(system != 0 ? system : ECONNRESET,
                                               boost::system::system_category());
                break;
            default: {
                const unsigned long code = ::ERR_get_error();
                if (ERR_GET_LIB(code) == ERR_LIB_SSL &&
                    ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
                    ec = boost::asio::ssl::error::stream_truncated;
                } else {
                    ec = boost::system::error_code(static_cast<int>(code),
                                                   boost::asio::error::get_ssl_category());
                }
            }
        }
        failed_ = true;  // OpenSSL forbids to say goodbye after that
        return step::failed;
    }

    socket socket_;
    openssl_ptr<SSL, ::SSL_free> ssl_;
    std::string joined_;
    bool secured_ = false;
    bool failed_ = false;
    bool read_cancelled_ = false;
    bool write_cancelled_ = false;
};

inline task<boost::system::error_code> tls_stream::handshake() {
    boost::system::error_code ec;
    for (;;) {
        ::ERR_clear_error();
        const step how = judge(::SSL_do_handshake(ssl_.get()), ec);
        if (how == step::done || how == step::failed) break;
        const wait_type until = how == step::wait_read ? wait_type::wait_read : wait_type::wait_write;
        co_await socket_.async_wait(until, boost::asio::redirect_error(use_task, ec));
        if (ec) break;
    }
    secured_ = !ec;
    co_return ec;
}

}  // namespace detail
}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
