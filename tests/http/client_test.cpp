// tandem - tests of the HTTP client: connections, the pool, repetition, limits in time and size
// SPDX-License-Identifier: BSL-1.0
#include <tandem/http/client.hpp>

#include <unistd.h>

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>

#include <chrono>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <tandem/http/fetch.hpp>
#include <tandem/tasks/gather.hpp>

#include "net_test.hpp"

namespace http = tandem::http;
using namespace std::chrono_literals;
using tandem::testing::reply;
using tandem::testing::seen_request;
using tandem_test::code_of;
using http::errc;

// ---- requests

NET_TEST("client: a GET in one line", "[http][client][net]") {
    server.on("GET", "/", reply(200, "hello").header("X-A", "b"));
    http::client client;
    const auto page = co_await client.get(server.url());
    CHECK(page.status() == 200);
    CHECK(page.ok());
    CHECK(page.reason() == "OK");
    CHECK(page.text() == "hello");
    CHECK(page.bytes().size() == 5);
    CHECK(page.headers().get("x-a") == "b");
    CHECK(page.url().to_string() == server.url());
    CHECK(page.history().empty());
    CHECK(page.elapsed() > 0ns);
    CHECK(client.statistics().active == 0);
    CHECK(client.statistics().idle == 1);
}

NET_TEST("client: what is sent by default", "[http][client][net]") {
    server.on("GET", "/a%20b", reply());
    http::client client;
    co_await client.get(server.url("/a b?x=1#fragment"));
    const auto log = server.log();
    REQUIRE(log.size() == 1);
    CHECK(log[0].target == "/a%20b?x=1");
    CHECK(log[0].header("Host") == "127.0.0.1:" + std::to_string(server.port()));
    CHECK(log[0].header("User-Agent") == "tandem");
    CHECK(log[0].header("Accept") == "*/*");
    CHECK(log[0].header("Accept-Encoding") == "gzip, deflate");
    CHECK(log[0].headers.size() == 4);
}

NET_TEST("client: each verb, with its framing", "[http][client][net]") {
    server.on("*", "/", reply(200, "ok"));
    http::client client;
    co_await client.head(server.url());
    co_await client.post(server.url());
    co_await client.put(server.url()).body("abc");
    co_await client.patch(server.url()).body("");
    co_await client.del(server.url());
    co_await client.request("PROPFIND", server.url());
    const auto log = server.log();
    REQUIRE(log.size() == 6);
    std::string seen;
    for (const seen_request& r : log) seen += r.method + " " + r.header("Content-Length") + " " + r.body + ";";
    CHECK(seen == "HEAD  ;POST 0 ;PUT 3 abc;PATCH 0 ;DELETE  ;PROPFIND  ;");
    CHECK(server.connections() == 1);
}

