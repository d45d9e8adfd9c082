// tandem - conformance: redirects
// SPDX-License-Identifier: BSL-1.0
#include "http/conformance/table.hpp"

#include <tandem/http/body.hpp>

using namespace tandem_test;
using namespace std::chrono_literals;

namespace {

using net = http::mock_transport;
using client = http::client;
using text = tandem::task<std::string>;

/// The server answers / with this status and Location, and everything else with "there".
template <int Status>
void moved(net& n) {
    n.on("*", "/", reply(Status, "moved").header("Location", "/next")).on("*", "*", reply(200, "there"));
}
template <char... Letters>
struct to {
    static void serve(net& n) {
        const char location[] = {Letters..., '\0'};
        n.on("*", "/a/b", reply(302, "moved").header("Location", location))
            .on("*", "/a/b", reply(200, "there"))
            .on("*", "*", reply(200, "there"));
    }
};

text ask(client& c, const char* method, const char* body = nullptr) {
    auto call = c.request(method, "http://host/");
    if (body) call.body(std::string(body)).header("Content-Type", "text/plain");
    return outcome_of(std::move(call));
}
text from_b(client& c) { return get(c, "http://host/a/b"); }
text secrets(client& c, std::string url) {
    return outcome_of(c.get(std::move(url)).bearer("secret").header("Cookie", "id=7").header("X-Key", "k"));
}
void elsewhere(net& n, const char* location) {
    n.on("*", "/", reply(302).header("Location", location)).on("*", "*", reply(200, "there"));
}
tandem::task<std::string> none() { co_return std::string(); }

}  // namespace

TEST_CASE("redirects: what becomes of method and body", "[http][conformance][redirect][virtual]") {
    check_rows({
        row(
            "301 turns POST into GET and drops the body", moved<301>,
            [](client& c) { return ask(c, "POST", "x"); },
            "200 there <301 | POST / x C=text/plain, GET /next | 1 made, 1 kept"),
        row(
            "302 turns POST into GET and drops the body", moved<302>,
            [](client& c) { return ask(c, "POST", "x"); },
            "200 there <302 | POST / x C=text/plain, GET /next | 1 made, 1 kept"),
        row(
            "303 turns POST into GET and drops the body", moved<303>,
            [](client& c) { return ask(c, "POST", "x"); },
            "200 there <303 | POST / x C=text/plain, GET /next | 1 made, 1 kept"),
        row(
            "303 turns PUT into GET", moved<303>, [](client& c) { return ask(c, "PUT", "x"); },
            "200 there <303 | PUT / x C=text/plain, GET /next | 1 made, 1 kept"),
        row(
            "303 turns DELETE into GET", moved<303>, [](client& c) { return ask(c, "DELETE"); },
            "200 there <303 | DELETE /, GET /next | 1 made, 1 kept"),
        row(
            "303 leaves HEAD a HEAD", moved<303>, [](client& c) { return ask(c, "HEAD"); },
            "200 <303 | HEAD /, HEAD /next | 1 made, 1 kept"),
        row(
            "301 leaves PUT and its body", moved<301>, [](client& c) { return ask(c, "PUT", "x"); },
            "200 there <301 | PUT / x C=text/plain, PUT /next x C=text/plain | 1 made, 1 kept"),
        row(
            "302 leaves DELETE", moved<302>, [](client& c) { return ask(c, "DELETE"); },
            "200 there <302 | DELETE /, DELETE /next | 1 made, 1 kept"),
        row(
            "307 keeps method and body", moved<307>, [](client& c) { return ask(c, "POST", "x"); },
            "200 there <307 | POST / x C=text/plain, POST /next x C=text/plain | 1 made, 1 kept"),
        row(
            "308 keeps method and body", moved<308>, [](client& c) { return ask(c, "PATCH", "x"); },
            "200 there <308 | PATCH / x C=text/plain, PATCH /next x C=text/plain | 1 made, 1 kept"),
        row(
            "307 of a body that cannot be made again is an error", moved<307>,
            [](client& c) { return outcome_of(c.post("http://host/").body(http::streamed(none))); },
            "the body cannot be sent again | POST / | 1 made, ? kept"),
        row(
            "303 of a body that cannot be made again is followed without it", moved<303>,
            [](client& c) { return outcome_of(c.post("http://host/").body(http::streamed(none))); },
            "200 there <303 | POST /, GET /next | 1 made, 1 kept"),
    });
}

