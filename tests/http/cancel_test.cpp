// tandem - the gate of the HTTP client: cancelled at every suspension, it leaves nothing behind
// SPDX-License-Identifier: BSL-1.0
#include <tandem/http/client.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <tandem/core/this_task.hpp>

#include "net_test.hpp"

namespace http = tandem::http;
using namespace std::chrono_literals;
using tandem::testing::reply;

namespace {

/// Starts a call, lets the loop turn, cancels it and waits for its end.
template <class Call>
tandem::task<bool> cancelled_after(int turns, std::chrono::microseconds time, Call call) {
    auto handle = tandem::create_task(std::move(call));
    for (int i = 0; i < turns; ++i) co_await tandem::this_task::checkpoint();
    if (time.count() != 0) co_await tandem::sleep(time);
    handle.cancel();
    bool stopped = false;
    try {
        static_cast<void>(co_await handle);
    } catch (const tandem::cancelled_error&) {
        stopped = true;
    }
    co_return stopped;
}

/// After all of it: no slot is taken, nobody waits, and the client works.
tandem::task<> check_client(http::client& client, tandem::testing::http_server& server) {
    CHECK(client.statistics().active == 0);
    CHECK(client.statistics().waiters == 0);
    server.on("GET", "/after", reply(200, "works"));
    const auto r = co_await client.get(server.url("/after"));
    CHECK(r.text() == "works");
    CHECK(client.statistics().active == 0);
}

tandem::task<> read_and_drain(http::client& client, std::string url) {
    auto s = co_await client.get(url).stream();
    co_await s.drain();
    const std::string rest = co_await s.text();
}

class slow_source final : public http::body_source {
public:
    tandem::task<std::string> next() override {
        co_await tandem::sleep(200us);
        co_return "piece";
    }
};

}  // namespace

