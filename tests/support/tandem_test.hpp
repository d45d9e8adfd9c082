// tandem - TANDEM_TEST: a test whose body is a task on virtual time
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>

#include <tandem/core/frame_alloc.hpp>
#include <tandem/testing/test_loop.hpp>

#include "catch.hpp"

namespace tandem_test {

/// TANDEM_TEST_SEED=n in the environment permutes the ready queue of every test with that seed.
inline tandem::testing::virtual_options options_from_environment() {
    tandem::testing::virtual_options options;
    if (const char* const seed = std::getenv("TANDEM_TEST_SEED")) options.seed(std::strtoull(seed, nullptr, 10));
    return options;
}

/// Runs the body and checks that no coroutine frame is left behind.
inline void run_test(tandem::task<> (*body)()) {
    const auto frames_before = tandem::detail::live_frames;
    tandem::testing::run_virtual(body(), options_from_environment());
    CHECK(tandem::detail::live_frames == frames_before);
}

}  // namespace tandem_test

// The body must not contain SECTION or GENERATE; REQUIRE only in the body itself, CHECK in child tasks.
#define TANDEM_TEST_AS(function, name, tags)                     \
    static tandem::task<> function();                            \
    TEST_CASE(name, tags) { tandem_test::run_test(&function); }  \
    static tandem::task<> function()
#define TANDEM_TEST_JOIN_(a, b) a##b
#define TANDEM_TEST_JOIN(a, b) TANDEM_TEST_JOIN_(a, b)
#define TANDEM_TEST(name, tags) TANDEM_TEST_AS(TANDEM_TEST_JOIN(tandem_test_body_, __COUNTER__), name, tags)
