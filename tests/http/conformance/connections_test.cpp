// tandem - conformance: connections, repetition, limits in time and size, decoding
// SPDX-License-Identifier: BSL-1.0
#include "http/conformance/table.hpp"

#include <zlib.h>

#include <tandem/core/sleep.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/timeout.hpp>

using namespace tandem_test;
using namespace std::chrono_literals;

namespace {

using net = http::mock_transport;
using client = http::client;
using text = tandem::task<std::string>;

text twice(client& c) {
    std::string both = co_await get(c);
    both += "+";
    both += co_await get(c);
    co_return both;
}
text once(client& c) { return get(c); }
text post(client& c) { return outcome_of(c.post("http://host/").body("x")); }
text head(client& c) { return outcome_of(c.head("http://host/")); }
text get_then_post(client& c) {
    std::string both = co_await get(c);
    both += "+";
    both += co_await post(c);
    co_return both;
}
template <int Milliseconds>
text twice_with_pause(client& c) {
    std::string both = co_await get(c);
    co_await tandem::sleep(std::chrono::milliseconds(Milliseconds));
    both += "+";
    both += co_await get(c);
    co_return both;
}
/// What a call came to, and after how many milliseconds.
text timed(client& c, http::request_builder call) {
    static_cast<void>(c);
    const auto start = tandem::this_task::loop().now();
    std::string out = co_await outcome_of(std::move(call));
    out += " after " +
           std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(since(start)).count()) +
           " ms";
    co_return out;
}
text timed_get(client& c) { return timed(c, c.get("http://host/")); }

void answer(net& n, reply how) { n.on("*", "/", std::move(how)); }
void wire(net& n, const char* raw) { n.on("*", "/", reply().raw(raw)); }

std::string packed(std::string_view plain, int window) {
    z_stream z{};
    deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY);
    std::string out(deflateBound(&z, plain.size()) + 64, '\0');
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
    z.avail_in = static_cast<uInt>(plain.size());
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = static_cast<uInt>(out.size());
    deflate(&z, Z_FINISH);
    out.resize(z.total_out);
    deflateEnd(&z);
    return out;
}
std::string gzip(std::string_view plain) { return packed(plain, 31); }
void coded(net& n, std::string body, const char* coding) {
    answer(n, reply(200, std::move(body)).header("Content-Encoding", coding));
}

}  // namespace

