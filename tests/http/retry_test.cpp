// tandem - tests of repeated requests: verdicts, Retry-After, budgets of time; event streams that go on
// SPDX-License-Identifier: BSL-1.0
#include <tandem/http/retry.hpp>

#include <tandem/http/body.hpp>
#include <tandem/http/event_source.hpp>
#include <tandem/tasks/timeout.hpp>

#include "mock_test.hpp"

namespace http = tandem::http;
using namespace std::chrono_literals;
using http::errc;
using tandem::retry_policy;
using tandem::verdict;
using tandem::testing::reply;
using tandem_test::code_of;
using tandem_test::over;
using tandem_test::since;

namespace {

retry_policy steady() { return retry_policy().base(1s).jitter(tandem::jitter::none); }

std::optional<tandem::duration> after(std::string_view value) {
    http::headers fields;
    fields.append("Retry-After", value);
    return http::retry_after(fields, 784111777 - 30);
}

verdict of_error(errc code, bool idempotent = true) {
    const tandem::outcome<http::response> ended(
        std::make_exception_ptr(http::error(code, http::phase::header, "test")));
    return http::retryable().idempotent(idempotent)(ended);
}

tandem::task<std::string> next_of(http::event_source& events) {
    const auto e = co_await events.next();
    if (!e) co_return "end";
    co_return e->data + "#" + e->id;
}

reply events(std::string text) {
    return reply(200, std::move(text)).header("Content-Type", "text/event-stream");
}

tandem::task<std::string> nothing() { co_return std::string(); }

}  // namespace

TEST_CASE("retry_after: seconds, dates, nonsense", "[http][retry][virtual]") {
    CHECK(after("120") == 120s);
    CHECK(after("0") == 0s);
    CHECK(after("Sun, 06 Nov 1994 08:49:37 GMT") == 30s);
    CHECK(after("Sun, 06 Nov 1994 08:49:00 GMT") == 0s);
    CHECK_FALSE(after(""));
    CHECK_FALSE(after("-5"));
    CHECK_FALSE(after("soon"));
    CHECK_FALSE(after("1.5"));
    CHECK(after("999999999999") == 366 * 24h);
    CHECK_FALSE(http::retry_after(http::headers()));
}

TEST_CASE("retryable: which errors are worth another try", "[http][retry][virtual]") {
    for (const errc code : {errc::resolve, errc::connect, errc::connect_timeout, errc::pool_timeout}) {
        CHECK(of_error(code) == verdict::retry);
        CHECK(of_error(code, false) == verdict::retry);
    }
    for (const errc code : {errc::write_timeout, errc::header_timeout, errc::server_disconnected,
                            errc::connection_lost_reused}) {
        CHECK(of_error(code) == verdict::retry);
        CHECK(of_error(code, false) == verdict::give_up);
    }
    for (const errc code :
         {errc::certificate, errc::tls, errc::protocol, errc::body_too_large, errc::total_timeout,
          errc::incomplete_body, errc::too_many_redirects, errc::invalid_request, errc::pool_closed}) {
        CHECK(of_error(code) == verdict::give_up);
    }
    CHECK(http::retryable()(tandem::outcome<http::response>(std::make_exception_ptr(tandem_test::oops()))) ==
          verdict::give_up);
}

TANDEM_TEST("retry: goes on until an answer is final", "[http][retry][virtual]") {
    http::mock_transport net;
    net.on("GET", "/", reply(503)).on("GET", "/", reply(500)).on("GET", "/", reply(200, "at last"));
    http::client client(over(net));
    const auto start = tandem::this_task::loop().now();
    const auto r = co_await client.get("http://a/").retry(steady());
    CHECK(r.text() == "at last");
    CHECK(since(start) == 3s);
    CHECK(net.requests() == 3);
}

TANDEM_TEST("retry: each status has its verdict", "[http][retry][virtual]") {
    for (const int status : {408, 425, 429, 500, 502, 503, 504, 200, 301, 400, 401, 404, 409, 501}) {
        http::mock_transport net;
        net.on("GET", "/", reply(status));
        http::client client(over(net));
        const auto r = co_await client.get("http://a/").retry(steady());
        CHECK(r.status() == status);
        const bool again =
            status == 408 || status == 425 || status == 429 || (status >= 500 && status != 501);
        INFO(status);
        CHECK(net.requests() == (again ? 3u : 1u));
    }
}

TANDEM_TEST("retry: a POST is repeated only if it says that it may be", "[http][retry][virtual]") {
    http::mock_transport net;
    net.on("POST", "/", reply(503));
    http::client client(over(net));
    co_await client.post("http://a/").body("x").retry(steady());
    CHECK(net.requests() == 1);
    co_await client.post("http://a/").body("x").header("Idempotency-Key", "7").retry(steady());
    CHECK(net.requests() == 4);
    CHECK(net.log()[3].header("Idempotency-Key") == "7");
    CHECK(net.log()[3].body == "x");
    net.refuse(2);
    co_await client.post("http://b/").body("x").retry(steady());  // nothing had been sent
    CHECK(net.requests() == 5);
}