NET_TEST("cancel: 1,000 times at every turn of a plain request", "[http][cancel][net]") {
    server.on("GET", "/", reply(200, std::string(40'000, 'x')).chunked(3000));
    http::client client(http::client_options().connections_per_host(2));
    int stopped = 0;
    for (int i = 0; i < 1000; ++i) {
        const bool was = co_await cancelled_after(i % 100, std::chrono::microseconds(i / 100 * 30), client.get(server.url()).send());
        stopped += was ? 1 : 0;
        CHECK(client.statistics().active == 0);
    }
    CHECK(stopped > 100);
    co_await check_client(client, server);
}

NET_TEST("cancel: 1,000 times while it waits for the head", "[http][cancel][net]") {
    server.on("GET", "/", reply().never());
    http::client client;
    for (int i = 0; i < 1000; ++i) {
        const bool was = co_await cancelled_after(i % 7, std::chrono::microseconds(i % 5 * 60), client.get(server.url()).send());
        CHECK(was);
        CHECK(client.statistics().active == 0);
    }
    co_await check_client(client, server);
}

NET_TEST("cancel: 1,000 times inside the body, and in drain", "[http][cancel][net]") {
    server.on("GET", "/", reply(200, std::string(1000, 'x')).body_delay(10s));
    http::client client;
    for (int i = 0; i < 1000; ++i) {
        const bool was = co_await cancelled_after(i % 7, std::chrono::microseconds(i % 10 * 60), read_and_drain(client, server.url()));
        CHECK(was);
        CHECK(client.statistics().active == 0);
    }
    co_await check_client(client, server);
}

NET_TEST("cancel: 1,000 waiters of a pool that is busy", "[http][cancel][net]") {
    server.on("GET", "/", reply(200, "x").delay(1ms));
    http::client client(http::client_options().connections_per_host(1));
    for (int round = 0; round < 50; ++round) {
        std::vector<tandem::task_handle<http::response>> calls;
        for (int i = 0; i < 20; ++i) calls.push_back(tandem::create_task(client.get(server.url()).send()));
        for (int turn = 0; turn < round % 5; ++turn) co_await tandem::this_task::checkpoint();
        if (round % 3 == 0) co_await tandem::sleep(std::chrono::microseconds(round * 40));
        for (std::size_t i = 0; i < calls.size(); ++i) calls[(i * 7 + 3) % calls.size()].cancel();
        for (auto& call : calls) {
            try {
                static_cast<void>(co_await call);
            } catch (const tandem::cancelled_error&) {
            }
        }
        CHECK(client.statistics().active == 0);
        CHECK(client.statistics().waiters == 0);
    }
    co_await check_client(client, server);
}

NET_TEST("cancel: a lease that is handed over as its taker is cancelled goes to the next", "[http][cancel][net]") {
    server.on("GET", "/", reply(200, "x").delay(1ms));
    http::client client(http::client_options().connections_per_host(1));
    for (int round = 0; round < 200; ++round) {
        auto first = tandem::create_task(client.get(server.url()).send());
        auto second = tandem::create_task(client.get(server.url()).send());
        auto third = tandem::create_task(client.get(server.url()).send());
        co_await first;
        for (int turn = 0; turn < round % 4; ++turn) co_await tandem::this_task::checkpoint();
        second.cancel();
        const auto& r = co_await third;
        CHECK(r.text() == "x");
        try {
            static_cast<void>(co_await second);
        } catch (const tandem::cancelled_error&) {
        }
    }
    co_await check_client(client, server);
}

NET_TEST("cancel: 1,000 times while it sends a body", "[http][cancel][net]") {
    boost::asio::ip::tcp::acceptor deaf(tandem::event_loop::running().context(), {boost::asio::ip::address_v4::loopback(), 0});
    deaf.listen(4096);
    const std::string url = "http://127.0.0.1:" + std::to_string(deaf.local_endpoint().port());
    server.on("POST", "/", reply(200, "x"));
    http::client client;
    const std::string large(1'000'000, 'x');
    for (int i = 0; i < 1000; ++i) {
        auto call = client.post(i % 2 ? url : server.url());
        if (i % 4 < 2) {
            call.body(std::make_shared<slow_source>());
        } else {
            call.body(large);
        }
        if (i % 8 == 0) call.expect_continue(true);
        const bool was = co_await cancelled_after(i % 9, std::chrono::microseconds(i % 4 * 100), call.send());
        CHECK((was || !(i % 2)));
        CHECK(client.statistics().active == 0);
        if (i % 50 != 0) continue;
        for (boost::system::error_code ec; !ec;) {  // so that the listener's line never fills
            deaf.non_blocking(true);
            boost::asio::ip::tcp::socket taken(deaf.get_executor());
            deaf.accept(taken, ec);
        }
    }
    co_await check_client(client, server);
}

// Each time on a loop of its own, because a loop remembers names. Frames are not counted: the message
// of a lookup is allocated on its thread.
TEST_CASE("cancel: while it resolves and connects", "[http][cancel][net]") {
    tandem::testing::http_server server;
    server.on("GET", "/", reply(200, "x"));
    const std::string url = "http://localhost:" + std::to_string(server.port());
    const auto before = tandem_test::open_descriptors();
    http::client client;
    for (int i = 0; i < 1000; ++i) {
        static_cast<void>(tandem::run(cancelled_after(i % 10, std::chrono::microseconds(i % 5 * 50),
                                                      tandem_test::code_of(client.get(url).send()))));
        CHECK(client.statistics().active == 0);
    }
    const auto r = tandem::run(client.get(url).send());
    CHECK(r.text() == "x");
    for (int i = 0; i < 1000 && (tandem_test::open_descriptors() != before || server.open_connections() != 0); ++i) {
        tandem::run([]() -> tandem::task<> { co_await tandem::sleep(1ms); }());
    }
    CHECK(tandem_test::open_descriptors() == before);
}

NET_TEST("cancel: while a connection is being made", "[http][cancel][net]") {
    boost::asio::io_context& context = tandem::event_loop::running().context();
    boost::asio::ip::tcp::acceptor full(context);
    full.open(boost::asio::ip::tcp::v4());
    full.bind({boost::asio::ip::address_v4::loopback(), 0});
    full.listen(0);
    const auto to = full.local_endpoint();
    std::vector<boost::asio::ip::tcp::socket> fillers;
    for (int i = 0; i < 4; ++i) {
        fillers.emplace_back(context, boost::asio::ip::tcp::v4());
        fillers.back().non_blocking(true);
        static_cast<void>(::connect(fillers.back().native_handle(), to.data(), static_cast<socklen_t>(to.size())));
    }
    http::client client(http::client_options().connections_per_host(1));
    const std::string url = "http://127.0.0.1:" + std::to_string(to.port());
    for (int i = 0; i < 1000; ++i) {
        const bool was = co_await cancelled_after(i % 6, 0us, client.get(url).send());
        CHECK(was);
        CHECK(client.statistics().active == 0);
    }
    co_await check_client(client, server);
}

NET_TEST("cancel: in the middle of redirects and repetitions", "[http][cancel][net]") {
    server.on("GET", "/", reply(302, "moved").header("Location", "/next")).on("GET", "/next", reply(302, std::string(5000, 'x')).header("Location", "/dies"))
        .on("GET", "/dies", [n = 0](const tandem::testing::seen_request&) mutable {
            return ++n % 2 ? reply().cut_after(0) : reply(200, "x");
        });
    http::client client;
    for (int i = 0; i < 1000; ++i) {
        static_cast<void>(co_await cancelled_after(i % 60, std::chrono::microseconds(i / 60 * 30),
                                                   tandem_test::code_of(client.get(server.url()).send())));
        CHECK(client.statistics().active == 0);
    }
    co_await check_client(client, server);
}

TEST_CASE("cancel: the end of the loop ends requests and closes connections", "[http][cancel][net]") {
    const auto before = tandem_test::open_descriptors();
    {
        tandem::testing::http_server server;
        server.on("GET", "/", reply(200, "x")).on("GET", "/never", reply().never());
        http::client client;
        const auto go = [](http::client& c, std::string url) -> tandem::task<> {
            co_await c.get(url + "/");
            tandem::create_task(c.get(url + "/never").send());
            tandem::create_task(c.get(url + "/never").send());
            co_await tandem::sleep(5ms);
        };
        tandem::run(go(client, "http://127.0.0.1:" + std::to_string(server.port())));
        CHECK(client.statistics().active == 0);
        CHECK(client.statistics().idle == 0);
    }
    CHECK(tandem_test::open_descriptors() == before);
}
