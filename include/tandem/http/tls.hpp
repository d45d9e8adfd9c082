// tandem - http::tls: https for a client, by OpenSSL, verified unless you say otherwise
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <memory>

#include <tandem/http/client_options.hpp>
#include <tandem/http/impl/tls_connector.hpp>
#include <tandem/http/tls_config.hpp>

namespace tandem::inline TANDEM_ABI {
namespace http {

/// Makes what `client_options::tls` takes: `client_options().tls(http::tls())`. Link OpenSSL
/// (`tandem::tls`). One of them may serve clients of several loops, which then share sessions.
/// Errors: `certificate` if a file or text of the config cannot be used; that the system has no
///   roots is said by the first request.
/// Threads: may be used by several loops at a time.
/// Cost: reading the system's roots takes 20 ms; once here, not per connection.
inline std::shared_ptr<tls_connector> tls(const tls_config& config = tls_config()) {
    return std::make_shared<detail::openssl_connector>(config);
}

}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