TEST_CASE("connections: what is kept for the next request", "[http][conformance][connection][virtual]") {
    check_rows({
        row(
            "a body of Content-Length leaves it free", [](net& n) { answer(n, reply(200, "x")); }, twice,
            "200 x+200 x | GET /, GET / | 1 made, 1 kept"),
        row(
            "a chunked body leaves it free", [](net& n) { answer(n, reply(200, "xyz").chunked(2)); }, twice,
            "200 xyz+200 xyz | GET /, GET / | 1 made, 1 kept"),
        row(
            "trailers leave it free", [](net& n) { answer(n, reply(200, "x").chunked(1).trailer("A", "b")); },
            twice, "200 x+200 x | GET /, GET / | 1 made, 1 kept"),
        row(
            "204 leaves it free", [](net& n) { answer(n, reply(204)); }, twice,
            "204+204 | GET /, GET / | 1 made, 1 kept"),
        row(
            "304 with a length leaves it free", [](net& n) { answer(n, reply(304).length(500)); }, twice,
            "304+304 | GET /, GET / | 1 made, 1 kept"),
        row(
            "an answer to HEAD leaves it free", [](net& n) { answer(n, reply(200, "body")); }, head,
            "200 | HEAD / | 1 made, 1 kept"),
        row(
            "404 and 500 leave it free",
            [](net& n) { n.on("GET", "/", reply(404)).on("GET", "/", reply(500)); }, twice,
            "404+500 | GET /, GET / | 1 made, 1 kept"),
        row(
            "an informational answer leaves it free",
            [](net& n) { answer(n, reply(200, "x").informational(103)); }, twice,
            "200 x+200 x | GET /, GET / | 1 made, 1 kept"),
        row(
            "Connection: close ends it", [](net& n) { answer(n, reply(200, "x").close()); }, twice,
            "200 x+200 x | GET /, GET / | 2 made, 0 kept"),
        row(
            "Connection: Close in another case ends it",
            [](net& n) { answer(n, reply(200, "x").header("connection", "CLOSE")); }, twice,
            "200 x+200 x | GET /, GET / | 2 made, 0 kept"),
        row(
            "close in a list ends it",
            [](net& n) { answer(n, reply(200, "x").header("Connection", "foo, close")); }, twice,
            "200 x+200 x | GET /, GET / | 2 made, 0 kept"),
        row(
            "a trailer cannot end it",
            [](net& n) { answer(n, reply(200, "x").chunked(1).trailer("Connection", "close")); }, twice,
            "200 x+200 x | GET /, GET / | 1 made, 1 kept"),
        row(
            "HTTP/1.0 ends it", [](net& n) { wire(n, "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx"); },
            twice, "200 x+200 x | GET /, GET / | 2 made, 0 kept"),
        row(
            "HTTP/1.0 with keep-alive does not",
            [](net& n) {
                wire(n, "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx");
            },
            twice, "200 x+200 x | GET /, GET / | 1 made, 1 kept"),
        row(
            "a body to the end of the stream ends it",
            [](net& n) { answer(n, reply(200, "x").until_close()); }, twice,
            "200 x+200 x | GET /, GET / | 2 made, 0 kept"),
        row(
            "bytes after the body end it",
            [](net& n) { wire(n, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n"); },
            twice, "200 x+200 x | GET /, GET / | 2 made, ? kept"),
        row(
            "a second answer ahead of its request is never taken for one",
            [](net& n) {
                wire(n,
                     "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1HTTP/1.1 200 OK\r\nContent-Length: "
                     "1\r\n\r\n2");
            },
            twice, "200 1+200 1 | GET /, GET / | 2 made, ? kept"),
        row(
            "a body after 204 ends it",
            [](net& n) { wire(n, "HTTP/1.1 204 No\r\nContent-Length: 4\r\n\r\nevil"); }, twice,
            "204+204 | GET /, GET / | 2 made, ? kept"),
        row(
            "a body after HEAD ends it",
            [](net& n) { wire(n, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"); },
            [](client& c) -> text {
                std::string both = co_await head(c);
                both += "+";
                both += co_await head(c);
                co_return both;
            },
            "200+200 | HEAD /, HEAD / | 2 made, ? kept"),
        row(
            "a stream that is dropped in its middle ends it",
            [](net& n) { answer(n, reply(200, "x").body_delay(1h)); },
            [](client& c) -> text {
                { const auto s = co_await c.get("http://host/").stream(); }
                co_return "dropped";
            },
            "dropped | GET / | 1 made, 0 kept"),
        row(
            "a stream that is read to its end leaves it free",
            [](net& n) { answer(n, reply(200, "xyz").body_delay(1s)); },
            [](client& c) -> text {
                auto s = co_await c.get("http://host/").stream();
                std::string all = co_await s.text();
                co_return all;
            },
            "xyz | GET / | 1 made, 1 kept"),
        row(
            "a stream whose small rest is drained leaves it free",
            [](net& n) { answer(n, reply(200, "xyz").body_delay(10ms)); },
            [](client& c) -> text {
                auto s = co_await c.get("http://host/").stream();
                co_await s.drain();
                co_return "drained";
            },
            "drained | GET / | 1 made, 1 kept"),
        row(
            "two origins have connections of their own", [](net& n) { n.on("GET", "*", reply(204)); },
            [](client& c) -> text {
                std::string all = co_await get(c, "http://a/");
                all += co_await get(c, "http://a:81/");
                all += co_await get(c, "https://a/");
                all += co_await get(c, "http://A:80/");
                co_return all;
            },
            "204204204204 | GET a/, GET a:81/, GET a/, GET a/ | 3 made, 3 kept"),
        row(
            "one that is idle for four seconds is closed", [](net& n) { answer(n, reply(204)); },
            twice_with_pause<4001>, "204+204 | GET /, GET / | 2 made, 1 kept"),
        row(
            "one that is idle for less is used", [](net& n) { answer(n, reply(204)); },
            twice_with_pause<3999>, "204+204 | GET /, GET / | 1 made, 1 kept"),
        row(
            "Keep-Alive: timeout=3 makes that two seconds",
            [](net& n) { answer(n, reply(204).header("Keep-Alive", "timeout=3, max=9")); },
            twice_with_pause<2001>, "204+204 | GET /, GET / | 2 made, 1 kept"),
        row(
            "Keep-Alive: timeout=1 keeps nothing",
            [](net& n) { answer(n, reply(204).header("Keep-Alive", "timeout=1")); }, twice,
            "204+204 | GET /, GET / | 2 made, 0 kept"),
        row(
            "Keep-Alive cannot make it longer",
            [](net& n) { answer(n, reply(204).header("Keep-Alive", "timeout=3600")); },
            twice_with_pause<4001>, "204+204 | GET /, GET / | 2 made, 1 kept"),
        row(
            "one that the server has closed meanwhile is found out",
            [](net& n) { answer(n, reply(204).close_silently()); }, twice_with_pause<1>,
            "204+204 | GET /, GET / | 2 made, ? kept"),
        row(
            "an early answer ends it, because the body was not sent",
            [](net& n) { n.on("POST", "/", reply(413, "too large").early()); },
            [](client& c) { return outcome_of(c.post("http://host/").body(std::string(1'000'000, 'x'))); },
            "413 too large | POST / | 1 made, 0 kept"),
        row(
            "Expect: 100-continue sends the body when told to", [](net& n) { answer(n, reply(200, "ok")); },
            [](client& c) { return outcome_of(c.put("http://host/").body("x").expect_continue(true)); },
            "200 ok | PUT / x | 1 made, 1 kept"),
        row(
            "Expect: 100-continue with 417 does not send it",
            [](net& n) { n.on("PUT", "/", reply(417, "no").early()); },
            [](client& c) { return outcome_of(c.put("http://host/").body("x").expect_continue(true)); },
            "417 no | PUT / | 1 made, 0 kept"),
    });
}

TEST_CASE("connections: when a request is repeated", "[http][conformance][connection][virtual]") {
    check_rows({
        row(
            "a GET on a kept connection that dies is sent once more",
            [](net& n) {
                n.on("*", "/", reply(204)).on("*", "/", reply().cut_after(0)).on("*", "/", reply(200));
            },
            twice, "204+200 | GET /, GET /, GET / | 2 made, 1 kept"),
        row(
            "the same after a reset",
            [](net& n) {
                n.on("*", "/", reply(204)).on("*", "/", reply().reset_after(0)).on("*", "/", reply(200));
            },
            twice, "204+200 | GET /, GET /, GET / | 2 made, 1 kept"),
        row(
            "once, and no more",
            [](net& n) { n.on("*", "/", reply(204)).on("*", "/", reply().cut_after(0)); }, twice,
            "204+the server closed the connection without an answer | GET /, GET /, GET / | 2 made, 0 kept"),
        row(
            "a POST is not",
            [](net& n) {
                n.on("*", "/", reply(204)).on("*", "/", reply().cut_after(0)).on("*", "/", reply(200));
            },
            get_then_post,
            "204+a kept connection was closed as the request left | GET /, POST / x | 1 made, 0 kept"),
        row(
            "a POST with Idempotency-Key is",
            [](net& n) {
                n.on("*", "/", reply(204)).on("*", "/", reply().cut_after(0)).on("*", "/", reply(200));
            },
            [](client& c) -> text {
                std::string both = co_await get(c);
                both += "+";
                both += co_await outcome_of(c.post("http://host/").body("x").header("Idempotency-Key", "1"));
                co_return both;
            },
            "204+200 | GET /, POST / x, POST / x | 2 made, 1 kept"),
        row(
            "nothing is on a fresh connection", [](net& n) { answer(n, reply().cut_after(0)); }, once,
            "the server closed the connection without an answer | GET / | 1 made, 0 kept"),
        row(
            "nothing is once a byte of the answer has come",
            [](net& n) {
                n.on("*", "/", reply(204)).on("*", "/", reply().cut_after(1)).on("*", "/", reply(200));
            },
            twice, "204+the connection ended inside the headers | GET /, GET / | 1 made, 0 kept"),
        row(
            "nothing is when that is switched off",
            [](net& n) { n.on("*", "/", reply(204)).on("*", "/", reply().cut_after(0)); }, twice,
            "204+a kept connection was closed as the request left | GET /, GET / | 1 made, 0 kept",
            [](http::client_options& o) { o.retry_reused(false); }),
        row(
            "nothing is for a status", [](net& n) { answer(n, reply(503)); }, once,
            "503 | GET / | 1 made, 1 kept"),
        row(
            "a refused connection is an error", [](net& n) { n.refuse(); }, once,
            "no connection |  | 0 made, 0 kept"),
    });
}

TEST_CASE("limits: in time", "[http][conformance][limits][virtual]") {
    check_rows({
        row(
            "a server that does not answer", [](net& n) { answer(n, reply().never()); }, timed_get,
            "the server does not answer after 60000 ms | GET / | 1 made, 0 kept"),
        row(
            "an informational answer begins the time anew",
            [](net& n) { answer(n, reply(200).informational(103).drip(35, 59s)); }, timed_get,
            "200 after 59000 ms | GET / | 1 made, 1 kept"),
        row(
            "a body that stops coming", [](net& n) { answer(n, reply(200, "x").body_delay(1h)); }, timed_get,
            "the body stopped coming after 30000 ms | GET / | 1 made, 0 kept"),
        row(
            "a body that comes slowly is no error",
            [](net& n) { answer(n, reply(200, std::string(100, 'x')).body_delay(29s)); },
            [](client& c) -> text {
                const auto r = co_await c.get("http://host/");
                co_return std::to_string(r.text().size());
            },
            "100 | GET / | 1 made, 1 kept"),
        row(
            "connecting", [](net& n) { n.connect_delay(1h); }, timed_get,
            "connecting took too long after 10000 ms |  | 0 made, 0 kept"),
        row(
            "the whole call, while it connects", [](net& n) { n.connect_delay(1h); },
            [](client& c) { return timed(c, c.get("http://host/").timeout(2s)); },
            "the request took too long after 2000 ms |  | 0 made, 0 kept"),
        row(
            "the whole call, while it waits for the head", [](net& n) { answer(n, reply().never()); },
            [](client& c) { return timed(c, c.get("http://host/").timeout(2s)); },
            "the request took too long after 2000 ms | GET / | 1 made, 0 kept"),
        row(
            "the whole call, in the body", [](net& n) { answer(n, reply(200, "x").body_delay(1h)); },
            [](client& c) { return timed(c, c.get("http://host/").timeout(2s)); },
            "the request took too long after 2000 ms | GET / | 1 made, 0 kept"),
        row(
            "the whole call, over its redirects",
            [](net& n) { answer(n, reply(302).header("Location", "/").delay(900ms)); },
            [](client& c) { return timed(c, c.get("http://host/").timeout(2s)); },
            "the request took too long after 2000 ms | GET /, GET /, GET / | 1 made, 0 kept"),
        row(
            "the wait for a connection", [](net& n) { answer(n, reply().never()); },
            [](client& c) -> text {
                auto first = tandem::create_task(outcome_of(c.get("http://host/")));
                co_await tandem::sleep(1s);
                std::string out = co_await timed_get(c);
                co_await first;
                co_return out;
            },
            "no connection became free in time after 5000 ms | GET / | 1 made, 0 kept",
            [](http::client_options& o) { o.connections_per_host(1); }),
        row(
            "a server that does not take the request", [](net& n) { n.takes(100); },
            [](client& c) { return timed(c, c.post("http://host/").body(std::string(200'000, 'x'))); },
            "the server does not take the request after 30000 ms |  | 1 made, 0 kept"),
        row(
            "a stream has no total limit",
            [](net& n) { answer(n, reply(200, std::string(40, 'x')).drip(1, 29s)); },
            [](client& c) -> text {
                auto s = co_await c.get("http://host/").timeouts(http::timeouts().header(1h)).stream();
                const std::string all = co_await s.text();
                co_return std::to_string(all.size());
            },
            "40 | GET / | 1 made, 1 kept"),
        row(
            "a tandem::timeout around it stops it", [](net& n) { answer(n, reply().never()); },
            [](client& c) -> text {
                const auto r = co_await tandem::move_on_after(2s, outcome_of(c.get("http://host/")));
                co_return r ? *r : "stopped";
            },
            "stopped | GET / | 1 made, 0 kept"),
    });
}

TEST_CASE("limits: in size", "[http][conformance][limits][virtual]") {
    static const auto small = [](http::client_options& o) {
        o.limits(http::limits().body_bytes(10).header_bytes(200).header_fields(5).informational(2));
    };
    check_rows({
        row(
            "a body as large as allowed", [](net& n) { answer(n, reply(200, "0123456789")); }, once,
            "200 0123456789 | GET / | 1 made, 1 kept", small),
        row(
            "a body that says it is larger", [](net& n) { answer(n, reply(200, "01234567890")); }, once,
            "the body is too large | GET / | 1 made, ? kept", small),
        row(
            "a chunked body that is larger", [](net& n) { answer(n, reply(200, "01234567890").chunked(4)); },
            once, "the body is too large | GET / | 1 made, ? kept", small),
        row(
            "a body to the end of the stream that is larger",
            [](net& n) { answer(n, reply(200, "01234567890").until_close()); }, once,
            "the body is too large | GET / | 1 made, ? kept", small),
        row(
            "a body that becomes larger when it is decoded",
            [](net& n) { coded(n, gzip(std::string(1000, 'x')), "gzip"); }, once,
            "the body is too large | GET / | 1 made, ? kept", small),
        row(
            "a length of 2^63 costs no memory",
            [](net& n) { answer(n, reply(200, "x").length(std::uint64_t{1} << 63)); }, once,
            "the body is too large | GET / | 1 made, ? kept"),
        row(
            "headers that are too large",
            [](net& n) { answer(n, reply(200).header("A", std::string(200, 'x'))); }, once,
            "the headers are too large | GET / | 1 made, 0 kept", small),
        row(
            "headers without end",
            [](net& n) { answer(n, reply().raw("HTTP/1.1 200 OK\r\nA: " + std::string(1000, 'x'))); }, once,
            "the headers are too large | GET / | 1 made, 0 kept", small),
        row(
            "too many headers",
            [](net& n) {
                answer(n,
                       reply(200).header("A", "1").header("B", "2").header("C", "3").header("D", "4").header(
                           "E", "5"));
            },
            once, "the headers are too large | GET / | 1 made, 0 kept", small),
        row(
            "too many informational answers",
            [](net& n) { answer(n, reply(200).informational(103).informational(103).informational(103)); },
            once, "the answer is not valid HTTP/1.1 | GET / | 1 made, 0 kept", small),
        row(
            "chunk extensions without end",
            [](net& n) {
                answer(n, reply().raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" +
                                      std::string(1000, 'x')));
            },
            once, "the headers are too large | GET / | 1 made, 0 kept", small),
        row(
            "trailers without end",
            [](net& n) {
                answer(n, reply().raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: " +
                                      std::string(1000, 'x')));
            },
            once, "the headers are too large | GET / | 1 made, 0 kept", small),
        row(
            "a bomb, long before it is out",
            [](net& n) { coded(n, gzip(std::string(50'000'000, '\0')), "gzip"); },
            [](client& c) -> text {
                auto s = co_await c.get("http://host/").limits(http::limits().decode_ratio(100)).stream();
                std::size_t size = 0;
                std::string end = "all of it";
                try {
                    for (;;) {
                        const auto piece = co_await s.next_chunk();
                        size += piece.size();
                        if (piece.empty()) break;
                    }
                } catch (const http::error& e) {
                    end = http::to_string(e.code());
                }
                co_return end + (size < 8'000'000 ? "" : " too late");
            },
            "the body is too large | GET / | 1 made, ? kept"),
    });
}

TEST_CASE("decoding: of bodies", "[http][conformance][decoding][virtual]") {
    check_rows({
        row(
            "gzip", [](net& n) { coded(n, gzip("hello"), "gzip"); }, once,
            "200 hello | GET / | 1 made, 1 kept"),
        row(
            "x-gzip is gzip", [](net& n) { coded(n, gzip("hello"), "x-gzip"); }, once,
            "200 hello | GET / | 1 made, 1 kept"),
        row(
            "the name in any case", [](net& n) { coded(n, gzip("hello"), "GZip"); }, once,
            "200 hello | GET / | 1 made, 1 kept"),
        row(
            "deflate with a zlib header", [](net& n) { coded(n, packed("hello", 15), "deflate"); }, once,
            "200 hello | GET / | 1 made, 1 kept"),
        row(
            "deflate without one", [](net& n) { coded(n, packed("hello", -15), "deflate"); }, once,
            "200 hello | GET / | 1 made, 1 kept"),
        row(
            "gzip in chunks",
            [](net& n) {
                answer(n, reply(200, gzip("hello")).header("Content-Encoding", "gzip").chunked(3));
            },
            once, "200 hello | GET / | 1 made, 1 kept"),
        row(
            "gzip as a transfer coding",
            [](net& n) {
                const std::string z = gzip("hello");
                const std::string size(1, "0123456789abcdefghijklmnopqrstuvwxyz"[z.size() % 16]);
                answer(n, reply().raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n1" + size +
                                      "\r\n" + z + "\r\n0\r\n\r\n"));
            },
            once, "200 hello | GET / | 1 made, 1 kept"),
        row(
            "several members are one body", [](net& n) { coded(n, gzip("hello ") + gzip("world"), "gzip"); },
            once, "200 hello world | GET / | 1 made, 1 kept"),
        row(
            "garbage after the last member is ignored",
            [](net& n) { coded(n, gzip("hello") + "garbage", "gzip"); }, once,
            "200 hello | GET / | 1 made, 1 kept"),
        row(
            "two codings are undone in the opposite order",
            [](net& n) { coded(n, gzip(packed("hello", 15)), "deflate, gzip"); }, once,
            "200 hello | GET / | 1 made, 1 kept"),
        row(
            "six codings are refused", [](net& n) { coded(n, "x", "gzip, gzip, gzip, gzip, gzip, gzip"); },
            once, "the body is damaged | GET / | 1 made, ? kept"),
        row(
            "identity changes nothing", [](net& n) { coded(n, "hello", "identity"); }, once,
            "200 hello | GET / | 1 made, 1 kept"),
        row(
            "a coding that is not known is left alone", [](net& n) { coded(n, "hello", "zstd"); }, once,
            "200 hello | GET / | 1 made, 1 kept"),
        row(
            "one that is not known among others leaves all", [](net& n) { coded(n, "hello", "zstd, gzip"); },
            once, "200 hello | GET / | 1 made, 1 kept"),
        row(
            "an empty body is empty in any coding", [](net& n) { coded(n, "", "gzip"); }, once,
            "200 | GET / | 1 made, 1 kept"),
        row(
            "HEAD has nothing to decode", [](net& n) { coded(n, "", "gzip"); }, head,
            "200 | HEAD / | 1 made, 1 kept"),
        row(
            "304 has nothing to decode",
            [](net& n) { answer(n, reply(304).header("Content-Encoding", "gzip")); }, once,
            "304 | GET / | 1 made, 1 kept"),
        row(
            "a cut gzip body is damaged", [](net& n) { coded(n, gzip("hello").substr(0, 15), "gzip"); }, once,
            "the body is damaged | GET / | 1 made, ? kept"),
        row(
            "a gzip body that is none is damaged", [](net& n) { coded(n, "hello, not packed", "gzip"); },
            once, "the body is damaged | GET / | 1 made, ? kept"),
        row(
            "a wrong checksum is damage",
            [](net& n) {
                std::string z = gzip("hello");
                z[z.size() - 8] = static_cast<char>(z[z.size() - 8] ^ 1);
                coded(n, z, "gzip");
            },
            once, "the body is damaged | GET / | 1 made, ? kept"),
        row(
            "not when it is switched off", [](net& n) { coded(n, "hello", "gzip"); },
            [](client& c) { return outcome_of(c.get("http://host/").decompress(false)); },
            "200 hello | GET / | 1 made, 1 kept"),
        row(
            "not when the request says itself what it accepts", [](net& n) { coded(n, "hello", "gzip"); },
            [](client& c) { return outcome_of(c.get("http://host/").header("Accept-Encoding", "gzip")); },
            "200 hello | GET / | 1 made, 1 kept"),
        row(
            "a trailer cannot make a body compressed",
            [](net& n) { answer(n, reply(200, "hello").chunked(2).trailer("Content-Encoding", "gzip")); },
            once, "200 hello | GET / | 1 made, 1 kept"),
    });
}
