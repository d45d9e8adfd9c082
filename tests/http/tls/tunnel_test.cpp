// tandem - tests of https through a proxy: CONNECT, what it carries, what it may answer
// SPDX-License-Identifier: BSL-1.0
#include <tandem/http/proxy.hpp>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <tandem/http/tls.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/wait.hpp>
#include <tandem/testing/certificates.hpp>
#include <tandem/testing/server_tls.hpp>

#include "http/net_test.hpp"

namespace http = tandem::http;
namespace asio = boost::asio;
namespace testing = tandem::testing;
using namespace std::chrono_literals;
using asio::ip::tcp;
using http::errc;
using tandem::use_task;
using testing::reply;

namespace {

testing::certificate_authority& authority() {
    static testing::certificate_authority made;
    return made;
}

/// A proxy on the loop that runs. It leads every tunnel to `port`, unless it has another `answer`.
class tunnel_proxy {
public:
    explicit tunnel_proxy(std::uint16_t port,
                          std::string answer = "HTTP/1.1 200 Connection established\r\n\r\n")
        : acceptor_(tandem::event_loop::running().context(), {asio::ip::address_v4::loopback(), 0}),
          answer_(std::move(answer)),
          port_(port),
          serving_(tandem::create_task(serve())) {}
    tunnel_proxy(const tunnel_proxy&) = delete;
    tunnel_proxy& operator=(const tunnel_proxy&) = delete;
    /// Awaited at the end of a test: nothing uses the object any more then.
    tandem::task<> stop() {
        serving_.cancel();
        const std::vector<tandem::task_handle<void>> all{serving_};
        co_await tandem::wait(all, tandem::all_completed);
    }

    std::string url(const std::string& credentials = {}) const {
        return "http://" + credentials + "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
    }
    const std::vector<std::string>& heads() const { return heads_; }

private:
    tandem::task<> serve() {
        co_await tandem::with_supervisor([this](tandem::task_group& group) -> tandem::task<> {
            for (;;) {
                tcp::socket client = co_await acceptor_.async_accept(use_task);
                group.create_task(tunnel(std::move(client)));
            }
        });
    }
    tandem::task<> tunnel(tcp::socket client) {
        std::string received;
        const std::size_t size =
            co_await asio::async_read_until(client, asio::dynamic_buffer(received), "\r\n\r\n", use_task);
        heads_.push_back(received.substr(0, size));
        co_await asio::async_write(client, asio::buffer(answer_), use_task);
        if (answer_.find(" 200 ") == std::string::npos) co_return;
        tcp::socket server(client.get_executor());
        co_await server.async_connect(tcp::endpoint(asio::ip::address_v4::loopback(), port_), use_task);
        co_await tandem::gather(pump(client, server), pump(server, client));
    }
    static tandem::task<> pump(tcp::socket& from, tcp::socket& to) {
        std::vector<char> room(16 * 1024);
        boost::system::error_code ec;
        while (!ec) {
            const std::size_t size =
                co_await from.async_read_some(asio::buffer(room), asio::redirect_error(use_task, ec));
            if (!ec)
                co_await asio::async_write(to, asio::buffer(room.data(), size),
                                           asio::redirect_error(use_task, ec));
        }
        to.shutdown(tcp::socket::shutdown_send, ec);
    }

    tcp::acceptor acceptor_;
    std::string answer_;
    std::uint16_t port_;
    std::vector<std::string> heads_;
    tandem::task_handle<void> serving_;
};

http::client client_through(const std::string& proxy) {
    return http::client(http::client_options()
                            .proxy(http::proxies().all(proxy))
                            .tls(http::tls(http::tls_config().ca_pem(authority().pem())))
                            .timeouts(http::timeouts().connect(2s)));
}

}  // namespace

