// tandem - tests against servers that are not ours: nginx, and Python's http.server
// SPDX-License-Identifier: BSL-1.0
#include <tandem/http/client.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <tandem/http/tls.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/testing/certificates.hpp>

#include "http/net_test.hpp"
#include "real_server.hpp"

namespace http = tandem::http;
using namespace std::chrono_literals;
using real_server::nginx;
using real_server::scratch_folder;

namespace {

/// Runs a body against a server on a loop of its own, or says why not.
template <class Server>
void against(tandem::task<> (*body)(const Server&), const Server& server) {
    const std::ptrdiff_t descriptors = tandem_test::open_descriptors();
    const auto frames = tandem::detail::live_frames;
    tandem::run(body(server), tandem::run_options().handle_signals(false));
    CHECK(tandem::detail::live_frames == frames);
    CHECK(tandem_test::open_descriptors() == descriptors);
}

bool nginx_is_missing() {
    if (nginx::present()) return false;
    WARN("skipped: nginx is not installed (Debian: nginx-light)");
    return true;
}

std::string text_of_size(std::size_t size) {
    std::string text;
    for (std::size_t i = 0; text.size() < size; ++i) text += std::to_string(i) + "\n";
    text.resize(size);
    return text;
}

// ---- nginx: files

tandem::task<> nginx_files(const nginx& server) {
    http::client client;
    const std::string large = text_of_size(3'000'000);
    server.folder().write("root/large.txt", large);
    server.folder().write("root/empty.txt", "");

    const auto small = co_await client.get(server.url("/small.txt"));
    CHECK(small.text() == std::string(1024, 'x'));
    CHECK(small.headers().get("Server").value_or("").substr(0, 5) == "nginx");
    const auto whole = co_await client.get(server.url("/large.txt"));
    CHECK(whole.text() == large);
    const auto empty = co_await client.get(server.url("/empty.txt"));
    CHECK(empty.text().empty());
    const auto head = co_await client.head(server.url("/large.txt"));
    CHECK(head.headers().get("Content-Length") == "3000000");
    CHECK(head.text().empty());
    const auto part = co_await client.get(server.url("/large.txt")).header("Range", "bytes=10-19");
    CHECK(part.status() == 206);
    CHECK(part.text() == large.substr(10, 10));
    const std::string tag(small.headers().get("ETag").value_or(""));
    const auto same = co_await client.get(server.url("/small.txt")).header("If-None-Match", tag);
    CHECK(same.status() == 304);
    const auto none = co_await client.get(server.url("/none"));
    CHECK(none.status() == 404);
    const auto refused = co_await client.post(server.url("/small.txt")).body(text_of_size(10'000));
    CHECK(refused.status() == 405);
    const auto folder = co_await client.get(server.url("/folder"));  // 301 to an absolute URL
    CHECK(folder.text() == "index");
    CHECK(folder.history().size() == 1);
    CHECK(client.statistics().created == 1);
}

// ---- nginx: gzip

tandem::task<> nginx_gzip(const nginx& server) {
    http::client client;
    const std::string text = text_of_size(200'000);
    server.folder().write("root/page.txt", text);
    const auto packed = co_await client.get(server.url("/page.txt"));
    CHECK(packed.text() == text);
    CHECK(packed.raw_headers().get("Content-Encoding") == "gzip");
    CHECK(!packed.headers().contains("Content-Encoding"));
    const auto raw =
        co_await client.get(server.url("/page.txt")).decompress(false).header("Accept-Encoding", "gzip");
    CHECK(raw.text().size() < text.size());
    CHECK(client.statistics().created == 1);
}

// ---- nginx: connections end after some requests, and after some time

tandem::task<std::size_t> fetch_many(http::client client, std::string url, std::size_t times) {
    std::size_t good = 0;
    for (std::size_t i = 0; i < times; ++i) {
        const auto r = co_await client.get(url);
        good += r.status() == 200 && r.text().size() == 1024;
    }
    co_return good;
}

tandem::task<> nginx_limits(const nginx& server) {
    http::client client;
    std::vector<tandem::task<std::size_t>> all;
    for (int i = 0; i < 8; ++i) all.push_back(fetch_many(client, server.url("/small.txt"), 50));
    const auto good = co_await tandem::gather(std::move(all));
    for (const std::size_t one : good) CHECK(one == 50);
    CHECK(client.statistics().created >= 400 / 10);  // keepalive_requests 10
    co_await tandem::sleep(1200ms);                  // keepalive_timeout 1s
    const std::size_t again = co_await fetch_many(client, server.url("/small.txt"), 3);
    CHECK(again == 3);
    CHECK(client.statistics().active == 0);
}

// ---- nginx: a proxy in front of itself, and one that limits the rate

tandem::task<> nginx_proxy(const nginx& server) {
    http::client client;
    const auto through = co_await client.get(server.url("/through/small.txt"));
    CHECK(through.text().size() == 1024);
    const auto dead = co_await client.get(server.url("/dead"));
    CHECK(dead.status() == 502);
    const std::string body = text_of_size(300'000);
    const auto large = co_await client.post(server.url("/limited")).body(body);
    CHECK(large.status() == 413);
    const auto slow = co_await client.get(server.url("/slow/small.txt")).timeout(5s);
    CHECK(slow.text().size() == 1024);
    const auto code = co_await tandem_test::code_of(
        client.get(server.url("/slow/large.txt")).timeouts(http::timeouts().total(300ms)).send());
    CHECK(code == http::errc::total_timeout);
    CHECK(client.statistics().active == 0);
}

tandem::testing::certificate_authority& authority() {
    static tandem::testing::certificate_authority made;
    return made;
}

tandem::task<> nginx_tls(const nginx& server) {
    const std::string url = "https://localhost:" + server.folder().read("tls_port");
    const http::client_options options = http::client_options()
                                             .resolve("localhost", "127.0.0.1")
                                             .tls(http::tls(http::tls_config().ca_pem(authority().pem())));
    http::client client(options);
    const std::string large = text_of_size(3'000'000);
    server.folder().write("root/large.txt", large);
    const auto small = co_await client.get(url + "/small.txt");
    CHECK(small.text().size() == 1024);
    const auto whole = co_await client.get(url + "/large.txt");
    CHECK(whole.text() == large);
    CHECK(client.statistics().created == 1);
    // "r" if the session was taken up; connections here serve three requests each.
    std::string sessions;
    for (int i = 0; i < 7; ++i) {
        const auto r = co_await client.get(url + "/session");
        sessions += r.text();
    }
    CHECK(sessions.find('r') != std::string::npos);
    const http::client_options distrustful =
        http::client_options().resolve("localhost", "127.0.0.1").tls(http::tls());
    const auto code = co_await tandem_test::code_of(http::client(distrustful).get(url).send());
    CHECK(code == http::errc::certificate);
}

// ---- Python

class python_server {
public:
    static bool present() { return !real_server::find_program("python3").empty(); }

    explicit python_server(const std::string& protocol) : port_(real_server::free_port()) {
        folder_.write("small.txt", std::string(1024, 'x'));
        folder_.write("folder/index.html", "index");
        process_ = std::make_unique<real_server::child_process>(
            std::vector<std::string>{real_server::find_program("python3"), "-m", "http.server", "--bind",
                                     "127.0.0.1", "--protocol", protocol, "--directory", folder_.path(),
                                     std::to_string(port_)},
            folder_.path("log"));
        if (!process_->wait_until_it_listens(port_))
            throw std::runtime_error("python3: " + folder_.read("log"));
    }
    std::string url(const std::string& target) const {
        return "http://127.0.0.1:" + std::to_string(port_) + target;
    }

private:
    scratch_folder folder_;
    std::uint16_t port_;
    std::unique_ptr<real_server::child_process> process_;
};

tandem::task<> python_files(const python_server& server) {
    http::client client;
    for (int i = 0; i < 5; ++i) {
        const auto r = co_await client.get(server.url("/small.txt"));
        CHECK(r.text() == std::string(1024, 'x'));
    }
    const auto folder = co_await client.get(server.url("/folder"));
    CHECK(folder.text() == "index");
    CHECK(folder.history().size() == 1);
    const auto none = co_await client.get(server.url("/none"));
    CHECK(none.status() == 404);
    const auto refused = co_await client.post(server.url("/small.txt")).body("no");
    CHECK(refused.status() == 501);
    const auto head = co_await client.head(server.url("/small.txt"));
    CHECK(head.headers().get("Content-Length") == "1024");
    CHECK(client.statistics().active == 0);
}

}  // namespace

TEST_CASE("nginx: files, ranges, conditions, redirects, over one connection", "[http][net]") {
    if (nginx_is_missing()) return;
    const nginx server("", "  types { text/plain txt; }\n");
    server.folder().write("root/folder/index.html", "index");
    against(&nginx_files, server);
}

TEST_CASE("nginx: what it compresses is what it has", "[http][net]") {
    if (nginx_is_missing()) return;
    against(
        &nginx_gzip,
        nginx(
            "",
            "  types { text/plain txt; }\n  gzip on;\n  gzip_types text/plain;\n  gzip_http_version 1.0;\n"));
}

TEST_CASE("nginx: no request is lost where it ends connections", "[http][net]") {
    if (nginx_is_missing()) return;
    against(&nginx_limits, nginx("", "  keepalive_requests 10;\n  keepalive_timeout 1s;\n"));
}

TEST_CASE("nginx: as a proxy, with a dead server behind, with limits of size and rate", "[http][net]") {
    if (nginx_is_missing()) return;
    const std::string dead = std::to_string(real_server::free_port());
    const std::uint16_t behind = real_server::free_port();
    const nginx server(
        "    listen 127.0.0.1:" + std::to_string(behind) +
        ";\n    location /through/ { proxy_pass http://127.0.0.1:" + std::to_string(behind) +
        "/; }\n    location /dead { proxy_pass http://127.0.0.1:" + dead +
        "/; }\n    location /limited { client_max_body_size 1k; proxy_pass http://127.0.0.1:" + dead +
        "/; }\n    location /slow/ { rewrite ^/slow(/.*)$ $1 break; limit_rate 2k; }\n");
    server.folder().write("root/large.txt", std::string(1'000'000, 'x'));
    against(&nginx_proxy, server);
}

TEST_CASE("nginx: TLS, large bodies, sessions", "[http][tls][net]") {
    if (nginx_is_missing()) return;
    const scratch_folder files;
    const auto own = authority().issue();
    files.write("server.pem", own.pem);
    files.write("server.key", own.key);
    const std::string port = std::to_string(real_server::free_port());
    const nginx server("    listen 127.0.0.1:" + port + " ssl;\n    ssl_certificate " +
                           files.path("server.pem") + ";\n    ssl_certificate_key " +
                           files.path("server.key") +
                           ";\n    ssl_protocols TLSv1.2 TLSv1.3;\n    location /session { return 200 "
                           "$ssl_session_reused; }\n",
                       "  keepalive_requests 3;\n");
    server.folder().write("tls_port", port);
    against(&nginx_tls, server);
}

TEST_CASE("Python's http.server: HTTP/1.0 and HTTP/1.1", "[http][net]") {
    if (!python_server::present()) {
        WARN("skipped: python3 is not installed");
        return;
    }
    for (const char* const protocol : {"HTTP/1.0", "HTTP/1.1"}) {
        INFO(protocol);
        against(&python_files, python_server(protocol));
    }
}
