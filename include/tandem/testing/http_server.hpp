// tandem - testing::http_server: an HTTP server on 127.0.0.1 that answers from a script
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <future>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <tandem/asio/event_loop.hpp>
#include <tandem/asio/use_task.hpp>
#include <tandem/core/sleep.hpp>
#include <tandem/sync/event.hpp>
#include <tandem/tasks/race.hpp>
#include <tandem/tasks/task_group.hpp>
#include <tandem/tasks/timeout.hpp>
#include <tandem/testing/http_script.hpp>

namespace tandem::inline TANDEM_ABI {
namespace testing {

/// Answers requests on 127.0.0.1 from a script of routes, and counts what it sees.
/// `server.on("GET", "/slow", reply(200, "late").delay(50ms))`; replies given more than once for a
/// route are used in turn, the last one for ever. What no route takes is answered 404.
/// Threads: `http_server()` serves on a thread of its own, `http_server(loop)` on the caller's loop,
///   as one of its tasks. All members may be called from any thread; handlers run where it serves.
/// Lifetime: the destructor closes all connections.
class http_server {
public:
    using handler = http_script::handler;

    http_server();
    explicit http_server(event_loop& loop);
    http_server(const http_server&) = delete;
    http_server& operator=(const http_server&) = delete;
    ~http_server();

    /// Adds a reply, or a function that makes it, for a method ("*" for any) and a path.
    http_server& on(std::string method, std::string path, reply answer) {
        return add(std::move(method), std::move(path), [answer](const seen_request&) { return answer; },
                   answer.is_early());
    }
    http_server& on(std::string method, std::string path, handler make) {
        return add(std::move(method), std::move(path), std::move(make), false);
    }
    /// Closes connections, without having said so, after so many requests on one.
    http_server& requests_per_connection(std::size_t count) noexcept;
    /// Closes connections that are idle so long.
    http_server& idle_limit(std::chrono::nanoseconds time) noexcept;

    std::uint16_t port() const noexcept;
    /// "http://127.0.0.1:<port><target>"
    std::string url(std::string_view target = "/") const {
        return "http://127.0.0.1:" + std::to_string(port()) + std::string(target);
    }

    std::size_t connections() const noexcept;
    std::size_t open_connections() const noexcept;
    std::size_t requests() const noexcept;
    /// The most requests that were being answered at one time.
    std::size_t peak_in_flight() const noexcept;
    /// All requests so far, in the order they were read.
    std::vector<seen_request> log() const;

private:
    using tcp = boost::asio::ip::tcp;
    class connection;
    class in_flight;
    class state;

    http_server& add(std::string method, std::string path, handler make, bool early);
    static tcp::acceptor listen(event_loop& loop) {
        return tcp::acceptor(loop.context(), tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
    }
    static task<> serve(std::shared_ptr<state> self, tcp::acceptor acceptor);
    static task<> accept(state& self, tcp::acceptor& acceptor);
    static task<> session(state& self, tcp::socket socket);
    static task<bool> answer(connection& c, const reply& how, bool head_only);
    static task<bool> send(connection& c, std::string bytes, const reply& how, std::size_t& left);

    std::shared_ptr<state> state_;
    event_loop* loop_ = nullptr;  // its own thread's
    std::thread thread_;
};

// ---- implementation

class http_server::state {
public:
    explicit state(std::uint16_t port) : port_(port) {}

    http_script script_;
    event stop_;
    std::atomic<std::size_t> most_{reply::all};
    std::atomic<std::int64_t> idle_{0};
    std::atomic<std::size_t> connections_{0}, open_{0}, requests_{0}, in_flight_{0}, peak_{0};
    std::uint16_t port_;
};

class http_server::connection {
public:
    connection(state& of, tcp::socket s) : server(of), socket(std::move(s)), number(++of.connections_) { ++of.open_; }
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;
    ~connection() { --server.open_; }

    /// Reads more; false at the end of the stream.
    task<bool> more() {
        std::vector<char> room(16 * 1024);
        boost::system::error_code ec;
        const std::size_t size =
            co_await socket.async_read_some(boost::asio::buffer(room), boost::asio::redirect_error(use_task, ec));
        received.append(room.data(), size);
        co_return !ec;
    }
    /// Reads a request head; false if none comes.
    task<bool> read_head(seen_request& request);
    task<bool> read_body(seen_request& request);

