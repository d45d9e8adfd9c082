// tandem - what the tests of the HTTP client share: a loop with a server, and a count of what is left
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include <tandem/asio/run.hpp>
#include <tandem/core/frame_alloc.hpp>
#include <tandem/http/client.hpp>
#include <tandem/tasks/create_task.hpp>
#include <tandem/testing/http_server.hpp>

#include "catch.hpp"
#include "http/outcome_of_call.hpp"

namespace tandem_test {

inline std::ptrdiff_t open_descriptors() {
    std::ptrdiff_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
    return count;
}

/// Runs the body on a loop of its own with a server on another thread; no frame and no descriptor stays.
inline void run_net(tandem::task<> (*body)(tandem::testing::http_server&)) {
    const std::ptrdiff_t descriptors = open_descriptors();
    {
        tandem::testing::http_server server;
        const auto frames = tandem::detail::live_frames;
        tandem::run(body(server), tandem::run_options().handle_signals(false));
        CHECK(tandem::detail::live_frames == frames);
    }
    CHECK(open_descriptors() == descriptors);
}

}  // namespace tandem_test

#define NET_TEST_JOIN_(a, b) a##b
#define NET_TEST_JOIN(a, b) NET_TEST_JOIN_(a, b)
#define NET_TEST_AS(function, name, tags)                                 \
    static tandem::task<> function(tandem::testing::http_server& server); \
    TEST_CASE(name, tags) { tandem_test::run_net(&function); }            \
    static tandem::task<> function([[maybe_unused]] tandem::testing::http_server& server)
/// The body is a task with `server` in scope. No SECTION inside; REQUIRE only in the body itself.
#define NET_TEST(name, tags) NET_TEST_AS(NET_TEST_JOIN(net_test_body_, __COUNTER__), name, tags)
