// tandem - byte_stream: what carries HTTP, a TCP or Unix socket, TLS on top of one, or a test's own
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <boost/system/error_code.hpp>

#include <coroutine>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include <tandem/asio/use_task.hpp>
#include <tandem/core/task.hpp>

namespace tandem::inline TANDEM_ABI {
namespace http {

class url;

/// A pending read or write of a byte_stream. It is a leaf of the task that awaits it, so that a stop
/// cancels the operation; its handler's memory is inside.
class stream_operation : public tandem::detail::io_result_leaf<boost::system::error_code, std::size_t> {
public:
    /// For a stream without Asio, instead of calling a handler: the task resumes in its turn, so that a
    /// timer or another task may call this. `slot()` takes what a stop of the task is to call.
    void finish(const boost::system::error_code& ec, std::size_t bytes) noexcept {
        results_.emplace(ec, bytes);
        if (ec == boost::asio::error::operation_aborted && stop_pending()) return stop();
        complete();
    }

protected:
    ~stream_operation() = default;

    // On a loop without sockets there are only streams that call `finish`, and those do not throw.
    template <class Initiate>
    void begin(std::coroutine_handle<> h, Initiate initiate) noexcept {
        if (loop().io()) return start(h, initiate);
        if (suspend(h)) initiate();
    }
};

/// A connected stream of bytes. Operations are started with a leaf that the caller keeps, and end
/// through an `io_handler` made from it; there is one read and one write at a time.
class byte_stream {
public:
    using handler = tandem::detail::io_handler<boost::system::error_code, std::size_t>;

    byte_stream() noexcept = default;
    byte_stream(const byte_stream&) = delete;
    byte_stream& operator=(const byte_stream&) = delete;
    virtual ~byte_stream() = default;

    /// Reads some bytes. At the end of the stream: `boost::asio::error::eof`.
    virtual void start_read(stream_operation& op, std::span<char> into) = 0;
    /// Writes some bytes of `first`, and of `second` behind it, in one go.
    virtual void start_write(stream_operation& op, std::string_view first, std::string_view second) = 0;
    /// Writes what fits without waiting; 0 if nothing does, or if an error is to be met in `start_write`.
    virtual std::size_t try_write(std::string_view, std::string_view) noexcept { return 0; }
    /// Ends what is pending with `operation_aborted`. Never blocks, like `close`.
    virtual void cancel() noexcept = 0;
    virtual void close() noexcept = 0;
    /// False if the peer has closed an idle stream, or sent what nobody asked for.
    virtual bool looks_alive() noexcept = 0;
};

/// Puts TLS on a connected stream; `tls.hpp` has the one that does.
class tls_connector {
public:
    virtual ~tls_connector() = default;
    virtual task<std::unique_ptr<byte_stream>> secure(std::unique_ptr<byte_stream> plain, url to) = 0;
};

namespace detail {

/// What a read or a write came to.
class io_result {
public:
    io_result(const boost::system::error_code& ec, std::size_t size) noexcept : error(ec), bytes(size) {}
    boost::system::error_code error;
    std::size_t bytes;
};

class stream_read final : public stream_operation {
public:
    stream_read(byte_stream& stream, std::span<char> into) noexcept : stream_(stream), into_(into) {}

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) noexcept {
        begin(h, [this] { stream_.start_read(*this, into_); });
    }
    io_result await_resume() {
        rethrow_failure();
        return io_result(std::get<0>(*results_), std::get<1>(*results_));
    }
    const char* kind() const noexcept override { return "http read"; }

private:
    byte_stream& stream_;
    std::span<char> into_;
};

class stream_write final : public stream_operation {
public:
    stream_write(byte_stream& stream, std::string_view first, std::string_view second) noexcept
        : stream_(stream), first_(first), second_(second) {}

    // What the socket takes at once needs no handler, and no turn of the reactor.
    bool await_ready() noexcept {
        if (!stop_pending()) written_ = stream_.try_write(first_, second_);
        return written_ != 0;
    }
    void await_suspend(std::coroutine_handle<> h) noexcept {
        begin(h, [this] { stream_.start_write(*this, first_, second_); });
    }
    io_result await_resume() {
        if (written_ != 0) return io_result(boost::system::error_code(), written_);
        rethrow_failure();
        return io_result(std::get<0>(*results_), std::get<1>(*results_));
    }
    const char* kind() const noexcept override { return "http write"; }

private:
    byte_stream& stream_;
    std::string_view first_;
    std::string_view second_;
    std::size_t written_ = 0;
};

}  // namespace detail
}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