NET_TEST("tunnel: https goes through the proxy to the name in the URL, encrypted to its end",
         "[http][tls][proxy][net]") {
    testing::http_server tls(tandem::event_loop::running(),
                             std::make_shared<testing::server_tls>(authority().issue()));
    tls.on("GET", "/", reply(200, "hi"));
    tunnel_proxy proxy(tls.port());
    {
        http::client client = client_through(proxy.url("me:secret@"));
        for (int i = 0; i < 3; ++i) {
            const auto r = co_await client.get("https://localhost:44300/");
            CHECK(r.text() == "hi");
        }
        CHECK(client.statistics().created == 1);
    }
    CHECK(proxy.heads().size() == 1);
    CHECK(proxy.heads().at(0) ==
          "CONNECT localhost:44300 HTTP/1.1\r\nHost: localhost:44300\r\nProxy-Authorization: Basic "
          "bWU6c2VjcmV0\r\n\r\n");
    CHECK(tls.log().at(0).target == "/");
    CHECK(tls.log().at(0).header("Proxy-Authorization").empty());
    co_await proxy.stop();
}

NET_TEST("tunnel: the certificate is that of the server, whatever the proxy is", "[http][tls][proxy][net]") {
    testing::http_server tls(tandem::event_loop::running(),
                             std::make_shared<testing::server_tls>(authority().issue()));
    tunnel_proxy proxy(tls.port());
    const auto code =
        co_await tandem_test::code_of(client_through(proxy.url()).get("https://elsewhere.test/").send());
    CHECK(code == errc::certificate);
    CHECK(proxy.heads().at(0).find("CONNECT elsewhere.test:443 HTTP/1.1\r\n") == 0);
    co_await proxy.stop();
}

static tandem::task<> check_refusal(std::string answer, errc expected, std::string because) {
    tunnel_proxy proxy(1, answer);
    http::client client = client_through(proxy.url());
    std::string said = "no error";
    try {
        co_await client.get("https://localhost/");
    } catch (const http::error& e) {
        said = e.what();
        CHECK(e.code() == expected);
    }
    INFO(said);
    CHECK(said.find(because) != std::string::npos);
    CHECK(client.statistics().active == 0);
    co_await proxy.stop();
}

NET_TEST("tunnel: what the proxy says instead of 200 is told", "[http][tls][proxy][net]") {
    co_await check_refusal("HTTP/1.1 407 Who\r\nContent-Length: 0\r\n\r\n", errc::proxy,
                           "answers 407 Who; put user:password@ into its URL");
    co_await check_refusal("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 3\r\n\r\nbad", errc::proxy,
                           "answers 502 Bad Gateway to CONNECT");
    co_await check_refusal("HTTP/1.1 302 Found\r\nLocation: http://evil.test/\r\n\r\n", errc::proxy,
                           "answers 302");
    co_await check_refusal("", errc::proxy, "hung up");
    co_await check_refusal("HTTP/1.1 200 OK\r\n\r\nsurprise", errc::proxy,
                           "sent 8 bytes that nobody asked for");
    co_await check_refusal("SSH-2.0-OpenSSH\r\n\r\n", errc::protocol, "not valid HTTP/1.1");
    co_await check_refusal("HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x'), errc::headers_too_large,
                           "headers");
}

NET_TEST("tunnel: an informational answer of the proxy comes before the real one",
         "[http][tls][proxy][net]") {
    testing::http_server tls(tandem::event_loop::running(),
                             std::make_shared<testing::server_tls>(authority().issue()));
    tls.on("GET", "/", reply(200, "hi"));
    tunnel_proxy proxy(tls.port(),
                       "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.0 200 OK\r\nContent-Length: 7\r\n\r\n");
    {
        const auto r = co_await client_through(proxy.url()).get("https://localhost/");
        CHECK(r.text() == "hi");
    }
    co_await proxy.stop();
}

NET_TEST("tunnel: a call may be cancelled while it asks for one", "[http][tls][proxy][net]") {
    tunnel_proxy proxy(server.port(), "HTTP/1.1 200 ");  // and no more
    http::client client = client_through(proxy.url());
    for (const auto wait : {0ms, 1ms, 5ms, 20ms}) {
        const auto done = co_await tandem::move_on_after(wait, client.get("https://localhost/").send());
        CHECK(!done);
        CHECK(client.statistics().active == 0);
    }
    co_await proxy.stop();
}
