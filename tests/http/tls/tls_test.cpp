// tandem - tests of https: who is trusted, what the errors say, how connections begin and end
// SPDX-License-Identifier: BSL-1.0
#include <tandem/http/tls.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include <tandem/testing/certificates.hpp>
#include <tandem/testing/server_tls.hpp>

#include "http/net_test.hpp"

namespace http = tandem::http;
using namespace std::chrono_literals;
using http::errc;
using tandem::testing::certificate;
using tandem::testing::certificate_authority;
using tandem::testing::certificate_wish;
using tandem::testing::http_server;
using tandem::testing::reply;
using tandem::testing::server_tls;

namespace {

certificate_authority& root() {
    static certificate_authority made("test root");
    return made;
}
const certificate& good() {
    static const certificate made = root().issue(certificate_wish("DNS:good.test,IP:127.0.0.1"));
    return made;
}

std::shared_ptr<server_tls> showing(const certificate& own) { return std::make_shared<server_tls>(own); }

http::client_options trusting(const http::tls_config& config) {
    http::client_options options;
    for (const char* const host : {"good.test", "good.test.", "Other.TEST", "a.wild.test", "a.b.wild.test"})
        options.resolve(host, "127.0.0.1");
    return options.tls(http::tls(config));
}
http::client_options trusting() { return trusting(http::tls_config().ca_pem(root().pem())); }

}  // namespace

NET_TEST("tls: a certificate of a trusted authority; connections are kept", "[http][tls][net]") {
    http_server tls(tandem::event_loop::running(), showing(good()));
    tls.on("GET", "/", reply(200, "hi"));
    http::client client(trusting());
    for (const char* const host : {"good.test", "127.0.0.1", "good.test"}) {
        const auto r = co_await client.get(tls.url("/", host));
        CHECK(r.text() == "hi");
    }
    CHECK(client.statistics().created == 2);
    CHECK(client.statistics().reused == 1);
}

NET_TEST("tls: the server is told its name, unless it is an address, and that HTTP/1.1 follows",
         "[http][tls][net]") {
    const auto security = showing(good());
    http_server tls(tandem::event_loop::running(), security);
    tls.on("GET", "/", reply(200, "hi"));
    http::client client(trusting());
    co_await client.get(tls.url("/", "good.test"));
    CHECK(security->asked_by_name() == 1);
    co_await client.get(tls.url("/", "127.0.0.1"));
    CHECK(security->asked_by_name() == 1);
    CHECK(security->asked_for_http11() == 2);
}

NET_TEST("tls: the dot that may stand behind a name in DNS is not in certificates", "[http][tls][net]") {
    const auto security = showing(good());
    http_server tls(tandem::event_loop::running(), security);
    tls.on("GET", "/", reply(200, "hi"));
    http::client client(trusting());
    const auto r = co_await client.get(tls.url("/", "good.test."));
    CHECK(r.text() == "hi");
    CHECK(security->asked_by_name() == 1);
}

static tandem::task<> check_refused(const certificate& shown, std::string host, http::client_options options,
                                    std::string because) {
    http_server tls(tandem::event_loop::running(), showing(shown));
    tls.on("GET", "/", reply(200, "hi"));
    http::client client(options);
    const std::string said = co_await tandem_test::text_of(client.get(tls.url("/", host)).send());
    INFO(said);
    CHECK(said.find("tandem::http: the certificate was refused: \"" + host + "\": ") == 0);
    CHECK(said.find(because) != std::string::npos);
    CHECK(client.statistics().active == 0);
    CHECK(tls.requests() == 0);
}

NET_TEST("tls: a wrong name is refused, and the names that would be right are told", "[http][tls][net]") {
    co_await check_refused(good(), "other.test", trusting(),
                           "hostname mismatch; it is for good.test, 127.0.0.1");
    const certificate wild = root().issue(certificate_wish("DNS:*.wild.test,IP:::1"));
    co_await check_refused(wild, "127.0.0.1", trusting(), "IP address mismatch; it is for *.wild.test, ::1");
    co_await check_refused(wild, "a.b.wild.test", trusting(), "hostname mismatch");
    http_server tls(tandem::event_loop::running(), showing(wild));
    tls.on("GET", "/", reply(200, "hi"));
    const auto r = co_await http::client(trusting()).get(tls.url("/", "a.wild.test"));
    CHECK(r.text() == "hi");
}

