// tandem - the consumer of tandem::tls and tandem::json: a context is built, a document is read
// SPDX-License-Identifier: BSL-1.0
#include <cstdio>

#include <tandem/asio/run.hpp>
#include <tandem/http/client.hpp>
#include <tandem/http/json.hpp>
#include <tandem/http/tls.hpp>

namespace http = tandem::http;

tandem::task<int> amain() {
    const http::client client(http::client_options().tls(http::tls()));
    const auto request = client.post("https://example.org/").json(nlohmann::json{{"answer", 42}}).get();
    co_return client.options().tls() ? nlohmann::json::parse(request.body()).at("answer").get<int>() : 0;
}

int main() { std::printf("%d\n", tandem::run(amain())); }