TEST_CASE("redirects: what is followed", "[http][conformance][redirect][virtual]") {
    check_rows({
        row(
            "300 is delivered", moved<300>, [](client& c) { return get(c); },
            "300 moved | GET / | 1 made, 1 kept"),
        row(
            "304 is delivered", [](net& n) { n.on("GET", "/", reply(304).header("Location", "/next")); },
            [](client& c) { return get(c); }, "304 | GET / | 1 made, 1 kept"),
        row(
            "305 and 306 are delivered",
            [](net& n) {
                n.on("GET", "/", reply(305).header("Location", "/next"))
                    .on("GET", "/x", reply(306).header("Location", "/next"));
            },
            [](client& c) -> text {
                std::string both = co_await get(c);
                both += "+";
                both += co_await get(c, "http://host/x");
                co_return both;
            },
            "305+306 | GET /, GET /x | 1 made, 1 kept"),
        row(
            "a redirect without Location is delivered",
            [](net& n) { n.on("GET", "/", reply(302, "where?")); }, [](client& c) { return get(c); },
            "302 where? | GET / | 1 made, 1 kept"),
        row(
            "a redirect with an empty Location is delivered",
            [](net& n) { n.on("GET", "/", reply(302, "where?").header("Location", "")); },
            [](client& c) { return get(c); }, "302 where? | GET / | 1 made, 1 kept"),
        row(
            "a 200 with Location is a 200",
            [](net& n) { n.on("GET", "/", reply(200, "x").header("Location", "/next")); },
            [](client& c) { return get(c); }, "200 x | GET / | 1 made, 1 kept"),
        row(
            "a 201 with Location is a 201",
            [](net& n) { n.on("POST", "/", reply(201).header("Location", "/new")); },
            [](client& c) { return ask(c, "POST"); }, "201 | POST / | 1 made, 1 kept"),
        row(
            "none is followed when told so", moved<302>,
            [](client& c) { return outcome_of(c.get("http://host/").follow_redirects(false)); },
            "302 moved | GET / | 1 made, 1 kept"),
        row(
            "ten in a row are followed",
            [](net& n) {
                for (int i = 0; i < 10; ++i)
                    n.on("GET", "/" + std::to_string(i),
                         reply(302).header("Location", "/" + std::to_string(i + 1)));
                n.on("GET", "/10", reply(200, "end"));
            },
            [](client& c) -> text {
                const std::string all = co_await get(c, "http://host/0");
                co_return all.substr(0, 7);
            },
            "200 end | GET /0, GET /1, GET /2, GET /3, GET /4, GET /5, GET /6, GET /7, GET /8, GET /9, GET "
            "/10 | 1 made, 1 kept"),
        row(
            "a loop ends in an error", [](net& n) { n.on("GET", "/", reply(302).header("Location", "/")); },
            [](client& c) { return get(c); }, "too many redirects | GET /, GET /, GET / | 1 made, ? kept",
            [](http::client_options& o) { o.max_redirects(2); }),
        row(
            "with max_redirects(0) the first is an error", moved<302>, [](client& c) { return get(c); },
            "too many redirects | GET / | 1 made, ? kept",
            [](http::client_options& o) { o.max_redirects(0); }),
        row(
            "each hop stands in the history with its status",
            [](net& n) {
                n.on("GET", "/", reply(301).header("Location", "/b"))
                    .on("GET", "/b", reply(307).header("Location", "/c"))
                    .on("GET", "/c", reply(200, "x"));
            },
            [](client& c) { return get(c); }, "200 x <301 <307 | GET /, GET /b, GET /c | 1 made, 1 kept"),
        row(
            "https to http is delivered, not followed", [](net& n) { elsewhere(n, "http://host/next"); },
            [](client& c) { return get(c, "https://host/"); }, "302 | GET / | 1 made, 1 kept"),
        row(
            "https to http is followed when allowed", [](net& n) { elsewhere(n, "http://host/next"); },
            [](client& c) { return get(c, "https://host/"); },
            "200 there <302 | GET /, GET /next | 2 made, 2 kept",
            [](http::client_options& o) { o.allow_downgrade(true); }),
        row(
            "http to https is followed", [](net& n) { elsewhere(n, "https://host/next"); },
            [](client& c) { return get(c); }, "200 there <302 | GET /, GET /next | 2 made, 2 kept"),
        row(
            "another scheme is an error", [](net& n) { elsewhere(n, "ftp://host/next"); },
            [](client& c) { return get(c); }, "invalid URL | GET / | 1 made, ? kept"),
        row(
            "javascript: is an error", [](net& n) { elsewhere(n, "javascript:alert(1)"); },
            [](client& c) { return get(c); }, "invalid URL | GET / | 1 made, ? kept"),
        row(
            "a Location that is no URL is an error", [](net& n) { elsewhere(n, "http://[::1/"); },
            [](client& c) { return get(c); }, "invalid URL | GET / | 1 made, ? kept"),
        row(
            "of two Locations the first counts",
            [](net& n) {
                n.on("GET", "/", reply(302).header("Location", "/one").header("Location", "/two"))
                    .on("GET", "*", reply(200));
            },
            [](client& c) { return get(c); }, "200 <302 | GET /, GET /one | 1 made, 1 kept"),
    });
}