NET_TEST("tls: a certificate before or after its time is refused", "[http][tls][net]") {
    const certificate old = root().issue(certificate_wish("DNS:good.test").expired());
    co_await check_refused(old, "good.test", trusting(), "certificate has expired, on ");
    const certificate early = root().issue(certificate_wish("DNS:good.test").not_yet_valid());
    co_await check_refused(early, "good.test", trusting(), "certificate is not yet valid");
}

NET_TEST("tls: what nobody trusted vouches for is refused", "[http][tls][net]") {
    const certificate self =
        certificate_authority::self_signed(certificate_wish("DNS:good.test,IP:127.0.0.1"));
    co_await check_refused(self, "good.test", trusting(), "self-signed certificate");
    certificate_authority stranger("stranger");
    const certificate strange = stranger.issue(certificate_wish("DNS:good.test"));
    co_await check_refused(strange, "good.test", trusting(), "unable to get local issuer certificate");
    certificate with_root = strange;
    with_root.chain = stranger.pem();
    co_await check_refused(with_root, "good.test", trusting(),
                           "self-signed certificate in certificate chain");
    http::client_options system;
    system.resolve("good.test", "127.0.0.1").tls(http::tls());
    const std::string said = co_await [](http::client_options options) -> tandem::task<std::string> {
        http_server tls(tandem::event_loop::running(), showing(good()));
        co_return co_await tandem_test::text_of(
            http::client(std::move(options)).get(tls.url("/", "good.test")).send());
    }(std::move(system));
    CHECK(said.find("tandem::http: the certificate was refused: ") == 0);
}

NET_TEST("tls: one's own certificate can be trusted; all can, if one insists", "[http][tls][net]") {
    const certificate self = certificate_authority::self_signed(certificate_wish("DNS:good.test"));
    http_server tls(tandem::event_loop::running(), showing(self));
    tls.on("GET", "/", reply(200, "hi"));
    const auto own =
        co_await http::client(trusting(http::tls_config().ca_pem(self.pem))).get(tls.url("/", "good.test"));
    CHECK(own.text() == "hi");
    http::client_options any;
    any.tls(http::tls(http::tls_config().insecure_accept_any_certificate(true)));
    const auto r = co_await http::client(any).get(tls.url());
    CHECK(r.text() == "hi");
}

NET_TEST("tls: a chain is followed in any order, and missed where it is not sent", "[http][tls][net]") {
    certificate_authority first = root().intermediate("first");
    certificate_authority second = first.intermediate("second");
    const certificate whole = second.issue(certificate_wish("DNS:good.test"));
    const std::size_t cut = whole.chain.find("-----BEGIN", 1);
    const std::string of_second = whole.chain.substr(0, cut);
    const std::string of_first = whole.chain.substr(cut);
    for (const std::string& chain :
         {of_second + of_first, of_first + of_second, root().pem() + of_first + of_second}) {
        http_server tls(tandem::event_loop::running(), showing(certificate(whole.pem, chain, whole.key)));
        tls.on("GET", "/", reply(200, "hi"));
        const auto r = co_await http::client(trusting()).get(tls.url("/", "good.test"));
        CHECK(r.text() == "hi");
    }
    for (const std::string& chain : {std::string(), of_second, of_first}) {
        const certificate partial(whole.pem, chain, whole.key);
        co_await check_refused(partial, "good.test", trusting(), "the server does not send the whole chain");
    }
}

