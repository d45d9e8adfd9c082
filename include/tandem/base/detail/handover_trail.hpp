// tandem - what a thread handed over last, so that the one that takes it can fetch it ahead
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <tandem/base/config.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// Many things are handed over at once, as a list, and the memory of each is in the cache of the core that
/// gave it: to walk from one to the next costs a tenth of a microsecond. So each also says where one is
/// that the same thread gave some time before, to be fetched while the ones between are looked at. That
/// one may be gone by then: its address is for `fetch` alone.
class handover_trail {
public:
    /// Remembers `given`; gives what was given some time before.
    const void* swap(const void* given) noexcept {
        const void*& place = given_[next_++ % given_.size()];
        const void* const before = place;
        place = given;
        return before;
    }

    /// Has the memory around an address brought to this core, if there is any.
    static void fetch(const void* address, std::ptrdiff_t from) noexcept {
        const std::uintptr_t start =
            reinterpret_cast<std::uintptr_t>(address) + static_cast<std::uintptr_t>(from);
        for (std::uintptr_t line = 0; line < 3; ++line) {
            __builtin_prefetch(reinterpret_cast<const void*>(start + 64 * line), 1);
        }
    }

private:
    std::array<const void*, 4> given_{};
    unsigned next_ = 0;
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