    state& server;
    tcp::socket socket;
    std::string received;
    std::size_t number;
};

inline http_server::http_server() {
    std::promise<void> ready;
    thread_ = std::thread([this, &ready] {
        event_loop loop;
        task<> serving;
        try {
            tcp::acceptor acceptor = listen(loop);
            state_ = std::make_shared<state>(acceptor.local_endpoint().port());
            loop_ = &loop;
            serving = serve(state_, std::move(acceptor));
        } catch (...) {
            return ready.set_exception(std::current_exception());
        }
        ready.set_value();
        loop.run(std::move(serving), run_options().handle_signals(false));
    });
    try {
        ready.get_future().get();
    } catch (...) {
        thread_.join();
        throw;
    }
}

inline http_server::http_server(event_loop& loop) {
    tcp::acceptor acceptor = listen(loop);
    state_ = std::make_shared<state>(acceptor.local_endpoint().port());
    loop.tasks().create_task(serve(state_, std::move(acceptor)), "testing::http_server",
                             std::source_location::current());
}

inline http_server::~http_server() {
    if (thread_.joinable()) {
        loop_->call_soon_threadsafe([kept = state_] { kept->stop_.set(); });
        thread_.join();
    } else {
        state_->stop_.set();
    }
}

inline http_server& http_server::requests_per_connection(std::size_t count) noexcept { state_->most_ = count; return *this; }
inline http_server& http_server::idle_limit(std::chrono::nanoseconds time) noexcept { state_->idle_ = time.count(); return *this; }
inline std::uint16_t http_server::port() const noexcept { return state_->port_; }
inline std::size_t http_server::connections() const noexcept { return state_->connections_; }
inline std::size_t http_server::open_connections() const noexcept { return state_->open_; }
inline std::size_t http_server::requests() const noexcept { return state_->requests_; }
inline std::size_t http_server::peak_in_flight() const noexcept { return state_->peak_; }
inline std::vector<seen_request> http_server::log() const { return state_->script_.log(); }
inline http_server& http_server::add(std::string method, std::string path, handler make, bool early) {
    state_->script_.add(std::move(method), std::move(path), std::move(make), early);
    return *this;
}

inline task<> http_server::serve(std::shared_ptr<state> self, tcp::acceptor acceptor) {
    co_await race(accept(*self, acceptor), self->stop_.wait());
}

inline task<> http_server::accept(state& self, tcp::acceptor& acceptor) {
    co_await with_supervisor([&self, &acceptor](task_group& sessions) -> task<> {
        for (;;) {
            boost::system::error_code ec;
            tcp::socket socket = co_await acceptor.async_accept(boost::asio::redirect_error(use_task, ec));
            if (!ec) sessions.create_task(session(self, std::move(socket)), "connection");
        }
    });
}

class http_server::in_flight {
public:
    explicit in_flight(state& of) : server_(of) {
        ++server_.requests_;
        server_.peak_ = std::max(server_.peak_.load(), ++server_.in_flight_);
    }
    in_flight(const in_flight&) = delete;
    in_flight& operator=(const in_flight&) = delete;
    ~in_flight() { --server_.in_flight_; }

private:
    state& server_;
};

inline task<> http_server::session(state& self, tcp::socket socket) {
    connection c(self, std::move(socket));
    boost::system::error_code ignored;
    c.socket.set_option(tcp::no_delay(true), ignored);
    for (std::size_t served = 0; served < self.most_; ++served) {
        seen_request request;
        const std::chrono::nanoseconds idle(self.idle_);
        bool good = false;
        if (idle.count() != 0 && c.received.empty()) {
            const auto in_time = co_await move_on_after(idle, c.read_head(request));
            good = in_time && *in_time;
        } else {
            good = co_await c.read_head(request);
        }
        if (!good) co_return;
        if (!self.script_.answers_early(request)) {
            std::size_t no_limit = reply::all;
            if (request.headers.contains("Expect")) co_await send(c, "HTTP/1.1 100 Continue\r\n\r\n", reply(), no_limit);
            const bool complete = co_await c.read_body(request);
            if (!complete) co_return;
        }
        const in_flight counted(self);
        const reply how = self.script_.take(request);
        const bool open = co_await answer(c, how, request.method == "HEAD");
        if (!open) co_return;
    }
}

inline task<bool> http_server::connection::read_head(seen_request& request) {
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
        request.headers.append(head.substr(line, colon - line),
                               http::detail::trim(std::string_view(head).substr(colon + 1, next - colon - 1)));
        line = next + 2;
    }
    co_return true;
}

inline task<bool> http_server::connection::read_body(seen_request& request) {
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

inline task<bool> http_server::answer(connection& c, const reply& how, bool head_only) {
    bool open = true;
    if (how.is_never()) {
        while (open) open = co_await c.more();
        co_return false;
    }
    const auto wire = how.wire(head_only);
    if (how.delay().count() != 0) co_await sleep(how.delay());
    std::size_t left = how.cut_after();
    if (how.body_delay().count() == 0) {
        open = co_await send(c, wire.first + wire.second, how, left);
    } else {
        open = co_await send(c, wire.first, how, left);
        co_await sleep(how.body_delay());
        if (open) open = co_await send(c, wire.second, how, left);
    }
    boost::system::error_code ignored;
    if (how.resets()) {
        c.socket.set_option(boost::asio::socket_base::linger(true, 0), ignored);
        c.socket.close(ignored);  // the destructor would not reset
    } else if (how.is_early()) {
        // Closing with unread input would reset the connection and take the answer with it.
        c.socket.shutdown(tcp::socket::shutdown_send, ignored);
        for (bool more = true; more;) more = co_await c.more();
    }
    co_return open && !how.closes();
}

inline task<bool> http_server::send(connection& c, std::string bytes, const reply& how, std::size_t& left) {
    bytes.resize(std::min(bytes.size(), left));
    left -= bytes.size();
    for (std::size_t at = 0; at < bytes.size();) {
        const std::size_t size = std::min(how.drip_size(), bytes.size() - at);
        boost::system::error_code ec;
        co_await boost::asio::async_write(c.socket, boost::asio::buffer(bytes.data() + at, size),
                                          boost::asio::redirect_error(use_task, ec));
        if (ec) co_return false;
        at += size;
        const bool pause = how.drip_pause().count() != 0 && at < bytes.size();
        if (pause) co_await sleep(how.drip_pause());
    }
    co_return true;
}

}  // namespace testing
}  // namespace tandem::inline TANDEM_ABI