TANDEM_TEST("retry: the server's Retry-After is obeyed", "[http][retry][virtual]") {
    http::mock_transport net;
    net.on("GET", "/", reply(429).header("Retry-After", "30")).on("GET", "/", reply(200));
    http::client client(over(net));
    const auto start = tandem::this_task::loop().now();
    const auto r = co_await client.get("http://a/").retry(steady());
    CHECK(r.status() == 200);
    CHECK(since(start) == 30s);
}

TANDEM_TEST("retry: the total time holds for all attempts together", "[http][retry][virtual]") {
    http::mock_transport net;
    net.on("GET", "/", reply(503).delay(2s))
        .on("GET", "/hint", reply(429).header("Retry-After", "30"))
        .on("GET", "/never", reply().never());
    http::client client(over(net));
    const auto start = tandem::this_task::loop().now();
    const auto slow =
        co_await code_of(client.get("http://a/").timeout(4s).retry(steady().attempts(9)).send());
    CHECK(slow == errc::total_timeout);  // 2 s, 1 s of waiting, and the second had 1 s left
    CHECK(since(start) == 4s);
    const auto refused = co_await client.get("http://a/hint").timeout(20s).retry(steady());
    CHECK(refused.status() == 429);  // the server asks for more time than there is: its answer at once
    CHECK(since(start) == 4s);
    const auto before = tandem::this_task::loop().now();
    const auto code = co_await code_of(client.get("http://a/never").timeout(4s).retry(steady()).send());
    CHECK(code == errc::total_timeout);
    CHECK(since(before) == 4s);
    CHECK(client.statistics().active == 0);
}

TANDEM_TEST("retry: a body that cannot be sent again is not", "[http][retry][virtual]") {
    http::mock_transport net;
    net.on("PUT", "/", reply(503));
    http::client client(over(net));
    const auto r = co_await client.put("http://a/").body(http::streamed(nothing)).retry(steady());
    CHECK(r.status() == 503);
    CHECK(net.requests() == 1);
}

TANDEM_TEST("retry: a classifier of the policy's own is asked instead", "[http][retry][virtual]") {
    http::mock_transport net;
    net.on("GET", "/", reply(404)).on("GET", "/", reply(200, "now"));
    http::client client(over(net));
    const auto impatient = [](const auto& ended) {
        return ended.has_value() && ended.value().status() == 404 ? verdict::retry : verdict::done;
    };
    const auto r = co_await client.get("http://a/").retry(steady().classify(impatient));
    CHECK(r.text() == "now");
}

TANDEM_TEST("retry: a stream is repeated up to its head", "[http][retry][virtual]") {
    http::mock_transport net;
    net.on("GET", "/", reply(502, "bad")).on("GET", "/", reply(200, "good"));
    http::client client(over(net));
    auto s = co_await client.get("http://a/").retry(steady()).stream();
    CHECK(s.status() == 200);
    const std::string text = co_await s.text();
    CHECK(text == "good");
    CHECK(client.statistics().active == 0);
}

TANDEM_TEST("retry: a stop in a wait or an attempt leaves nothing behind", "[http][retry][cancel][virtual]") {
    http::mock_transport net;
    net.on("GET", "/", reply(503).delay(1s));
    http::client client(over(net));
    for (int i = 0; i < 60; ++i) {
        const auto r =
            co_await tandem::move_on_after(i * 100ms, client.get("http://a/").retry(steady()).send());
        CHECK(client.statistics().active == 0);
        if (r) CHECK(r->status() == 503);
    }
}

// ---- event_source

TANDEM_TEST("event_source: an event that was cut off comes again", "[http][sse][virtual]") {
    http::mock_transport net;
    net.on("GET", "/", events("id: 1\ndata: a\n\nid: 2\ndata: b\n"))
        .on("GET", "/", events("retry: 0\nid: 2\ndata: b\n\n"))
        .on("GET", "/", reply(204));
    http::client client(over(net));
    http::event_source source(client.get("http://a/"));
    CHECK_AWAITED(next_of(source), "a#1");
    CHECK_AWAITED(next_of(source), "b#2");
    CHECK_AWAITED(next_of(source), "end");
    const auto log = net.log();
    CHECK(log[1].header("Last-Event-ID") == "1");
    CHECK(log[2].header("Last-Event-ID") == "2");
}

