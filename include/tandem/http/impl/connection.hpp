// tandem - a connection of the pool: its stream, what was read ahead, its deadline
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tandem/base/detail/intrusive_list.hpp>
#include <tandem/core/loop_core.hpp>
#include <tandem/http/limits.hpp>
#include <tandem/http/transport.hpp>

namespace tandem::inline TANDEM_ABI {
namespace http {
namespace detail {

class pool_host;

/// Read buffers that are not in use: an idle connection keeps none.
class buffer_store {
public:
    static constexpr std::size_t size = 16 * 1024;

    buffer_store() {}
    std::unique_ptr<char[]> take() {
        if (free_.empty()) return std::unique_ptr<char[]>(new char[size]);
        std::unique_ptr<char[]> buffer = std::move(free_.back());
        free_.pop_back();
        return buffer;
    }
    void keep(std::unique_ptr<char[]> buffer) noexcept {
        if (free_.size() == free_.capacity()) {
            try {
                free_.reserve(free_.size() + 16);
            } catch (...) {
                return;
            }
        }
        free_.push_back(std::move(buffer));
    }

private:
    std::vector<std::unique_ptr<char[]>> free_;
};

/// One timer for all phases of all exchanges. It is moved forward without touching the loop's heap: an
/// early alarm sets itself again, so a busy connection pays for it once in a while, not per request.
class stream_deadline final : private tandem::detail::timer_node {
public:
    stream_deadline(loop_core& loop, byte_stream& stream) noexcept : loop_(loop), stream_(stream) {}
    ~stream_deadline() { loop_.disarm_timer(*this); }

    void set(timeouts::duration limit) noexcept {
        when_ = limit == timeouts::none ? tandem::detail::never : tandem::detail::later(loop_.ticks(), limit.count());
        of_call_ = cap_ <= when_;
        if (of_call_) when_ = cap_;
        arm();
    }
    /// No phase limits what happens now: the end of the whole call does, if there is one.
    void clear() noexcept {
        when_ = cap_;
        of_call_ = true;
        arm();
    }
    /// When the whole call has to be over; `never` if it has no limit.
    void set_end_of_call(std::int64_t when) noexcept { cap_ = when; }
    void disarm() noexcept {
        rest();
        loop_.disarm_timer(*this);
    }
    /// Between exchanges nothing is limited; an alarm that is still set then finds that out.
    void rest() noexcept {
        cap_ = when_ = tandem::detail::never;
        expired_ = false;
    }
    bool expired() const noexcept { return expired_; }
    /// Whether it was the limit of the whole call.
    bool expired_for_call() const noexcept { return expired_ && of_call_; }

private:
    void arm() noexcept {
        expired_ = false;
        if (when_ == tandem::detail::never || (armed() && when() <= when_)) return;
        loop_.disarm_timer(*this);
        if (!loop_.arm_timer(*this, when_)) expire();  // no memory for a limit: rather no request
    }
    void fire() noexcept override {
        if (when_ == tandem::detail::never) return;
        if (when_ > loop_.ticks() && loop_.arm_timer(*this, when_)) return;
        expire();
    }
    void expire() noexcept {
        expired_ = true;
        stream_.cancel();
    }

    loop_core& loop_;
    byte_stream& stream_;
    std::int64_t when_ = tandem::detail::never;
    std::int64_t cap_ = tandem::detail::never;
    bool expired_ = false;
    bool of_call_ = false;
};

class connection : public tandem::detail::list_links<connection> {
public:
    connection(loop_core& loop, std::unique_ptr<byte_stream> stream, buffer_store& buffers)
        : stream_(std::move(stream)), buffer_(buffers.take()), deadline_(loop, *stream_) {}
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;
    ~connection() { kill(); }

    /// Closes the stream. What is left is a shell that a lease may still point to.
    void kill() noexcept {
        deadline_.disarm();
        if (stream_) stream_->close();
        stream_.reset();
    }
    bool dead() const noexcept { return !stream_; }

    byte_stream& stream() noexcept { return *stream_; }
    stream_deadline& deadline() noexcept { return deadline_; }
    std::string& head() noexcept { return head_; }  // of the request, kept for its room

    // ---- bytes that were read and not yet taken

    std::string_view unread() const noexcept { return std::string_view(buffer_.get() + begin_, end_ - begin_); }
    void consume(std::size_t bytes) noexcept {
        begin_ += bytes;
        if (begin_ == end_) begin_ = end_ = 0;
    }
    void commit(std::size_t bytes) noexcept {
        end_ += bytes;
        full_reads_ = end_ == capacity_ ? full_reads_ + 1 : 0;
    }
    /// Room for more bytes behind what is unread; grows when a head needs it, and for a long body, where
    /// fewer and larger reads cost a system call less for each.
    std::span<char> room() {
        if (end_ == 0 && full_reads_ >= 2 && capacity_ < bulk) {
            buffer_.reset(new char[bulk]);
            capacity_ = bulk;
            full_reads_ = 0;
        }
        if (begin_ != 0 && capacity_ - end_ < capacity_ / 2) {
            std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
            end_ -= std::exchange(begin_, 0);
        }
        if (end_ == capacity_) {
            std::unique_ptr<char[]> larger(new char[2 * capacity_]);
            std::memcpy(larger.get(), buffer_.get(), end_);
            buffer_ = std::move(larger);
            capacity_ *= 2;
        }
        return std::span<char>(buffer_.get() + end_, capacity_ - end_);
    }

    // ---- between exchanges

    /// Whether it may serve a request that begins now: not idle too long, not closed by the peer.
    bool usable(std::int64_t now, std::int64_t idle_limit) noexcept {
        return now - idle_since_ < (idle_limit < idle_limit_ ? idle_limit : idle_limit_) && stream_->looks_alive();
    }
    /// What the server said about how long it keeps idle connections.
    void limit_idle(std::int64_t ticks) noexcept { idle_limit_ = ticks; }
    void next_exchange() noexcept { deadline_.rest(); }
    void rest(buffer_store& buffers, pool_host& host, std::int64_t now) noexcept {
        host_ = &host;
        idle_since_ = now;
        deadline_.rest();
        release_buffer(buffers);
    }
    void wake(buffer_store& buffers) {
        buffer_ = buffers.take();
        capacity_ = buffer_store::size;
    }
    void release_buffer(buffer_store& buffers) noexcept {
        if (buffer_ && capacity_ == buffer_store::size) buffers.keep(std::move(buffer_));
        buffer_.reset();
        begin_ = end_ = full_reads_ = 0;
    }
    pool_host& host() const noexcept { return *host_; }
    std::int64_t idle_since() const noexcept { return idle_since_; }

private:
    static constexpr std::size_t bulk = 128 * 1024;

    std::unique_ptr<byte_stream> stream_;
    std::unique_ptr<char[]> buffer_;
    std::size_t capacity_ = buffer_store::size;
    std::size_t full_reads_ = 0;  // in a row
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::string head_;
    stream_deadline deadline_;
    pool_host* host_ = nullptr;
    std::int64_t idle_since_ = 0;
    std::int64_t idle_limit_ = tandem::detail::never;
};

}  // namespace detail
}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
