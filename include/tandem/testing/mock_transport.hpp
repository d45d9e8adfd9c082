// tandem - http::mock_transport: a network for tests that has no sockets, on virtual time or real
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tandem/core/sleep.hpp>
#include <tandem/core/this_task.hpp>
#include <tandem/http/extension.hpp>
#include <tandem/http/transport.hpp>
#include <tandem/testing/http_script.hpp>
#include <tandem/testing/request_reader.hpp>

namespace tandem::inline TANDEM_ABI {
namespace http {

/// Answers a client from a script, without sockets: `mock_transport net; net.on("GET", "/", reply(200));
/// client c(client_options().network(net));`. Everything above the sockets is the real thing: pool, parser,
/// limits, redirects. Delays of replies pass on the loop's clock, so virtual time skips them.
/// It answers for every host, with http and https alike, and speaks no TLS. Handlers do not throw.
/// Lifetime: copies share the script; clients keep it alive.
class mock_transport {
public:
    using reply = testing::reply;
    using duration = std::chrono::nanoseconds;
    using handler = testing::http_script::handler;
    static constexpr std::size_t all = reply::all;

    mock_transport();

    /// Adds a reply, or a function that makes it, for a method and a path, "*" for any. Replies given more
    /// than once for a route are used in turn, the last one for ever. What no route takes is answered 404.
    mock_transport& on(std::string method, std::string path, reply answer);
    mock_transport& on(std::string method, std::string path, handler make);
    /// How long connecting takes; `duration::max()`: for ever.
    mock_transport& connect_delay(duration time);
    /// Refuses the next connections, so many.
    mock_transport& refuse(std::size_t connections = all);
    /// Takes so many bytes on each connection, then none: the client's writes wait.
    mock_transport& takes(std::size_t bytes);
    /// Gives what it sends in pieces of so many bytes, where the reply says nothing else.
    mock_transport& pieces(std::size_t bytes);
    /// Closes connections, without having said so, after so many requests on one.
    mock_transport& requests_per_connection(std::size_t count);

    std::size_t connections() const noexcept;
    std::size_t open_connections() const noexcept;
    std::size_t requests() const noexcept;
    /// The most requests that were being answered at one time.
    std::size_t peak_in_flight() const noexcept;
    /// All requests so far, in the order they were complete.
    std::vector<testing::seen_request> log() const;

    /// What `client_options::network` takes.
    operator std::shared_ptr<network>() const;

private:
    class state;
    class stream;

    std::shared_ptr<state> state_;
};

// ---- implementation

class mock_transport::state final : public network, public std::enable_shared_from_this<state> {
public:
    task<std::unique_ptr<byte_stream>> connect(url to) override;

    testing::http_script script;
    duration connect_delay{0};
    std::size_t refused = 0;
    std::size_t takes = all;
    std::size_t pieces = all;
    std::size_t most = all;
    std::size_t connections = 0, open = 0, requests = 0, in_flight = 0, peak = 0;
};

/// One connection: what the client writes is read at once, what it reads comes from a list of pieces, each
/// with the time from which it is there.
class mock_transport::stream final : public byte_stream, private tandem::detail::timer_node {
public:
    explicit stream(std::shared_ptr<state> of)
        : net_(std::move(of)),
          loop_(this_task::loop()),
          left_to_take_(net_->takes),
          number_(++net_->connections) {
        ++net_->open;
    }
    ~stream() override { close(); }

