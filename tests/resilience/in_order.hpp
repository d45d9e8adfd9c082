// tandem - TANDEM_TEST_IN_ORDER: a test about who comes first, which no seed permutes
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "support/tandem_test.hpp"

// As TANDEM_TEST, but tasks start and resume in the order in which they became ready, whatever
// TANDEM_TEST_SEED says: these tests count on the order of arrival, or on what the loop allocates.
#define TANDEM_TEST_IN_ORDER_AS(function, name, tags)               \
    static tandem::task<> function();                               \
    TEST_CASE(name, tags) {                                         \
        const auto frames_before = tandem::detail::live_frames;     \
        tandem::testing::run_virtual(function());                   \
        CHECK(tandem::detail::live_frames == frames_before);        \
    }                                                               \
    static tandem::task<> function()
#define TANDEM_TEST_IN_ORDER(name, tags) \
    TANDEM_TEST_IN_ORDER_AS(TANDEM_TEST_JOIN(tandem_test_in_order_body_, __COUNTER__), name, tags)
