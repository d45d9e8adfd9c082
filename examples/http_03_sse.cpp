// Reads an event stream, such as the answer of a language model, word by word as it comes.
// SPDX-License-Identifier: BSL-1.0
// expect: ^7 events: the quick brown fox jumps over dogs$
#include <tandem/asio/run.hpp>
#include <tandem/http/client.hpp>
#include <tandem/http/sse.hpp>
#include <tandem/testing/http_server.hpp>

#include <chrono>
#include <iostream>
#include <string>
#include <utility>

#include "check.hpp"

namespace http = tandem::http;
using namespace std::chrono_literals;

tandem::task<> amain(std::string url) {
    http::client client;
    http::response_stream answer = co_await client.post(url).body("tell me about foxes").stream();
    http::sse_stream events = std::move(answer).sse();
    std::string text;
    int count = 0;
    for (;;) {
        const auto event = co_await events.next();
        if (!event) break;
        std::cout << event->type << ' ' << event->id << ": " << event->data << std::endl;
        text += (count++ == 0 ? "" : " ") + event->data;
    }
    check(client.statistics().active == 0, "read to its end, the connection is free again");
    std::cout << count << " events: " << text << '\n';
}

int main() {
    std::string script = ": this is a comment, a sign of life\n\n";
    int id = 0;
    for (const char* const word : {"the", "quick", "brown", "fox", "jumps", "over", "dogs"}) {
        script += "event: word\nid: " + std::to_string(++id) + "\ndata: " + word + "\n\n";
    }
    tandem::testing::http_server server;
    server.on("POST", "/", tandem::testing::reply(200, script).header("Content-Type", "text/event-stream").chunked(20).drip(40, 10ms));
    tandem::run(amain(server.url()));
}
