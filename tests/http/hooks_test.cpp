// tandem - tests of what a request tells and takes on its way: hooks, timing, versions, streamed bodies
// SPDX-License-Identifier: BSL-1.0
#include <tandem/http/hooks.hpp>

#include <zlib.h>

#include <cstdio>
#include <fstream>
#include <functional>

#include <tandem/http/body.hpp>
#include <tandem/sync/queue.hpp>

#include "mock_test.hpp"

namespace http = tandem::http;
using namespace std::chrono_literals;
using http::errc;
using tandem::testing::reply;
using tandem_test::code_of;
using tandem_test::over;
using tandem_test::since;

namespace {

/// A client that writes down all that its hooks hear.
class listening {
public:
    explicit listening(const http::mock_transport& net) : client_(over(net).hooks(hears(log_))) {}
    http::client& client() { return client_; }
    const std::string& log() const { return log_; }

    static std::shared_ptr<http::hooks> hears(std::string& log) {
        auto h = std::make_shared<http::hooks>();
        h->on_request([&log](http::request& r) { log += r.method() + " " + r.url().path() + ";"; });
        h->on_response([&log](const http::request&, const http::head_view& head) {
            log +=
                std::to_string(head.status()) + " " + std::string(head.headers().get("X").value_or("")) + ";";
        });
        h->on_informational([&log](const http::request&, const http::head_view& head) {
            log += "info " + std::to_string(head.status()) + ";";
        });
        h->on_repeat([&log](const http::request&, const http::error& e) {
            log += std::string("again: ") + http::to_string(e.code()) + ";";
        });
        h->on_phase(
            [&log](const http::request&, http::phase p) { log += std::string(http::to_string(p)) + ";"; });
        h->on_sent([&log](const http::request&, std::uint64_t bytes) {
            log += "sent " + std::to_string(bytes) + ";";
        });
        return h;
    }

private:
    std::string log_;
    http::client client_;
};

tandem::task<std::string> next_line(tandem::queue<std::string>& lines) {
    const std::optional<std::string> line = co_await lines.next();
    co_return line.value_or("");
}

tandem::task<> write_lines(tandem::queue<std::string>& lines) {
    for (const char* const line : {"one\n", "two\n", "three\n"}) {
        co_await tandem::sleep(1s);
        co_await lines.put(line);
    }
    lines.shutdown();
}

std::string gzip(std::string_view text) {
    z_stream z{};
    deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    std::string out(deflateBound(&z, text.size()) + 32, '\0');
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    z.avail_in = static_cast<uInt>(text.size());
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = static_cast<uInt>(out.size());
    deflate(&z, Z_FINISH);
    out.resize(z.total_out);
    deflateEnd(&z);
    return out;
}

/// A file that is gone when the test is over.
class temporary_file {
public:
    explicit temporary_file(const std::string& text) : path_("httpf_body_" + std::to_string(::getpid())) {
        std::ofstream(path_, std::ios::binary) << text;
    }
    ~temporary_file() { std::remove(path_.c_str()); }
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

}  // namespace

// ---- hooks

TANDEM_TEST("hooks: a request and its answer, phase by phase", "[http][hooks][virtual]") {
    http::mock_transport net;
    net.on("POST", "/a", reply(200, "hello").header("X", "y").informational(103));
    listening heard(net);
    co_await heard.client().post("http://host/a").body("12345");
    CHECK(heard.log() == "POST /a;pool;connect;write;sent 5;header;info 103;200 y;body;");
}

TANDEM_TEST("hooks: a kept connection leaves connecting out", "[http][hooks][virtual]") {
    http::mock_transport net;
    net.on("GET", "/", reply(204));
    listening heard(net);
    co_await heard.client().get("http://host/");
    co_await heard.client().get("http://host/");
    CHECK(heard.log() == "GET /;pool;connect;write;header;204 ;GET /;pool;write;header;204 ;");
}

TANDEM_TEST("hooks: each hop of a redirect is heard", "[http][hooks][virtual]") {
    http::mock_transport net;
    net.on("GET", "/a", reply(302).header("Location", "/b")).on("GET", "/b", reply(204));
    listening heard(net);
    co_await heard.client().get("http://host/a");
    CHECK(heard.log() == "GET /a;pool;connect;write;header;302 ;GET /b;pool;write;header;204 ;");
}

TANDEM_TEST("hooks: a repetition says why", "[http][hooks][virtual]") {
    http::mock_transport net;
    net.on("GET", "/", reply(204)).on("GET", "/", reply().cut_after(0)).on("GET", "/", reply(204));
    listening heard(net);
    co_await heard.client().get("http://host/");
    const auto r = co_await heard.client().get("http://host/");
    CHECK(r.timing().attempt == 2);
    CHECK(heard.log().find("again: the server closed the connection without an answer;GET "
                           "/;pool;connect;write;header;204") != std::string::npos);
}

TANDEM_TEST("hooks: on_request may add what is sent", "[http][hooks][virtual]") {
    http::mock_transport net;
    net.on("GET", "/", reply(204));
    auto h = std::make_shared<http::hooks>();
    h->on_request([](http::request& r) { r.header("X-Trace", "7"); });
    http::client client(over(net));
    co_await client.get("http://host/").hooks(h);
    co_await client.get("http://host/");
    const auto log = net.log();
    CHECK(log[0].header("X-Trace") == "7");
    CHECK(log[1].header("X-Trace").empty());
}

TANDEM_TEST("hooks: on_redirect may follow, deliver or change", "[http][hooks][redirect][virtual]") {
    http::mock_transport net;
    net.on("*", "/a", reply(307, "moved").header("Location", "/b"))
        .on("*", "/b", reply(200, "b"))
        .on("*", "/c", reply(200, "c"));
    auto h = std::make_shared<http::hooks>();
    int asked = 0;
    h->on_redirect([&asked](const http::head_view& head, http::request& next) {
        CHECK(head.status() == 307);
        CHECK(next.url().path() == "/b");
        CHECK(next.method() == "POST");
        if (++asked == 1) return http::redirect_action::follow;
        if (asked == 2) return http::redirect_action::deliver;
        next.url() = next.url().resolve("/c");
        return http::redirect_action::follow;
    });
    http::client client(over(net).hooks(h));
    const auto first = co_await client.post("http://host/a").body("x");
    CHECK(first.text() == "b");
    const auto second = co_await client.post("http://host/a").body("x");
    CHECK(second.text() == "moved");
    CHECK(second.url().path() == "/a");
    CHECK(second.history().empty());
    const auto third = co_await client.post("http://host/a").body("x");
    CHECK(third.text() == "c");
    CHECK(third.history().size() == 1);
    CHECK(net.log().back().body == "x");
}

TANDEM_TEST("hooks: what a hook throws ends its request and leaves nothing behind",
            "[http][hooks][virtual]") {
    http::mock_transport net;
    net.on("GET", "/", reply(200, "x").informational(103));
    http::client client(over(net));
    for (int which = 0; which < 4; ++which) {
        auto h = std::make_shared<http::hooks>();
        const auto fail = [] { throw tandem_test::oops("hook"); };
        if (which == 0) h->on_request([fail](http::request&) { fail(); });
        if (which == 1) h->on_response([fail](const http::request&, const http::head_view&) { fail(); });
        if (which == 2) h->on_informational([fail](const http::request&, const http::head_view&) { fail(); });
        if (which == 3) {
            h->on_phase([fail](const http::request&, http::phase p) {
                if (p == http::phase::body) fail();
            });
        }
        const std::string said = co_await tandem_test::text_of(client.get("http://host/").hooks(h).send());
        CHECK(said == "hook");
        CHECK(client.statistics().active == 0);
    }
    const auto r = co_await client.get("http://host/");
    CHECK(r.text() == "x");
}

TANDEM_TEST("hooks: on_sent counts an upload", "[http][hooks][virtual]") {
    http::mock_transport net;
    net.on("PUT", "/", reply(204));
    std::vector<std::uint64_t> seen;
    auto h = std::make_shared<http::hooks>();
    h->on_sent([&seen](const http::request&, std::uint64_t bytes) { seen.push_back(bytes); });
    http::client client(over(net).hooks(h));
    co_await client.put("http://host/").body(std::string(150'000, 'x'));
    CHECK(seen == std::vector<std::uint64_t>{65536, 131072, 150000});
    CHECK(net.log()[0].body.size() == 150'000);
}

TANDEM_TEST("hooks: on_sent hears nothing when 103 and 417 come instead of 100",
            "[http][hooks][body][virtual]") {
    http::mock_transport net;
    net.on("PUT", "/", reply(417, "no").informational(103).early());
    bool sent = false;
    auto h = std::make_shared<http::hooks>();
    h->on_sent([&sent](const http::request&, std::uint64_t) { sent = true; });
    http::client client(over(net).hooks(h));
    const auto r = co_await client.put("http://host/").body("x").expect_continue(true);
    CHECK(r.status() == 417);
    CHECK_FALSE(sent);
}

// ---- timing

TANDEM_TEST("timing: says when each phase ended", "[http][timing][virtual]") {
    http::mock_transport net;
    net.on("GET", "/", reply(200, "x").delay(3s).body_delay(2s));
    net.connect_delay(1s);
    http::client client(over(net).connections_per_host(1));
    auto first = tandem::create_task(client.get("http://host/").send());
    co_await tandem::sleep(2s);
    const auto r = co_await client.get("http://host/");
    const auto& before = co_await first;
    CHECK(before.timing().queued == 0s);
    CHECK(before.timing().connected == 1s);
    CHECK(before.timing().sent == 1s);
    CHECK(before.timing().answered == 4s);
    CHECK(before.timing().done == 6s);
    CHECK_FALSE(before.timing().reused);
    CHECK(r.timing().queued == 4s);
    CHECK(r.timing().connected == 0s);
    CHECK(r.timing().answered == 7s);
    CHECK(r.timing().done == 9s);
    CHECK(r.timing().reused);
    CHECK(r.elapsed() == 9s);
}

// ---- versions, heads

TANDEM_TEST("version: a 1.0 request has no chunks and its connection is not kept",
            "[http][version][virtual]") {
    http::mock_transport net;
    net.on("*", "/", reply(200, "x"));
    http::client client(over(net));
    const auto r = co_await client.post("http://host/").version(http::version::http_1_0).body("abc");
    CHECK(r.version() == http::version::http_1_1);
    CHECK(client.statistics().idle == 0);
    CHECK(net.log()[0].body == "abc");
    tandem::queue<std::string> lines;
    const auto code = co_await code_of(client.post("http://host/")
                                           .version(http::version::http_1_0)
                                           .body(http::streamed(next_line, std::ref(lines)))
                                           .send());
    CHECK(code == errc::invalid_request);
    CHECK(client.statistics().active == 0);
}

TANDEM_TEST("raw_headers: what came, also when the body was decompressed", "[http][headers][virtual]") {
    const std::string packed = gzip("hello");
    http::mock_transport net;
    net.on("GET", "/", reply(200, packed).header("Content-Encoding", "gzip").header("A", "b"));
    http::client client(over(net));
    const auto r = co_await client.get("http://host/");
    CHECK(r.text() == "hello");
    CHECK_FALSE(r.headers().contains("Content-Encoding"));
    CHECK_FALSE(r.headers().contains("Content-Length"));
    CHECK(r.raw_headers().get("Content-Encoding") == "gzip");
    CHECK(r.raw_headers().get("Content-Length") == std::to_string(packed.size()));
    CHECK(r.raw_headers().get("A") == "b");
    const auto raw = co_await client.get("http://host/").decompress(false);
    CHECK(raw.text() == packed);
    CHECK(raw.raw_headers().size() == raw.headers().size());
}

// ---- streams and bodies

TANDEM_TEST("stream: outlives the client that made it", "[http][stream][virtual]") {
    http::mock_transport net;
    net.on("GET", "/", reply(200, "late").body_delay(1s));
    std::optional<http::client> client(over(net));
    auto s = co_await client->get("http://host/").stream();
    client.reset();
    const std::string text = co_await s.text();
    CHECK(text == "late");
    CHECK(net.open_connections() == 0);
}

TANDEM_TEST("stream: one assigned to another gives its connection back first", "[http][stream][virtual]") {
    http::mock_transport net;
    net.on("GET", "/", reply(200, "text").body_delay(1s));
    auto s = co_await http::client(over(net)).get("http://host/").stream();
    s = co_await http::client(over(net)).get("http://host/").stream();
    CHECK(net.open_connections() == 1);
    const std::string text = co_await s.text();
    CHECK(text == "text");
}

TANDEM_TEST("body: a coroutine gives the pieces, at its own pace", "[http][body][virtual]") {
    http::mock_transport net;
    net.on("POST", "/", reply(200, "thanks"));
    http::client client(over(net));
    tandem::queue<std::string> lines(1);
    tandem::create_task(write_lines(lines));
    const auto start = tandem::this_task::loop().now();
    const auto r = co_await client.post("http://host/").body(http::streamed(next_line, std::ref(lines)));
    CHECK(r.text() == "thanks");
    CHECK(since(start) == 3s);
    CHECK(net.log()[0].body == "one\ntwo\nthree\n");
    CHECK(net.log()[0].header("Transfer-Encoding") == "chunked");
    CHECK(client.statistics().idle == 1);
}

TANDEM_TEST("body: one from a coroutine cannot be sent again", "[http][body][redirect][virtual]") {
    http::mock_transport net;
    net.on("POST", "/", reply(307).header("Location", "/b"));
    http::client client(over(net));
    tandem::queue<std::string> lines;
    lines.shutdown();
    const auto code =
        co_await code_of(client.post("http://host/").body(http::streamed(next_line, std::ref(lines))).send());
    CHECK(code == errc::body_not_replayable);
}

TANDEM_TEST("body: a file is sent with its length, again after a 307", "[http][body][virtual]") {
    const std::string text = std::string(100'000, 'x') + "end";
    const temporary_file file(text);
    http::mock_transport net;
    net.on("PUT", "/", reply(307).header("Location", "/b")).on("PUT", "/b", reply(204));
    http::client client(over(net));
    co_await client.put("http://host/").body(http::file_body(file.path()));
    const auto log = net.log();
    REQUIRE(log.size() == 2);
    CHECK(log[0].body == text);
    CHECK(log[1].body == text);
    CHECK(log[1].header("Content-Length") == "100003");
}

TEST_CASE("body: a file that is not there says so", "[http][body][virtual]") {
    CHECK_THROWS_WITH(http::file_body("no/such/file"),
                      Catch::Contains("tandem::http: the file \"no/such/file\" cannot be opened"));
}

TANDEM_TEST("body: an early answer ends an upload that would never end", "[http][body][virtual]") {
    http::mock_transport net;
    net.on("POST", "/", reply(401, "no").early());
    http::client client(over(net));
    tandem::queue<std::string> lines;  // nobody ever puts anything
    const auto r = co_await client.post("http://host/").body(http::streamed(next_line, std::ref(lines)));
    CHECK(r.status() == 401);
    CHECK(client.statistics().active == 0);
}