TEST_CASE("redirects: where they lead", "[http][conformance][redirect][virtual]") {
    check_rows({
        row("an absolute path replaces the path", to<'/', 'x'>::serve, from_b,
            "200 there <302 | GET /a/b, GET /x | 1 made, 1 kept"),
        row("a relative path is resolved", to<'c', '/', 'd'>::serve, from_b,
            "200 there <302 | GET /a/b, GET /a/c/d | 1 made, 1 kept"),
        row("dot segments are removed", to<'.', '.', '/', '.', '/', 'x'>::serve, from_b,
            "200 there <302 | GET /a/b, GET /x | 1 made, 1 kept"),
        row("too many dot segments stop at the root",
            to<'.', '.', '/', '.', '.', '/', '.', '.', '/', 'x'>::serve, from_b,
            "200 there <302 | GET /a/b, GET /x | 1 made, 1 kept"),
        row("a query alone keeps the path", to<'?', 'q'>::serve, from_b,
            "200 there <302 | GET /a/b, GET /a/b?q | 1 made, 1 kept"),
        row("two slashes keep the scheme", to<'/', '/', 'h', '2', '/', 'x'>::serve, from_b,
            "200 there <302 | GET /a/b, GET h2/x | 2 made, 2 kept"),
        row("blanks are encoded", to<'/', 'a', ' ', 'b'>::serve, from_b,
            "200 there <302 | GET /a/b, GET /a%20b | 1 made, 1 kept"),
        row("bytes beyond ASCII are encoded", to<'/', '\xc3', '\xa4'>::serve, from_b,
            "200 there <302 | GET /a/b, GET /%C3%A4 | 1 made, 1 kept"),
        row("a fragment is not sent", to<'/', 'x', '#', 'f'>::serve, from_b,
            "200 there <302 | GET /a/b, GET /x | 1 made, 1 kept"),
        row(
            "a fragment is inherited", to<'/', 'x'>::serve,
            [](client& c) -> text {
                const auto r = co_await c.get("http://host/a/b#old");
                co_return r.url().to_string();
            },
            "http://host/x#old | GET /a/b, GET /x | 1 made, 1 kept"),
        row(
            "a fragment of its own replaces it", to<'/', 'x', '#', 'n', 'e', 'w'>::serve,
            [](client& c) -> text {
                const auto r = co_await c.get("http://host/a/b#old");
                co_return r.url().to_string();
            },
            "http://host/x#new | GET /a/b, GET /x | 1 made, 1 kept"),
    });
}

