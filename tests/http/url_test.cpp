// tandem - tests of http::url
// SPDX-License-Identifier: BSL-1.0
#include <tandem/http/url.hpp>

#include "catch.hpp"

namespace http = tandem::http;

namespace {

/// What parsing throws, or how it prints.
std::string parsed(std::string_view text) {
    try {
        return http::url(text).to_string();
    } catch (const http::error& e) {
        CHECK(e.code() == http::errc::invalid_url);
        return e.what();
    }
}

bool refused(std::string_view text, std::string_view because) {
    const std::string said = parsed(text);
    INFO(said);
    return said.find("tandem::http: invalid URL: ") == 0 && said.find(because) != std::string::npos;
}

}  // namespace

TEST_CASE("url: what is parsed is printed in normal form", "[http][url]") {
    CHECK(parsed("http://example.org") == "http://example.org/");
    CHECK(parsed("HTTP://Example.ORG/Path") == "http://example.org/Path");
    CHECK(parsed("https://example.org:443/") == "https://example.org/");
    CHECK(parsed("http://example.org:443/") == "http://example.org:443/");
    CHECK(parsed("http://example.org:/x") == "http://example.org/x");
    CHECK(parsed("http://example.org?a=b") == "http://example.org/?a=b");
    CHECK(parsed("http://example.org/?") == "http://example.org/?");
    CHECK(parsed("http://example.org#f") == "http://example.org/#f");
    CHECK(parsed("http://h/a b\"c") == "http://h/a%20b%22c");
    CHECK(parsed("http://h/\xc3\xa9?\xc3\xa9") == "http://h/%C3%A9?%C3%A9");
    CHECK(parsed("http://h/a%2fb") == "http://h/a%2fb");
    CHECK(parsed("http://h/a/../b/./c/") == "http://h/b/c/");
    CHECK(parsed("http://h/../../x") == "http://h/x");
    CHECK(parsed("http://h/a/%2e%2e/b") == "http://h/b");
    CHECK(parsed("http://h/a//b") == "http://h/a//b");
    CHECK(parsed("http://u:p@h/") == "http://u:p@h/");
    CHECK(parsed("http://u:p@ss@h/") == "http://u:p%40ss@h/");
    CHECK(parsed("http://h:8080/a?b?c#d#e") == "http://h:8080/a?b?c#d%23e");
}

TEST_CASE("url: parts", "[http][url]") {
    const http::url u("https://user:secret@Example.org:8443/a/b?x=1#frag");
    CHECK(u.scheme() == "https");
    CHECK(u.is_https());
    CHECK(u.host() == "example.org");
    CHECK(u.port() == 8443);
    CHECK(u.credentials() == "user:secret");
    CHECK(u.path() == "/a/b");
    CHECK(u.query() == std::optional<std::string>("x=1"));
    CHECK(u.fragment() == std::optional<std::string>("frag"));
    CHECK(u.target() == "/a/b?x=1");
    CHECK(u.authority() == "example.org:8443");
    CHECK(u.origin() == "https://example.org:8443");
    CHECK(u.redacted() == "https://example.org:8443/a/b?x=1");
    CHECK(http::url("http://h").port() == 80);
    CHECK(http::url("https://h").port() == 443);
    CHECK(http::url("http://h:80/").same_origin(http::url("http://H/x")));
    CHECK_FALSE(http::url("http://h/").same_origin(http::url("https://h/")));
    CHECK_FALSE(http::url("http://h/").same_origin(http::url("http://h:81/")));
}

