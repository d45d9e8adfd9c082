// tandem - limiter_map<Key>: a rate limiter per host, per user, per API key; idle ones go away
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <unordered_map>
#include <utility>

#include <tandem/base/detail/intrusive_list.hpp>
#include <tandem/base/detail/unique_function.hpp>
#include <tandem/resilience/detail/running_loop.hpp>
#include <tandem/resilience/rate_limiter.hpp>

namespace tandem::inline TANDEM_ABI {

/// A rate limiter for each key, made when the key is first seen:
/// `limiter_map<std::string> hosts([] { return rate_limiter::pace(5, 1s); });`
/// One that was not used for `idle`, on which nobody waits, and that is as good as new is dropped in
/// passing, so forgetting it changes nothing. Until then its address stays.
/// Cost: a call is one look-up in a hash table plus at most two looks at the longest unused.
template <class Key, class Hash = std::hash<Key>>
class limiter_map {
public:
    /// `make()` gives a limiter: what `rate_limiter::pace` or `window` returns.
    template <class Make>
    requires std::is_same_v<std::invoke_result_t<Make&>, rate_limiter>
    explicit limiter_map(Make make, duration idle = std::chrono::minutes(10))
        : make_(std::move(make)), idle_(detail::to_ticks(idle)) {
        if (idle_ <= 0)
            throw std::invalid_argument(
                "tandem::limiter_map: the idle time is zero or negative; give a positive one");
    }
    limiter_map(const limiter_map&) = delete;
    limiter_map& operator=(const limiter_map&) = delete;

    /// As `rate_limiter::acquire` of the key's limiter.
    /// Cancellation: the waiter leaves the line and has spent nothing.
    [[nodiscard("co_await it")]] rate_limiter::acquire_awaiter acquire(const Key& key, std::size_t cost = 1) {
        return at(key).acquire(cost);
    }
    [[nodiscard]] bool try_acquire(const Key& key, std::size_t cost = 1) { return at(key).try_acquire(cost); }
    void penalise(const Key& key, time_point until) { at(key).penalise(until); }

    /// The limiter of a key, made if it is new. Valid for `idle` and as long as somebody waits for it.
    /// Errors: `invalid_state_error` outside of a running loop.
    rate_limiter& at(const Key& key);

    /// The number of keys that are kept.
    std::size_t size() const noexcept { return entries_.size(); }

private:
    struct entry : detail::list_links<entry> {
        explicit entry(const detail::unique_function<rate_limiter()>& make) : limiter(make()) {}
        rate_limiter limiter;
        const Key* key = nullptr;
        std::int64_t used = 0;
    };

    void drop_idle(std::int64_t now);

    detail::unique_function<rate_limiter()> make_;
    std::int64_t idle_;
    std::unordered_map<Key, entry, Hash> entries_;
    detail::intrusive_list<entry> by_use_;  // the longest unused first
};

// ---- implementation

template <class Key, class Hash>
rate_limiter& limiter_map<Key, Hash>::at(const Key& key) {
    const std::int64_t now = detail::running_loop("limiter_map::at").ticks();
    drop_idle(now);
    const auto found = entries_.try_emplace(key, make_);
    entry& e = found.first->second;
    if (found.second) {
        e.key = &found.first->first;
    } else {
        by_use_.erase(e);
    }
    e.used = now;
    by_use_.push_back(e);
    return e.limiter;
}

template <class Key, class Hash>
void limiter_map<Key, Hash>::drop_idle(std::int64_t now) {
    for (int looks = 0; looks < 2; ++looks) {
        entry* const oldest = by_use_.front();
        if (!oldest || now - oldest->used <= idle_) return;
        by_use_.erase(*oldest);
        if (oldest->limiter.idle()) {
            const auto place = entries_.find(*oldest->key);
            entries_.erase(place);
        } else {
            oldest->used = now;
            by_use_.push_back(*oldest);
        }
    }
}

}  // namespace tandem::inline TANDEM_ABI
