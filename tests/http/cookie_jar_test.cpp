// tandem - tests of cookies, multipart forms, limits for each host
// SPDX-License-Identifier: BSL-1.0
#include <tandem/http/cookie_jar.hpp>

#include <tandem/http/host_limits.hpp>
#include <tandem/http/multipart.hpp>
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

std::int64_t today = 1'000'000;
std::int64_t now() { return today; }

/// A jar that has received one Set-Cookie line.
class one_cookie {
public:
    one_cookie(const char* from, std::string_view line) : jar_(&now) {
        today = 1'000'000;
        http::headers fields;
        fields.append("set-cookie", line);
        jar_.received(http::url(from), fields);
    }
    std::string at(const char* to) { return jar_.cookies_for(http::url(to)); }
    http::cookie_jar& jar() { return jar_; }

private:
    http::cookie_jar jar_;
};

std::string part_of(const http::mock_transport& net) {
    const auto log = net.log();
    std::string body = log.back().body;
    const std::string type = log.back().header("Content-Type");
    const std::string boundary = type.substr(type.find('=') + 1);
    for (std::size_t at = body.find(boundary); at != std::string::npos; at = body.find(boundary))
        body.replace(at, boundary.size(), "B");
    return body;
}

tandem::task<std::string> two_pieces(int& left) {
    co_await tandem::sleep(1s);
    co_return left-- > 0 ? std::string("made") : std::string();
}

}  // namespace

#define COOKIE(name) TEST_CASE("cookies: " name, "[http][cookies][virtual]")

