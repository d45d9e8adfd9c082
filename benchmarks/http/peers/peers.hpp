// tandem benchmarks - the clients that are measured, all in one shape
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <support/meter.hpp>

#include <cstddef>
#include <string>
#include <vector>

/// What a client is asked to do.
class job {
public:
    job(std::string of, std::size_t count, std::size_t at_a_time)
        : url(std::move(of)), requests(count), connections(at_a_time), warm_up(20 * at_a_time) {}

    std::string url;
    std::size_t requests;
    std::size_t connections;
    std::size_t warm_up;                       ///< requests before the measured ones
    std::size_t body = 0;                      ///< bytes that each answer must have
    std::vector<double>* latencies = nullptr;  ///< filled with nanoseconds, where asked for
};

/// Each opens its connections and warms them up, then measures the requests: CPU time of the process.
namespace tandem_client {
bench::sample get(const job& what);
/// The body is read in pieces and dropped.
bench::sample stream(const job& what);
/// Bytes of memory for each of so many kept connections.
double idle_connection_bytes(const job& what);
}  // namespace tandem_client

namespace curl_client {
bench::sample get(const job& what);
}

namespace beast_client {
bench::sample get(const job& what);
}

namespace go_client {
bool installed();
bench::sample get(const job& what);
}  // namespace go_client

namespace aiohttp_client {
bool installed();
bench::sample get(const job& what);
}  // namespace aiohttp_client
