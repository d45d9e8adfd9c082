// A GET in one line, a POST with JSON, and what an error says. The server is part of the program.
// SPDX-License-Identifier: BSL-1.0
// expect: ^3 answers, 1 error, 1 connection$
#include <tandem/asio/run.hpp>
#include <tandem/http/client.hpp>
#include <tandem/http/json.hpp>
#include <tandem/testing/http_server.hpp>

#include <chrono>
#include <iostream>
#include <map>
#include <string>

#include "check.hpp"

namespace http = tandem::http;
using tandem::testing::reply;
using namespace std::chrono_literals;

tandem::task<> amain(std::string base) {
    http::client client;

    const http::response page = co_await client.get(base + "/hello");
    std::cout << page.status() << ' ' << page.text() << '\n';

    const std::map<std::string, int> order{{"apples", 3}};
    const http::response made = co_await client.post(base + "/orders").bearer("secret").json(order).timeout(5s);
    std::cout << made.status() << " order " << made.json()["id"] << '\n';

    const http::response missing = co_await client.get(base + "/nothing");  // 404 is a response
    std::cout << missing.status() << '\n';
    try {
        missing.raise_for_status();  // unless you want it to be an error
    } catch (const http::error& e) {
        std::cout << e.what() << '\n';
        check(e.code() == http::errc::status, "the error says what it is");
    }

    check(page.text() == "hello, world", "the body has arrived");
    check(made.json()["id"] == 7, "JSON goes both ways");
    std::cout << "3 answers, 1 error, " << client.statistics().created << " connection\n";
}

int main() {
    tandem::testing::http_server server;
    server.on("GET", "/hello", reply(200, "hello, world"));
    server.on("POST", "/orders", reply(201, R"({"id": 7})").header("Content-Type", "application/json"));
    tandem::run(amain("http://127.0.0.1:" + std::to_string(server.port())));
}
