// tandem - testing::server_security: what a test server puts on its connections, TLS for one
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <memory>

#include <tandem/core/task.hpp>
#include <tandem/http/transport.hpp>

namespace tandem::inline TANDEM_ABI {
namespace testing {

/// For an `http_server` that does not speak in the clear; see testing/server_tls.hpp.
class server_security {
public:
    virtual ~server_security() = default;
    /// Gives null if the client is not let in.
    virtual task<std::unique_ptr<http::byte_stream>> accept(std::unique_ptr<http::byte_stream> plain) = 0;
};

}  // namespace testing
}  // namespace tandem::inline TANDEM_ABI
