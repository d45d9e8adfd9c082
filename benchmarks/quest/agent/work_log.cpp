// SPDX-License-Identifier: BSL-1.0
#include "work_log.hpp"

#include <algorithm>
#include <ctime>
#include <utility>

namespace quest {
namespace {

tandem::time_point now() noexcept { return tandem::detail::to_time_point(tandem::detail::steady_now()); }

}  // namespace

std::chrono::duration<double> thread_cpu_time() noexcept {
    std::timespec t{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return std::chrono::duration<double>(static_cast<double>(t.tv_sec) +
                                         1e-9 * static_cast<double>(t.tv_nsec));
}

work_log::part::part(work_log& log, std::size_t source) : log_(log) {
    noted_.source = source;
    noted_.begin = now();
    noted_.cpu = thread_cpu_time();
}

work_log::part::~part() {
    noted_.cpu = thread_cpu_time() - noted_.cpu;
    noted_.end = now();
    const std::lock_guard hold(log_.mutex_);
    const auto self = std::this_thread::get_id();
    const auto found = std::find(log_.workers_.begin(), log_.workers_.end(), self);
    noted_.worker = static_cast<std::size_t>(found - log_.workers_.begin());
    if (found == log_.workers_.end()) log_.workers_.push_back(self);
    log_.entries_.push_back(noted_);
}

std::vector<work_log::entry> work_log::take() {
    const std::lock_guard hold(mutex_);
    return std::exchange(entries_, {});
}

work_log::seconds work_log::cpu_of(std::size_t source) const {
    const std::lock_guard hold(mutex_);
    seconds sum{};
    for (const entry& e : entries_) {
        if (e.source == source) sum += e.cpu;
    }
    return sum;
}

std::size_t most_at_once(const std::vector<work_log::entry>& work) {
    std::vector<std::pair<tandem::time_point, int>> changes;
    for (const work_log::entry& e : work) {
        changes.emplace_back(e.begin, 1);
        changes.emplace_back(e.end, -1);
    }
    std::sort(changes.begin(), changes.end());  // an end comes before a beginning at the same time
    std::ptrdiff_t running = 0;
    std::ptrdiff_t most = 0;
    for (const auto& change : changes) most = std::max(most, running += change.second);
    return static_cast<std::size_t>(most);
}

}  // namespace quest
