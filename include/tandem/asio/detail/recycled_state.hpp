// tandem - Asio's state for cancelling a composed operation, kept for the next one
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_type.hpp>

#include <concepts>
#include <cstddef>
#include <type_traits>
#include <utility>

#include <tandem/base/config.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// The state that `async_write` and its like put into a cancellation slot: the signal in it allocates
/// for the first step, and has the memory for the steps after it. One that has cancelled nothing is as
/// good as new. (A Boost that builds it otherwise is no match, nor is a handler of a user's, which may
/// have a state of its own; then nothing is kept.)
template <class State, class... Args>
concept recyclable_state = requires(State& state) {
    { state.signal_.slot() } -> std::same_as<boost::asio::cancellation_slot>;
    { (state.cancelled_) } -> std::same_as<boost::asio::cancellation_type_t&>;
}
&&sizeof(State) <= sizeof(boost::asio::cancellation_signal) + sizeof(void*) &&
    (std::is_empty_v<std::remove_cvref_t<Args>> && ...) && !TANDEM_SANITIZED;

/// The states of one type that a thread keeps.
template <class State>
class state_shelf {
public:
    struct place {
        State state;
        place* next;
    };

    template <class... Args>
    static place* take(Args&&... args) {
        if (place* const kept = here_.free) {
            here_.free = kept->next;
            ++here_.room;
            return kept;
        }
        return new place{State(std::forward<Args>(args)...), nullptr};
    }
    static void put(place* p) noexcept {
        if (here_.room <= 0 && !makes_room()) return delete p;
        boost::asio::cancellation_slot slot = p->state.signal_.slot();
        // The last step may be of a socket that is gone. Takes the same memory, so it cannot fail.
        if (slot.has_handler()) slot.template emplace<nobody>();
        --here_.room;
        p->next = std::exchange(here_.free, p);
    }

private:
    struct nobody {
        void operator()(boost::asio::cancellation_type_t) const noexcept {}
    };
    // Plain data, reached without an initialisation guard; no room until the owner is there.
    struct kept_places {
        place* free = nullptr;
        std::ptrdiff_t room = 0;
        bool owned = false;
    };
    struct owner {
        owner() noexcept { here_.room = most; }
        owner(const owner&) = delete;
        owner& operator=(const owner&) = delete;
        ~owner() {
            here_.room = 0;
            while (place* const p = here_.free) {
                here_.free = p->next;
                delete p;
            }
        }
    };

    static constexpr std::ptrdiff_t most = 256;
    TANDEM_PROCESS_WIDE static bool makes_room() noexcept {
        if (std::exchange(here_.owned, true)) return false;
        static thread_local owner of_this_thread;
        return true;
    }

    TANDEM_PROCESS_WIDE static inline constinit thread_local kept_places here_{};
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