TEST_CASE("url: IPv6 literals", "[http][url]") {
    const http::url u("http://[2001:DB8::1]:8080/x");
    CHECK(u.host() == "2001:db8::1");
    CHECK(u.host_is_ipv6());
    CHECK(u.authority() == "[2001:db8::1]:8080");
    CHECK(u.to_string() == "http://[2001:db8::1]:8080/x");
    CHECK(http::url("http://[::1]").port() == 80);
    CHECK(http::url("http://[::ffff:1.2.3.4]/").authority() == "[::ffff:1.2.3.4]");
    CHECK(http::url("http://[0:0:0:0:0:0:0:1]/").same_origin(http::url("http://[::1]/")));
    CHECK(
        refused(std::string("http://[::1\0x]/", 16), "is no IPv6 address"));  // what follows a NUL counts too
    CHECK(refused("http://[::1", "no closing ]"));
    CHECK(refused("http://[::1]x/", "no closing ]"));
    CHECK(refused("http://[hello]/", "is no IPv6 address"));
    CHECK(refused("http://::1/", "is empty"));
}

TEST_CASE("url: what is wrong is refused with the reason", "[http][url]") {
    CHECK(refused("", "no scheme"));
    CHECK(refused("example.org", "no scheme"));
    CHECK(refused("//example.org", "no scheme"));
    CHECK(refused("ftp://h/", "\"ftp\" is not supported; use http or https"));
    CHECK(refused("http:", "no host; write //"));
    CHECK(refused("http:/path", "no host; write //"));
    CHECK(refused("http://", "the host is empty"));
    CHECK(refused("http:///path", "the host is empty"));
    CHECK(refused("http://:80/", "the host is empty"));
    CHECK(refused("http://u@/", "the host is empty"));
    CHECK(refused("http://h:65536/", "above 65535"));
    CHECK(refused("http://h:99999999999999/", "above 65535"));
    CHECK(refused("http://h:0/", "the port is 0"));
    CHECK(refused("http://h:8a/", "is no number"));
    CHECK(refused("http://h:-1/", "is no number"));
    CHECK(refused("http://m\xc3\xbcnchen.de/", "IDNA"));
    CHECK(refused("http://a b/", "letters, digits, dots"));
    CHECK(refused("http://a%41/", "letters, digits, dots"));
    CHECK(refused("http://h\\@evil/", "a backslash before the path"));  // browsers go to h, RFC 3986 to evil
    CHECK(parsed("http://h%5C@evil/") == "http://h%5C@evil/");
    CHECK(refused("http://h/%zz", "two hex digits"));
    CHECK(refused("http://h/%", "two hex digits"));
    CHECK(refused("http://h/a\r\nHost: evil", "control character (13)"));
    CHECK(refused("http://h/?a\nb", "control character (10)"));
    CHECK(refused(std::string_view("http://h/a\0b", 12), "control character (0)"));
    CHECK(refused("http://h\r\n/", "letters, digits"));
    CHECK(refused("http://u\r\n@h/", "control character"));
    CHECK(refused("http://" + std::string(254, 'a') + "/", "254 characters, at most 253"));
}

TEST_CASE("url: the text of an error shows no control characters of the input", "[http][url]") {
    CHECK(parsed("http://h/\n\x1b[31m").find('\n') == std::string::npos);
    CHECK(parsed("http://h/\n\x1b[31m").find('\x1b') == std::string::npos);
}

TEST_CASE("url: the text of an error shows no password of the input", "[http][url]") {
    for (const char* const bad :
         {"http://user:secret@host:port/", "http://user:secret@ho st/", "user:secret@host",
          "ftp://user:secret@host/", "http://user:secret@host\\x", "http://a:secret@b:secret@c:d/"}) {
        INFO(parsed(bad));
        CHECK(parsed(bad).find("secret") == std::string::npos);
    }
    CHECK(parsed("http://a:b@ho st/").find("http://...@ho st/") != std::string::npos);
    CHECK(parsed("http://host:port/@user").find("http://host:port/@user") != std::string::npos);
}

