// tandem - testing::http_server: an HTTP server on 127.0.0.1 that answers from a script
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>

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
#include <tandem/testing/detail/http_connection.hpp>
#include <tandem/testing/http_script.hpp>
#include <tandem/testing/server_security.hpp>

namespace tandem::inline TANDEM_ABI {
namespace testing {

/// Answers requests on 127.0.0.1 from a script of routes, and counts what it sees.
/// `server.on("GET", "/slow", reply(200, "late").delay(50ms))`; replies given more than once for a
/// route are used in turn, the last one for ever. What no route takes is answered 404.
/// With a `server_security` it answers on https.
/// Threads: `http_server()` serves on a thread of its own, `http_server(loop)` on the caller's loop,
///   as one of its tasks. All members may be called from any thread; handlers run where it serves.
/// Lifetime: the destructor closes all connections.
class http_server {
public:
    using handler = http_script::handler;

    http_server() : http_server(nullptr) {}
    explicit http_server(std::shared_ptr<server_security> security);
    explicit http_server(event_loop& loop, std::shared_ptr<server_security> security = nullptr);
    http_server(const http_server&) = delete;
    http_server& operator=(const http_server&) = delete;
    ~http_server();

    /// Adds a reply, or a function that makes it, for a method ("*" for any) and a path.
    http_server& on(std::string method, std::string path, reply answer) {
        return add(
            std::move(method), std::move(path), [answer](const seen_request&) { return answer; },
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
    /// "http://127.0.0.1:<port><target>", or https, or another name of this machine.
    std::string url(std::string_view target = "/", std::string_view host = "127.0.0.1") const;

    std::size_t connections() const noexcept;
    std::size_t open_connections() const noexcept;
    std::size_t requests() const noexcept;
    /// The most requests that were being answered at one time.
    std::size_t peak_in_flight() const noexcept;
    /// All requests so far, in the order they were read.
    std::vector<seen_request> log() const;

private:
    using tcp = boost::asio::ip::tcp;
    using socket_type = boost::asio::basic_stream_socket<tcp, boost::asio::io_context::executor_type>;
    using acceptor_type = boost::asio::basic_socket_acceptor<tcp, boost::asio::io_context::executor_type>;
    class connection;
    class in_flight;
    class state;

    http_server& add(std::string method, std::string path, handler make, bool early);
    static acceptor_type listen(event_loop& loop) {
        return acceptor_type(loop.context(), tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
    }
    static task<> serve(std::shared_ptr<state> self, acceptor_type acceptor);
    static task<> accept(state& self, acceptor_type& acceptor);
    static task<> session(state& self, socket_type socket);
    static task<> converse(state& self, connection& c);
    static task<bool> answer(connection& c, const reply& how, bool head_only);
    static task<bool> send(connection& c, std::string bytes, const reply& how, std::size_t& left);

    std::shared_ptr<state> state_;
    event_loop* loop_ = nullptr;  // its own thread's
    std::thread thread_;
};

// ---- implementation

class http_server::state {
public:
    state(std::uint16_t port, std::shared_ptr<server_security> security)
        : security_(std::move(security)), port_(port) {}

    http_script script_;
    event stop_;
    std::atomic<std::size_t> most_{reply::all};
    std::atomic<std::int64_t> idle_{0};
    std::atomic<std::size_t> connections_{0}, open_{0}, requests_{0}, in_flight_{0}, peak_{0};
    const std::shared_ptr<server_security> security_;
    const std::uint16_t port_;
};

class http_server::connection : public detail::http_connection {
public:
    connection(state& of, socket_type s) : http_connection(std::move(s), ++of.connections_), server_(of) {
        ++of.open_;
    }
    ~connection() { --server_.open_; }

private:
    state& server_;
};

inline http_server::http_server(std::shared_ptr<server_security> security) {
    std::promise<void> ready;
    thread_ = std::thread([this, &ready, &security] {
        event_loop loop;
        task<> serving;
        try {
            acceptor_type acceptor = listen(loop);
            state_ = std::make_shared<state>(acceptor.local_endpoint().port(), std::move(security));
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

inline http_server::http_server(event_loop& loop, std::shared_ptr<server_security> security) {
    acceptor_type acceptor = listen(loop);
    state_ = std::make_shared<state>(acceptor.local_endpoint().port(), std::move(security));
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

inline http_server& http_server::requests_per_connection(std::size_t count) noexcept {
    state_->most_ = count;
    return *this;
}
inline http_server& http_server::idle_limit(std::chrono::nanoseconds time) noexcept {
    state_->idle_ = time.count();
    return *this;
}
inline std::uint16_t http_server::port() const noexcept { return state_->port_; }
inline std::string http_server::url(std::string_view target, std::string_view host) const {
    return (state_->security_ ? "https://" : "http://") + std::string(host) + ":" + std::to_string(port()) +
           std::string(target);
}
inline std::size_t http_server::connections() const noexcept { return state_->connections_; }
inline std::size_t http_server::open_connections() const noexcept { return state_->open_; }
inline std::size_t http_server::requests() const noexcept { return state_->requests_; }
inline std::size_t http_server::peak_in_flight() const noexcept { return state_->peak_; }
inline std::vector<seen_request> http_server::log() const { return state_->script_.log(); }
inline http_server& http_server::add(std::string method, std::string path, handler make, bool early) {
    state_->script_.add(std::move(method), std::move(path), std::move(make), early);
    return *this;
}

inline task<> http_server::serve(std::shared_ptr<state> self, acceptor_type acceptor) {
    co_await race(accept(*self, acceptor), self->stop_.wait());
}

inline task<> http_server::accept(state& self, acceptor_type& acceptor) {
    co_await with_supervisor([&self, &acceptor](task_group& sessions) -> task<> {
        for (;;) {
            boost::system::error_code ec;
            socket_type socket(acceptor.get_executor());
            co_await acceptor.async_accept(socket, boost::asio::redirect_error(use_task, ec));
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

inline task<> http_server::session(state& self, socket_type socket) {
    boost::system::error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    connection c(self, std::move(socket));
    if (self.security_) c.stream = co_await self.security_->accept(std::move(c.stream));
    if (c.stream) co_await converse(self, c);
}

inline task<> http_server::converse(state& self, connection& c) {
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
            if (request.headers.contains("Expect"))
                co_await send(c, "HTTP/1.1 100 Continue\r\n\r\n", reply(), no_limit);
            const bool complete = co_await c.read_body(request);
            if (!complete) co_return;
        }
        const in_flight counted(self);
        const reply how = self.script_.take(request);
        const bool open = co_await answer(c, how, request.method == "HEAD");
        if (!open) co_return;
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
    if (how.resets()) {
        c.reset_on_close();
    } else if (how.cut_after() != reply::all) {
        c.end_output();  // TLS gets no time to say goodbye
    } else if (how.is_early()) {
        // Closing with unread input would reset the connection and take the answer with it.
        c.end_output();
        for (bool more = true; more;) more = co_await c.more();
    }
    co_return open && !how.closes();
}

inline task<bool> http_server::send(connection& c, std::string bytes, const reply& how, std::size_t& left) {
    bytes.resize(std::min(bytes.size(), left));
    left -= bytes.size();
    for (std::size_t at = 0; at < bytes.size();) {
        const std::size_t size = std::min(how.drip_size(), bytes.size() - at);
        const bool written = co_await c.write(std::string_view(bytes).substr(at, size));
        if (!written) co_return false;
        at += size;
        const bool pause = how.drip_pause().count() != 0 && at < bytes.size();
        if (pause) co_await sleep(how.drip_pause());
    }
    co_return true;
}

}  // namespace testing
}  // namespace tandem::inline TANDEM_ABI
