// tandem benchmarks - replaces what allocates by something that counts
// SPDX-License-Identifier: BSL-1.0
#include "allocations.hpp"

#include <cerrno>
#include <cstdlib>
#include <new>

namespace bench {

std::uint64_t allocation_count = 0;

namespace {

void* counted(std::size_t bytes) {
    ++allocation_count;
    if (void* const p = std::malloc(bytes ? bytes : 1)) return p;
    throw std::bad_alloc();
}

void* counted(std::size_t bytes, std::size_t alignment) noexcept {
    ++allocation_count;
    void* p = nullptr;
    if (alignment < sizeof(void*)) alignment = sizeof(void*);
    if (const int error = posix_memalign(&p, alignment, bytes ? bytes : 1)) {
        errno = error;
        return nullptr;
    }
    return p;
}

}  // namespace
}  // namespace bench

void* operator new(std::size_t bytes) { return bench::counted(bytes); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
    if (void* const p = bench::counted(bytes, static_cast<std::size_t>(alignment))) return p;
    throw std::bad_alloc();
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }

#ifdef __GLIBC__
extern "C" void* aligned_alloc(std::size_t alignment, std::size_t bytes) noexcept {
    return bench::counted(bytes, alignment);
}
#endif
