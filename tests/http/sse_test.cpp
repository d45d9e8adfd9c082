// tandem - tests of server-sent events and of JSON bodies
// SPDX-License-Identifier: BSL-1.0
#include <tandem/http/sse.hpp>

#include <map>
#include <string>
#include <string_view>

#include <tandem/http/json.hpp>

#include "net_test.hpp"

namespace http = tandem::http;
using tandem::testing::reply;

namespace {

std::string events_in(std::string_view wire, std::size_t piece) {
    http::sse_parser parser(1000);
    std::string out;
    try {
        for (std::size_t at = 0; at < wire.size(); at += piece) {
            parser.give(wire.substr(at, piece));
            for (auto e = parser.take(); e; e = parser.take())
                out += e->type + "[" + e->data + "]" + e->id + ";";
        }
    } catch (const http::error& e) {
        return out + http::to_string(e.code());
    }
    if (parser.retry()) out += "retry " + std::to_string(parser.retry()->count());
    return out;
}
std::string events(std::string_view wire) {
    const std::string whole = events_in(wire, wire.size() + 1);
    for (const std::size_t piece : {1u, 2u, 3u}) CHECK(events_in(wire, piece) == whole);
    return whole;
}

}  // namespace

#define ROW(name) TEST_CASE("sse: " name, "[http][sse]")

ROW("events end with a blank line") { CHECK(events("data: a\n\ndata: b\n\n") == "message[a];message[b];"); }
ROW("CR, LF and CRLF end lines") {
    CHECK(events("data: a\r\rdata: b\r\n\r\ndata: c\n\n") == "message[a];message[b];message[c];");
}
ROW("data lines are joined") { CHECK(events("data: a\ndata: b\n\n") == "message[a\nb];"); }
ROW("one blank after the colon is dropped") { CHECK(events("data:a\ndata:  b\n\n") == "message[a\n b];"); }
ROW("types and ids; an id stays, a type does not") {
    CHECK(events("event: x\nid: 7\ndata: a\n\ndata: b\n\nid\ndata: c\n\n") ==
          "x[a]7;message[b]7;message[c];");
}
ROW("comments and unknown fields are ignored") {
    CHECK(events(": hi\nfoo: bar\ndata: a\n\n") == "message[a];");
}
ROW("an event without data is none") { CHECK(events("event: x\nid: 1\n\ndata: a\n\n") == "message[a]1;"); }
ROW("empty data is an event") { CHECK(events("data\n\ndata:\n\n") == "message[];message[];"); }
ROW("a field without a colon has an empty value") { CHECK(events("data\ndata\n\n") == "message[\n];"); }
ROW("a byte order mark is skipped once") {
    CHECK(events("\xef\xbb\xbf"
                 "data: a\n\n") == "message[a];");
    CHECK(events("\xef\xbb\xbf\xef\xbb\xbf"
                 "data: a\n\n")
              .empty());
}
ROW("an id with NUL is ignored") {
    CHECK(events(std::string_view("id: a\0b\ndata: c\n\n", 17)) == "message[c];");
}
ROW("retry takes digits only") {
    CHECK(events("retry: 150\n\n") == "retry 150");
    CHECK(events("retry: 1x\nretry: -5\nretry:\nretry: 99999999999\n\n").empty());
}
ROW("an unfinished event is dropped") { CHECK(events("data: a\n\ndata: b\n") == "message[a];"); }
ROW("an event may not grow for ever") {
    CHECK(events("data: " + std::string(2000, 'x')) == "the body is too large");
    std::string many;
    for (int i = 0; i < 400; ++i) many += "data: xx\n";
    CHECK(events(many) == "the body is too large");
}

ROW("what came before an event that is too large is delivered, however it is cut") {
    CHECK(events("data: a\n\ndata: " + std::string(2000, 'x')) == "message[a];the body is too large");
}
ROW("the last id is that of what was complete: a cut event has to come again") {
    http::sse_parser parser;
    parser.give("id: 1\ndata: a\n\nid: 2\ndata: b\n");
    CHECK(parser.last_id() == "1");
    parser.give("\nid: 3\n\n");
    CHECK(parser.last_id() == "3");
}

NET_TEST("sse: over the wire", "[http][sse][net]") {
    server.on("GET", "/",
              reply(200, "data: 1\n\ndata: 2\n\ndata: unfinished")
                  .header("Content-Type", "text/event-stream; charset=utf-8")
                  .chunked(5)
                  .drip(3, std::chrono::microseconds(100)));
    server.on("GET", "/html", reply(200, "x").header("Content-Type", "text/html"));
    http::client client;
    auto stream = co_await client.get(server.url()).stream();
    auto events = std::move(stream).sse();
    std::string all;
    for (;;) {
        const auto e = co_await events.next();
        if (!e) break;
        all += e->data;
    }
    CHECK(all == "12");
    auto html = co_await client.get(server.url("/html")).stream();
    CHECK_THROWS_AS(std::move(html).sse(), http::error);
}

NET_TEST("json: both ways", "[http][json][net]") {
    server.on("POST", "/", [](const tandem::testing::seen_request& r) {
        return reply(200, r.body).header("Content-Type", "application/json");
    });
    server.on("GET", "/bad", reply(502, "<html>").header("Content-Type", "text/html"));
    http::client client;
    const std::map<std::string, int> sent{{"a", 1}, {"b", 2}};
    const auto r = co_await client.post(server.url()).json(sent);
    CHECK(r.json()["b"] == 2);
    const auto back = r.json<std::map<std::string, int>>();
    CHECK(back == sent);
    CHECK(server.log().back().header("Content-Type") == "application/json");
    const auto bad = co_await client.get(server.url("/bad"));
    try {
        static_cast<void>(bad.json());
        FAIL("no error");
    } catch (const http::error& e) {
        CHECK(e.code() == http::errc::decode);
        CHECK(std::string(e.what()).find("(status 502, text/html): \"<html>\"") != std::string::npos);
    }
}