NET_TEST("tls: a revoked certificate is refused where there is a list, an unlisted one is not",
         "[http][tls][net]") {
    const certificate bad = root().issue(certificate_wish("DNS:good.test"));
    const auto config = http::tls_config().ca_pem(root().pem()).revoked_pem(root().revocation_list(bad.pem));
    co_await check_refused(bad, "good.test", trusting(config), "certificate revoked");
    http_server tls(tandem::event_loop::running(), showing(good()));
    tls.on("GET", "/", reply(200, "hi"));
    const auto r = co_await http::client(trusting(config)).get(tls.url("/", "good.test"));
    CHECK(r.text() == "hi");
}

NET_TEST("tls: a client certificate is shown to a server that asks", "[http][tls][net]") {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        const auto security = showing(good());
        security->require_client(root().pem()).only_version(version);
        http_server tls(tandem::event_loop::running(), security);
        tls.on("GET", "/", reply(200, "hi"));
        const certificate mine = root().issue(certificate_wish("DNS:client.test"));
        const auto config =
            http::tls_config().ca_pem(root().pem()).client_certificate_pem(mine.pem, mine.key);
        const auto r = co_await http::client(trusting(config)).get(tls.url("/", "good.test"));
        CHECK(r.text() == "hi");
        const std::string nameless =
            co_await tandem_test::text_of(http::client(trusting()).get(tls.url("/", "good.test")).send());
        INFO(nameless);
        CHECK(nameless.find(version == TLS1_3_VERSION ? "certificate required" : "handshake failure") !=
              std::string::npos);
        certificate_authority stranger("stranger");
        const certificate strange = stranger.issue(certificate_wish("DNS:client.test"));
        const auto wrong =
            http::tls_config().ca_pem(root().pem()).client_certificate_pem(strange.pem, strange.key);
        const auto code = co_await tandem_test::code_of(
            http::client(trusting(wrong)).get(tls.url("/", "good.test")).send());
        CHECK(code == errc::tls);
        CHECK(tls.requests() == 1);
    }
}

NET_TEST("tls: the next connection to a host takes up the session, unless that is off", "[http][tls][net]") {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        for (const bool on : {true, false}) {
            const auto security = showing(good());
            security->only_version(version);
            http_server tls(tandem::event_loop::running(), security);
            tls.on("GET", "/", reply(200, "hi").close());
            http::client client(trusting(http::tls_config().ca_pem(root().pem()).reuse_sessions(on)));
            for (int i = 0; i < 4; ++i) {
                const auto r = co_await client.get(tls.url("/", "good.test"));
                CHECK(r.text() == "hi");
            }
            CHECK(security->handshakes() == 4);
            CHECK(security->resumed() == (on ? 3u : 0u));
            const auto other = co_await client.get(tls.url("/", "127.0.0.1"));
            CHECK(security->resumed() == (on ? 3u : 0u));
        }
    }
}

NET_TEST("tls: a session is for the port it came from", "[http][tls][net]") {
    const auto security = showing(good());  // both would know it
    http_server one(tandem::event_loop::running(), security);
    http_server other(tandem::event_loop::running(), security);
    one.on("GET", "/", reply(200, "hi").close());
    other.on("GET", "/", reply(200, "hi").close());
    http::client client(trusting());
    co_await client.get(one.url("/", "good.test"));
    co_await client.get(other.url("/", "good.test"));
    CHECK(security->resumed() == 0);
    co_await client.get(one.url("/", "good.test"));
    CHECK(security->resumed() == 1);
}

NET_TEST("tls: a session of one config is unknown to another", "[http][tls][net]") {
    const auto security = showing(good());
    http_server tls(tandem::event_loop::running(), security);
    tls.on("GET", "/", reply(200, "hi").close());
    co_await http::client(trusting()).get(tls.url("/", "good.test"));
    co_await http::client(trusting()).get(tls.url("/", "good.test"));
    CHECK(security->resumed() == 0);
    certificate_authority stranger("stranger");
    const auto elsewhere = trusting(http::tls_config().ca_pem(stranger.pem()));
    const auto code =
        co_await tandem_test::code_of(http::client(elsewhere).get(tls.url("/", "good.test")).send());
    CHECK(code == errc::certificate);
}

