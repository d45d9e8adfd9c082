// tandem - the limits of HTTP calls: sizes, counts, times
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include <tandem/base/config.hpp>

namespace tandem::inline TANDEM_ABI {
namespace http {

/// What a response may cost. A server that goes beyond ends the request with an error.
class limits {
public:
    limits() {}

    /// Bytes of the header block; also of the trailers, and of one chunk's extensions. Default: 64 KiB.
    limits& header_bytes(std::size_t bytes) noexcept { return header_bytes_ = bytes, *this; }
    /// Header fields, and trailers. Default: 100.
    limits& header_fields(std::size_t count) noexcept { return header_fields_ = count, *this; }
    /// Decoded bytes of a body that is read into memory; streams have no such limit. Default: 64 MiB.
    limits& body_bytes(std::uint64_t bytes) noexcept { return body_bytes_ = bytes, *this; }
    /// How much larger than what came a decoded body may be, once 1 MiB of it is out. Default: 1000.
    limits& decode_ratio(std::uint64_t ratio) noexcept { return decode_ratio_ = ratio, *this; }
    /// Codings in Content-Encoding and Transfer-Encoding together. Default: 5.
    limits& codings(std::size_t count) noexcept { return codings_ = count, *this; }
    /// 1xx responses before the final one. Default: 8.
    limits& informational(std::size_t count) noexcept { return informational_ = count, *this; }

    std::size_t header_bytes() const noexcept { return header_bytes_; }
    std::size_t header_fields() const noexcept { return header_fields_; }
    std::uint64_t body_bytes() const noexcept { return body_bytes_; }
    std::uint64_t decode_ratio() const noexcept { return decode_ratio_; }
    std::size_t codings() const noexcept { return codings_; }
    std::size_t informational() const noexcept { return informational_; }

private:
    std::size_t header_bytes_ = 64 * 1024;
    std::size_t header_fields_ = 100;
    std::uint64_t body_bytes_ = 64 * 1024 * 1024;
    std::uint64_t decode_ratio_ = 1000;
    std::size_t codings_ = 5;
    std::size_t informational_ = 8;
};

/// The times that a call may take. `duration::max()` is no limit.
class timeouts {
public:
    using duration = std::chrono::nanoseconds;
    static constexpr duration none = duration::max();

    timeouts() {}

    /// Waiting until the pool has a connection. Default: 5 s.
    timeouts& pool(duration time) noexcept { return pool_ = time, *this; }
    /// Resolving the name and connecting, TLS included. Default: 10 s.
    timeouts& connect(duration time) noexcept { return connect_ = time, *this; }
    /// Between two writes that the server took. Default: 30 s.
    timeouts& write(duration time) noexcept { return write_ = time, *this; }
    /// From the end of the request to the end of the response's headers. Default: 60 s.
    timeouts& header(duration time) noexcept { return header_ = time, *this; }
    /// Between two reads of the body. Default: 30 s.
    timeouts& read(duration time) noexcept { return read_ = time, *this; }
    /// The whole call with its redirects; not for streams. Default: 300 s.
    timeouts& total(duration time) noexcept { return total_ = time, *this; }

    duration pool() const noexcept { return pool_; }
    duration connect() const noexcept { return connect_; }
    duration write() const noexcept { return write_; }
    duration header() const noexcept { return header_; }
    duration read() const noexcept { return read_; }
    duration total() const noexcept { return total_; }

private:
    duration pool_ = std::chrono::seconds(5);
    duration connect_ = std::chrono::seconds(10);
    duration write_ = std::chrono::seconds(30);
    duration header_ = std::chrono::seconds(60);
    duration read_ = std::chrono::seconds(30);
    duration total_ = std::chrono::seconds(300);
};

}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
