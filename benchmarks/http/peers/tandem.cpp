// SPDX-License-Identifier: BSL-1.0
#include "peers.hpp"

#include "../site.hpp"

#include <support/check.hpp>
#include <support/resources.hpp>

#include <tandem/asio/run.hpp>
#include <tandem/http/client.hpp>
#include <tandem/http/tls.hpp>
#include <tandem/tasks/gather.hpp>

#include <chrono>
#include <string_view>

namespace tandem_client {
namespace {

namespace http = tandem::http;

http::client_options options_for(const job& what) {
    http::client_options options;
    options.connections_per_host(what.connections).connections_total(what.connections);
    options.connections_idle(what.connections);
    if (what.url.rfind("https", 0) == 0)
        options.tls(http::tls(http::tls_config().ca_file(site::authority())));
    return options;
}

tandem::task<> get_some(http::client& client, const http::url& url, const job& what, std::size_t& left) {
    while (left > 0) {
        --left;
        const auto start = std::chrono::steady_clock::now();
        const http::response page = co_await client.get(url);
        bench::check(page.text().size() == what.body, "tandem: a body is not whole");
        if (what.latencies) {
            const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
            what.latencies->push_back(took.count());
        }
    }
}

tandem::task<> stream_some(http::client& client, const http::url& url, const job& what, std::size_t& left) {
    while (left > 0) {
        --left;
        http::response_stream page = co_await client.get(url).stream();
        std::size_t bytes = 0;
        for (;;) {
            const std::string_view piece = co_await page.next_chunk();
            if (piece.empty()) break;
            bytes += piece.size();
        }
        bench::check(bytes == what.body, "tandem: a body is not whole");
    }
}

using worker = tandem::task<> (*)(http::client&, const http::url&, const job&, std::size_t&);

tandem::task<> all_workers(worker work, http::client& client, const http::url& url, const job& what,
                           std::size_t count) {
    std::size_t left = count;
    std::vector<tandem::task<>> workers;
    for (std::size_t i = 0; i < what.connections; ++i) workers.push_back(work(client, url, what, left));
    co_await tandem::gather(std::move(workers));
}

tandem::task<bench::sample> measured(const job& what, worker work) {
    http::client client(options_for(what));
    const http::url url(what.url);
    co_await all_workers(work, client, url, what, what.warm_up);
    if (what.latencies) what.latencies->clear();
    bench::meter meter;
    co_await all_workers(work, client, url, what, what.requests);
    co_return meter.cpu(what.requests);
}

tandem::task<double> bytes_of_idle(const job& what) {
    http::client client(options_for(what));
    const http::url url(what.url);
    const double before = bench::resident_bytes();
    co_await all_workers(get_some, client, url, what, what.connections);
    bench::check(client.statistics().idle == what.connections, "tandem: a connection was not kept");
    co_return (bench::resident_bytes() - before) / static_cast<double>(what.connections);
}

}  // namespace

bench::sample get(const job& what) { return tandem::run(measured(what, get_some)); }
bench::sample stream(const job& what) { return tandem::run(measured(what, stream_some)); }
double idle_connection_bytes(const job& what) { return tandem::run(bytes_of_idle(what)); }

}  // namespace tandem_client