COOKIE("a cookie goes back to its host alone, in any path below its own") {
    one_cookie c("http://www.example.com/a/b", "n=v");
    CHECK(c.at("http://www.example.com/a/x") == "n=v");
    CHECK(c.at("http://www.example.com/a") == "n=v");
    CHECK(c.at("https://www.example.com:8443/a/") == "n=v");
    CHECK(c.at("http://www.example.com/ab").empty());
    CHECK(c.at("http://www.example.com/").empty());
    CHECK(c.at("http://example.com/a/x").empty());
    CHECK(c.at("http://x.www.example.com/a/x").empty());
}
COOKIE("Domain widens it to the hosts below") {
    one_cookie c("http://www.example.com/", "n=v; Domain=.Example.COM; Path=/");
    CHECK(c.at("http://example.com/") == "n=v");
    CHECK(c.at("http://a.b.example.com/x") == "n=v");
    CHECK(c.at("http://badexample.com/").empty());
    CHECK(c.at("http://example.com.evil/").empty());
}
COOKIE("a Domain that is not the server's own is refused") {
    for (const char* const domain : {"other.com", "a.www.example.com", "xample.com", "com"}) {
        one_cookie c("http://www.example.com/", "n=v; Domain=" + std::string(domain));
        INFO(domain);
        CHECK(c.jar().size() == 0);
    }
    CHECK(one_cookie("http://com/", "n=v; Domain=com").at("http://com/") == "n=v");
    CHECK(one_cookie("http://com/", "n=v; Domain=com").at("http://a.com/").empty());
}
COOKIE("a public suffix that the program knows is refused") {
    http::cookie_jar jar(&now);
    jar.public_suffix([](std::string_view domain) { return domain == "co.uk"; });
    http::headers fields;
    fields.append("Set-Cookie", "n=v; Domain=co.uk");
    fields.append("Set-Cookie", "m=v; Domain=a.co.uk");
    jar.received("http://www.a.co.uk/", fields);
    CHECK(jar.cookies_for("http://a.co.uk/") == "m=v");
}
COOKIE("an address has no hosts below it") {
    CHECK(one_cookie("http://1.2.3.4/", "n=v; Domain=3.4").jar().size() == 0);
    CHECK(one_cookie("http://1.2.3.4/", "n=v; Domain=1.2.3.4").at("http://1.2.3.4/") == "n=v");
    CHECK(one_cookie("http://[::1]/", "n=v").at("http://[::1]/") == "n=v");
}
COOKIE("Secure is for https, and cannot be planted by http") {
    CHECK(one_cookie("https://a.b/", "n=v; Secure").at("http://a.b/").empty());
    CHECK(one_cookie("https://a.b/", "n=v; secure").at("https://a.b/") == "n=v");
    CHECK(one_cookie("http://a.b/", "n=v; Secure").jar().size() == 0);
}
COOKIE("the prefixes __Secure- and __Host- keep their promises") {
    CHECK(one_cookie("https://a.b/", "__Secure-n=v").jar().size() == 0);
    CHECK(one_cookie("https://a.b/", "__Secure-n=v; Secure").jar().size() == 1);
    CHECK(one_cookie("https://a.b/", "__Host-n=v; Secure; Path=/; Domain=a.b").jar().size() == 0);
    CHECK(one_cookie("https://a.b/", "__Host-n=v; Secure; Path=/x").jar().size() == 0);
    CHECK(one_cookie("https://a.b/", "__Host-n=v; Secure; Path=/").jar().size() == 1);
}
COOKIE("Max-Age ends it, and goes before Expires") {
    one_cookie c("http://a.b/", "n=v; Max-Age=10; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
    CHECK(c.at("http://a.b/") == "n=v");
    today += 10;
    CHECK(c.at("http://a.b/").empty());
    CHECK(one_cookie("http://a.b/", "n=v; Max-Age=0").jar().size() == 0);
    CHECK(one_cookie("http://a.b/", "n=v; Max-Age=-5").jar().size() == 0);
    CHECK(one_cookie("http://a.b/", "n=v; Max-Age=x").at("http://a.b/") == "n=v");
    CHECK(one_cookie("http://a.b/", "n=v; Max-Age=99999999999999999999").at("http://a.b/") == "n=v");
}
COOKIE("Expires is read in each form that servers write") {
    for (const char* const date : {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                                   "Sun Nov  6 08:49:37 1994", "06 Nov 1994 8:49:37"}) {
        INFO(date);
        CHECK(http::detail::parse_date(date) == 784111777);
    }
    for (const char* const wrong : {"", "tomorrow", "Sun, 31 Feb 1994 08:49:37 GMT", "06 Nov 1994",
                                    "06 Nov 1994 24:00:00", "06 Nov 1500 08:49:37"}) {
        INFO(wrong);
        CHECK_FALSE(http::detail::parse_date(wrong));
    }
    CHECK(one_cookie("http://a.b/", "n=v; Expires=Sun, 06 Nov 1994 08:49:37 GMT").at("http://a.b/") == "n=v");
    CHECK(one_cookie("http://a.b/", "n=v; Expires=Thu, 01 Jan 1970 00:00:01 GMT").jar().size() == 0);
}
COOKIE("the same name, domain and path replace; an expired one removes") {
    one_cookie c("http://a.b/", "n=1");
    http::headers fields;
    fields.append("Set-Cookie", "n=2");
    c.jar().received("http://a.b/", fields);
    CHECK(c.at("http://a.b/") == "n=2");
    fields.clear();
    fields.append("Set-Cookie", "n=; Max-Age=0");
    c.jar().received("http://a.b/", fields);
    CHECK(c.jar().size() == 0);
}
COOKIE("longer paths come first") {
    one_cookie c("http://a.b/x/y/z", "short=1; Path=/");
    http::headers fields;
    fields.append("Set-Cookie", "long=2; Path=/x/y");
    fields.append("Set-Cookie", "other=3; Path=/");
    c.jar().received("http://a.b/x/y/z", fields);
    CHECK(c.at("http://a.b/x/y") == "long=2; short=1; other=3");
}
COOKIE("what is no cookie is no cookie") {
    CHECK(one_cookie("http://a.b/", "").jar().size() == 0);
    CHECK(one_cookie("http://a.b/", "novalue").jar().size() == 0);
    CHECK(one_cookie("http://a.b/", "=v").jar().size() == 0);
    CHECK(one_cookie("http://a.b/", std::string("n=a\0b", 5)).jar().size() == 0);
    CHECK(one_cookie("http://a.b/", "n=" + std::string(5000, 'x')).jar().size() == 0);
    CHECK(one_cookie("http://a.b/", " n = v \t; Path = / ").at("http://a.b/") == "n=v");
    CHECK(one_cookie("http://a.b/", "n=\"a b\"; Path=x").at("http://a.b/") == "n=\"a b\"");
}
COOKIE("a server cannot fill the memory") {
    http::cookie_jar jar(&now);
    for (int i = 0; i < 1000; ++i) {
        http::headers fields;
        fields.append("Set-Cookie", "n" + std::to_string(i) + "=v");
        jar.received("http://a.b/", fields);
    }
    CHECK(jar.size() == 180);
    CHECK(jar.cookies().back().name == "n999");
}

TANDEM_TEST("cookies: a client sends back what a server has set", "[http][cookies][virtual]") {
    http::mock_transport net;
    net.on("GET", "/login",
           reply(302)
               .header("Set-Cookie", "id=7; HttpOnly")
               .header("Set-Cookie", "x=y")
               .header("Location", "/home"))
        .on("GET", "/home", reply(200, "hello"));
    auto jar = std::make_shared<http::cookie_jar>();
    http::client client(over(net).cookies(jar));
    co_await client.get("http://a.example/login");
    CHECK(net.log()[0].header("Cookie").empty());
    CHECK(net.log()[1].header("Cookie") == "id=7; x=y");
    CHECK(jar->cookies()[0].http_only);
    co_await client.get("http://a.example/home").header("Cookie", "own=1");
    CHECK(net.log()[2].header("Cookie") == "own=1");
}

TANDEM_TEST("cookies: a redirect to another origin takes none along", "[http][cookies][redirect][virtual]") {
    http::mock_transport net;
    net.on("GET", "/",
           reply(302).header("Set-Cookie", "id=7").header("Location", "http://other.example/there"))
        .on("GET", "/there", reply(200, "x").header("Set-Cookie", "their=1"));
    http::client client(over(net).cookies(std::make_shared<http::cookie_jar>()));
    co_await client.get("http://a.example/");
    CHECK(net.log()[1].header("Host") == "other.example");
    CHECK(net.log()[1].header("Cookie").empty());
    co_await client.get("http://other.example/there");
    CHECK(net.log()[2].header("Cookie") == "their=1");
}

TANDEM_TEST("cookies: without a jar none are kept", "[http][cookies][virtual]") {
    http::mock_transport net;
    net.on("GET", "/", reply(200, "x").header("Set-Cookie", "id=7"));
    http::client client(over(net));
    co_await client.get("http://a.example/");
    co_await client.get("http://a.example/");
    CHECK(net.log()[1].header("Cookie").empty());
}

// ---- multipart

TANDEM_TEST("multipart: fields and files, with their length", "[http][multipart][virtual]") {
    http::mock_transport net;
    net.on("POST", "/", reply(204));
    http::client client(over(net));
    co_await client.post("http://a/")
        .multipart(
            http::multipart().field("title", "a cat").file_bytes("image", "cat.png", "PNG", "image/png"));
    CHECK(part_of(net) ==
          "--B\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\na cat\r\n"
          "--B\r\nContent-Disposition: form-data; name=\"image\"; filename=\"cat.png\"\r\nContent-Type: "
          "image/png\r\n\r\nPNG\r\n"
          "--B--\r\n");
    const auto log = net.log();
    CHECK(log[0].header("Content-Length") == std::to_string(log[0].body.size()));
    CHECK(log[0].header("Content-Type").starts_with("multipart/form-data; boundary=tandem-"));
}

TANDEM_TEST("multipart: names cannot break out of their line", "[http][multipart][injection][virtual]") {
    http::mock_transport net;
    net.on("POST", "/", reply(204));
    http::client client(over(net));
    co_await client.post("http://a/").multipart(http::multipart().file_bytes("a\"b", "x\r\nEvil: 1", "y"));
    CHECK(part_of(net).find("name=\"a%22b\"; filename=\"x%0D%0AEvil: 1\"\r\n") != std::string::npos);
    CHECK_THROWS_AS(http::multipart().file_bytes("a", "b", "c", "text/plain\r\nEvil: 1"), http::error);
}

TANDEM_TEST("multipart: a part that is made while it is sent goes in chunks", "[http][multipart][virtual]") {
    http::mock_transport net;
    net.on("POST", "/", reply(204));
    http::client client(over(net));
    int left = 2;
    co_await client.post("http://a/")
        .multipart(http::multipart()
                       .file("f", "made.txt", http::streamed(two_pieces, std::ref(left)))
                       .field("last", "1"));
    CHECK(part_of(net).find("\r\n\r\nmademade\r\n--B\r\n") != std::string::npos);
    CHECK(net.log()[0].header("Transfer-Encoding") == "chunked");
    CHECK(client.statistics().idle == 1);
}

TANDEM_TEST("multipart: a form is sent again after a 307, an empty one has an end",
            "[http][multipart][virtual]") {
    http::mock_transport net;
    net.on("POST", "/", reply(307).header("Location", "/b")).on("POST", "/b", reply(204));
    http::client client(over(net));
    co_await client.post("http://a/").multipart(http::multipart().field("a", "b"));
    CHECK(net.log()[0].body == net.log()[1].body);
    co_await client.post("http://a/b").multipart(http::multipart());
    CHECK(part_of(net) == "--B--\r\n");
}

// ---- limits for each host

TANDEM_TEST("host_limits: each origin has its own rate", "[http][limits][virtual]") {
    http::mock_transport net;
    net.on("GET", "/", reply(204)).on("GET", "/r", reply(302).header("Location", "/"));
    auto limits = std::make_shared<http::host_limits>([] { return tandem::rate_limiter::window(1, 1s); });
    http::client client(over(net).gate(limits));
    const auto start = tandem::this_task::loop().now();
    co_await client.get("http://a/");
    co_await client.get("http://b/");
    CHECK(since(start) == 0s);
    co_await client.get("http://a/r");  // two sendings
    CHECK(since(start) == 2s);
    CHECK(limits->limiters().size() == 2);
}

TANDEM_TEST("host_limits: Retry-After holds all requests to that origin", "[http][limits][virtual]") {
    http::mock_transport net;
    net.on("GET", "/", reply(429).header("Retry-After", "30")).on("GET", "/", reply(204));
    auto limits = std::make_shared<http::host_limits>([] { return tandem::rate_limiter::window(100, 1s); });
    http::client client(over(net).gate(limits));
    const auto start = tandem::this_task::loop().now();
    const auto refused = co_await client.get("http://a/");
    CHECK(refused.status() == 429);
    co_await client.get("http://b/");
    CHECK(since(start) == 0s);
    co_await client.get("http://a/");
    CHECK(since(start) == 30s);
}

TANDEM_TEST("host_limits: a turn that would come too late is refused at once", "[http][limits][virtual]") {
    http::mock_transport net;
    net.on("GET", "/", reply(204));
    auto limits = std::make_shared<http::host_limits>([] { return tandem::rate_limiter::window(1, 1h); });
    http::client client(over(net).gate(limits));
    co_await client.get("http://a/");
    const auto start = tandem::this_task::loop().now();
    const auto code = co_await code_of(client.get("http://a/").send());
    CHECK(code == errc::total_timeout);
    CHECK(since(start) == 0s);
    const auto in_time = co_await tandem::move_on_after(2s, client.get("http://b/").send());
    CHECK(in_time);
    CHECK(client.statistics().active == 0);
}

TEST_CASE("cookies: plain http replaces nothing that https has set", "[http][cookies]") {
    one_cookie kept("https://a.test/", "id=1; Secure; Domain=a.test");
    for (const char* const line : {"id=2", "id=2; Domain=a.test", "id=2; Path=/x"}) {
        http::headers fields;
        fields.append("Set-Cookie", line);
        kept.jar().received(http::url("http://www.a.test/"), fields);
        kept.jar().received(http::url("http://a.test/"), fields);
        CHECK(kept.at("https://www.a.test/x") == "id=1");
    }
    http::headers other;
    other.append("Set-Cookie", "id=2");
    kept.jar().received(http::url("http://b.test/"), other);
    CHECK(kept.at("http://b.test/") == "id=2");
}
TEST_CASE("cookies: the prefixes hold in any case", "[http][cookies]") {
    CHECK(one_cookie("https://a.test/", "__HOST-x=1; Secure; Domain=a.test").jar().size() == 0);
    CHECK(one_cookie("https://a.test/", "__secure-x=1").jar().size() == 0);
    CHECK(one_cookie("https://a.test/", "__host-x=1; Secure; Path=/").jar().size() == 1);
}
TEST_CASE("cookies: a name that ends with a digit is no address", "[http][cookies]") {
    CHECK(one_cookie("http://a.b.node1/", "x=1; Domain=b.node1").at("http://c.b.node1/") == "x=1");
    CHECK(one_cookie("http://10.0.0.1/", "x=1; Domain=0.0.1").jar().size() == 0);
}
TEST_CASE("cookies: of two Domain attributes the last one counts", "[http][cookies]") {
    CHECK(one_cookie("http://a.b.test/", "x=1; Domain=c.test; Domain=b.test").at("http://b.test/") == "x=1");
    CHECK(one_cookie("http://a.b.test/", "x=1; Domain=b.test; Domain=c.test").jar().size() == 0);
    CHECK(one_cookie("http://a.b.test/", "x=1; Domain=b.test; Domain=").at("http://b.test/").empty());
}
TEST_CASE("cookies: a dot behind the name makes no suffix of it", "[http][cookies]") {
    CHECK(one_cookie("http://a.com./", "x=1; Domain=com.").jar().size() == 0);
    CHECK(one_cookie("http://a.com/", "x=1; Domain=com.").jar().size() == 0);
    CHECK(one_cookie("http://a.b.com/", "x=1; Domain=b.com.").jar().size() == 0);
    CHECK(one_cookie("http://a.com./", "x=1").at("http://a.com./") == "x=1");
}
TEST_CASE("cookies: __Host- needs its Path said, a default is not enough", "[http][cookies]") {
    CHECK(one_cookie("https://a.test/", "__Host-x=1; Secure").jar().size() == 0);
    CHECK(one_cookie("https://a.test/x/y", "__Host-x=1; Secure; Path=/").at("https://a.test/") ==
          "__Host-x=1");
}
TEST_CASE("cookies: an attribute that is too long is none", "[http][cookies]") {
    const std::string path = "/" + std::string(1024, 'x');
    CHECK(one_cookie("http://a.test/", "x=1; Path=" + path).at("http://a.test/") == "x=1");
}