TEST_CASE("redirects: what is secret stays with its origin", "[http][conformance][redirect][virtual]") {
    const std::string own = "GET / A=Bearer secret C=id=7 X=k";
    check_rows({
        row(
            "the same origin gets it again", moved<302>, [](client& c) { return secrets(c, "http://host/"); },
            "200 there <302 | " + own + ", GET /next A=Bearer secret C=id=7 X=k | 1 made, 1 kept"),
        row(
            "another host gets neither Authorization nor Cookie",
            [](net& n) { elsewhere(n, "http://other/x"); },
            [](client& c) { return secrets(c, "http://host/"); },
            "200 there <302 | " + own + ", GET other/x X=k | 2 made, 2 kept"),
        row(
            "a host below is another host", [](net& n) { elsewhere(n, "http://www.host/x"); },
            [](client& c) { return secrets(c, "http://host/"); },
            "200 there <302 | " + own + ", GET www.host/x X=k | 2 made, 2 kept"),
        row(
            "another port is another origin", [](net& n) { elsewhere(n, "http://host:8080/x"); },
            [](client& c) { return secrets(c, "http://host/"); },
            "200 there <302 | " + own + ", GET host:8080/x X=k | 2 made, 2 kept"),
        row(
            "another scheme is another origin", [](net& n) { elsewhere(n, "https://host/x"); },
            [](client& c) { return secrets(c, "http://host/"); },
            "200 there <302 | " + own + ", GET /x X=k | 2 made, 2 kept"),
        row(
            "the default port written out is the same origin",
            [](net& n) { elsewhere(n, "http://host:80/x"); },
            [](client& c) { return secrets(c, "http://host/"); },
            "200 there <302 | " + own + ", GET /x A=Bearer secret C=id=7 X=k | 1 made, 1 kept"),
        row(
            "on the way back it does not come back",
            [](net& n) {
                n.on("GET", "/", reply(302).header("Location", "http://other/x"))
                    .on("GET", "/x", reply(302).header("Location", "http://host/home"))
                    .on("GET", "/home", reply(200));
            },
            [](client& c) { return secrets(c, "http://host/"); },
            "200 <302 <302 | " + own + ", GET other/x X=k, GET /home X=k | 2 made, 2 kept"),
        row(
            "credentials of the URL stay with the origin", [](net& n) { elsewhere(n, "http://other/x"); },
            [](client& c) { return get(c, "http://u:p@host/"); },
            "200 there <302 | GET / A=Basic dTpw, GET other/x | 2 made, 2 kept"),
        row(
            "credentials of the URL are kept on the same origin", moved<302>,
            [](client& c) { return get(c, "http://u:p@host/"); },
            "200 there <302 | GET / A=Basic dTpw, GET /next A=Basic dTpw | 1 made, 1 kept"),
        row(
            "credentials in the Location are sent there", [](net& n) { elsewhere(n, "http://v:q@other/x"); },
            [](client& c) { return get(c); },
            "200 there <302 | GET /, GET other/x A=Basic djpx | 2 made, 2 kept"),
        row(
            "a Host header of one's own does not go to another origin",
            [](net& n) { elsewhere(n, "http://other/x"); },
            [](client& c) { return outcome_of(c.get("http://host/").header("Host", "virtual")); },
            "200 there <302 | GET virtual/, GET other/x | 2 made, 2 kept"),
        row(
            "a body goes along on 307, also to another origin",
            [](net& n) {
                n.on("POST", "/", reply(307).header("Location", "http://other/x"))
                    .on("POST", "/x", reply(200));
            },
            [](client& c) { return ask(c, "POST", "x"); },
            "200 <307 | POST / x C=text/plain, POST other/x x C=text/plain | 2 made, 2 kept"),
    });
}

TEST_CASE("redirects: their connections", "[http][conformance][redirect][virtual]") {
    check_rows({
        row(
            "a small body of a redirect is read, its connection used again",
            [](net& n) {
                n.on("GET", "/", reply(302, std::string(5000, 'x')).header("Location", "/next"))
                    .on("GET", "/next", reply(200, "there"));
            },
            [](client& c) { return get(c); }, "200 there <302 | GET /, GET /next | 1 made, 1 kept"),
        row(
            "a large body of a redirect is not waited for",
            [](net& n) {
                n.on("GET", "/",
                     reply(302, std::string(100'000, 'x')).header("Location", "/next").body_delay(1h))
                    .on("GET", "/next", reply(200, "there"));
            },
            [](client& c) { return get(c); }, "200 there <302 | GET /, GET /next | 2 made, 1 kept"),
        row(
            "a body of a redirect that does not come is waited for 50 ms",
            [](net& n) {
                n.on("GET", "/", reply(302, "x").header("Location", "/next").body_delay(1h))
                    .on("GET", "/next", reply(200, "there"));
            },
            [](client& c) { return get(c); }, "200 there <302 | GET /, GET /next | 2 made, 1 kept"),
        row(
            "a redirect that closes is followed on another connection",
            [](net& n) {
                n.on("GET", "/", reply(302).header("Location", "/next").close())
                    .on("GET", "/next", reply(200, "there"));
            },
            [](client& c) { return get(c); }, "200 there <302 | GET /, GET /next | 2 made, 1 kept"),
    });
}
