// tandem - tests of http::mock_transport: the client on virtual time, without sockets
// SPDX-License-Identifier: BSL-1.0
#include <tandem/testing/mock_transport.hpp>

#include <tandem/asio/run.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/timeout.hpp>

#include "mock_test.hpp"

namespace http = tandem::http;
using namespace std::chrono_literals;
using http::errc;
using tandem::testing::reply;
using tandem_test::code_of;
using tandem_test::over;
using tandem_test::since;

namespace {

tandem::task<std::string> get_text(http::client& client, std::string url) {
    const auto r = co_await client.get(url);
    co_return r.text();
}

class endless final : public http::body_source {
public:
    tandem::task<std::string> next() override { co_return std::string(10'000, 'x'); }
};

}  // namespace

TANDEM_TEST("mock: a request is answered from the script, and written down", "[http][mock][virtual]") {
    http::mock_transport net;
    net.on("POST", "/orders", reply(201, "made").header("X-Id", "7"));
    http::client client(over(net));
    const auto r = co_await client.post("https://shop.example/orders?x=1").body("three apples");
    CHECK(r.status() == 201);
    CHECK(r.text() == "made");
    CHECK(r.headers().get("x-id") == "7");
    const auto log = net.log();
    REQUIRE(log.size() == 1);
    CHECK(log[0].target == "/orders?x=1");
    CHECK(log[0].header("host") == "shop.example");
    CHECK(log[0].body == "three apples");
    CHECK(client.statistics().idle == 1);
    CHECK(net.connections() == 1);
}

TANDEM_TEST("mock: an hour's delay takes an hour of virtual time", "[http][mock][virtual]") {
    http::mock_transport net;
    net.on("GET", "/", reply(200, "late").delay(1h));
    http::client client(over(net).timeouts(http::timeouts().header(2h).total(http::timeouts::none)));
    const auto start = tandem::this_task::loop().now();
    const auto r = co_await client.get("http://a/");
    CHECK(r.text() == "late");
    CHECK(since(start) == 1h);
    CHECK(r.elapsed() == 1h);
}

TANDEM_TEST("mock: each limit in time fires when it should", "[http][mock][timeout][virtual]") {
    http::mock_transport net;
    net.on("GET", "/never", reply().never())
        .on("GET", "/body", reply(200, "x").body_delay(1h))
        .on("GET", "/drip", reply(200, std::string(5000, 'x')).drip(100, 20s));
    http::client client(over(net).connections_per_host(1));
    const auto start = tandem::this_task::loop().now();
    CHECK_AWAITED(code_of(client.get("http://a/never").send()), errc::header_timeout);
    CHECK(since(start) == 60s);
    CHECK_AWAITED(code_of(client.get("http://a/body").send()), errc::read_timeout);
    CHECK(since(start) == 90s);
    CHECK_AWAITED(code_of(client.get("http://a/drip").send()), errc::total_timeout);
    CHECK(since(start) == 390s);
    auto holder = tandem::create_task(code_of(client.get("http://a/never").send()));
    co_await tandem::sleep(1s);
    CHECK_AWAITED(code_of(client.get("http://a/never").send()), errc::pool_timeout);
    CHECK(since(start) == 396s);
    co_await holder;
    net.connect_delay(1h);
    CHECK_AWAITED(code_of(client.get("http://b/").send()), errc::connect_timeout);
    CHECK(since(start) == 460s);
    net.connect_delay(0s).takes(1000);
    CHECK_AWAITED(code_of(client.post("http://c/").body(std::string(5000, 'x')).send()), errc::write_timeout);
    CHECK(since(start) == 490s);
    CHECK(client.statistics().active == 0);
    CHECK(net.open_connections() == 0);
}

TANDEM_TEST("mock: a timeout around a call stops it and closes its connection", "[http][mock][virtual]") {
    http::mock_transport net;
    net.on("GET", "/", reply().never());
    http::client client(over(net));
    const auto r = co_await tandem::move_on_after(3s, client.get("http://a/").send());
    CHECK_FALSE(r);
    CHECK(net.connections() == 1);
    CHECK(net.open_connections() == 0);
    CHECK(client.statistics().active == 0);
}

TANDEM_TEST("mock: faults: refused, reset, cut, closed in between", "[http][mock][virtual]") {
    http::mock_transport net;
    net.on("GET", "/cut", reply(200, "0123456789").cut_after(45))
        .on("GET", "/reset", reply(200, "x").reset_after(10))
        .on("GET", "/", reply(200, "ok"));
    net.refuse(1);
    http::client client(over(net));
    CHECK_AWAITED(code_of(client.get("http://a/").send()), errc::connect);
    CHECK_AWAITED(code_of(client.get("http://a/cut").send()), errc::incomplete_body);
    CHECK_AWAITED(code_of(client.get("http://a/reset").send()), errc::incomplete_headers);
    net.requests_per_connection(1);
    for (int i = 0; i < 3; ++i) CHECK_AWAITED(get_text(client, "http://a/"), "ok");
    CHECK(client.statistics().stale == 2);
    CHECK(net.connections() == 5);
}

TANDEM_TEST("mock: replies may come in any pieces", "[http][mock][virtual]") {
    http::mock_transport net;
    net.on("GET", "/", reply(200, std::string(300, 'x')).chunked(7).drip(1, 1ms));
    http::client client(over(net));
    CHECK_AWAITED(get_text(client, "http://a/"), std::string(300, 'x'));
    CHECK_AWAITED(get_text(client, "http://a/"), std::string(300, 'x'));
    CHECK(net.connections() == 1);
}

TANDEM_TEST("mock: 100-continue, an early answer, an endless body", "[http][mock][virtual]") {
    http::mock_transport net;
    net.on("PUT", "/", reply(204)).on("PUT", "/large", reply(413, "too large").early());
    http::client client(over(net));
    const auto asked = co_await client.put("http://a/").body("hello").expect_continue(true);
    CHECK(asked.status() == 204);
    const auto early = co_await client.put("http://a/large").body(std::make_shared<endless>());
    CHECK(early.status() == 413);
    CHECK(early.text() == "too large");
    CHECK(net.connections() == 1);
    CHECK(net.open_connections() == 0);
}

TANDEM_TEST("mock: it counts what is in flight", "[http][mock][virtual]") {
    http::mock_transport net;
    net.on("GET", "/", reply(200, "x").delay(1s));
    http::client client(over(net).connections_per_host(4));
    std::vector<tandem::task<std::string>> calls;
    for (int i = 0; i < 10; ++i) calls.push_back(get_text(client, "http://a/"));
    const auto start = tandem::this_task::loop().now();
    static_cast<void>(co_await tandem::gather(std::move(calls)));
    CHECK(since(start) == 3s);
    CHECK(net.peak_in_flight() == 4);
    CHECK(net.requests() == 10);
    CHECK(net.connections() == 4);
}

TANDEM_TEST("mock: an idle connection is closed after four seconds", "[http][mock][pool][virtual]") {
    http::mock_transport net;
    net.on("GET", "/", reply(200, "x"));
    http::client client(over(net));
    co_await client.get("http://a/");
    co_await tandem::sleep(3999ms);
    CHECK(net.open_connections() == 1);
    co_await tandem::sleep(2ms);
    CHECK(net.open_connections() == 0);
    CHECK(client.statistics().evicted == 1);
}

TEST_CASE("mock: it serves a loop with sockets, too", "[http][mock][virtual]") {
    http::mock_transport net;
    net.on("GET", "/", reply(200, "x"));
    http::client client(over(net));
    const auto twice = [](http::client& c) -> tandem::task<std::string> {
        std::string both = co_await get_text(c, "http://a/");
        both += co_await get_text(c, "http://a/");
        co_return both;
    };
    CHECK(tandem::run(twice(client)) == "xx");
    CHECK(net.connections() == 1);
}
