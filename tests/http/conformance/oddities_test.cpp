// tandem - conformance: what servers say that makes little sense
// SPDX-License-Identifier: BSL-1.0
#include "http/conformance/table.hpp"

#include <tandem/core/sleep.hpp>

using namespace tandem_test;
using namespace std::chrono_literals;

namespace {

using net = http::mock_transport;
using client = http::client;
using text = tandem::task<std::string>;

void answer(net& n, reply how) { n.on("*", "*", std::move(how)); }
void wire(net& n, const char* raw) { answer(n, reply().raw(raw)); }
void keep_alive(net& n, const char* value) { answer(n, reply(204).header("Keep-Alive", value)); }
/// Redirects "/a/b" to `location`; everything else is there.
void moved(net& n, const char* location) {
    n.on("*", "/a/b", reply(302).header("Location", location)).on("*", "*", reply(200, "ok"));
}

text moved_get(client& c) { return get(c, "http://host/a/b"); }
text with_key(client& c) { return outcome_of(c.get("http://host/a/b").header("Authorization", "x")); }
template <int Milliseconds = 0>
text twice(client& c) {
    std::string both = co_await get(c);
    co_await tandem::sleep(std::chrono::milliseconds(Milliseconds));
    both += "+";
    both += co_await get(c);
    co_return both;
}

}  // namespace

TEST_CASE("redirects: odd places", "[http][conformance][redirect][virtual]") {
    check_rows({
        row(
            "a path without a slash is a neighbour", [](net& n) { moved(n, "c?x=1"); }, moved_get,
            "200 ok <302 | GET /a/b, GET /a/c?x=1 | 1 made, 1 kept"),
        row(
            "a colon in a path after a slash is no scheme", [](net& n) { moved(n, "./c:d"); }, moved_get,
            "200 ok <302 | GET /a/b, GET /a/c:d | 1 made, 1 kept"),
        row(
            "a fragment alone asks for the same again",
            [](net& n) {
                n.on("*", "/a/b", reply(302).header("Location", "#f")).on("*", "/a/b", reply(200));
            },
            moved_get, "200 <302 | GET /a/b, GET /a/b | 1 made, 1 kept"),
        row(
            "scheme and host in capitals, the port written out, are the same origin",
            [](net& n) { moved(n, "HTTP://HOST:80/c"); }, with_key,
            "200 ok <302 | GET /a/b A=x, GET /c A=x | 1 made, 1 kept"),
        row(
            "a dot behind the host makes another one of it", [](net& n) { moved(n, "http://host./c"); },
            with_key, "200 ok <302 | GET /a/b A=x, GET host./c | 2 made, 2 kept"),
        row(
            "three slashes lead to no host", [](net& n) { moved(n, "http:///c"); }, moved_get,
            "invalid URL | GET /a/b | 1 made, 1 kept"),
        row(
            "one slash behind the scheme leads to no host", [](net& n) { moved(n, "http:/c"); }, moved_get,
            "invalid URL | GET /a/b | 1 made, 1 kept"),
        row(
            "backslashes are no slashes: they lead to no other host", [](net& n) { moved(n, "\\\\evil\\c"); },
            moved_get, "200 ok <302 | GET /a/b, GET /a/%5C%5Cevil%5Cc | 1 made, 1 kept"),
        row(
            "a slash and a backslash do not either", [](net& n) { moved(n, "/\\evil/c"); }, moved_get,
            "200 ok <302 | GET /a/b, GET /%5Cevil/c | 1 made, 1 kept"),
        row(
            "two slashes and a backslash are refused", [](net& n) { moved(n, "//evil\\@host/c"); }, moved_get,
            "invalid URL | GET /a/b | 1 made, 1 kept"),
        row(
            "a host beyond ASCII is refused",
            [](net& n) {
                moved(n,
                      "http://b\xc3\xbc"
                      "cher/");
            },
            moved_get, "invalid URL | GET /a/b | 1 made, 1 kept"),
        row(
            "nothing before the @ keeps the credentials of the same origin",
            [](net& n) { moved(n, "http://@host/c"); },
            [](client& c) { return get(c, "http://u:p@host/a/b"); },
            "200 ok <302 | GET /a/b A=Basic dTpw, GET /c A=Basic dTpw | 1 made, 1 kept"),
        row(
            "303 leaves a GET its body",
            [](net& n) {
                n.on("*", "/a/b", reply(303).header("Location", "c")).on("*", "*", reply(200, "ok"));
            },
            [](client& c) { return outcome_of(c.get("http://host/a/b").body("x")); },
            "200 ok <303 | GET /a/b x, GET /a/c x | 1 made, 1 kept"),
    });
}

TEST_CASE("decoding: bodies that are none", "[http][conformance][decode][virtual]") {
    check_rows({
        row(
            "204 has nothing to decode",
            [](net& n) { wire(n, "HTTP/1.1 204 N\r\nContent-Encoding: gzip\r\n\r\n"); }, twice<>,
            "204+204 | GET /, GET / | 1 made, 1 kept"),
        row(
            "chunks without a byte are empty in any coding",
            [](net& n) {
                wire(n,
                     "HTTP/1.1 200 OK\r\nContent-Encoding: gzip, deflate\r\n"
                     "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
            },
            twice<>, "200+200 | GET /, GET / | 1 made, 1 kept"),
        row(
            "an end of the stream without a byte, too",
            [](net& n) {
                answer(n, reply().raw("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n").close_silently());
            },
            twice<>, "200+200 | GET /, GET / | 2 made, 0 kept"),
        row(
            "an empty coding is none",
            [](net& n) { answer(n, reply(200, "x").header("Content-Encoding", "")); }, twice<>,
            "200 x+200 x | GET /, GET / | 1 made, 1 kept"),
        row(
            "a character set instead of a coding is left alone",
            [](net& n) { answer(n, reply(200, "x").header("Content-Encoding", "UTF-8")); }, twice<>,
            "200 x+200 x | GET /, GET / | 1 made, 1 kept"),
    });
}

TEST_CASE("connections: a Keep-Alive that cannot be read", "[http][conformance][connection][virtual]") {
    check_rows({
        row(
            "timeout=0 keeps nothing", [](net& n) { keep_alive(n, "timeout=0"); }, twice<>,
            "204+204 | GET /, GET / | 2 made, 0 kept"),
        row(
            "a unit behind the number changes nothing", [](net& n) { keep_alive(n, "timeout=3s"); },
            twice<2001>, "204+204 | GET /, GET / | 2 made, 1 kept"),
        row(
            "a negative number is none", [](net& n) { keep_alive(n, "timeout=-5"); }, twice<3999>,
            "204+204 | GET /, GET / | 1 made, 1 kept"),
        row(
            "a number without end is none", [](net& n) { keep_alive(n, "timeout=99999999999999999999"); },
            twice<3999>, "204+204 | GET /, GET / | 1 made, 1 kept"),
        row(
            "max alone says nothing about time", [](net& n) { keep_alive(n, "max=1"); }, twice<3999>,
            "204+204 | GET /, GET / | 1 made, 1 kept"),
    });
}
