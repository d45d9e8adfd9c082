// SPDX-License-Identifier: BSL-1.0
// A body of 100 MiB, read in pieces and dropped: CPU time of a whole one.
#include "groups.hpp"
#include "peers/peers.hpp"
#include "site.hpp"

namespace {

using client = bench::sample (*)(const job&);

template <client Get>
bench::sample large(std::string url, std::size_t times) {
    job what(std::move(url), times, 1);
    what.body = site::large_body;
    what.warm_up = 1;
    return Get(what);
}
template <client Get>
bench::sample plain(std::size_t times) {
    return large<Get>(site::large_url(), times);
}
template <client Get>
bench::sample over_tls(std::size_t times) {
    return large<Get>(site::tls_large_url(), times);
}

}  // namespace

std::vector<bench::workload> body_workloads() {
    return {{"a body of 100 MiB, CPU of the client",
             "ns CPU",
             2,
             plain<tandem_client::stream>,
             {{"libcurl multi", plain<curl_client::get>, 1}},
             {}},
            {"a body of 100 MiB over TLS, CPU of the client",
             "ns CPU",
             2,
             over_tls<tandem_client::stream>,
             {{"libcurl multi", over_tls<curl_client::get>, 1}},
             {}}};
}
