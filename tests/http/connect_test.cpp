// tandem - tests of connecting: several addresses, of both families, one race (RFC 8305)
// SPDX-License-Identifier: BSL-1.0
#include <tandem/http/impl/connect.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "net_test.hpp"

namespace http = tandem::http;
namespace asio = boost::asio;
using namespace std::chrono_literals;
using asio::ip::tcp;
using http::errc;
using tandem::testing::reply;

namespace {

std::string in_turns(const std::string& addresses) {
    std::string out;
    for (const auto& one : http::detail::interleaved(http::detail::literal_addresses(addresses)))
        out += one.to_string() + " ";
    return out;
}

/// Takes no connection and refuses none: its line is full.
class mute_address {
public:
    mute_address(asio::io_context& context, const char* address, std::uint16_t port) : acceptor_(context) {
        const tcp::endpoint at(asio::ip::make_address(address), port);
        acceptor_.open(at.protocol());
        acceptor_.bind(at);
        acceptor_.listen(0);
        for (int i = 0; i < 4; ++i) {
            line_.push_back(std::make_unique<tcp::socket>(context));
            line_.back()->open(at.protocol());
            line_.back()->non_blocking(true);
            ::connect(line_.back()->native_handle(), at.data(),
                      static_cast<socklen_t>(at.size()));  // does not wait
        }
    }

private:
    tcp::acceptor acceptor_;
    std::vector<std::unique_ptr<tcp::socket>> line_;
};

http::client client_for(const std::string& addresses) {
    return http::client(http::client_options().resolve("two.test", addresses));
}

std::string url_of(const tandem::testing::http_server& server) { return server.url("/", "two.test"); }

}  // namespace

TEST_CASE("connect: families take turns, beginning with the first", "[http][connect]") {
    CHECK(in_turns("::1,::2,::3,1.1.1.1,2.2.2.2") == "::1 1.1.1.1 ::2 2.2.2.2 ::3 ");
    CHECK(in_turns("1.1.1.1,2.2.2.2,::1") == "1.1.1.1 ::1 2.2.2.2 ");
    CHECK(in_turns("1.1.1.1") == "1.1.1.1 ");
    CHECK(in_turns("not.an.address,1.1.1.1").empty());
}

NET_TEST("connect: an address that refuses makes way for the next at once", "[http][connect][net]") {
    server.on("GET", "/", reply(200, "hi"));
    http::client client = client_for("::1,127.0.0.1");  // nobody listens on ::1
    const auto r = co_await client.get(url_of(server));
    CHECK(r.text() == "hi");
    CHECK(server.connections() == 1);
}

NET_TEST("connect: an address that does not answer makes way after a quarter of a second",
         "[http][connect][net]") {
    server.on("GET", "/", reply(200, "hi"));
    const mute_address mute(tandem::event_loop::running().context(), "127.0.0.2", server.port());
    http::client client = client_for("127.0.0.2,127.0.0.1");
    const auto begin = tandem::this_task::loop().now();
    const auto r = co_await client.get(url_of(server));
    CHECK(r.text() == "hi");
    CHECK(tandem::this_task::loop().now() - begin >= 250ms);
}

NET_TEST("connect: the first that is made wins, the others are closed", "[http][connect][net]") {
    server.on("GET", "/", reply(200, "hi"));
    const mute_address mute(tandem::event_loop::running().context(), "127.0.0.2", server.port());
    http::client client = client_for("127.0.0.2,127.0.0.1,127.0.0.1,127.0.0.2");
    const auto r = co_await client.get(url_of(server));
    CHECK(r.text() == "hi");
    CHECK(server.connections() == 1);
    CHECK(client.statistics().created == 1);
}

NET_TEST("connect: where all fail, the error has each address and its reason", "[http][connect][net]") {
    const std::string said =
        co_await tandem_test::text_of(client_for("127.0.0.3,127.0.0.2").get(url_of(server)).send());
    INFO(said);
    CHECK(said.find("\"two.test\" port " + std::to_string(server.port()) +
                    " (127.0.0.3: Connection refused, 127.0.0.2: Connection refused)") != std::string::npos);
    const auto code = co_await tandem_test::code_of(client_for("127.0.0.3").get(url_of(server)).send());
    CHECK(code == errc::connect);
}

NET_TEST("connect: a race is over when its request is cancelled, or out of time", "[http][connect][net]") {
    const mute_address mute(tandem::event_loop::running().context(), "127.0.0.2", server.port());
    http::client client = client_for("127.0.0.2,127.0.0.2,127.0.0.2");
    const auto limit = http::timeouts().connect(300ms);
    const auto code = co_await tandem_test::code_of(client.get(url_of(server)).timeouts(limit).send());
    CHECK(code == errc::connect_timeout);
    for (const auto wait : {0ms, 1ms, 260ms}) {
        const auto done = co_await tandem::move_on_after(wait, client.get(url_of(server)).send());
        CHECK(!done);
        CHECK(client.statistics().active == 0);
    }
}

NET_TEST("connect: a path that no Unix socket can have is an http::error", "[http][unix][net]") {
    static_cast<void>(server);
    http::client client(http::client_options().unix_socket(std::string(300, 'x')));
    const std::string text = co_await tandem_test::text_of(client.get("http://a/").send());
    CHECK(text.find("the path of the Unix socket has 300 bytes") != std::string::npos);
    CHECK(client.statistics().active == 0);
}
