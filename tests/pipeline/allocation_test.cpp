// tandem - a pipeline in full swing allocates nothing: counts the calls of operator new of this program
// SPDX-License-Identifier: BSL-1.0
#include <tandem/pipeline/pipeline.hpp>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

#include "pipeline_probes.hpp"
#include "resilience/in_order.hpp"

// Under the sanitizers every frame is allocated, so that they see its end, and operator new is theirs.
#if !TANDEM_SANITIZED

using namespace tandem_test;

namespace {

std::atomic<std::size_t> allocations{0};

}  // namespace

// Kept out of line: GCC otherwise takes the free() in here for a mismatch with its own operator new.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
    allocations.fetch_add(1, std::memory_order_relaxed);
    if (void* const p = std::malloc(bytes == 0 ? 1 : bytes)) return p;
    throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }

namespace {

/// What a run of so many items allocates.
tandem::task<std::size_t> allocated_for(int items) {
    tandem::inline_executor pool;
    const std::vector<int> input = numbers(items);
    const auto odd = [](const int& v) { return v % 2 == 1; };
    auto line = tandem::pipeline("steady", input)
                    .io("a", pass_after_1ms, stage_options().concurrency(4).reorder(2))
                    .filter("b", odd)
                    .cpu("c", pool, twice)
                    .sink("d", forget);
    const std::size_t before = allocations;
    static_cast<void>(co_await line.run());
    co_return allocations - before;
}

}  // namespace

TANDEM_TEST_IN_ORDER("pipeline: once it runs, no item costs an allocation",
                     "[pipeline][allocations][virtual]") {
    static_cast<void>(co_await allocated_for(1000));  // the frames are there from now on
    const std::size_t few = co_await allocated_for(100);
    const std::size_t many = co_await allocated_for(1000);
    CHECK(few > 0);
    CHECK(many == few);
}
#endif
