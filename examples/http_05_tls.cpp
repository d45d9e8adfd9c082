// https with a private authority: the certificate is checked, the reason for a refusal is told
// SPDX-License-Identifier: BSL-1.0
// link: OpenSSL tandem::tls
// expect: ^3 answers over 1 connection, 2 strangers refused$
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>

#include <tandem/asio/run.hpp>
#include <tandem/http/client.hpp>
#include <tandem/http/tls.hpp>
#include <tandem/testing/certificates.hpp>
#include <tandem/testing/server_tls.hpp>

#include "check.hpp"

namespace http = tandem::http;
namespace testing = tandem::testing;

// What a service in a company's own network does: it trusts the company's authority and nobody else.
http::client client_that_trusts(const std::string& ca_pem) {
    return http::client(http::client_options().tls(http::tls(http::tls_config().ca_pem(ca_pem))));
}

tandem::task<std::string> refusal(const http::client& client, std::string url) {
    try {
        co_await client.get(url);
    } catch (const http::error& e) {
        check(e.code() == http::errc::certificate, "it is the certificate that is refused");
        co_return e.what();
    }
    co_return "no error";
}

tandem::task<> amain() {
    // In real life the authority's PEM file lies on disk: tls_config().ca_file("/etc/company/ca.pem").
    testing::certificate_authority company("the company");
    testing::http_server server(std::make_shared<testing::server_tls>(company.issue()));
    server.on("GET", "/", testing::reply(200, "secret"));

    const http::client client = client_that_trusts(company.pem());
    int answers = 0;
    for (int i = 0; i < 3; ++i) {
        const auto page = co_await client.get(server.url());
        answers += page.text() == "secret";
    }

    // The same server, for somebody who trusts another authority, and under a name that is not its own.
    testing::certificate_authority other("somebody else");
    const std::string untrusted = co_await refusal(client_that_trusts(other.pem()), server.url());
    check(untrusted.find("issuer certificate") != std::string::npos, "a stranger's client sees what is wrong");
    const http::client by_name(http::client_options()
                                   .resolve("bank.test", "127.0.0.1")
                                   .tls(http::tls(http::tls_config().ca_pem(company.pem()))));
    const std::string misnamed = co_await refusal(by_name, server.url("/", "bank.test"));
    check(misnamed.find("hostname mismatch; it is for localhost, 127.0.0.1, ::1") != std::string::npos, "the names are told");
    std::printf("%s\n%s\n", untrusted.c_str(), misnamed.c_str());

    check(answers == 3 && server.requests() == 3, "who is refused sends no request");
    std::printf("%d answers over %d connection, 2 strangers refused\n", answers,
                static_cast<int>(client.statistics().created));
}

int main() { tandem::run(amain()); }
