// SPDX-License-Identifier: BSL-1.0
#include "loop_watch.hpp"

#include "cpu_work.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace quest {

using namespace std::chrono_literals;

tandem::task<> loop_watch::during(tandem::task<> work) {
    co_await tandem::with_task_group([&](tandem::task_group& group) -> tandem::task<> {
        for (int i = 0; i < clients; ++i) group.create_task(fetch(), "client");
        co_await tandem::sleep(2 * latency);  // until all of them are under way
        open();
        group.create_task(tick(), "ticker");
        co_await std::move(work);
        close();
        group.cancel();
    });
}

tandem::task<> loop_watch::tick() {
    for (;;) {
        co_await tandem::sleep_until(due_);
        count_ticks();
    }
}

tandem::task<> loop_watch::fetch() {
    for (;;) {
        co_await api_.get("page", latency);
        if (open_) ++served_;
    }
}

void loop_watch::count_ticks() {
    const tandem::time_point now = tandem::this_task::loop().now();
    for (; due_ <= now; due_ += 1ms) ticks_.emplace_back(due_, now - due_);
}

void loop_watch::open() {
    cpu_ = cpu_time_of_process();
    begin_ = tandem::this_task::loop().now();
    due_ = begin_ + 1ms;
    open_ = true;
}

void loop_watch::close() {
    open_ = false;
    count_ticks();  // those that the loop has kept waiting until now
    end_ = tandem::this_task::loop().now();
    cpu_ = cpu_time_of_process() - cpu_;
}

seconds loop_watch::lag(double p) const {
    if (ticks_.empty()) return seconds(0);
    std::vector<seconds> sorted;
    for (const auto& [due, late] : ticks_) sorted.push_back(late);
    const double rank = std::ceil(p * static_cast<double>(sorted.size())) - 1;
    const auto position = sorted.begin() + std::max<std::ptrdiff_t>(0, static_cast<std::ptrdiff_t>(rank));
    std::ranges::nth_element(sorted, position);
    return *position;
}

// At most 200 points: the worst of each stretch.
series loop_watch::curve() const {
    series result("loop lag", "ms");
    const std::size_t stretch = ticks_.size() / 200 + 1;
    for (std::size_t i = 0; i < ticks_.size(); i += stretch) {
        seconds worst{0};
        for (std::size_t k = i; k < std::min(i + stretch, ticks_.size()); ++k) {
            worst = std::max(worst, ticks_[k].second);
        }
        result.points.emplace_back(ticks_[i].first - begin_, worst / 1ms);
    }
    return result;
}

variant loop_watch::as_variant(std::string name) const {
    std::vector<seconds> runs;
    runs.push_back(elapsed());
    variant result(std::move(name), std::move(runs));
    result.curves.push_back(curve());
    return result;
}

panel watch_panel(std::string title) {
    panel result(std::move(title), std::vector<std::string>{"", "time", "cores busy", "loop late, median",
                                                            "p99", "worst", "fetches served"});
    result.note =
        "Late: how long the loop kept a timer waiting that was due in a given millisecond. Meanwhile " +
        std::to_string(loop_watch::clients) + " clients fetch, each answer takes the server " +
        std::to_string(loop_watch::latency.count()) + " ms.";
    return result;
}

std::vector<std::string> watch_row(std::string name, const loop_watch& watched) {
    std::vector<std::string> row;
    row.push_back(std::move(name));
    row.push_back(in_seconds(watched.elapsed()));
    row.push_back(with_decimals(watched.cores_busy(), 2));
    row.push_back(in_milliseconds(watched.lag(0.5)));
    row.push_back(in_milliseconds(watched.lag(0.99)));
    row.push_back(in_milliseconds(watched.lag(1)));
    row.push_back(std::to_string(watched.served()));
    return row;
}

}  // namespace quest