NET_TEST("tls: two sides without a version in common say so", "[http][tls][net]") {
    const auto old = showing(good());
    old->only_version(TLS1_2_VERSION);
    http_server tls(tandem::event_loop::running(), old);
    const auto config = http::tls_config().ca_pem(root().pem()).tls13_only(true);
    const std::string said =
        co_await tandem_test::text_of(http::client(trusting(config)).get(tls.url("/", "good.test")).send());
    INFO(said);
    CHECK(said.find("tandem::http: TLS failed: \"good.test\": ") == 0);
    CHECK(said.find("protocol version") != std::string::npos);
    CHECK(said.find("no version of TLS in common") != std::string::npos);
    const auto older = showing(good());
    older->only_version(TLS1_1_VERSION);
    http_server ancient(tandem::event_loop::running(), older);
    const std::string refused =
        co_await tandem_test::text_of(http::client(trusting()).get(ancient.url("/", "good.test")).send());
    INFO(refused);
    CHECK(refused.find("tandem::http: TLS failed: \"good.test\": ") == 0);
    CHECK(old->handshakes() + older->handshakes() == 0);
}

NET_TEST("tls: a redirect to http is delivered, not followed, unless that is allowed", "[http][tls][net]") {
    server.on("GET", "/plain", reply(200, "in the clear"));
    http_server tls(tandem::event_loop::running(), showing(good()));
    tls.on("GET", "/", reply(302).header("Location", server.url("/plain")));
    http::client careful(trusting());
    const auto kept = co_await careful.get(tls.url("/", "good.test"));
    CHECK(kept.status() == 302);
    CHECK(server.requests() == 0);
    http::client bold(trusting().allow_downgrade(true));
    const auto followed = co_await bold.get(tls.url("/", "good.test"));
    CHECK(followed.text() == "in the clear");
    CHECK(followed.history().size() == 1);
}

NET_TEST("tls: a redirect from http to https is followed", "[http][tls][net]") {
    http_server tls(tandem::event_loop::running(), showing(good()));
    tls.on("GET", "/", reply(200, "safe"));
    server.on("GET", "/", reply(301).header("Location", tls.url("/", "good.test")));
    const auto r = co_await http::client(trusting()).get(server.url());
    CHECK(r.text() == "safe");
}

NET_TEST("tls: without a connector https says what to include", "[http][tls][net]") {
    const std::string said = co_await tandem_test::text_of(http::client().get("https://127.0.0.1:1/").send());
    CHECK(said.find("tandem::http: TLS is not available: include <tandem/http/tls.hpp>") == 0);
}

NET_TEST("tls: a body to the end of the stream needs close_notify", "[http][tls][net]") {
    http_server tls(tandem::event_loop::running(), showing(good()));
    tls.on("GET", "/whole", reply(200, "hi").until_close());
    tls.on("GET", "/cut", reply(200, "hi and more").until_close().cut_after(60));
    tls.on("GET", "/short", reply(200, "hi").length(10).cut_after(100));
    http::client client(trusting());
    const auto r = co_await client.get(tls.url("/whole", "good.test"));
    CHECK(r.text() == "hi");
    const auto cut = co_await tandem_test::code_of(client.get(tls.url("/cut", "good.test")).send());
    CHECK(cut == errc::truncated);
    const auto shorter = co_await tandem_test::code_of(client.get(tls.url("/short", "good.test")).send());
    CHECK(shorter == errc::incomplete_body);
    CHECK(client.statistics().idle == 0);
}

NET_TEST("tls: bodies of several records go both ways", "[http][tls][net]") {
    std::string large;
    for (int i = 0; large.size() < 3'000'000; ++i) large += std::to_string(i) + " ";
    http_server tls(tandem::event_loop::running(), showing(good()));
    tls.on("POST", "/echo", [](const tandem::testing::seen_request& r) { return reply(200, r.body); });
    http::client client(trusting());
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{16'000}, std::size_t{16'384},
                                   std::size_t{70'000}, large.size()}) {
        const auto r = co_await client.post(tls.url("/echo", "good.test")).body(large.substr(0, size));
        CHECK(r.text() == large.substr(0, size));
    }
    CHECK(client.statistics().created == 1);
}

