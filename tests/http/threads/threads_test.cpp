// tandem - tests of the HTTP client where threads meet: names, bodies from disk, requests from elsewhere
// SPDX-License-Identifier: BSL-1.0
#include <tandem/http/client.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <tandem/asio/threadsafe.hpp>
#include <tandem/core/sleep.hpp>
#include <tandem/cpu/to_thread.hpp>
#include <tandem/http/body.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/timeout.hpp>

#include "http/net_test.hpp"

namespace http = tandem::http;
using namespace std::chrono_literals;
using http::errc;
using tandem::testing::reply;
using tandem_test::code_of;

namespace {

std::string on_localhost(const tandem::testing::http_server& server) {
    return "http://localhost:" + std::to_string(server.port()) + "/";
}

tandem::task<std::string> text_at(http::client& client, std::string url) {
    const http::response r = co_await client.get(url);
    co_return r.text();
}

/// What is left of a body, a piece of which is made on another thread.
tandem::task<std::string> piece_from_thread(int& left) {
    if (left == 0) co_return std::string();
    const char letter = static_cast<char>('a' + --left);
    std::string piece = co_await tandem::to_thread([](char c) { return std::string(1000, c); }, letter);
    co_return piece;
}

tandem::task<> look_up_and_leave() {
    http::client client;
    co_await tandem::move_on_after(1ms, code_of(client.get("http://never.invalid/").send()));
}

/// Without a count of frames: what another thread hands over was not made on this one.
void run_with_server(tandem::task<> (*body)(tandem::testing::http_server&)) {
    const std::ptrdiff_t descriptors = tandem_test::open_descriptors();
    {
        tandem::testing::http_server server;
        tandem::run(body(server), tandem::run_options().handle_signals(false));
    }
    CHECK(tandem_test::open_descriptors() == descriptors);
}

tandem::task<> lookups_shared(tandem::testing::http_server& server) {
    server.on("GET", "/", reply(200, "x"));
    http::client client;
    const std::string url = on_localhost(server);
    std::vector<tandem::task<std::string>> pages;
    for (int i = 0; i < 20; ++i) pages.push_back(text_at(client, url));
    auto leaving = tandem::create_task(text_at(client, url));
    co_await tandem::sleep(0s);
    leaving.cancel();
    const auto all = co_await tandem::gather(std::move(pages));
    CHECK(all == std::vector<std::string>(20, "x"));
    CHECK(leaving.cancelled());
    CHECK(client.statistics().active == 0);
}

tandem::task<> many_names(tandem::testing::http_server& server) {
    server.on("GET", "/", reply(200, "x"));
    http::client client;
    std::vector<tandem::task<std::optional<errc>>> bad;
    for (int i = 0; i < 8; ++i) {
        bad.push_back(code_of(client.get("http://n" + std::to_string(i) + ".invalid/").send()));
    }
    const std::string good = co_await text_at(client, on_localhost(server));
    CHECK(good == "x");
    const auto codes = co_await tandem::gather(std::move(bad));
    for (const auto& code : codes) CHECK(code == errc::resolve);
}

tandem::task<> body_from_threads(tandem::testing::http_server& server) {
    server.on("POST", "/", [](const tandem::testing::seen_request& r) {
        return reply(200, std::to_string(r.body.size()));
    });
    http::client client;
    int left = 20;
    const auto r = co_await client.post(server.url()).body(http::streamed(piece_from_thread, std::ref(left)));
    CHECK(r.text() == "20000");
}

tandem::task<> requests_from_threads(tandem::testing::http_server& server) {
    server.on("GET", "/", reply(200, "x"));
    http::client client;
    tandem::event_loop& loop = tandem::event_loop::running();
    const std::string url = server.url();
    std::string got;
    co_await tandem::to_thread([&] {
        std::vector<std::future<std::string>> answers;
        for (int i = 0; i < 20; ++i)
            answers.push_back(tandem::run_coroutine_threadsafe(loop, text_at(client, url)));
        for (auto& answer : answers) got += answer.get();
    });
    CHECK(got == std::string(20, 'x'));
}

}  // namespace

TEST_CASE("http threads: one lookup serves all who ask, some of whom leave",
          "[http][resolve][threads][net]") {
    run_with_server(&lookups_shared);
}
TEST_CASE("http threads: several names at once, good and bad", "[http][resolve][threads][net]") {
    run_with_server(&many_names);
}
TEST_CASE("http threads: a body whose pieces come from another thread", "[http][body][threads][net]") {
    run_with_server(&body_from_threads);
}
TEST_CASE("http threads: requests that other threads hand to the loop", "[http][threads][net]") {
    run_with_server(&requests_from_threads);
}
TEST_CASE("http threads: a loop ends while its names are looked up", "[http][resolve][threads][net]") {
    for (int i = 0; i < 20; ++i)
        tandem::run(look_up_and_leave(), tandem::run_options().handle_signals(false));
}
