// tandem benchmarks - bench_http: the HTTP client beside libcurl, Beast, Go and aiohttp, against one nginx
// SPDX-License-Identifier: BSL-1.0
#include <support/suite.hpp>

#include "groups.hpp"
#include "site.hpp"

#include <cstring>

int main(int argc, char** argv) {
    std::vector<bench::workload> all;
    for (auto group : {request_workloads, body_workloads, connection_workloads}) {
        for (bench::workload& w : group()) all.push_back(std::move(w));
    }
    try {
        const bool measures =
            argc < 2 || (std::strcmp(argv[1], "--list") != 0 && std::strcmp(argv[1], "--help") != 0);
        if (measures) site::start();
    } catch (const std::exception& e) {
        std::cerr << "bench_http: " << e.what() << '\n';
        return 1;
    }
    const int status = bench::run_suite("bench_http", std::move(all), argc, argv);
    site::stop();
    return status;
}
