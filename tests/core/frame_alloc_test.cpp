// tandem - tests of the recycling of frames
// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/frame_alloc.hpp>

#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

#include "support/catch.hpp"

namespace detail = tandem::detail;

namespace {

class restores_limit {
public:
    restores_limit() : before_(detail::frame_cache_limit) {}
    restores_limit(const restores_limit&) = delete;
    restores_limit& operator=(const restores_limit&) = delete;
    ~restores_limit() { tandem::set_frame_cache_limit(before_); }

private:
    std::size_t before_;
};

}  // namespace

TEST_CASE("frame_alloc: blocks of all sizes are aligned, apart and writable", "[core][frame_alloc][virtual]") {
    std::vector<void*> blocks;
    for (std::size_t bytes = 1; bytes <= 3000; bytes += 7) {
        void* const p = detail::allocate_frame(bytes);
        CHECK(reinterpret_cast<std::uintptr_t>(p) % __STDCPP_DEFAULT_NEW_ALIGNMENT__ == 0);
        std::memset(p, static_cast<int>(bytes & 0xff), bytes);
        blocks.push_back(p);
    }
    std::size_t bytes = 1;
    for (void* p : blocks) {
        const auto* const byte = static_cast<const unsigned char*>(p);
        CHECK(byte[0] == (bytes & 0xff));
        CHECK(byte[bytes - 1] == (bytes & 0xff));
        detail::release_frame(p, bytes);
        bytes += 7;
    }
}

TEST_CASE("frame_alloc: counts what is alive", "[core][frame_alloc][virtual]") {
    const auto before = detail::live_frames;
    void* const a = detail::allocate_frame(100);
    void* const b = detail::allocate_frame(5000);
    CHECK(detail::live_frames == before + 2);
    detail::release_frame(a, 100);
    detail::release_frame(b, 5000);
    CHECK(detail::live_frames == before);
}

// Under the sanitizers nothing is recycled.
#if !TANDEM_SANITIZED
TEST_CASE("frame_alloc: a freed block comes back for the same size", "[core][frame_alloc][virtual]") {
    void* const a = detail::allocate_frame(200);
    detail::release_frame(a, 200);
    void* const b = detail::allocate_frame(193);  // the same class
    CHECK(a == b);
    void* const c = detail::allocate_frame(200);
    CHECK(c != b);
    detail::release_frame(b, 193);
    detail::release_frame(c, 200);
}

TEST_CASE("frame_alloc: the limit is kept for each size alone", "[core][frame_alloc][virtual]") {
    const restores_limit at_end;
    std::thread fresh([] {  // lists of its own, empty
        tandem::set_frame_cache_limit(1024);
        std::vector<void*> blocks;
        for (int i = 0; i < 100; ++i) blocks.push_back(detail::allocate_frame(256));
        for (void* p : blocks) detail::release_frame(p, 256);
        void* const other = detail::allocate_frame(512);
        detail::release_frame(other, 512);
        std::size_t kept = 0;
        for (auto* b = detail::frames.classes[256 / detail::frame_grain].free; b; b = b->next) ++kept;
        CHECK(kept == 1024 / 256);
        CHECK(detail::frames.classes[512 / detail::frame_grain].free == other);
    });
    fresh.join();
}

TEST_CASE("frame_alloc: a block freed on another thread joins that thread's list", "[core][frame_alloc][threads]") {
    void* const a = detail::allocate_frame(320);
    bool same = false;
    std::thread other([a, &same] {
        detail::release_frame(a, 320);
        void* const b = detail::allocate_frame(320);
        same = a == b;
        detail::release_frame(b, 320);
    });
    other.join();
    CHECK(same);
    --detail::live_frames;  // each thread counts for itself: it was made here and freed there
}
#endif

TEST_CASE("frame_alloc: a thread gives everything back when it ends", "[core][frame_alloc][threads]") {
    // LeakSanitizer and valgrind judge; the point is that it also works from a thread_local destructor.
    class late {
    public:
        ~late() {
            void* const p = detail::allocate_frame(64);
            detail::release_frame(p, 64);
        }
        int touched = 0;
    };
    std::thread t([] {
        static thread_local late runs_last;
        runs_last.touched = 1;
        for (int i = 0; i < 10; ++i) detail::release_frame(detail::allocate_frame(64), 64);
    });
    t.join();
    SUCCEED();
}
