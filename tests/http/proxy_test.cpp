// tandem - tests of proxies: who goes through one, and what it is asked
// SPDX-License-Identifier: BSL-1.0
#include <tandem/http/proxy.hpp>

#include <cstdlib>
#include <string>
#include <vector>

#include "net_test.hpp"

namespace http = tandem::http;
using http::errc;
using tandem::testing::reply;

namespace {

/// Whether a request to `to` goes through a proxy in spite of `list`.
bool proxied(const std::string& list, const std::string& to) {
    return http::proxies().all("http://proxy.test:3128").except(list).find(http::url(to)) != nullptr;
}

/// Environment variables for the length of a test.
class environment {
public:
    environment() {
        for (const char* const name : names) ::unsetenv(name);
    }
    environment(const environment&) = delete;
    environment& operator=(const environment&) = delete;
    ~environment() {
        for (const char* const name : names) ::unsetenv(name);
    }
    void set(const char* name, const char* value) { ::setenv(name, value, 1); }

private:
    static constexpr const char* names[] = {"http_proxy",  "HTTP_PROXY", "https_proxy",
                                            "HTTPS_PROXY", "all_proxy",  "ALL_PROXY",
                                            "no_proxy",    "NO_PROXY",   "REQUEST_METHOD"};
};

std::string authority_of(const http::url* one) { return one ? one->authority() : "none"; }

}  // namespace

TEST_CASE("proxies: each scheme has its own, none by default", "[http][proxy]") {
    const http::url plain("http://a.test/");
    const http::url secure("https://a.test/");
    CHECK(authority_of(http::proxies().find(plain)) == "none");
    const http::proxies both = http::proxies().http("one.test:1").https("http://two.test:2");
    CHECK(authority_of(both.find(plain)) == "one.test:1");
    CHECK(authority_of(both.find(secure)) == "two.test:2");
}

TEST_CASE("proxies: exceptions are names with what is below them, ports, addresses, networks",
          "[http][proxy]") {
    CHECK(!proxied("example.org", "http://example.org/"));
    CHECK(!proxied("example.org", "http://www.EXAMPLE.org/"));
    CHECK(proxied("example.org", "http://notexample.org/"));
    CHECK(proxied("www.example.org", "http://example.org/"));
    CHECK(!proxied(".example.org", "https://a.b.example.org/"));
    CHECK(!proxied("*.example.org", "https://a.example.org/"));
    CHECK(!proxied("a.test, b.test c.test", "http://c.test/"));
    CHECK(!proxied("*", "http://whoever.test/"));
    CHECK(proxied("", "http://whoever.test/"));
    CHECK(!proxied("example.org:8080", "http://example.org:8080/"));
    CHECK(proxied("example.org:8080", "http://example.org/"));
    CHECK(!proxied("127.0.0.1", "http://127.0.0.1:99/"));
    CHECK(proxied("127.0.0.1", "http://127.0.0.2/"));
    CHECK(!proxied("10.0.0.0/8", "http://10.200.3.4/"));
    CHECK(proxied("10.0.0.0/8", "http://11.0.0.1/"));
    CHECK(!proxied("192.168.16.0/20", "http://192.168.31.255/"));
    CHECK(proxied("192.168.16.0/20", "http://192.168.32.0/"));
    CHECK(proxied("10.0.0.0/8", "http://10.example.org/"));
    CHECK(!proxied("::1", "http://[::1]/"));
    CHECK(!proxied("[::1]:81", "http://[::1]:81/"));
    CHECK(proxied("[::1]:81", "http://[::1]:82/"));
    CHECK(!proxied("fd00::/8", "http://[fdab::1]/"));
    CHECK(proxied("fd00::/8", "http://[fe80::1]/"));
    CHECK(proxied("0.0.0.1", "http://1/"));
}

TEST_CASE("proxies: the environment is read as other clients read it", "[http][proxy]") {
    environment e;
    const http::url plain("http://a.test/");
    const http::url secure("https://a.test/");
    CHECK(authority_of(http::proxies::from_environment().find(plain)) == "none");
    e.set("HTTP_PROXY", "http://upper.test:1");
    e.set("HTTPS_PROXY", "http://upper.test:2");
    CHECK(authority_of(http::proxies::from_environment().find(plain)) == "upper.test:1");
    CHECK(authority_of(http::proxies::from_environment().find(secure)) == "upper.test:2");
    e.set("http_proxy", "lower.test:3");
    CHECK(authority_of(http::proxies::from_environment().find(plain)) == "lower.test:3");
    e.set("no_proxy", "a.test");
    CHECK(authority_of(http::proxies::from_environment().find(plain)) == "none");
}

