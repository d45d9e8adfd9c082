// tandem - what the tests of the HTTP client on virtual time share
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <tandem/http/client.hpp>
#include <tandem/tasks/create_task.hpp>
#include <tandem/testing/mock_transport.hpp>

#include "http/outcome_of_call.hpp"
#include "probes.hpp"
#include "tandem_test.hpp"

namespace tandem_test {

/// A client on the network of `net`.
inline tandem::http::client_options over(const tandem::http::mock_transport& net) {
    return tandem::http::client_options().network(net);
}

inline tandem::duration since(tandem::time_point start) { return tandem::this_task::loop().now() - start; }

}  // namespace tandem_test

/// Compares what an awaitable gives; Catch evaluates the expression in CHECK twice, and so would await it
/// twice.
#define CHECK_AWAITED(call, expected)       \
    do {                                    \
        const auto awaited = co_await call; \
        CHECK(awaited == expected);         \
    } while (false)