NET_TEST("tls: a server that drips its records, and one that resets", "[http][tls][net]") {
    http_server tls(tandem::event_loop::running(), showing(good()));
    tls.on("GET", "/drip", reply(200, "drop by drop").drip(1, 0ns));
    tls.on("GET", "/reset", reply(200, std::string(1000, 'x')).reset_after(300));
    http::client client(trusting());
    const auto r = co_await client.get(tls.url("/drip", "good.test"));
    CHECK(r.text() == "drop by drop");
    const auto reset = co_await tandem_test::code_of(client.get(tls.url("/reset", "good.test")).send());
    CHECK(reset.has_value());
    CHECK(client.statistics().active == 0);
}

NET_TEST("tls: a kept connection that the server has closed is replaced", "[http][tls][net]") {
    http_server tls(tandem::event_loop::running(), showing(good()));
    tls.on("GET", "/", reply(200, "hi").close_silently());
    http::client client(trusting());
    for (int i = 0; i < 3; ++i) {
        const auto r = co_await client.get(tls.url("/", "good.test"));
        CHECK(r.text() == "hi");
        co_await tandem::sleep(5ms);
    }
    CHECK(client.statistics().created == 3);
}

NET_TEST("tls: a server that speaks no TLS, or nothing", "[http][tls][net]") {
    server.on("GET", "/", reply(200, "plain"));
    http::client client(trusting().timeouts(http::timeouts().connect(50ms)));
    const auto plain = co_await tandem_test::code_of(
        client.get("https://127.0.0.1:" + std::to_string(server.port())).send());
    CHECK((plain == errc::tls || plain == errc::connect_timeout));
    boost::asio::ip::tcp::acceptor mute(tandem::event_loop::running().context(),
                                        {boost::asio::ip::address_v4::loopback(), 0});
    const std::string url = "https://127.0.0.1:" + std::to_string(mute.local_endpoint().port());
    const auto nothing = co_await tandem_test::code_of(client.get(url).send());
    CHECK(nothing == errc::connect_timeout);
    CHECK(client.statistics().active == 0);
}

NET_TEST("tls: a call may be cancelled at any time and leaves nothing", "[http][tls][net]") {
    http_server tls(tandem::event_loop::running(), showing(good()));
    tls.on("GET", "/", reply(200, std::string(100'000, 'x')));
    http::client client(trusting());
    for (int i = 0; i < 200; ++i) {
        auto call = tandem::create_task(client.get(tls.url("/", "good.test")).send());
        co_await tandem::sleep(std::chrono::microseconds(i * 20));
        call.cancel();
        try {
            static_cast<void>(co_await call);
        } catch (const tandem::cancelled_error&) {
        }
        CHECK(client.statistics().active == 0);
    }
    const auto r = co_await client.get(tls.url("/", "good.test"));
    CHECK(r.text().size() == 100'000);
}

TEST_CASE("tls: a config that cannot be used says which part and why", "[http][tls]") {
    const auto text_of = [](const http::tls_config& config) {
        try {
            http::tls(config);
        } catch (const http::error& e) {
            CHECK(e.code() == errc::certificate);
            return std::string(e.what());
        }
        return std::string("no error");
    };
    CHECK(text_of(http::tls_config().ca_pem("nonsense"))
              .find("the text of ca_pem cannot be used: it holds nothing of that kind") != std::string::npos);
    CHECK(
        text_of(http::tls_config().ca_file("/nowhere/ca.pem")).find("\"/nowhere/ca.pem\" cannot be used: ") !=
        std::string::npos);
    CHECK(text_of(http::tls_config().client_certificate_pem(good().pem, root().issue().key))
              .find("the text of the key cannot be used: key values mismatch") != std::string::npos);
    CHECK(text_of(http::tls_config().client_certificate("/nowhere/a.pem", "/nowhere/a.key"))
              .find("\"/nowhere/a.pem\"") != std::string::npos);
}
