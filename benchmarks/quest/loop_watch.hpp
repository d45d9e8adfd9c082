// quest - watches the loop while something else happens: how late is it, and whom does it serve
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <utility>
#include <vector>

#include "chapter.hpp"

namespace quest {

/// A ticker every millisecond and a few clients that fetch, one request after the other each, for as long
/// as some work takes. A millisecond that the loop was too late for counts with the time that passed until
/// the loop was back: that is what whoever came at that moment has waited.
class loop_watch {
public:
    static constexpr int clients = 4;
    static constexpr std::chrono::milliseconds latency{10};  ///< of each fetch, at the server

    explicit loop_watch(service& api) : api_(api) {}
    loop_watch(const loop_watch&) = delete;
    loop_watch& operator=(const loop_watch&) = delete;

    /// Does `work` and watches meanwhile; once.
    tandem::task<> during(tandem::task<> work);

    tandem::time_point begin() const noexcept { return begin_; }
    seconds elapsed() const noexcept { return end_ - begin_; }
    seconds cpu() const noexcept { return cpu_; }  ///< core-seconds of the process
    double cores_busy() const noexcept { return cpu_ / elapsed(); }

    /// The lateness that the share `p` of all milliseconds did not exceed; 1 gives the worst.
    seconds lag(double p) const;
    int served() const noexcept { return served_; }
    /// What a loop that is always on time, and a server without a cost, would have served.
    int servable() const { return static_cast<int>(clients * (1 + elapsed() / latency)); }

    /// The lag over time, in milliseconds.
    series curve() const;
    /// What was watched, as a variant: its time and the lag.
    variant as_variant(std::string name) const;

private:
    tandem::task<> tick();
    tandem::task<> fetch();
    void count_ticks();
    void open();
    void close();

    service& api_;
    tandem::time_point begin_;
    tandem::time_point end_;
    tandem::time_point due_;
    std::vector<std::pair<tandem::time_point, seconds>> ticks_;  // when due, and how late
    seconds cpu_{0};
    int served_ = 0;
    bool open_ = false;
};

/// The heading of a table of watches, and one line of it.
panel watch_panel(std::string title);
std::vector<std::string> watch_row(std::string name, const loop_watch& watched);

}  // namespace quest