NET_TEST("client: headers, query, form, authentication", "[http][client][net]") {
    server.on("*", "/", reply());
    http::client_options options;
    options.header("X-All", "1").user_agent("mine/1");
    http::client client(options);
    co_await client.get(server.url()).header("Accept", "text/plain").query("a b", "c&d").bearer("token");
    co_await client.post(server.url()).form("a", "1 2").form("b", "&").basic_auth("Aladdin", "open sesame");
    co_await client.get("http://u%40:p%3A@127.0.0.1:" + std::to_string(server.port()) + "/");
    const auto log = server.log();
    REQUIRE(log.size() == 3);
    CHECK(log[0].target == "/?a%20b=c%26d");
    CHECK(log[0].header("Accept") == "text/plain");
    CHECK(log[0].header("Authorization") == "Bearer token");
    CHECK(log[0].header("X-All") == "1");
    CHECK(log[0].header("User-Agent") == "mine/1");
    CHECK(log[1].body == "a=1%202&b=%26");
    CHECK(log[1].header("Content-Type") == "application/x-www-form-urlencoded");
    CHECK(log[1].header("Authorization") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    CHECK(log[2].header("Authorization") == "Basic dUA6cDo=");
}

NET_TEST("client: nothing that a caller gives can break out of its line", "[http][client][injection][net]") {
    http::client client;
    const std::string url = server.url();
    CHECK_THROWS_AS(client.get(url).header("A", "b\r\nEvil: 1"), http::error);
    CHECK_THROWS_AS(client.get(url).header("A\r\nEvil", "1"), http::error);
    CHECK_THROWS_AS(client.get(url).bearer("x\r\nEvil: 1"), http::error);
    CHECK_THROWS_AS(client.get(url + "\r\nEvil: 1"), http::error);
    CHECK_THROWS_AS(client.request("GET / HTTP/1.1\r\nEvil: 1\r\n\r\nGET", url), http::error);
    CHECK_THROWS_AS(client.request("", url), http::error);
    CHECK_THROWS_AS(client.request("CONNECT", url), http::error);
    CHECK_THROWS_AS(client.post(url).header("Content-Length", "5"), http::error);
    CHECK_THROWS_AS(client.post(url).header("transfer-encoding", "chunked"), http::error);
    CHECK_THROWS_AS(client.get(url).basic_auth("a:b", "c"), http::error);
    CHECK(client.get(url).query("a", "b\r\nEvil: 1").get().url().target() == "/?a=b%0D%0AEvil%3A%201");
    CHECK(server.requests() == 0);
    co_return;
}

NET_TEST("client: a named builder can be awaited twice", "[http][client][net]") {
    server.on("GET", "/", reply(200, "x"));
    http::client client;
    auto again = client.get(server.url());
    const auto a = co_await again;
    const auto b = co_await again;
    CHECK(a.text() + b.text() == "xx");
}

NET_TEST("client: fetch shares a client of the loop", "[http][client][net]") {
    server.on("GET", "/", reply(200, "x"));
    const auto a = co_await http::fetch(server.url());
    const auto b = co_await http::fetch(server.url());
    CHECK(a.text() + b.text() == "xx");
    CHECK(server.connections() == 1);
}

NET_TEST("client: gather takes builders", "[http][client][net]") {
    server.on("GET", "/a", reply(200, "a").delay(5ms)).on("GET", "/b", reply(200, "b"));
    http::client client;
    auto both = co_await tandem::gather(client.get(server.url("/a")), client.get(server.url("/b")).header("X", "y"));
    auto& [a, b] = both;
    CHECK(a.text() + b.text() == "ab");
}

NET_TEST("client: 404 is a response, raise_for_status makes it an error", "[http][client][net]") {
    http::client client;
    const auto r = co_await client.get(server.url("/missing"));
    CHECK(r.status() == 404);
    CHECK_FALSE(r.ok());
    try {
        r.raise_for_status();
        FAIL("no error");
    } catch (const http::error& e) {
        CHECK(e.code() == errc::status);
        CHECK(std::string(e.what()) == "tandem::http: the server reports an error: 404 Scripted [" + server.url("/missing") + "]");
    }
}

NET_TEST("client: https without TLS says what to include", "[http][client][net]") {
    http::client client;
    const std::string said = co_await tandem_test::text_of(client.get("https://127.0.0.1/").send());
    CHECK(said == "tandem::http: TLS is not available: include <tandem/http/tls.hpp> and give client_options::tls a connector "
                  "[https://127.0.0.1/]");
}

NET_TEST("client: over a Unix socket", "[http][client][net]") {
    const std::string path = (std::filesystem::temp_directory_path() / ("tandem_client_test_" + std::to_string(::getpid()))).string();
    boost::asio::local::stream_protocol::acceptor acceptor(tandem::event_loop::running().context(), path);
    const auto answer = [](boost::asio::local::stream_protocol::acceptor& from) -> tandem::task<std::string> {
        auto socket = co_await from.async_accept(tandem::use_task);
        std::string request(1000, ' ');
        const std::size_t size = co_await socket.async_read_some(boost::asio::buffer(request), tandem::use_task);
        co_await boost::asio::async_write(socket, boost::asio::buffer(std::string_view("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")), tandem::use_task);
        co_return request.substr(0, size);
    };
    http::client client(http::client_options().unix_socket(path));
    auto both = co_await tandem::gather(answer(acceptor), client.get("http://docker/containers/json"));
    auto& [request, response] = both;
    CHECK(response.text() == "hi");
    CHECK(request.starts_with("GET /containers/json HTTP/1.1\r\nHost: docker\r\n"));
    std::filesystem::remove(path);
}

NET_TEST("client: the server may share the loop", "[http][client][net]") {
    tandem::testing::http_server here(tandem::event_loop::running());
    here.on("GET", "/", reply(200, "same loop").delay(2ms));
    http::client client;
    std::vector<tandem::task<http::response>> calls;
    for (int i = 0; i < 20; ++i) calls.push_back(client.get(here.url()).send());
    const auto all = co_await tandem::gather(std::move(calls));
    for (const auto& r : all) CHECK(r.text() == "same loop");
    CHECK(here.peak_in_flight() == 10);
}

// ---- connections

NET_TEST("client: connections are kept and used again", "[http][pool][net]") {
    server.on("GET", "/", reply(200, "x"));
    http::client client;
    for (int i = 0; i < 5; ++i) co_await client.get(server.url());
    CHECK(server.connections() == 1);
    CHECK(client.statistics().created == 1);
    CHECK(client.statistics().reused == 4);
}

NET_TEST("client: Connection: close is obeyed", "[http][pool][net]") {
    server.on("GET", "/", reply(200, "x").close());
    http::client client;
    for (int i = 0; i < 3; ++i) co_await client.get(server.url());
    CHECK(server.connections() == 3);
    CHECK(client.statistics().idle == 0);
}

NET_TEST("client: a body to the end of the stream", "[http][pool][net]") {
    server.on("GET", "/", reply(200, "x").until_close());
    http::client client;
    const auto r = co_await client.get(server.url());
    CHECK(r.text() == "x");
    CHECK(client.statistics().idle == 0);
}

NET_TEST("client: a connection that the server has closed meanwhile is found out before it is used", "[http][pool][net]") {
    server.on("*", "/", reply(200, "x").close_silently());
    http::client client;
    for (int i = 0; i < 3; ++i) {
        co_await client.post(server.url()).body("not idempotent");
        co_await tandem::sleep(20ms);
    }
    CHECK(client.statistics().stale == 2);
    CHECK(server.requests() == 3);
}

NET_TEST("client: a GET is sent once more when a kept connection dies under it", "[http][pool][net]") {
    server.on("GET", "/", reply(200, "first")).on("GET", "/", reply().cut_after(0)).on("GET", "/", reply(200, "third"));
    http::client client;
    co_await client.get(server.url());
    const auto r = co_await client.get(server.url());
    CHECK(r.text() == "third");
    CHECK(server.requests() == 3);
    CHECK(server.connections() == 2);
    CHECK(client.statistics().active == 0);
}

NET_TEST("client: the same with a reset", "[http][pool][net]") {
    server.on("GET", "/", reply(200, "first")).on("GET", "/", reply().reset_after(0)).on("GET", "/", reply(200, "third"));
    http::client client;
    co_await client.get(server.url());
    const auto r = co_await client.get(server.url());
    CHECK(r.text() == "third");
}

NET_TEST("client: it is repeated once, not for ever", "[http][pool][net]") {
    server.on("GET", "/", reply(200, "first")).on("GET", "/", reply().cut_after(0));
    http::client client;
    co_await client.get(server.url());
    const auto code = co_await code_of(client.get(server.url()).send());
    CHECK(code == errc::server_disconnected);
    CHECK(server.requests() == 3);
}

NET_TEST("client: a POST is repeated only with an Idempotency-Key", "[http][pool][net]") {
    server.on("POST", "/", reply(200, "1")).on("POST", "/", reply().cut_after(0)).on("POST", "/", reply(200, "3"))
        .on("POST", "/", reply().cut_after(0)).on("POST", "/", reply(200, "5"));
    http::client client;
    co_await client.post(server.url()).body("x");
    const std::string said = co_await tandem_test::text_of(client.post(server.url()).body("x").send());
    CHECK(said.find("a kept connection was closed as the request left: POST is not repeated by itself; add an "
                    "Idempotency-Key if it may be") != std::string::npos);
    co_await client.post(server.url()).body("x");
    const auto r = co_await client.post(server.url()).body("x").header("Idempotency-Key", "1");
    CHECK(r.text() == "5");
}

NET_TEST("client: repetition can be switched off", "[http][pool][net]") {
    server.on("GET", "/", reply(200, "first")).on("GET", "/", reply().cut_after(0)).on("GET", "/", reply(200, "third"));
    http::client client(http::client_options().retry_reused(false));
    co_await client.get(server.url());
    const auto code = co_await code_of(client.get(server.url()).send());
    CHECK(code == errc::connection_lost_reused);
}

NET_TEST("client: nothing is repeated on a fresh connection, nor after a byte has come", "[http][pool][net]") {
    server.on("GET", "/", reply().cut_after(0)).on("GET", "/", reply(200, "x")).on("GET", "/", reply(200, "x").cut_after(1));
    http::client client;
    const auto fresh = co_await code_of(client.get(server.url()).send());
    CHECK(fresh == errc::server_disconnected);
    co_await client.get(server.url());
    const auto started = co_await code_of(client.get(server.url()).send());
    CHECK(started == errc::incomplete_headers);
    CHECK(server.requests() == 3);
}

NET_TEST("client: bytes after a body end the connection, not the request", "[http][pool][net]") {
    server.on("GET", "/", reply().raw("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"));
    http::client client;
    for (int i = 0; i < 2; ++i) {
        const auto r = co_await client.get(server.url());
        CHECK(r.text() == "hi");
    }
    CHECK(server.connections() == 2);
}

NET_TEST("client: an answer sent ahead of its request is never taken for one", "[http][pool][net]") {
    server.on("GET", "/", reply(200, "a"));
    server.on("GET", "/x", reply().raw("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").body_delay(1ms));
    server.on("GET", "/late", reply().raw("HTTP/1.1 204 N\r\nContent-Length: 4\r\n\r\nevil"));
    http::client client;
    co_await client.get(server.url("/late"));
    co_await tandem::sleep(5ms);
    const auto r = co_await client.get(server.url());
    CHECK(r.text() == "a");
    CHECK(server.connections() == 2);
}

NET_TEST("client: at most so many connections per host, the rest waits in line", "[http][pool][net]") {
    server.on("GET", "/", reply(200, "x").delay(2ms));
    http::client client(http::client_options().connections_per_host(3));
    std::vector<tandem::task<http::response>> calls;
    for (int i = 0; i < 20; ++i) calls.push_back(client.get(server.url()).send());
    const auto all = co_await tandem::gather(std::move(calls));
    CHECK(all.size() == 20);
    CHECK(server.peak_in_flight() == 3);
    CHECK(server.connections() == 3);
    CHECK(client.statistics().waiters == 0);
    CHECK(client.statistics().active == 0);
}

static tandem::task<> numbered(http::client& client, std::string url, int i, std::vector<int>& order) {
    co_await client.get(url);
    order.push_back(i);
}

NET_TEST("client: who waits longest is served first", "[http][pool][net]") {
    server.on("GET", "/", reply(200, "x"));
    http::client client(http::client_options().connections_per_host(1));
    std::vector<int> order;
    std::vector<tandem::task<>> calls;
    for (int i = 0; i < 10; ++i) calls.push_back(numbered(client, server.url(), i, order));
    co_await tandem::gather(std::move(calls));
    const std::vector<int> expected{0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    CHECK(order == expected);
    CHECK(server.connections() == 1);
}

NET_TEST("client: at most so many connections in all, over two hosts", "[http][pool][net]") {
    server.on("GET", "/", reply(200, "x").delay(1ms));
    http::client client(http::client_options().connections_total(2).resolve("other.test", "127.0.0.1"));
    std::vector<tandem::task<http::response>> calls;
    for (int i = 0; i < 20; ++i) {
        const std::string host = i % 2 ? "127.0.0.1" : "other.test";
        calls.push_back(client.get("http://" + host + ":" + std::to_string(server.port())).send());
    }
    const auto all = co_await tandem::gather(std::move(calls));
    CHECK(all.size() == 20);
    CHECK(server.peak_in_flight() == 2);
    CHECK(client.statistics().active + client.statistics().idle == 2);
}

NET_TEST("client: the wait for a connection is limited", "[http][pool][net]") {
    server.on("GET", "/", reply(200, "x").delay(200ms));
    http::client client(http::client_options().connections_per_host(1).timeouts(http::timeouts().pool(10ms)));
    auto first = tandem::create_task(client.get(server.url()).send());
    co_await tandem::sleep(1ms);
    const std::string said = co_await tandem_test::text_of(client.get(server.url()).send());
    CHECK(said.find("no connection became free in time: waited 10 ms for one of 1 connections") != std::string::npos);
    const auto& r = co_await first;
    CHECK(r.text() == "x");
}

NET_TEST("client: idle connections are closed after their time, and when they are too many", "[http][pool][net]") {
    server.on("GET", "/", reply(200, "x").delay(2ms));
    http::client client(http::client_options().connections_idle(2).idle_limit(30ms));
    std::vector<tandem::task<http::response>> calls;
    for (int i = 0; i < 5; ++i) calls.push_back(client.get(server.url()).send());
    co_await tandem::gather(std::move(calls));
    CHECK(client.statistics().idle == 2);
    co_await tandem::sleep(80ms);
    CHECK(client.statistics().idle == 0);
    CHECK(client.statistics().evicted == 5);
}

NET_TEST("client: a server's Keep-Alive timeout shortens the time", "[http][pool][net]") {
    server.on("GET", "/", reply(200, "x").header("Keep-Alive", "timeout=1, max=100"));
    http::client client;
    co_await client.get(server.url());
    CHECK(client.statistics().idle == 0);
}

NET_TEST("client: close refuses new requests and who waits", "[http][pool][net]") {
    server.on("GET", "/", reply(200, "x").delay(20ms));
    http::client client(http::client_options().connections_per_host(1));
    auto first = tandem::create_task(client.get(server.url()).send());
    auto second = tandem::create_task(code_of(client.get(server.url()).send()));
    co_await tandem::sleep(2ms);
    client.close();
    const auto waiting = co_await second;
    CHECK(waiting == errc::pool_closed);
    const auto& r = co_await first;
    CHECK(r.text() == "x");
    const auto late = co_await code_of(client.get(server.url()).send());
    CHECK(late == errc::pool_closed);
    CHECK(client.statistics().idle == 0);
}

TEST_CASE("client: used on two loops one after the other", "[http][pool][net]") {
    tandem::testing::http_server server;
    server.on("GET", "/", reply(200, "x"));
    http::client client;
    for (int i = 0; i < 2; ++i) {
        const auto r = tandem::run(client.get(server.url()).send());
        CHECK(r.text() == "x");
        CHECK(client.statistics().idle == 0);
    }
    CHECK(server.connections() == 2);
}

TEST_CASE("client: a stream that outlives its loop is an empty shell", "[http][pool][net]") {
    tandem::testing::http_server server;
    server.on("GET", "/", reply(200, std::string(1'000'000, 'x')));
    http::client client;
    http::response_stream kept = tandem::run(client.get(server.url()).stream());
    CHECK(kept.status() == 200);
    const auto code = tandem::run(code_of(kept.text()));
    CHECK(code == errc::pool_closed);
}

// ---- limits in time

NET_TEST("limits: a server that does not answer", "[http][timeout][net]") {
    server.on("GET", "/", reply().never());
    http::client client(http::client_options().timeouts(http::timeouts().header(20ms)));
    const std::string said = co_await tandem_test::text_of(client.get(server.url()).send());
    CHECK(said == "tandem::http: the server does not answer: within 20 ms; see http::timeouts [" + server.url() + "]");
    CHECK(client.statistics().active == 0);
}
NET_TEST("limits: a body that stops coming", "[http][timeout][net]") {
    server.on("GET", "/", reply(200, "0123456789").drip(1, 15ms).body_delay(200ms));
    http::client client(http::client_options().timeouts(http::timeouts().read(50ms)));
    const auto code = co_await code_of(client.get(server.url()).send());
    CHECK(code == errc::read_timeout);
}
NET_TEST("limits: a body that comes slowly is no error", "[http][timeout][net]") {
    server.on("GET", "/", reply(200, "0123456789").drip(10, 2ms));
    http::client client(http::client_options().timeouts(http::timeouts().read(200ms).header(400ms)));
    const auto r = co_await client.get(server.url());
    CHECK(r.text() == "0123456789");
}
NET_TEST("limits: the whole call", "[http][timeout][net]") {
    server.on("GET", "/", reply().never());
    http::client client;
    const std::string said = co_await tandem_test::text_of(client.get(server.url()).timeout(20ms).send());
    CHECK(said == "tandem::http: the request took too long: within 20 ms; see http::timeouts [" + server.url() + "]");
    CHECK(client.statistics().active == 0);
}
NET_TEST("limits: the whole call, in each of its phases", "[http][timeout][net]") {
    server.on("GET", "/", reply(200, "x").delay(200ms)).on("GET", "/body", reply(200, "x").body_delay(200ms))
        .on("GET", "/loop", reply(302, "x").delay(8ms).header("Location", "/loop"));
    boost::asio::ip::tcp::acceptor deaf(tandem::event_loop::running().context(),
                                        {boost::asio::ip::address_v4::loopback(), 0});
    const std::string nobody = "http://127.0.0.1:" + std::to_string(deaf.local_endpoint().port());
    http::client client(http::client_options().connections_per_host(1));
    const auto body = co_await code_of(client.get(server.url("/body")).timeout(20ms).send());
    CHECK(body == errc::total_timeout);
    const auto redirects = co_await code_of(client.get(server.url("/loop")).timeout(30ms).send());
    CHECK(redirects == errc::total_timeout);
    const auto write = co_await code_of(client.post(nobody).body(std::string(20'000'000, 'x')).timeout(30ms).send());
    CHECK(write == errc::total_timeout);
    auto first = tandem::create_task(client.get(server.url()).send());
    co_await tandem::sleep(2ms);
    const std::string pool = co_await tandem_test::text_of(client.get(server.url()).timeout(20ms).send());
    CHECK(pool.find("took too long: within 20 ms, all of them waiting for a connection") != std::string::npos);
    const auto& r = co_await first;
    CHECK(r.text() == "x");
    CHECK(client.statistics().active == 0);
}
NET_TEST("limits: a tandem::timeout around a call is a stop of the call", "[http][timeout][net]") {
    server.on("GET", "/", reply().never());
    http::client client;
    bool expired = false;
    try {
        co_await tandem::timeout(20ms, client.get(server.url()));
    } catch (const tandem::timeout_error&) {
        expired = true;
    }
    CHECK(expired);
    CHECK(client.statistics().active == 0);
}
NET_TEST("limits: connecting", "[http][timeout][net]") {
    // A listener whose line is full: the kernel drops further connections' first packet.
    boost::asio::io_context& context = tandem::event_loop::running().context();
    boost::asio::ip::tcp::acceptor full(context);
    full.open(boost::asio::ip::tcp::v4());
    full.bind({boost::asio::ip::address_v4::loopback(), 0});
    full.listen(0);
    std::vector<boost::asio::ip::tcp::socket> fillers;
    for (int i = 0; i < 4; ++i) {
        fillers.emplace_back(context, boost::asio::ip::tcp::v4());
        fillers.back().non_blocking(true);
        const auto to = full.local_endpoint();  // Asio's own connect waits, also on a non-blocking socket
        static_cast<void>(::connect(fillers.back().native_handle(), to.data(), static_cast<socklen_t>(to.size())));
    }
    http::client client(http::client_options().timeouts(http::timeouts().connect(30ms)));
    const auto code = co_await code_of(client.get("http://127.0.0.1:" + std::to_string(full.local_endpoint().port())).send());
    CHECK(code == errc::connect_timeout);
    CHECK(client.statistics().active == 0);
}
NET_TEST("limits: a server that does not take the body", "[http][timeout][net]") {
    boost::asio::ip::tcp::acceptor deaf(tandem::event_loop::running().context(),
                                        {boost::asio::ip::address_v4::loopback(), 0});
    http::client client(http::client_options().timeouts(http::timeouts().write(30ms)));
    const std::string url = "http://127.0.0.1:" + std::to_string(deaf.local_endpoint().port());
    const auto code = co_await code_of(client.post(url).body(std::string(20'000'000, 'x')).send());
    CHECK(code == errc::write_timeout);
    CHECK(client.statistics().active == 0);
}

// ---- limits in size

NET_TEST("limits: a body larger than allowed, said or not", "[http][limits][net]") {
    const std::string big(3000, 'x');
    server.on("GET", "/length", reply(200, big)).on("GET", "/chunked", reply(200, big).chunked(100))
        .on("GET", "/close", reply(200, big).until_close());
    http::client client(http::client_options().limits(http::limits().body_bytes(2999)));
    for (const char* const path : {"/length", "/chunked", "/close"}) {
        const auto code = co_await code_of(client.get(server.url(path)).send());
        CHECK(code == errc::body_too_large);
        const auto r = co_await client.get(server.url(path)).limits(http::limits().body_bytes(3000));
        CHECK(r.text() == big);
    }
}
NET_TEST("limits: a server may say any length, memory follows what comes", "[http][limits][net]") {
    server.on("GET", "/", reply(200, "x").length(60'000'000).close_silently());
    http::client client;
    const auto code = co_await code_of(client.get(server.url()).send());
    CHECK(code == errc::incomplete_body);
}
NET_TEST("limits: headers without end", "[http][limits][net]") {
    server.on("GET", "/", reply().header("A", std::string(70'000, 'x')));
    http::client client;
    const auto code = co_await code_of(client.get(server.url()).send());
    CHECK(code == errc::headers_too_large);
    const auto r = co_await client.get(server.url()).limits(http::limits().header_bytes(100'000));
    CHECK(r.headers().get("a")->size() == 70'000);
}

// ---- responses that are cut or wrong

NET_TEST("responses: cut at every byte", "[http][faults][net]") {
    const reply whole = reply(200, "hello").header("A", "b");
    const auto wire = whole.wire(false);
    const std::size_t size = wire.first.size() + wire.second.size();
    std::set<std::optional<errc>> seen;
    for (std::size_t i = 0; i < size; ++i) {
        const std::string path = "/" + std::to_string(i);
        server.on("GET", path, reply(whole).cut_after(i));
        const auto code = co_await code_of(http::client().get(server.url(path)).send());
        const errc expected = i == 0 ? errc::server_disconnected
                                     : (i < wire.first.size() ? errc::incomplete_headers : errc::incomplete_body);
        CHECK(code == expected);
        seen.insert(code);
    }
    CHECK(seen.size() == 3);
}
NET_TEST("responses: reset inside the body", "[http][faults][net]") {
    server.on("GET", "/", reply(200, std::string(100'000, 'x')).body_delay(10ms).reset_after(50'000));
    server.on("GET", "/close", reply(200, std::string(100'000, 'x')).body_delay(10ms).until_close().reset_after(50'000));
    http::client client;
    const auto length = co_await code_of(client.get(server.url()).send());
    CHECK(length == errc::incomplete_body);
    const auto to_end = co_await code_of(client.get(server.url("/close")).send());
    CHECK(to_end == errc::incomplete_body);
}
NET_TEST("responses: byte by byte over the wire", "[http][faults][net]") {
    server.on("GET", "/", reply(200, std::string(50, 'x')).chunked(7).trailer("T", "1").informational(103).drip(1, 50us));
    http::client client;
    const auto r = co_await client.get(server.url());
    CHECK(r.text() == std::string(50, 'x'));
    CHECK(r.trailers().get("t") == "1");
}
NET_TEST("responses: garbage closes the connection", "[http][faults][net]") {
    server.on("GET", "/", reply().raw("SSH-2.0-OpenSSH\r\n"));
    http::client client;
    const auto code = co_await code_of(client.get(server.url()).send());
    CHECK(code == errc::protocol);
    CHECK(client.statistics().idle == 0);
    CHECK(client.statistics().active == 0);
}
