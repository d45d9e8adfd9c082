// tandem - tests of redirects, decoding, streams and bodies that are made while they are sent
// SPDX-License-Identifier: BSL-1.0
#include <tandem/http/client.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <zlib.h>

#include "net_test.hpp"

namespace http = tandem::http;
using namespace std::chrono_literals;
using http::errc;
using tandem::testing::reply;
using tandem_test::code_of;

namespace {

std::string gzip(std::string_view text) {
    z_stream z{};
    REQUIRE(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    std::string out(deflateBound(&z, static_cast<uLong>(text.size())) + 64, '\0');
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    z.avail_in = static_cast<uInt>(text.size());
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = static_cast<uInt>(out.size());
    REQUIRE(deflate(&z, Z_FINISH) == Z_STREAM_END);
    out.resize(z.total_out);
    deflateEnd(&z);
    return out;
}

/// A body in pieces, with or without its length.
class pieces final : public http::body_source {
public:
    pieces(std::vector<std::string> all, bool with_length, bool can_rewind)
        : all_(std::move(all)), with_length_(with_length), can_rewind_(can_rewind) {}
    tandem::task<std::string> next() override {
        co_await tandem::sleep(1ms);
        std::string piece;
        if (at_ < all_.size()) piece = all_[at_++];
        co_return piece;
    }
    std::optional<std::uint64_t> length() const override {
        if (!with_length_) return std::nullopt;
        std::uint64_t sum = 0;
        for (const std::string& piece : all_) sum += piece.size();
        return sum + excess;
    }
    bool rewind() override {
        at_ = 0;
        return can_rewind_;
    }
    std::uint64_t excess = 0;

private:
    std::vector<std::string> all_;
    std::size_t at_ = 0;
    bool with_length_;
    bool can_rewind_;
};

reply to(int status, std::string where) { return reply(status, "moved").header("Location", where); }

}  // namespace

// ---- redirects

static tandem::task<> check_redirect(http::client& client, tandem::testing::http_server& server, int status,
                                     std::string method, std::string expected) {
    const std::string from = "/" + std::to_string(status) + method;
    server.on("*", from, to(status, "/target"));
    auto builder =
        client.request(method, server.url(from)).header("Content-Type", "text/x").header("X-Keep", "1");
    if (method != "GET" && method != "HEAD") builder.body("payload");
    const auto r = co_await builder;
    const auto last = server.log().back();
    INFO(from);
    CHECK(last.method + " " + last.body + " " + last.header("Content-Type") + last.header("X-Keep") ==
          expected);
    CHECK(r.history().size() == 1);
    CHECK(r.history()[0].status() == status);
    CHECK(r.history()[0].url().path() == from);
    CHECK(r.url().path() == "/target");
}

NET_TEST("redirects: method and body over sockets", "[http][redirect][net]") {
    server.on("*", "/target", reply(200, "here"));
    http::client client;
    for (const int status : {301, 302}) {
        co_await check_redirect(client, server, status, "GET", "GET  text/x1");
        co_await check_redirect(client, server, status, "HEAD", "HEAD  text/x1");
        co_await check_redirect(client, server, status, "POST", "GET  1");
        co_await check_redirect(client, server, status, "PUT", "PUT payload text/x1");
        co_await check_redirect(client, server, status, "DELETE", "DELETE payload text/x1");
    }
    co_await check_redirect(client, server, 303, "GET", "GET  text/x1");
    co_await check_redirect(client, server, 303, "HEAD", "HEAD  text/x1");
    co_await check_redirect(client, server, 303, "POST", "GET  1");
    co_await check_redirect(client, server, 303, "PUT", "GET  1");
    for (const int status : {307, 308}) {
        co_await check_redirect(client, server, status, "GET", "GET  text/x1");
        co_await check_redirect(client, server, status, "POST", "POST payload text/x1");
        co_await check_redirect(client, server, status, "PATCH", "PATCH payload text/x1");
    }
    CHECK(server.connections() == 1);
    CHECK(client.statistics().active == 0);
}

NET_TEST("redirects: 300, 304 and those without Location are delivered", "[http][redirect][net]") {
    server.on("GET", "/300", to(300, "/target"))
        .on("GET", "/304", to(304, "/target"))
        .on("GET", "/none", reply(302, "x"))
        .on("GET", "/empty", reply(302, "x").header("Location", ""));
    http::client client;
    for (const char* const path : {"/300", "/304", "/none", "/empty"}) {
        const auto r = co_await client.get(server.url(path));
        CHECK(r.status() / 100 == 3);
        CHECK(r.history().empty());
    }
}

NET_TEST("redirects: not followed when told so", "[http][redirect][net]") {
    server.on("GET", "/", to(302, "/target"));
    http::client client;
    const auto r = co_await client.get(server.url()).follow_redirects(false);
    CHECK(r.status() == 302);
    CHECK(r.text() == "moved");
}

NET_TEST("redirects: relative references and fragments", "[http][redirect][net]") {
    server.on("GET", "/a/b", to(302, "../c?x=1")).on("GET", "/c", reply(200, "c"));
    http::client client;
    const auto r = co_await client.get(server.url("/a/b#part"));
    CHECK(r.url().to_string() == server.url("/c?x=1#part"));
}

NET_TEST("redirects: a loop ends after ten", "[http][redirect][net]") {
    server.on("GET", "/", to(302, "/"));
    http::client client;
    const std::string said = co_await tandem_test::text_of(client.get(server.url()).send());
    CHECK(said.find("too many redirects: 10 were followed: http://127.0.0.1") != std::string::npos);
    CHECK(server.requests() == 11);
    CHECK(client.statistics().active == 0);
}

NET_TEST("redirects: secrets stay with their origin, over sockets", "[http][redirect][net]") {
    server.on("GET", "/same", to(302, "/target"))
        .on("GET", "/target", reply(200, "x"))
        .on("GET", "/other", to(302, "http://other.test:" + std::to_string(server.port()) + "/back"))
        .on("GET", "/back", to(302, server.url("/target")));
    http::client client(http::client_options().resolve("other.test", "127.0.0.1"));
    co_await client.get(server.url("/same")).bearer("t").header("Cookie", "a=b").header("X", "y");
    auto seen = server.log();
    CHECK(seen.back().header("Authorization") == "Bearer t");
    CHECK(seen.back().header("Cookie") == "a=b");
    const auto r =
        co_await client.get(server.url("/other")).bearer("t").header("Cookie", "a=b").header("X", "y");
    CHECK(r.history().size() == 2);
    seen = server.log();
    for (std::size_t i = seen.size() - 2; i < seen.size(); ++i) {
        CHECK(seen[i].header("Authorization").empty());
        CHECK(seen[i].header("Cookie").empty());
        CHECK(seen[i].header("X") == "y");
    }
    CHECK(seen[seen.size() - 2].header("Host") == "other.test:" + std::to_string(server.port()));
    co_await client.get("http://u:p@127.0.0.1:" + std::to_string(server.port()) + "/other");
    CHECK(server.log().back().header("Authorization").empty());
    co_await client.get("http://u:p@127.0.0.1:" + std::to_string(server.port()) + "/same");
    CHECK(server.log().back().header("Authorization") == "Basic dTpw");
}

NET_TEST("redirects: to another scheme are errors", "[http][redirect][net]") {
    server.on("GET", "/file", to(302, "file:///etc/passwd"))
        .on("GET", "/js", to(302, "javascript:alert(1)"))
        .on("GET", "/tls", to(302, "https://127.0.0.1/"))
        .on("GET", "/bad", to(302, "http://[oops/"));
    http::client client;
    for (const char* const path : {"/file", "/js", "/bad"}) {
        const auto code = co_await code_of(client.get(server.url(path)).send());
        CHECK(code == errc::invalid_url);
    }
    const auto code = co_await code_of(client.get(server.url("/tls")).send());
    CHECK(code == errc::tls_unavailable);
    CHECK(client.statistics().active == 0);
}

NET_TEST("redirects: a body that cannot be sent again", "[http][redirect][net]") {
    server.on("POST", "/", to(307, "/target")).on("POST", "/target", reply(200, "x"));
    http::client client;
    auto once = std::make_shared<pieces>(std::vector<std::string>{"a", "b"}, true, false);
    const auto code = co_await code_of(client.post(server.url()).body(once).send());
    CHECK(code == errc::body_not_replayable);
    auto again = std::make_shared<pieces>(std::vector<std::string>{"a", "b"}, true, true);
    const auto r = co_await client.post(server.url()).body(again);
    CHECK(r.text() == "x");
    CHECK(server.log().back().body == "ab");
}

// ---- decoding

NET_TEST("decoding: gzip, and what it leaves of the headers", "[http][decode][net]") {
    const std::string text(100'000, 'z');
    server.on("*", "/", reply(200, gzip(text)).header("Content-Encoding", "gzip").header("ETag", "1"));
    server.on("GET", "/chunked", reply(200, gzip(text)).header("Content-Encoding", "gzip").chunked(11));
    http::client client;
    for (const char* const path : {"/", "/chunked"}) {
        const auto r = co_await client.get(server.url(path));
        CHECK(r.text() == text);
        CHECK_FALSE(r.headers().contains("Content-Encoding"));
        CHECK_FALSE(r.headers().contains("Content-Length"));
    }
    const auto raw = co_await client.get(server.url()).decompress(false);
    CHECK(raw.text() == gzip(text));
    CHECK(raw.headers().get("Content-Encoding") == "gzip");
    CHECK(server.log().back().header("Accept-Encoding").empty());
    const auto head = co_await client.head(server.url());
    CHECK(head.headers().contains("Content-Encoding"));
}
NET_TEST("decoding: codings that are not known are left alone", "[http][decode][net]") {
    server.on("GET", "/", reply(200, "data").header("Content-Encoding", "zstd"));
    http::client client;
    const auto r = co_await client.get(server.url());
    CHECK(r.text() == "data");
    CHECK(r.headers().get("Content-Encoding") == "zstd");
}
NET_TEST("decoding: damage and bombs", "[http][decode][net]") {
    server.on("GET", "/cut", reply(200, gzip("hello world").substr(0, 20)).header("Content-Encoding", "gzip"))
        .on("GET", "/bomb",
            reply(200, gzip(std::string(70'000'000, '\0'))).header("Content-Encoding", "gzip"))
        .on("GET", "/nothing", reply(200, "").header("Content-Encoding", "gzip"));
    http::client client;
    const auto cut = co_await code_of(client.get(server.url("/cut")).send());
    CHECK(cut == errc::decode);
    const auto bomb = co_await code_of(client.get(server.url("/bomb")).send());
    CHECK(bomb == errc::body_too_large);
    const auto nothing = co_await client.get(server.url("/nothing"));
    CHECK(nothing.text().empty());
    CHECK(client.statistics().active == 0);
}

// ---- streams

NET_TEST("stream: the head first, then the body in pieces", "[http][stream][net]") {
    const std::string big(300'000, 's');
    server.on("GET", "/", reply(200, big).header("X", "y"))
        .on("GET", "/gzip", reply(200, gzip(big)).header("Content-Encoding", "gzip"));
    http::client client;
    for (const char* const path : {"/", "/gzip"}) {
        auto s = co_await client.get(server.url(path)).stream();
        CHECK(s.status() == 200);
        std::size_t size = 0;
        for (;;) {
            const std::string_view piece = co_await s.next_chunk();
            if (piece.empty()) break;
            size += piece.size();
        }
        CHECK(size == big.size());
        const std::string_view after = co_await s.next_chunk();
        CHECK(after.empty());
        CHECK(client.statistics().active == 0);
    }
    auto s = co_await client.get(server.url()).stream();
    std::vector<char> room(1000);
    std::size_t size = 0;
    for (;;) {
        const std::size_t some = co_await s.read_some(room);
        if (some == 0) break;
        CHECK(some <= room.size());
        size += some;
        if (size > 100'000) break;
    }
    const std::string rest = co_await s.text();
    CHECK(size + rest.size() == big.size());
    CHECK(server.connections() == 1);
}
NET_TEST("stream: not limited in size, text is", "[http][stream][net]") {
    server.on("GET", "/", reply(200, std::string(10'000, 'x')).chunked(1000));
    http::client client(http::client_options().limits(http::limits().body_bytes(5000)));
    auto s = co_await client.get(server.url()).stream();
    std::size_t size = 0;
    for (;;) {
        const std::string_view piece = co_await s.next_chunk();
        if (piece.empty()) break;
        size += piece.size();
    }
    CHECK(size == 10'000);
    auto t = co_await client.get(server.url()).stream();
    const auto code = co_await code_of(t.text());
    CHECK(code == errc::body_too_large);
}
NET_TEST("stream: dropped in the middle it closes, dropped at the end it is kept", "[http][stream][net]") {
    server.on("GET", "/", reply(200, std::string(1'000'000, 'x'))).on("GET", "/small", reply(200, "x"));
    http::client client;
    {
        auto s = co_await client.get(server.url()).stream();
        CHECK(client.statistics().active == 1);
    }
    CHECK(client.statistics().active == 0);
    CHECK(client.statistics().idle == 0);
    { auto s = co_await client.get(server.url("/small")).stream(); }
    CHECK(client.statistics().idle == 1);
}
NET_TEST("stream: drain waits for a small rest", "[http][stream][net]") {
    server.on("GET", "/soon", reply(200, "rest").body_delay(5ms))
        .on("GET", "/late", reply(200, "rest").body_delay(300ms))
        .on("GET", "/large", reply(200, std::string(70'000, 'x')).body_delay(5ms));
    http::client client;
    for (const char* const path : {"/soon", "/late", "/large"}) {
        {
            auto s = co_await client.get(server.url(path)).stream();
            co_await s.drain();
        }
        CHECK(client.statistics().idle == (path == std::string("/soon") ? 1 : 0));
        CHECK(client.statistics().active == 0);
    }
}
NET_TEST("stream: no total limit unless one is given", "[http][stream][net]") {
    server.on("GET", "/", reply(200, "x").body_delay(60ms)).on("GET", "/never", reply().never());
    http::client client(http::client_options().timeouts(http::timeouts().total(20ms)));
    auto s = co_await client.get(server.url()).stream();
    const std::string text = co_await s.text();
    CHECK(text == "x");
    const auto code = co_await code_of(client.get(server.url("/never")).timeout(20ms).stream());
    CHECK(code == errc::total_timeout);
}

// ---- bodies

NET_TEST("bodies: from a source, with length and in chunks", "[http][body][net]") {
    server.on("POST", "/", reply(200, "got"));
    http::client client;
    for (const bool with_length : {true, false}) {
        auto source =
            std::make_shared<pieces>(std::vector<std::string>{"one ", "two ", "three"}, with_length, false);
        const auto r = co_await client.post(server.url()).body(source);
        CHECK(r.text() == "got");
        const auto seen = server.log().back();
        CHECK(seen.body == "one two three");
        CHECK(seen.header("Content-Length") == (with_length ? "13" : ""));
        CHECK(seen.header("Transfer-Encoding") == (with_length ? "" : "chunked"));
    }
    CHECK(server.connections() == 1);
}
NET_TEST("bodies: a large one in memory", "[http][body][net]") {
    server.on("POST", "/", [](const tandem::testing::seen_request& r) {
        return reply(200, std::to_string(r.body.size()));
    });
    http::client client;
    const auto r = co_await client.post(server.url()).body(std::string(5'000'000, 'x'));
    CHECK(r.text() == "5000000");
    CHECK(client.statistics().idle == 1);
}
NET_TEST("bodies: a source that says a wrong length", "[http][body][net]") {
    server.on("POST", "/", reply(200, "got"));
    http::client client;
    auto source = std::make_shared<pieces>(std::vector<std::string>{"one"}, true, false);
    source->excess = 5;
    const auto code = co_await code_of(client.post(server.url()).body(source).send());
    CHECK(code == errc::invalid_request);
    CHECK(client.statistics().active == 0);
    CHECK(client.statistics().idle == 0);
}
NET_TEST("bodies: an early answer is seen while the body is still being sent", "[http][body][net]") {
    server.on("POST", "/", reply(413, "too much").early());
    http::client client;
    const auto r = co_await client.post(server.url()).body(std::string(20'000'000, 'x'));
    CHECK(r.status() == 413);
    CHECK(r.text() == "too much");
    CHECK(client.statistics().idle == 0);
    auto endless = std::make_shared<pieces>(std::vector<std::string>(100'000, "x"), false, false);
    const auto s = co_await client.post(server.url()).body(endless);
    CHECK(s.status() == 413);
    CHECK(client.statistics().active == 0);
}
NET_TEST("bodies: Expect: 100-continue", "[http][body][net]") {
    server.on("POST", "/", reply(200, "got")).on("POST", "/no", reply(417, "no").early());
    http::client client;
    const auto r = co_await client.post(server.url()).body("x").expect_continue(true);
    CHECK(r.text() == "got");
    CHECK(server.log().back().body == "x");
    const auto no = co_await client.post(server.url("/no")).body("x").expect_continue(true);
    CHECK(no.status() == 417);
    CHECK(client.statistics().active == 0);
}

NET_TEST("redirects: a body that is cut short costs the connection, not the request",
         "[http][redirect][net]") {
    server.on("GET", "/cut", reply(302, "abc").header("Location", "/").length(100).close_silently());
    server.on("GET", "/coded",
              reply(302, "no gzip").header("Location", "/").header("Content-Encoding", "gzip"));
    server.on("GET", "/", reply(200, "there"));
    http::client client;
    for (const char* const from : {"/cut", "/coded"}) {
        const auto r = co_await client.get(server.url(from));
        CHECK(r.text() == "there");
    }
    CHECK(client.statistics().active == 0);
}

NET_TEST("decoding: codings named by several fields are all undone", "[http][decode][net]") {
    server.on(
        "GET", "/",
        reply(200, gzip(gzip("x"))).header("Content-Encoding", "gzip").header("Content-Encoding", "gzip"));
    server.on("GET", "/other",
              reply(200, gzip("x")).header("Content-Encoding", "gzip").header("Content-Encoding", "zstd"));
    http::client client;
    const auto both = co_await client.get(server.url());
    CHECK(both.text() == "x");
    const auto other = co_await client.get(server.url("/other"));
    CHECK(other.text() == gzip("x"));
    CHECK(other.headers().get_all("Content-Encoding").size() == 2);
}

NET_TEST("decoding: a range is asked for and delivered as it is", "[http][decode][net]") {
    server.on("GET", "/", reply(206, gzip("hello").substr(5)).header("Content-Encoding", "gzip"));
    http::client client;
    const auto r = co_await client.get(server.url()).header("Range", "bytes=5-");
    CHECK(r.text() == gzip("hello").substr(5));
    CHECK_FALSE(server.log().back().headers.contains("Accept-Encoding"));
}

NET_TEST("connections: one that the request gives up is not used again", "[http][pool][net]") {
    server.on("GET", "/", reply(200, "x"));
    http::client client;
    co_await client.get(server.url()).header("Connection", "keep-alive, Close");
    CHECK(client.statistics().idle == 0);
    co_await client.get(server.url()).header("Connection", "keep-alive");
    CHECK(client.statistics().idle == 1);
}

NET_TEST("stream: what was moved from says so", "[http][stream][net]") {
    server.on("GET", "/", reply(200, "x"));
    http::client client;
    auto first = co_await client.get(server.url()).stream();
    auto second = std::move(first);
    const std::string text = co_await tandem_test::text_of(first.next_chunk());
    CHECK(text == "tandem::http::response_stream: its body was moved elsewhere; read it there");
    CHECK_THROWS_AS(first.trailers(), tandem::invalid_state_error);
    const std::string body = co_await second.text();
    CHECK(body == "x");
}