TANDEM_TEST("event_source: goes on where the stream broke", "[http][sse][virtual]") {
    http::mock_transport net;
    net.on("GET", "/", events("id: 1\ndata: a\n\ndata: b\n\n"))
        .on("GET", "/", events("retry: 500\n\ndata: c\n\ndata: lost"))
        .on("GET", "/", events("id: 9\ndata: d\n\n").cut_after(110))
        .on("GET", "/", reply(204));
    http::client client(over(net));
    http::event_source source(client.get("http://a/"));
    const auto start = tandem::this_task::loop().now();
    CHECK_AWAITED(next_of(source), "a#1");
    CHECK_AWAITED(next_of(source), "b#1");
    CHECK(since(start) == 0s);
    CHECK_AWAITED(next_of(source), "c#1");
    CHECK(since(start) == 3s);
    std::string rest;
    for (std::string e = co_await next_of(source); e != "end"; e = co_await next_of(source)) rest += e + ";";
    CHECK(source.last_id() == (rest.empty() ? "1" : "9"));
    CHECK(since(start) == 4s);
    CHECK(source.connections() == 4);
    const auto log = net.log();
    CHECK(log[0].header("Accept") == "text/event-stream");
    CHECK(log[0].header("Last-Event-ID").empty());
    CHECK(log[1].header("Last-Event-ID") == "1");
    CHECK(log[2].header("Last-Event-ID") == "1");
    CHECK_AWAITED(next_of(source), "end");
    CHECK(client.statistics().active == 0);
}

TANDEM_TEST("event_source: a server that is down is asked later and later", "[http][sse][virtual]") {
    http::mock_transport net;
    net.on("GET", "/", events("data: a\n\n").close());
    http::client client(over(net));
    http::event_source source(client.get("http://a/"), http::event_source_options().wait(1s).attempts(4));
    CHECK_AWAITED(next_of(source), "a#");
    net.refuse();
    const auto start = tandem::this_task::loop().now();
    CHECK_AWAITED(code_of(source.next()), errc::connect);
    CHECK(since(start) >= 1s + 3500ms);  // at least the half of each wait
    CHECK(since(start) <= 1s + 7s);
    net.refuse(0);
    CHECK_AWAITED(next_of(source), "a#");
}

TANDEM_TEST("event_source: retry: 0 is no leave to hammer a server that is down", "[http][sse][virtual]") {
    http::mock_transport net;
    net.on("GET", "/", events("retry: 0\ndata: a\n\n").close());
    http::client client(over(net));
    http::event_source source(client.get("http://a/"), http::event_source_options().attempts(4));
    CHECK_AWAITED(next_of(source), "a#");
    net.refuse();
    const auto start = tandem::this_task::loop().now();
    CHECK_AWAITED(code_of(source.next()), errc::connect);
    CHECK(since(start) >= 350ms);  // the half of 100, 200 and 400
}

TANDEM_TEST("event_source: an id that no header can have is not sent back", "[http][sse][virtual]") {
    http::mock_transport net;
    net.on("GET", "/", events("id: \x01\ndata: a\n\n").close()).on("GET", "/", reply(204));
    http::client client(over(net));
    http::event_source source(client.get("http://a/"));
    CHECK_AWAITED(next_of(source), "a#\x01");
    CHECK_AWAITED(next_of(source), "end");
    CHECK(net.log().back().header("Last-Event-ID").empty());
    CHECK(source.connections() == 2);
}

TANDEM_TEST("event_source: the type of an event stream is that, with or without parameters",
            "[http][sse][virtual]") {
    for (const char* const good :
         {"text/event-stream", "Text/Event-Stream;", "text/event-stream ; charset=utf-8"}) {
        http::mock_transport net;
        net.on("GET", "/", reply(200, "data: a\n\n").header("Content-Type", good).close());
        http::client client(over(net));
        http::event_source source(client.get("http://a/"));
        CHECK_AWAITED(next_of(source), "a#");
    }
    for (const char* const bad : {"text/event-streams", "text/event-stream+x", "x text/event-stream", ""}) {
        http::mock_transport net;
        net.on("GET", "/", reply(200, "data: a\n\n").header("Content-Type", bad).close());
        http::client client(over(net));
        http::event_source source(client.get("http://a/"));
        CHECK_AWAITED(code_of(source.next()), errc::protocol);
    }
}

TANDEM_TEST("event_source: an answer that will not change ends it", "[http][sse][virtual]") {
    http::mock_transport net;
    net.on("GET", "/no", reply(404))
        .on("GET", "/html", reply(200, "<html>"))
        .on("GET", "/large", events("data: " + std::string(5000, 'x')));
    http::client client(over(net));
    http::event_source missing(client.get("http://a/no"));
    CHECK_AWAITED(code_of(missing.next()), errc::status);
    http::event_source other(client.get("http://a/html"));
    CHECK_AWAITED(code_of(other.next()), errc::protocol);
    http::event_source large(client.get("http://a/large"), http::event_source_options().event_limit(1000));
    CHECK_AWAITED(code_of(large.next()), errc::body_too_large);
    CHECK(net.requests() == 3);
}

TANDEM_TEST("event_source: a stop keeps what was read", "[http][sse][cancel][virtual]") {
    http::mock_transport net;
    net.on("GET", "/", events("data: a\n\ndata: b\n\n").drip(1, 100ms));
    http::client client(over(net));
    http::event_source source(client.get("http://a/"));
    std::string got = co_await next_of(source);
    for (int i = 0; i < 200 && got.size() < 4; ++i) {
        const auto e = co_await tandem::move_on_after(150ms, next_of(source));
        if (e) got += *e;
    }
    CHECK(got == "a#b#");
    CHECK(source.connections() == 1);
}