    void start_read(stream_operation& op, std::span<char> into) override {
        into_ = into;
        pend(reading_, op);
        deliver();
    }
    void start_write(stream_operation& op, std::string_view, std::string_view) override {
        if (ended_) return op.finish(boost::asio::error::broken_pipe, 0);
        pend(writing_, op);
    }
    std::size_t try_write(std::string_view first, std::string_view second) noexcept override {
        if (ended_) return 0;
        const std::size_t size = std::min(left_to_take_, first.size() + second.size());
        if (left_to_take_ != all) left_to_take_ -= size;
        reader_.give(first.substr(0, size));
        if (size > first.size()) reader_.give(second.substr(0, size - first.size()));
        serve();
        return size;
    }
    void cancel() noexcept override {
        abort(reading_);
        abort(writing_);
    }
    void close() noexcept override {
        if (!std::exchange(closed_, true)) --net_->open;
        ended_ = true;
        cancel();
        loop_.disarm_timer(*this);
        coming_.clear();
        if (std::exchange(answering_, false)) --net_->in_flight;
    }
    bool looks_alive() noexcept override { return coming_.empty() || coming_.front().when > loop_.ticks(); }

private:
    class piece {
    public:
        piece(std::int64_t from, std::string text) : when(from), bytes(std::move(text)) {}
        std::int64_t when;
        std::string bytes;
        boost::system::error_code end;  // of the stream, instead of bytes
        bool last = false;              // of its reply
    };

    // What cancels a task calls this, as it would an operation of Asio.
    class canceller {
    public:
        explicit canceller(stream_operation*& pending) noexcept : pending_(pending) {}
        void operator()(boost::asio::cancellation_type) const noexcept { abort(pending_); }

    private:
        stream_operation*& pending_;
    };

    static void pend(stream_operation*& place, stream_operation& op) {
        place = &op;
        op.slot().emplace<canceller>(place);
    }
    static void end(stream_operation*& place, const boost::system::error_code& ec,
                    std::size_t bytes) noexcept {
        std::exchange(place, nullptr)->finish(ec, bytes);
    }
    static void abort(stream_operation*& place) noexcept {
        if (place) end(place, boost::asio::error::operation_aborted, 0);
    }

    void serve() noexcept;
    void plan(const reply& how, bool head_only);
    void send(std::int64_t& when, std::string bytes, const reply& how, std::size_t& left);
    void plan_end(std::int64_t when, bool reset) {
        coming_.push_back(piece(when, {}));
        coming_.back().end =
            reset ? boost::asio::error::connection_reset : boost::system::error_code(boost::asio::error::eof);
    }
    void deliver() noexcept;
    void fire() noexcept override { deliver(); }

