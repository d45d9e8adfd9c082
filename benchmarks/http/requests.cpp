// SPDX-License-Identifier: BSL-1.0
// Small answers over kept connections: CPU time, system calls and latency of a request.
#include "groups.hpp"
#include "peers/peers.hpp"
#include "site.hpp"
#include "system_calls.hpp"

#include <algorithm>

namespace {

using client = bench::sample (*)(const job&);

job small(std::size_t requests, std::size_t connections) {
    job what(site::small_url(), requests, connections);
    what.body = site::small_body;
    return what;
}

template <client Get, std::size_t Connections>
bench::sample cpu_time_of(std::size_t requests) {
    return Get(small(requests, Connections));
}

template <client Get>
bench::sample cpu_time_over_tls(std::size_t requests) {
    job what(site::tls_small_url(), requests, 100);
    what.body = site::small_body;
    return Get(what);
}

/// The difference of two counts, so that connecting and tidying up do not count.
template <client Get>
bench::sample system_calls(std::size_t requests) {
    const auto count = [](std::size_t n) { return bench::system_calls_of([n] { Get(small(n, 1)); }); };
    const std::size_t few = 100;
    const double more = static_cast<double>(count(few + requests)) - static_cast<double>(count(few));
    return {more / static_cast<double>(requests), 0};
}

bench::sample six(std::size_t) { return {6, 0}; }

template <client Get, int PerMille>
bench::sample latency(std::size_t requests) {
    std::vector<double> nanoseconds;
    job what = small(requests, 100);
    what.latencies = &nanoseconds;
    Get(what);
    std::sort(nanoseconds.begin(), nanoseconds.end());
    return {nanoseconds[nanoseconds.size() * PerMille / 1000] / 1000, 0};
}

template <int PerMille>
bench::workload latency_workload(std::string name) {
    return {std::move(name),
            "us",
            20'000,
            latency<tandem_client::get, PerMille>,
            {{"libcurl multi", latency<curl_client::get, PerMille>, {}},
             {"Beast, asio::awaitable", latency<beast_client::get, PerMille>, {}}},
            {}};
}

}  // namespace

std::vector<bench::workload> request_workloads() {
    std::vector<bench::workload> all{{"GET 1 KiB, 100 connections, CPU of the client",
                                      "ns CPU",
                                      20'000,
                                      cpu_time_of<tandem_client::get, 100>,
                                      {{"libcurl multi", cpu_time_of<curl_client::get, 100>, 1.5},
                                       {"Beast, asio::awaitable", cpu_time_of<beast_client::get, 100>, 1.3}},
                                      {}},
                                     {"GET 1 KiB, one connection, CPU of the client",
                                      "ns CPU",
                                      3'000,
                                      cpu_time_of<tandem_client::get, 1>,
                                      {{"libcurl multi", cpu_time_of<curl_client::get, 1>, {}},
                                       {"Beast, asio::awaitable", cpu_time_of<beast_client::get, 1>, {}}},
                                      {}},
                                     {"GET 1 KiB over TLS, 100 connections, CPU of the client",
                                      "ns CPU",
                                      10'000,
                                      cpu_time_over_tls<tandem_client::get>,
                                      {{"libcurl multi", cpu_time_over_tls<curl_client::get>, 1}},
                                      {}},
                                     {"system calls of a GET, one connection",
                                      "calls",
                                      200,
                                      system_calls<tandem_client::get>,
                                      {{"the limit of 6", six, 1},
                                       {"libcurl multi", system_calls<curl_client::get>, {}},
                                       {"Beast, asio::awaitable", system_calls<beast_client::get>, {}}},
                                      {}}};
    if (go_client::installed()) all[0].peers.push_back({"Go net/http", cpu_time_of<go_client::get, 100>, 2});
    if (aiohttp_client::installed())
        all[0].peers.push_back({"aiohttp", cpu_time_of<aiohttp_client::get, 100>, 12});
    all.push_back(latency_workload<500>("latency p50, 100 connections"));
    all.push_back(latency_workload<990>("latency p99, 100 connections"));
    return all;
}
