// quest_server - a strict limit: so many in any window of time, the next one is refused
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>

namespace quest_server {

/// Refused requests do not count; the oldest that counts decides when the next is welcome.
class sliding_window {
public:
    using clock = std::chrono::steady_clock;

    /// Zero if the request is within the limit, else how long to stay away.
    clock::duration arrive(clock::time_point now, std::size_t allowed, clock::duration window) {
        while (!accepted_.empty() && accepted_.front() + window <= now) accepted_.pop_front();
        if (accepted_.size() < allowed) {
            accepted_.push_back(now);
            return clock::duration::zero();
        }
        if (accepted_.empty()) return window;  // nothing is allowed at all
        return accepted_.front() + window - now;
    }

private:
    std::deque<clock::time_point> accepted_;
};

}  // namespace quest_server