    std::shared_ptr<state> net_;
    loop_core& loop_;
    testing::request_reader reader_;
    std::deque<piece> coming_;
    stream_operation* reading_ = nullptr;
    stream_operation* writing_ = nullptr;
    std::span<char> into_;
    std::size_t left_to_take_;
    std::size_t number_;
    std::size_t served_ = 0;
    bool told_to_continue_ = false;
    bool answering_ = false;
    bool ended_ = false;  // no request is read any more
    bool closed_ = false;
};

inline void mock_transport::stream::serve() noexcept {
    while (!ended_ && reader_.head()) {
        const bool early = net_->script.answers_early(reader_.request());
        if (!early && reader_.request().headers.contains("Expect") &&
            !std::exchange(told_to_continue_, true)) {
            coming_.push_back(piece(loop_.ticks(), "HTTP/1.1 100 Continue\r\n\r\n"));
        }
        if (!reader_.body() && !early) break;
        told_to_continue_ = false;
        testing::seen_request request = reader_.take();
        request.connection = number_;
        ++net_->requests;
        const reply how = net_->script.take(request);
        if (!std::exchange(answering_, true)) net_->peak = std::max(net_->peak, ++net_->in_flight);
        if (!how.is_never()) plan(how, request.method == "HEAD");
        if (++served_ == net_->most && !how.closes() && !how.is_never())
            plan_end(coming_.empty() ? loop_.ticks() : coming_.back().when, false);
        ended_ = how.closes() || how.is_never() || served_ == net_->most;
    }
    if (!reader_.good() && !std::exchange(ended_, true)) plan_end(loop_.ticks(), true);
    if (reading_) deliver();
}

inline void mock_transport::stream::plan(const reply& how, bool head_only) {
    const auto wire = how.wire(head_only);
    std::int64_t when = tandem::detail::later(loop_.ticks(), how.delay().count());
    std::size_t left = how.cut_after();
    if (how.body_delay().count() == 0) {
        send(when, wire.first + wire.second, how, left);
    } else {
        send(when, wire.first, how, left);
        when = tandem::detail::later(when, how.body_delay().count());
        send(when, wire.second, how, left);
    }
    if (how.closes()) plan_end(when, how.resets());
    if (!coming_.empty()) coming_.back().last = true;
}

inline void mock_transport::stream::send(std::int64_t& when, std::string bytes, const reply& how,
                                         std::size_t& left) {
    bytes.resize(std::min(bytes.size(), left));
    left -= bytes.size();
    const std::size_t size = how.drip_size() == all ? net_->pieces : how.drip_size();
    for (std::size_t at = 0; at < bytes.size(); at += std::min(size, bytes.size() - at)) {
        if (at != 0) when = tandem::detail::later(when, how.drip_pause().count());
        coming_.push_back(piece(when, bytes.substr(at, size)));
    }
}

inline void mock_transport::stream::deliver() noexcept {
    if (!reading_ || coming_.empty()) return;
    piece& next = coming_.front();
    if (next.when > loop_.ticks()) {
        loop_.disarm_timer(*this);
        if (!loop_.arm_timer(*this, next.when)) end(reading_, boost::asio::error::no_memory, 0);
        return;
    }
    if (next.last && next.bytes.size() <= into_.size() && std::exchange(answering_, false)) --net_->in_flight;
    if (next.end) {
        ended_ = true;
        return end(reading_, next.end, 0);  // it stays: whoever reads again meets it again
    }
    const std::size_t size = next.bytes.copy(into_.data(), into_.size());
    next.bytes.erase(0, size);
    if (next.bytes.empty()) coming_.pop_front();
    end(reading_, boost::system::error_code(), size);
}

inline task<std::unique_ptr<byte_stream>> mock_transport::state::connect(url to) {
    const std::shared_ptr<state> self = shared_from_this();
    if (connect_delay.count() != 0) co_await sleep(connect_delay);
    if (refused != 0) {
        if (refused != all) --refused;
        throw error(errc::connect, phase::connect,
                    detail::shown(to.authority()) + " (refused by mock_transport::refuse)");
    }
    std::unique_ptr<byte_stream> made = std::make_unique<stream>(self);
    co_return made;
}

inline mock_transport::mock_transport() : state_(std::make_shared<state>()) {}
inline mock_transport& mock_transport::on(std::string method, std::string path, reply answer) {
    const bool early = answer.is_early();
    const auto same = [answer](const testing::seen_request&) { return answer; };
    state_->script.add(std::move(method), std::move(path), same, early);
    return *this;
}
inline mock_transport& mock_transport::on(std::string method, std::string path, handler make) {
    state_->script.add(std::move(method), std::move(path), std::move(make), false);
    return *this;
}
inline mock_transport& mock_transport::connect_delay(duration time) {
    return state_->connect_delay = time, *this;
}
inline mock_transport& mock_transport::refuse(std::size_t connections) {
    return state_->refused = connections, *this;
}
inline mock_transport& mock_transport::takes(std::size_t bytes) { return state_->takes = bytes, *this; }
inline mock_transport& mock_transport::pieces(std::size_t bytes) { return state_->pieces = bytes, *this; }
inline mock_transport& mock_transport::requests_per_connection(std::size_t count) {
    return state_->most = count, *this;
}
inline std::size_t mock_transport::connections() const noexcept { return state_->connections; }
inline std::size_t mock_transport::open_connections() const noexcept { return state_->open; }
inline std::size_t mock_transport::requests() const noexcept { return state_->requests; }
inline std::size_t mock_transport::peak_in_flight() const noexcept { return state_->peak; }
inline std::vector<testing::seen_request> mock_transport::log() const { return state_->script.log(); }
inline mock_transport::operator std::shared_ptr<network>() const { return state_; }

}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
