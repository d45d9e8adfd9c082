// SPDX-License-Identifier: BSL-1.0
// What many connections cost: memory while they are idle, CPU time while all of them wait.
#include "groups.hpp"
#include "peers/peers.hpp"
#include "site.hpp"
#include "slow_server.hpp"

#include <support/fresh_process.hpp>

#include <sys/resource.h>

namespace {

using client = bench::sample (*)(const job&);

bench::sample idle_memory(std::size_t connections) {
    job what(site::small_url(), connections, connections);
    what.body = site::small_body;
    return {tandem_client::idle_connection_bytes(what), 0};
}

/// As many files as the system lets this process have.
void allow_many_connections() {
    ::rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
}

/// All at once on connections of their own, from the first connect on: nothing is warmed up.
template <client Get>
bench::sample slow_requests(std::size_t requests) {
    allow_many_connections();
    const slow_server server;
    job what(server.url(), requests, requests);
    what.body = slow_server::body;
    what.warm_up = 0;
    return Get(what);
}

}  // namespace

std::vector<bench::workload> connection_workloads() {
    return {{"memory of an idle connection, 1,000 of them", "bytes", 1000, bench::fresh<idle_memory>, {}, {}},
            {"10,000 requests at once, answered after 1 s",
             "ns CPU",
             10'000,
             bench::fresh<slow_requests<tandem_client::get>>,
             {{"libcurl multi", bench::fresh<slow_requests<curl_client::get>>, {}}},
             {}}};
}
