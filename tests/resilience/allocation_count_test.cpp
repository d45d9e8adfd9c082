// tandem - counts the allocations of this test program
// SPDX-License-Identifier: BSL-1.0
#include "allocation_count.hpp"

#include <cstdlib>
#include <memory>
#include <new>

#include "support/catch.hpp"

std::size_t tandem_test::allocations = 0;

// Kept out of line: GCC otherwise takes the free() in here for a mismatch with its own operator new.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
    ++tandem_test::allocations;
    if (void* const p = std::malloc(bytes == 0 ? 1 : bytes)) return p;
    throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
    ++tandem_test::allocations;
    return std::malloc(bytes == 0 ? 1 : bytes);
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }

TEST_CASE("allocation_count: counts what is allocated", "[resilience][allocation_count]") {
    const std::size_t before = tandem_test::allocations;
    const auto p = std::make_unique<int>(7);
    CHECK(*p == 7);
    CHECK(tandem_test::allocations == before + 1);
}
