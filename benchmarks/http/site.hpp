// tandem benchmarks - the web server that all clients ask: one nginx worker on the last core
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <string>

namespace site {

constexpr std::size_t small_body = 1024;
constexpr std::size_t large_body = 100 * 1024 * 1024;

/// Starts nginx in a folder of its own and pins this process to the other cores.
/// Errors: `std::runtime_error` that says what is missing.
void start();
void stop();

unsigned short port();
unsigned short tls_port();
std::string small_url();      ///< 1 KiB
std::string large_url();      ///< 100 MiB
std::string tls_small_url();  ///< the same over TLS 1.3
std::string tls_large_url();
std::string authority();  ///< a file: the certificate to trust

}  // namespace site
