// tandem - tests of https: who is trusted, what the errors say, how connections end
// SPDX-License-Identifier: BSL-1.0
#include <tandem/http/tls.hpp>

#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "http/net_test.hpp"

namespace http = tandem::http;
namespace asio = boost::asio;
using namespace std::chrono_literals;
using http::errc;

namespace {

/// Keys and certificates, made once by the openssl program: an authority and what it has signed.
class certificates {
public:
    certificates() : folder_(std::filesystem::temp_directory_path() / ("tandem_tls_test_" + std::to_string(::getpid()))) {
        std::filesystem::create_directory(folder_);
        const std::string key = "openssl ecparam -name prime256v1 -genkey -noout -out ";
        const std::string in = "cd " + folder_.string() + " && exec 2>/dev/null && ";
        std::string script = in + key + "ca.key && openssl req -x509 -new -key ca.key -subj /CN=ca -days 30 -out ca.pem";
        const auto sign = [&](const std::string& name, const std::string& names, const std::string& days) {
            std::ofstream(folder_ / (name + ".ext")) << "subjectAltName=" << names << "\n";
            script += " && " + key + name + ".key && openssl req -new -key " + name + ".key -subj /CN=" + name +
                      " | openssl x509 -req -CA ca.pem -CAkey ca.key -set_serial 1 -extfile " + name + ".ext " + days + " -out " + name + ".pem";
        };
        sign("good", "DNS:good.test,IP:127.0.0.1", "-days 30");
        sign("wild", "DNS:*.wild.test", "-days 30");
        sign("expired", "DNS:good.test,IP:127.0.0.1", "-days -1");
        script += " && " + key + "self.key && openssl req -x509 -new -key self.key -subj /CN=self -addext subjectAltName=DNS:good.test -days 30 -out self.pem";
        ready_ = std::system(script.c_str()) == 0;
    }
    certificates(const certificates&) = delete;
    certificates& operator=(const certificates&) = delete;
    ~certificates() { std::filesystem::remove_all(folder_); }

