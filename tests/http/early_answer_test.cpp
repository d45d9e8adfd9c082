// tandem - tests of answers that begin while the request's body is still being sent, on sockets
// SPDX-License-Identifier: BSL-1.0
#include <tandem/http/body.hpp>
#include <tandem/http/client.hpp>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include <tandem/core/sleep.hpp>
#include <tandem/tasks/timeout.hpp>

#include "http/net_test.hpp"

namespace http = tandem::http;
namespace asio = boost::asio;
using namespace std::chrono_literals;
using asio::ip::tcp;
using http::errc;
using tandem::use_task;
using tandem_test::code_of;

namespace {

/// The server's side of a connection.
class peer {
public:
    explicit peer(tcp::socket connected) : socket_(std::move(connected)) {}

    tandem::task<> send(std::string bytes) {
        co_await asio::async_write(socket_, asio::buffer(bytes), use_task);
    }
    /// Some bytes of what comes, at most so many.
    tandem::task<std::string> some(std::size_t most = 64 * 1024) {
        if (unread_.empty()) {
            unread_.resize(64 * 1024);
            unread_.resize(co_await socket_.async_read_some(asio::buffer(unread_), use_task));
        }
        std::string out = unread_.substr(0, most);
        unread_.erase(0, out.size());
        co_return out;
    }
    tandem::task<> head() {
        std::string text;
        while (!text.ends_with("\r\n\r\n")) text += co_await some(1);
        const std::size_t at = text.find("Content-Length: ");
        left_ = at == std::string::npos ? 0 : std::stoul(text.substr(at + 16));
    }
    /// The next piece of a body with a length; empty at its end.
    tandem::task<std::string> piece() {
        std::string out;
        if (left_ != 0) out = co_await some(left_);
        left_ -= out.size();
        co_return out;
    }
    std::size_t left() const noexcept { return left_; }

private:
    tcp::socket socket_;
    std::string unread_;
    std::size_t left_ = 0;
};

/// A server on the test's own loop: one connection after the other, each as `with` goes on.
class server_task {
public:
    using conversation = tandem::task<> (*)(peer&);

