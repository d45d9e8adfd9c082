// tandem - conformance: what a request says of itself, and the line for a connection
// SPDX-License-Identifier: BSL-1.0
#include "http/conformance/table.hpp"

#include <tandem/core/sleep.hpp>
#include <tandem/http/cookie_jar.hpp>
#include <tandem/http/proxy.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/timeout.hpp>

using namespace tandem_test;
using namespace std::chrono_literals;

namespace {

using net = http::mock_transport;
using client = http::client;
using text = tandem::task<std::string>;

void answer(net& n, reply how) { n.on("*", "*", std::move(how)); }
text twice(client& c) {
    std::string both = co_await get(c);
    both += "+";
    both += co_await get(c);
    co_return both;
}

/// Answers with fields of the request, so that a row shows how often and with what they were sent.
template <class... Names>
void tell(net& n, Names... names) {
    n.on("*", "*", [names...](const tandem::testing::seen_request& r) {
        std::string out;
        for (const char* const name : {names...}) {
            out += std::string(name) + "=[";
            for (const auto value : r.headers.get_all(name)) out += std::string(value) + ";";
            out += "]";
        }
        return reply(200, out);
    });
}

/// What several requests came to, in the order in which they ended.
text note(client& c, std::string path, std::string& order) {
    const std::string out = co_await get(c, "http://host" + path);
    order += order.empty() ? "" : ", ";
    order += path + " " + out;
    co_return out;
}
text all_of_them(client& c, const char* paths) {
    std::string order;
    std::vector<text> calls;
    for (const char* p = paths; *p != 0; ++p) calls.push_back(note(c, std::string("/") + *p, order));
    co_await tandem::gather(std::move(calls));
    co_return order;
}
text three(client& c) { return all_of_them(c, "abc"); }
/// The second of three in line gives up after a while.
text impatient(client& c, std::string& order) {
    const auto in_time = co_await tandem::move_on_after(5ms, get(c, "http://host/b"));
    if (!in_time) order += "b leaves";
    co_return std::string();
}
text one_leaves(client& c) {
    std::string order;
    std::vector<text> calls;
    calls.push_back(note(c, "/a", order));
    calls.push_back(impatient(c, order));
    calls.push_back(note(c, "/c", order));
    co_await tandem::gather(std::move(calls));
    co_return order;
}
void one_each(http::client_options& o) { o.connections_per_host(1); }

}  // namespace

TEST_CASE("requests: credentials of a URL", "[http][conformance][request][virtual]") {
    check_rows({
        row(
            "user and password", [](net& n) { answer(n, reply()); },
            [](client& c) { return get(c, "http://user:pass@host/"); },
            "200 | GET / A=Basic dXNlcjpwYXNz | 1 made, 1 kept"),
        row(
            "a user without a password has an empty one", [](net& n) { answer(n, reply()); },
            [](client& c) { return get(c, "http://user@host/"); },
            "200 | GET / A=Basic dXNlcjo= | 1 made, 1 kept"),
        row(
            "a password without a user", [](net& n) { answer(n, reply()); },
            [](client& c) { return get(c, "http://:pw@host/"); },
            "200 | GET / A=Basic OnB3 | 1 made, 1 kept"),
        row(
            "what is encoded in them is decoded", [](net& n) { answer(n, reply()); },
            [](client& c) { return get(c, "http://My%20User:a%3Ab%40@host/"); },
            "200 | GET / A=Basic TXkgVXNlcjphOmJA | 1 made, 1 kept"),
        row(
            "a header of one's own goes before them", [](net& n) { answer(n, reply()); },
            [](client& c) {
                return outcome_of(c.get("http://user:pass@host/").header("Authorization", "Bearer x"));
            },
            "200 | GET / A=Bearer x | 1 made, 1 kept"),
        row(
            "none, where nothing stands before the @", [](net& n) { answer(n, reply()); },
            [](client& c) { return get(c, "http://@host/"); }, "200 | GET / | 1 made, 1 kept"),
    });
}

TEST_CASE("requests: Expect", "[http][conformance][request][virtual]") {
    check_rows({
        row(
            "it is said once, also if the request says it, too", [](net& n) { tell(n, "Expect"); },
            [](client& c) {
                return outcome_of(
                    c.put("http://host/").body("x").header("Expect", "100-continue").expect_continue(true));
            },
            "200 Expect=[100-continue;] | PUT / x | 1 made, 1 kept"),
        row(
            "an empty body waits for nothing", [](net& n) { tell(n, "Expect", "Content-Length"); },
            [](client& c) { return outcome_of(c.put("http://host/").body("").expect_continue(true)); },
            "200 Expect=[]Content-Length=[0;] | PUT / | 1 made, 1 kept"),
        row(
            "no body waits for nothing", [](net& n) { tell(n, "Expect", "Content-Length"); },
            [](client& c) { return outcome_of(c.get("http://host/").expect_continue(true)); },
            "200 Expect=[]Content-Length=[] | GET / | 1 made, 1 kept"),
        row(
            "a request of HTTP/1.0 waits for nothing", [](net& n) { tell(n, "Expect", "Content-Length"); },
            [](client& c) {
                return outcome_of(
                    c.put("http://host/").body("x").expect_continue(true).version(http::version::http_1_0));
            },
            "200 Expect=[]Content-Length=[1;] | PUT / x | 1 made, 0 kept"),
    });
}

