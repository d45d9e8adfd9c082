// SPDX-License-Identifier: BSL-1.0
// testing/ has a namespace detail of its own in some headers: those that come after must not be confused by it.
#include <tandem/testing/http_server.hpp>
#include <tandem/testing/sweep.hpp>
#include <tandem/testing/test_loop.hpp>

#include <support/catch.hpp>

TEST_CASE("testing: the headers may come in any order", "[testing]") {
    const auto seven = []() -> tandem::task<int> { co_return 7; };
    CHECK(tandem::testing::run_virtual(seven()) == 7);
}