    explicit server_task(conversation with)
        : acceptor_(tandem::event_loop::running().context(),
                    tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
          running_(tandem::create_task(serve(acceptor_, with))) {}

    std::string url() const {
        return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + "/";
    }
    tandem::task<> end() {
        running_.cancel();
        try {
            co_await running_;
        } catch (const tandem::cancelled_error&) {
        }
    }

private:
    static tandem::task<> serve(tcp::acceptor& at, conversation with) {
        for (;;) {
            tcp::socket socket = co_await at.async_accept(use_task);
            peer p(std::move(socket));
            try {
                co_await with(p);
            } catch (const boost::system::system_error&) {  // the client has left
            }
        }
    }

    tcp::acceptor acceptor_;
    tandem::task_handle<void> running_;
};

std::string head_of(std::size_t length) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n";
}

/// Sends back what comes, as it comes: who does not read what it sends is not read either.
tandem::task<> echo(peer& p) {
    for (;;) {
        co_await p.head();
        co_await p.send(head_of(p.left()));
        for (;;) {
            const std::string piece = co_await p.piece();
            if (piece.empty()) break;
            co_await p.send(piece);
        }
    }
}

/// Says 200 at once, reads everything, then says how much it was.
tandem::task<> count(peer& p) {
    co_await p.head();
    co_await p.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    std::string got;
    while (!got.ends_with("0\r\n\r\n")) got += co_await p.some();
    co_await p.send("5\r\n" + std::to_string(10'000 + got.size()) + "\r\n0\r\n\r\n");
    co_await p.some();
}

/// Has answered before it reads anything, and never does.
tandem::task<> deaf(peer& p) {
    co_await p.head();
    co_await p.send(head_of(2) + "ok");
    co_await tandem::sleep(1h);
}

/// Does not read the body either, but takes its time with the answer.
tandem::task<> deaf_and_slow(peer& p) {
    co_await p.head();
    co_await p.send(head_of(5));
    for (int i = 0; i < 5; ++i) {
        co_await tandem::sleep(150ms);
        co_await p.send(std::to_string(i));
    }
    co_await tandem::sleep(1h);
}

/// Three pieces of a body, with pauses: the head of the answer comes before the second.
tandem::task<std::string> three_pieces(std::shared_ptr<int> given) {
    co_await tandem::sleep(10ms);
    co_return ++*given > 3 ? std::string() : std::string("piece");
}
std::shared_ptr<http::body_source> slow_body() {
    return http::streamed(three_pieces, std::make_shared<int>(0));
}
// Three chunks of "5 CRLF piece CRLF" and the last one, as `count` counts them.
const std::string counted = std::to_string(10'000 + 3 * 10 + 5);

tandem::task<std::string> damaged(std::shared_ptr<int> given) {
    co_await tandem::sleep(10ms);
    if (++*given == 2) throw std::runtime_error("the disk is gone");
    co_return "piece";
}

}  // namespace

NET_TEST("early answers: after a 2xx both sides go on, each as fast as the other reads",
         "[http][body][net]") {
    server_task other(echo);
    http::client client;
    const std::string body(32 * 1024 * 1024, 'x');
    for (int i = 0; i < 2; ++i) {
        const http::response r = co_await client.put(other.url()).body(body);
        CHECK(r.status() == 200);
        CHECK(r.text() == body);
    }
    CHECK(client.statistics().created == 1);
    CHECK(client.statistics().idle == 1);
    co_await other.end();
}

NET_TEST("early answers: after a 2xx the rest of a streamed body still goes out", "[http][body][net]") {
    server_task other(count);
    http::client client;
    const http::response r = co_await client.put(other.url()).body(slow_body());
    CHECK(r.text() == counted);
    CHECK(client.statistics().idle == 1);
    co_await other.end();
}

NET_TEST("early answers: a stream is given when the request is on its way, all of it", "[http][body][net]") {
    server_task other(count);
    http::client client;
    auto s = co_await client.put(other.url()).body(slow_body()).stream();
    CHECK(s.status() == 200);
    const std::string text = co_await s.text();
    CHECK(text == counted);
    CHECK(client.statistics().idle == 1);
    co_await other.end();
}

NET_TEST("early answers: one that is complete ends an upload that nobody reads", "[http][body][net]") {
    server_task other(deaf);
    http::client client;
    const http::response r = co_await client.put(other.url()).body(std::string(32 * 1024 * 1024, 'x'));
    CHECK(r.status() == 200);
    CHECK(r.text() == "ok");
    CHECK(client.statistics().active == 0);
    CHECK(client.statistics().idle == 0);
    co_await other.end();
}

NET_TEST("early answers: the write limit ends the upload, not an answer that is coming",
         "[http][body][net]") {
    server_task other(deaf_and_slow);
    http::client client;
    const std::string body(32 * 1024 * 1024, 'x');
    const http::timeouts hurry = http::timeouts().write(500ms);
    const http::response r = co_await client.put(other.url()).body(body).timeouts(hurry);
    CHECK(r.text() == "01234");
    CHECK(client.statistics().idle == 0);
    co_await other.end();
    server_task another(deaf_and_slow);
    auto s = co_await client.put(another.url()).body(body).timeouts(hurry).stream();
    const std::string text = co_await s.text();
    CHECK(text == "01234");
    co_await another.end();
}

NET_TEST("early answers: the total limit ends both", "[http][body][timeout][net]") {
    server_task other(deaf_and_slow);
    http::client client;
    auto call = client.put(other.url()).body(std::string(32 * 1024 * 1024, 'x')).timeout(100ms);
    const auto code = co_await code_of(std::move(call).send());
    CHECK(code == errc::total_timeout);
    CHECK(client.statistics().active == 0);
    co_await other.end();
}

NET_TEST("early answers: limits of the body hold while the request is being sent", "[http][body][net]") {
    server_task other(echo);
    http::client client;
    auto call =
        client.put(other.url()).body(std::string(1024 * 1024, 'x')).limits(http::limits().body_bytes(1000));
    const auto code = co_await code_of(std::move(call).send());
    CHECK(code == errc::body_too_large);
    CHECK(client.statistics().active == 0);
    co_await other.end();
}

NET_TEST("early answers: a source that fails ends the request all the same", "[http][body][net]") {
    server_task other(count);
    http::client client;
    bool failed = false;
    try {
        co_await client.put(other.url()).body(http::streamed(damaged, std::make_shared<int>(0)));
    } catch (const std::runtime_error& e) {
        failed = e.what() == std::string("the disk is gone");
    }
    CHECK(failed);
    CHECK(client.statistics().active == 0);
    co_await other.end();
}

NET_TEST("early answers: a call may be cancelled at any time and leaves nothing",
         "[http][body][cancel][net]") {
    server_task other(echo);
    http::client client;
    const std::string body(1024 * 1024, 'x');
    int stopped = 0;
    for (int i = 0; i < 200; ++i) {
        auto call = client.put(other.url()).body(body).send();
        const auto r = co_await tandem::move_on_after(i * 20us, std::move(call));
        stopped += !r;
        CHECK(client.statistics().active == 0);
    }
    CHECK(stopped > 0);
    co_await other.end();
}