    bool ready() const { return ready_; }
    std::string file(const std::string& name) const { return (folder_ / name).string(); }

private:
    std::filesystem::path folder_;
    bool ready_ = false;
};

const certificates& all_certificates() {
    static const certificates made;
    REQUIRE(made.ready());
    return made;
}

/// Answers every request on every connection with the same bytes.
tandem::task<> serve_one(asio::ip::tcp::socket socket, asio::ssl::context& context, std::string answer, bool truncate) {
    asio::ssl::stream<asio::ip::tcp::socket> stream(std::move(socket), context);
    boost::system::error_code ec;
    co_await stream.async_handshake(asio::ssl::stream_base::server, asio::redirect_error(tandem::use_task, ec));
    asio::streambuf request;
    while (!ec) {
        const std::size_t size = co_await asio::async_read_until(stream, request, "\r\n\r\n", asio::redirect_error(tandem::use_task, ec));
        if (ec) break;
        request.consume(size);
        co_await asio::async_write(stream, asio::buffer(answer), asio::redirect_error(tandem::use_task, ec));
        if (answer.find("Content-Length") != std::string::npos) continue;
        if (!truncate) co_await tandem::move_on_after(20ms, stream.async_shutdown(asio::redirect_error(tandem::use_task, ec)));
        break;
    }
}

tandem::task<> serve(asio::ip::tcp::acceptor& acceptor, asio::ssl::context& context, std::string answer, bool truncate) {
    for (;;) {
        asio::ip::tcp::socket socket = co_await acceptor.async_accept(tandem::use_task);
        tandem::create_task(serve_one(std::move(socket), context, answer, truncate));
    }
}

/// A TLS server on the loop that runs.
class tls_server {
public:
    explicit tls_server(const std::string& name, std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", bool truncate = false)
        : acceptor_(tandem::event_loop::running().context(), {asio::ip::address_v4::loopback(), 0}), context_(asio::ssl::context::tls_server) {
        context_.use_certificate_chain_file(all_certificates().file(name + ".pem"));
        context_.use_private_key_file(all_certificates().file(name + ".key"), asio::ssl::context::pem);
        handle_ = tandem::create_task(serve(acceptor_, context_, std::move(answer), truncate));
    }
    tls_server(const tls_server&) = delete;
    tls_server& operator=(const tls_server&) = delete;
    ~tls_server() { handle_->cancel(); }
    std::string url(const std::string& host) const {
        return "https://" + host + ":" + std::to_string(acceptor_.local_endpoint().port()) + "/";
    }

private:
    asio::ip::tcp::acceptor acceptor_;
    asio::ssl::context context_;
    std::optional<tandem::task_handle<void>> handle_;
};

http::client_options trusting(const std::string& ca = "ca.pem") {
    http::client_options options;
    for (const char* const host : {"good.test", "other.test", "a.wild.test", "a.b.wild.test"}) options.resolve(host, "127.0.0.1");
    return options.tls(http::tls(http::tls_config().ca_file(all_certificates().file(ca))));
}

}  // namespace

NET_TEST("tls: a certificate of a trusted authority, connections are kept", "[http][tls][net]") {
    const tls_server tls("good");
    http::client client(trusting());
    for (const char* const host : {"good.test", "127.0.0.1", "good.test"}) {
        const auto r = co_await client.get(tls.url(host));
        CHECK(r.text() == "hi");
    }
    CHECK(client.statistics().created == 2);
    CHECK(client.statistics().reused == 1);
    co_await tandem::sleep(5ms);
}

static tandem::task<> check_refused(std::string certificate, std::string host, http::client_options options, std::string because) {
    const tls_server tls(certificate);
    http::client client(options);
    const std::string said = co_await tandem_test::text_of(client.get(tls.url(host)).send());
    INFO(said);
    CHECK(said.find("tandem::http: the certificate was refused: \"" + host + "\": ") == 0);
    CHECK(said.find(because) != std::string::npos);
    CHECK(client.statistics().active == 0);
    co_await tandem::sleep(5ms);
}

NET_TEST("tls: what is not to be trusted is refused with the reason", "[http][tls][net]") {
    co_await check_refused("good", "other.test", trusting(), "hostname mismatch");
    co_await check_refused("wild", "127.0.0.1", trusting(), "IP address mismatch");
    co_await check_refused("wild", "a.b.wild.test", trusting(), "hostname mismatch");
    co_await check_refused("expired", "good.test", trusting(), "expired");
    co_await check_refused("self", "good.test", trusting(), "self-signed certificate");
    co_await check_refused("good", "good.test", trusting("self.pem"), "unable to get local issuer certificate");
    http::client_options system;
    system.resolve("good.test", "127.0.0.1").tls(http::tls());
    co_await check_refused("good", "good.test", system, "unable to get local issuer certificate");
}

NET_TEST("tls: wildcards match one label; one's own certificate can be trusted; all can, if one insists", "[http][tls][net]") {
    {
        const tls_server tls("wild");
        const auto r = co_await http::client(trusting()).get(tls.url("a.wild.test"));
        CHECK(r.text() == "hi");
    }
    const tls_server tls("self");
    const auto own = co_await http::client(trusting("self.pem")).get(tls.url("good.test"));
    CHECK(own.text() == "hi");
    http::client_options any;
    any.tls(http::tls(http::tls_config().insecure_accept_any_certificate(true)));
    const auto r = co_await http::client(any).get(tls.url("127.0.0.1"));
    CHECK(r.text() == "hi");
    co_await tandem::sleep(5ms);
}

NET_TEST("tls: a body to the end of the stream needs close_notify", "[http][tls][net]") {
    const tls_server whole("good", "HTTP/1.1 200 OK\r\n\r\nhi");
    http::client client(trusting());
    const auto r = co_await client.get(whole.url("good.test"));
    CHECK(r.text() == "hi");
    const tls_server cut("good", "HTTP/1.1 200 OK\r\n\r\nhi", true);
    const auto code = co_await tandem_test::code_of(client.get(cut.url("good.test")).send());
    CHECK(code == errc::truncated);
    co_await tandem::sleep(30ms);
}

NET_TEST("tls: a server that speaks no TLS, or nothing", "[http][tls][net]") {
    server.on("GET", "/", tandem::testing::reply(200, "plain"));
    http::client client(trusting().timeouts(http::timeouts().connect(30ms)));
    const auto plain = co_await tandem_test::code_of(client.get("https://127.0.0.1:" + std::to_string(server.port())).send());
    CHECK((plain == errc::tls || plain == errc::connect_timeout));
    asio::ip::tcp::acceptor mute(tandem::event_loop::running().context(), {asio::ip::address_v4::loopback(), 0});
    const std::string url = "https://127.0.0.1:" + std::to_string(mute.local_endpoint().port());
    const auto nothing = co_await tandem_test::code_of(client.get(url).send());
    CHECK(nothing == errc::connect_timeout);
    for (int i = 0; i < 100; ++i) {
        auto call = tandem::create_task(client.get(url).send());
        co_await tandem::sleep(std::chrono::microseconds(i * 5));
        call.cancel();
        try {
            static_cast<void>(co_await call);
        } catch (const tandem::cancelled_error&) {
        }
        CHECK(client.statistics().active == 0);
    }
}