TEST_CASE("requests: who says close", "[http][conformance][connection][virtual]") {
    check_rows({
        row(
            "Connection: close of the request ends it", [](net& n) { answer(n, reply(200, "x")); },
            [](client& c) { return outcome_of(c.get("http://host/").header("Connection", "close")); },
            "200 x | GET / | 1 made, 0 kept"),
        row(
            "HTTP/1.0 that says keep-alive and close is closed",
            [](net& n) {
                answer(n, reply().raw("HTTP/1.0 200 OK\r\nConnection: keep-alive, close\r\n"
                                      "Content-Length: 1\r\n\r\nx"));
            },
            twice, "200 x+200 x | GET /, GET / | 2 made, 0 kept"),
        row(
            "the same in two fields",
            [](net& n) {
                answer(n, reply().raw("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nConnection: close\r\n"
                                      "Content-Length: 1\r\n\r\nx"));
            },
            twice, "200 x+200 x | GET /, GET / | 2 made, 0 kept"),
        row(
            "an answer to HEAD that says chunked leaves it free",
            [](net& n) { answer(n, reply().raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")); },
            [](client& c) { return outcome_of(c.head("http://host/")); }, "200 | HEAD / | 1 made, 1 kept"),
        row(
            "304 that says chunked leaves it free",
            [](net& n) { answer(n, reply().raw("HTTP/1.1 304 N\r\nTransfer-Encoding: chunked\r\n\r\n")); },
            twice, "304+304 | GET /, GET / | 1 made, 1 kept"),
        row(
            "304 that sends the chunks all the same ends it",
            [](net& n) {
                answer(n, reply().raw("HTTP/1.1 304 N\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"));
            },
            twice, "304+304 | GET /, GET / | 2 made, ? kept"),
        row(
            "408 that a server sends to an idle connection is no answer to the next request",
            [](net& n) {
                answer(n, reply().raw("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
                                      "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n"));
            },
            twice, "200+200 | GET /, GET / | 2 made, ? kept"),
        row(
            "the end of the stream after 100 is an error, and no reason to repeat",
            [](net& n) {
                n.on("*", "*", reply(204))
                    .on("*", "*", reply().raw("HTTP/1.1 100 Continue\r\n\r\n").close_silently());
            },
            twice, "204+the connection ended inside the headers | GET /, GET / | 1 made, 0 kept"),
    });
}

TEST_CASE("requests: the line for a connection", "[http][conformance][pool][virtual]") {
    check_rows({
        row(
            "who came first is served first", [](net& n) { answer(n, reply().delay(10ms)); }, three,
            "/a 200, /b 200, /c 200 | GET /a, GET /b, GET /c | 1 made, 1 kept", one_each),
        row(
            "a connection that is refused lets the next one try",
            [](net& n) {
                answer(n, reply());
                n.refuse(1).connect_delay(10ms);
            },
            three, "/a no connection, /b 200, /c 200 | GET /b, GET /c | 1 made, 1 kept", one_each),
        row(
            "all of them are refused, one after the other",
            [](net& n) {
                answer(n, reply());
                n.refuse().connect_delay(10ms);
            },
            three, "/a no connection, /b no connection, /c no connection |  | 0 made, 0 kept", one_each),
        row(
            "a connection that dies makes room for the next",
            [](net& n) { answer(n, reply().delay(10ms).cut_after(0)); }, three,
            "/a the server closed the connection without an answer, "
            "/b the server closed the connection without an answer, "
            "/c the server closed the connection without an answer"
            " | GET /a, GET /b, GET /c | 3 made, 0 kept",
            one_each),
        row(
            "one that is not kept makes room for the next",
            [](net& n) { answer(n, reply(200, "x").close().delay(10ms)); }, three,
            "/a 200 x, /b 200 x, /c 200 x | GET /a, GET /b, GET /c | 3 made, 0 kept", one_each),
        row(
            "who leaves the line does not hold it up", [](net& n) { answer(n, reply().delay(10ms)); },
            one_leaves, "b leaves, /a 200, /c 200 | GET /a, GET /c | 1 made, 1 kept", one_each),
        row(
            "a connection for another host takes the place of an idle one",
            [](net& n) { answer(n, reply()); },
            [](client& c) -> text {
                std::string out = co_await get(c, "http://a/");
                out += co_await get(c, "http://b/");
                out += co_await get(c, "http://a/");
                co_return out;
            },
            "200200200 | GET a/, GET b/, GET a/ | 3 made, 1 kept",
            [](http::client_options& o) { o.connections_total(1); }),
        row(
            "with a limit of 0 idle ones nothing is kept", [](net& n) { answer(n, reply()); }, twice,
            "200+200 | GET /, GET / | 2 made, 0 kept",
            [](http::client_options& o) { o.connections_idle(0); }),
    });
}

TEST_CASE("requests: through a proxy", "[http][conformance][proxy][virtual]") {
    const http::proxies one = http::proxies().all("http://user@proxy:3128");
    const http::url* const found = one.find(http::url("http://host/"));
    REQUIRE(found);
    CHECK(http::detail::connect_request(http::url("https://host/"), *found) ==
          "CONNECT host:443 HTTP/1.1\r\nHost: host:443\r\nProxy-Authorization: Basic dXNlcjo=\r\n\r\n");
    CHECK(http::detail::connect_request(http::url("https://[::1]:8443/"), http::url("http://proxy")) ==
          "CONNECT [::1]:8443 HTTP/1.1\r\nHost: [::1]:8443\r\n\r\n");
}

TANDEM_TEST("requests: of a thousand hosts no more is kept than may be idle", "[http][pool][virtual]") {
    net n;
    answer(n, reply(204));
    client c(over(n).connections_idle(3));
    for (int i = 0; i < 1000; ++i) {
        const http::response r = co_await c.get("http://h" + std::to_string(i) + "/");
        CHECK(r.status() == 204);
    }
    CHECK(c.statistics().idle == 3);
    CHECK(c.statistics().evicted == 997);
    CHECK(n.open_connections() == 3);
}
