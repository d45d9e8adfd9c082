// A thousand URLs, twenty at a time, each with its own time limit; what fails is counted, not fatal.
// SPDX-License-Identifier: BSL-1.0
// expect: ^990 pages, 10 failed, at most 20 at a time$
#include <tandem/asio/run.hpp>
#include <tandem/http/client.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/testing/http_server.hpp>

#include <chrono>
#include <iostream>
#include <ranges>
#include <string>
#include <utility>

#include "check.hpp"

namespace http = tandem::http;
using namespace std::chrono_literals;

tandem::task<std::size_t> fetch(http::client& client, std::string url) {
    const http::response page = co_await client.get(url).timeout(200ms);
    co_return page.text().size();
}

tandem::task<> amain(tandem::testing::http_server& server) {
    // The pool would let 20 through by itself; the limit keeps the rest from even being made.
    http::client client(http::client_options().connections_per_host(20));
    auto pages = std::views::iota(0, 1000) | std::views::transform([&](int i) {
                     return fetch(client, server.url(i % 100 == 99 ? "/hangs" : "/page?n=" + std::to_string(i)));
                 });
    const auto outcomes = co_await tandem::gather(tandem::return_exceptions, tandem::limit(20), pages);
    int good = 0;
    int failed = 0;
    for (const auto& outcome : outcomes) (outcome ? good : failed)++;
    check(server.peak_in_flight() <= 20, "never more than twenty at a time");
    check(client.statistics().active == 0, "those that timed out have given their connections up");
    std::cout << good << " pages, " << failed << " failed, at most 20 at a time\n";
}

int main() {
    tandem::testing::http_server server;
    server.on("GET", "/page", tandem::testing::reply(200, "page"));
    server.on("GET", "/hangs", tandem::testing::reply().never());
    tandem::run(amain(server));
}
