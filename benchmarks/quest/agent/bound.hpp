// quest - the least time in which work that arrives bit by bit can be done by some workers
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

namespace quest {

/// An amount of work, and when it can begin.
class arriving_work {
public:
    using seconds = std::chrono::duration<double>;
    arriving_work(seconds when, seconds amount) noexcept : arrives(when), work(amount) {}
    seconds arrives;
    seconds work;
};

/// No schedule ends earlier: from each arrival on, all that is still to come must be done. Work that can
/// be split comes as close to it as its parts are small.
inline std::chrono::duration<double> least_time(const std::vector<arriving_work>& all, std::size_t workers) {
    arriving_work::seconds bound{};
    for (const arriving_work& from : all) {
        arriving_work::seconds to_come{};
        for (const arriving_work& w : all) {
            if (w.arrives >= from.arrives) to_come += w.work;
        }
        bound = std::max(bound, from.arrives + to_come / static_cast<double>(workers));
    }
    return bound;
}

}  // namespace quest
