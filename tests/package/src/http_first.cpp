// tandem - the consumer of tandem::http_compiled: every part of the client that is declared only
// SPDX-License-Identifier: BSL-1.0
#include <cstdio>
#include <string>
#include <utility>

#include <tandem/asio/run.hpp>
#include <tandem/http/client.hpp>
#include <tandem/http/fetch.hpp>
#include <tandem/http/sse.hpp>
#include <tandem/testing/http_server.hpp>

namespace http = tandem::http;
using tandem::testing::reply;

tandem::task<int> number_at(http::client client, std::string url);  // in the other file

tandem::task<int> amain(std::string base) {
    http::client client;
    const int first = co_await number_at(client, base + "/30");
    const auto fetched = co_await http::fetch(base + "/12");
    auto stream = co_await client.post(base + "/events").basic_auth("me", "secret").form("a", "b").stream();
    auto events = std::move(stream).sse();
    const auto event = co_await events.next();
    auto chunked = co_await client.get(base + "/30").stream();
    const auto piece = co_await chunked.next_chunk();
    if (piece != "30" || client.statistics().created == 0) co_return 1;
    client.close();
    co_return first + std::stoi(fetched.text()) * (event && event->data == "one");
}

int main() {
    tandem::testing::http_server server;
    server.on("GET", "/30", reply(200, "30")).on("GET", "/12", reply(200, "12"));
    server.on("POST", "/events", reply(200, "data: one\n\n").header("Content-Type", "text/event-stream"));
    std::printf("%d\n", tandem::run(amain("http://127.0.0.1:" + std::to_string(server.port()))));
}