TEST_CASE("proxies: all_proxy fills gaps; a CGI program does not take HTTP_PROXY from its client",
          "[http][proxy]") {
    environment e;
    const http::url plain("http://a.test/");
    e.set("all_proxy", "http://all.test:1");
    e.set("https_proxy", "http://own.test:2");
    CHECK(authority_of(http::proxies::from_environment().find(plain)) == "all.test:1");
    CHECK(authority_of(http::proxies::from_environment().find(http::url("https://a.test/"))) == "own.test:2");
    environment cgi;
    cgi.set("HTTP_PROXY", "http://attacker.test:1");
    cgi.set("REQUEST_METHOD", "GET");
    CHECK(authority_of(http::proxies::from_environment().find(plain)) == "none");
}

TEST_CASE("proxies: what is no http proxy is refused when it is named", "[http][proxy]") {
    for (const char* const bad :
         {"https://proxy.test:443", "socks5://proxy.test:1080", "http://", "ftp://x"}) {
        INFO(bad);
        CHECK_THROWS_AS(http::proxies().all(bad), http::error);
    }
}

NET_TEST("proxy: an http request is given to it whole, credentials to nobody else", "[http][proxy][net]") {
    server.on("*", "*", reply(200, "by proxy"));
    const std::string by = "http://me:s%20cret@127.0.0.1:" + std::to_string(server.port());
    http::client client(http::client_options().proxy(http::proxies().all(by)));
    const auto r = co_await client.get("http://unreachable.test:8080/path?q=1");
    CHECK(r.text() == "by proxy");
    CHECK(r.url().to_string() == "http://unreachable.test:8080/path?q=1");
    const auto seen = server.log();
    CHECK(seen.at(0).target == "http://unreachable.test:8080/path?q=1");
    CHECK(seen.at(0).header("Host") == "unreachable.test:8080");
    CHECK(seen.at(0).header("Proxy-Authorization") == "Basic bWU6cyBjcmV0");
    CHECK(seen.at(0).header("Authorization").empty());
}

NET_TEST("proxy: who is excepted is reached directly, and sees nothing of the proxy", "[http][proxy][net]") {
    server.on("GET", "/here", reply(200, "direct"));
    const http::proxies dead = http::proxies().all("http://me:secret@127.0.0.1:1").except("127.0.0.0/8");
    http::client client(http::client_options().proxy(dead));
    const auto r = co_await client.get(server.url("/here"));
    CHECK(r.text() == "direct");
    CHECK(server.log().at(0).target == "/here");
    CHECK(server.log().at(0).header("Proxy-Authorization").empty());
}

NET_TEST("proxy: a redirect to somebody excepted leaves the proxy out", "[http][proxy][net]") {
    server.on("*", "http://start.test/", reply(302).header("Location", server.url("/direct")));
    server.on("GET", "/direct", reply(200, "direct"));
    const http::proxies by = http::proxies()
                                 .all("http://me:secret@127.0.0.1:" + std::to_string(server.port()))
                                 .except("127.0.0.1");
    const auto r = co_await http::client(http::client_options().proxy(by)).get("http://start.test/");
    CHECK(r.text() == "direct");
    CHECK(server.log().at(1).header("Proxy-Authorization").empty());
}

NET_TEST("proxy: its refusal of a plain request is a response; without it there is no connection",
         "[http][proxy][net]") {
    server.on("*", "*", reply(407, "who are you"));
    const std::string by = "http://127.0.0.1:" + std::to_string(server.port());
    const auto r =
        co_await http::client(http::client_options().proxy(http::proxies().all(by))).get("http://a.test/");
    CHECK(r.status() == 407);
    const http::proxies dead = http::proxies().all("http://127.0.0.1:1");
    const auto code = co_await tandem_test::code_of(
        http::client(http::client_options().proxy(dead)).get("http://a.test/").send());
    CHECK(code == errc::connect);
}

TEST_CASE("proxies: an exception that cannot be read excepts nobody", "[http][proxy]") {
    for (const char* const list : {"10.0.0.0/x", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1",
                                   "10.0.0.0/4294967200", "::/129", "a.test/8", "10.0.0.1:x", "10.0.0.1:0",
                                   "10.0.0.1:", "10.0.0.1:65536", "[::1", "[]", ":", "/", "."}) {
        INFO(list);
        CHECK(proxied(list, "http://10.0.0.1/"));
        CHECK(proxied(list, "http://[::1]/"));
        CHECK(proxied(list, "http://a.test/"));
    }
    CHECK(proxied(std::string("10.0.0.1\0x", 10), "http://10.0.0.1/"));
    CHECK(!proxied("10.0.0.0/32,10.0.0.0/0", "http://11.0.0.1/"));
    CHECK(!proxied("[fd00::]/8", "http://[fd12::1]/"));
    CHECK(!proxied("[::1]:81", "http://[::1]:81/"));
    CHECK(proxied("[::1]:81", "http://[::1]/"));
}
