// Tests a program that talks to servers, without a server and without waiting: the network is a script, the clock
// virtual. What is tested: a client with a cookie jar that uploads a form and repeats what failed.
// SPDX-License-Identifier: BSL-1.0
// expect: ^3 requests, 1 connection, 31 s in no time$
#include <tandem/http/client.hpp>
#include <tandem/http/cookie_jar.hpp>
#include <tandem/http/multipart.hpp>
#include <tandem/http/retry.hpp>
#include <tandem/testing/mock_transport.hpp>
#include <tandem/testing/test_loop.hpp>

#include <chrono>
#include <iostream>
#include <memory>
#include <string>

#include "check.hpp"

namespace http = tandem::http;
using tandem::testing::reply;
using namespace std::chrono_literals;

// The program under test: it knows nothing of the script.
tandem::task<std::string> upload(http::client& client) {
    co_await client.get("https://pictures.example/login");
    const auto policy = tandem::retry_policy().attempts(3).base(1s);
    const auto made = co_await client.put("https://pictures.example/cats")
                          .multipart(http::multipart().field("title", "a cat").file_bytes("image", "cat.png", "..."))
                          .retry(policy);
    co_return made.text();
}

tandem::task<> test() {
    http::mock_transport net;
    net.on("GET", "/login", reply(204).header("Set-Cookie", "session=7; Secure").delay(1s));
    net.on("PUT", "/cats", reply(503).header("Retry-After", "30")).on("PUT", "/cats", reply(201, "made"));
    http::client_options options;
    options.network(net).idle_limit(60s).cookies(std::make_shared<http::cookie_jar>());
    http::client client(options);

    const auto start = tandem::this_task::loop().now();
    const std::string text = co_await upload(client);
    const auto took = std::chrono::duration_cast<std::chrono::seconds>(tandem::this_task::loop().now() - start);

    const auto log = net.log();
    check(text == "made", "the second attempt succeeds");
    check(log.back().header("Cookie") == "session=7", "the cookie goes along");
    check(log[1].body == log[2].body, "the same form is sent again");
    check(took >= 31s, "the server's Retry-After is obeyed");
    std::cout << log.size() << " requests, " << net.connections() << " connection, " << took.count() << " s in no time\n";
}

int main() { tandem::testing::run_virtual(test()); }