// RFC 3986, section 5.4; "http:g" is an error here, and g:h is of a scheme that is not supported.
TEST_CASE("url: references are resolved as in RFC 3986, section 5.4", "[http][url]") {
    const http::url base("http://a/b/c/d;p?q");
    const auto resolved = [&base](std::string_view reference) { return base.resolve(reference).to_string(); };
    CHECK(resolved("g") == "http://a/b/c/g");
    CHECK(resolved("./g") == "http://a/b/c/g");
    CHECK(resolved("g/") == "http://a/b/c/g/");
    CHECK(resolved("/g") == "http://a/g");
    CHECK(resolved("//g") == "http://g/");
    CHECK(resolved("?y") == "http://a/b/c/d;p?y");
    CHECK(resolved("g?y") == "http://a/b/c/g?y");
    CHECK(resolved("#s") == "http://a/b/c/d;p?q#s");
    CHECK(resolved("g#s") == "http://a/b/c/g#s");
    CHECK(resolved("g?y#s") == "http://a/b/c/g?y#s");
    CHECK(resolved(";x") == "http://a/b/c/;x");
    CHECK(resolved("g;x") == "http://a/b/c/g;x");
    CHECK(resolved("g;x?y#s") == "http://a/b/c/g;x?y#s");
    CHECK(resolved("") == "http://a/b/c/d;p?q");
    CHECK(resolved(".") == "http://a/b/c/");
    CHECK(resolved("./") == "http://a/b/c/");
    CHECK(resolved("..") == "http://a/b/");
    CHECK(resolved("../") == "http://a/b/");
    CHECK(resolved("../g") == "http://a/b/g");
    CHECK(resolved("../..") == "http://a/");
    CHECK(resolved("../../") == "http://a/");
    CHECK(resolved("../../g") == "http://a/g");
    CHECK(resolved("../../../g") == "http://a/g");
    CHECK(resolved("../../../../g") == "http://a/g");
    CHECK(resolved("/./g") == "http://a/g");
    CHECK(resolved("/../g") == "http://a/g");
    CHECK(resolved("g.") == "http://a/b/c/g.");
    CHECK(resolved(".g") == "http://a/b/c/.g");
    CHECK(resolved("g..") == "http://a/b/c/g..");
    CHECK(resolved("..g") == "http://a/b/c/..g");
    CHECK(resolved("./../g") == "http://a/b/g");
    CHECK(resolved("./g/.") == "http://a/b/c/g/");
    CHECK(resolved("g/./h") == "http://a/b/c/g/h");
    CHECK(resolved("g/../h") == "http://a/b/c/h");
    CHECK(resolved("g;x=1/./y") == "http://a/b/c/g;x=1/y");
    CHECK(resolved("g;x=1/../y") == "http://a/b/c/y");
    CHECK(resolved("g?y/./x") == "http://a/b/c/g?y/./x");
    CHECK(resolved("g#s/../x") == "http://a/b/c/g#s/../x");
    CHECK(resolved("https://other/x") == "https://other/x");
    CHECK(resolved("//u:p@g:81/y") == "http://u:p@g:81/y");
    CHECK_THROWS_AS(base.resolve("http:g"), http::error);
    CHECK_THROWS_AS(base.resolve("g:h"), http::error);
    CHECK_THROWS_AS(base.resolve("javascript:alert(1)"), http::error);
}

TEST_CASE("url: a reference keeps the credentials of the base only within its authority", "[http][url]") {
    const http::url base("http://u:p@a/b");
    CHECK(base.resolve("/x").credentials() == "u:p");
    CHECK(base.resolve("//a/x").credentials().empty());
}

TEST_CASE("url: query values are encoded", "[http][url]") {
    http::url u("http://h/p");
    u.add_query("a b", "c&d=e").add_query("x", "\r\n");
    CHECK(u.to_string() == "http://h/p?a%20b=c%26d%3De&x=%0D%0A");
    CHECK(http::percent_decode("a%20b%zz%4") == "a b%zz%4");
    CHECK(http::percent_decode("%41") == "A");
}

TEST_CASE("url: a backslash does not tell two readers of two hosts", "[http][url]") {
    for (const char* const text :
         {"http://good.test\\@evil.test/", "http://good.test\\evil", "http://a\\b@c/"}) {
        CHECK(refused(text, "a backslash before the path"));
    }
    CHECK(parsed("http://a.test/b\\c") == "http://a.test/b%5Cc");
}
