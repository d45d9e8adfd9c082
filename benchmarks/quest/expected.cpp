// SPDX-License-Identifier: BSL-1.0
#include "expected.hpp"

#include "agent/bound.hpp"
#include "chapter.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace quest::expected {
namespace {

// To start an interpreter, and to find out what a core of it does.
constexpr seconds python_start(0.35);

double cores() { return static_cast<double>(tandem::available_cores()); }

/// Adds up times of the talk.
class sum {
public:
    explicit sum(const course& with) : with_(with) {}

    sum& once(double in_the_talk) { return total_ += seconds(in_the_talk / with_.scale()), *this; }
    /// `in_the_talk`: what a run takes; `of`: what the chapter goes by when it decides how often to run.
    sum& runs(double in_the_talk, double of) {
        return once(in_the_talk * with_.runs_of(seconds(of / with_.scale())));
    }
    sum& runs(double in_the_talk) { return runs(in_the_talk, in_the_talk); }
    /// The same of a twin.
    sum& python_once(double in_the_talk) { return with_.python_wanted() ? once(in_the_talk) : *this; }
    sum& python_runs(double in_the_talk, double of) {
        if (with_.python_wanted()) runs(in_the_talk, of), total_ += python_start;
        return *this;
    }

    seconds total() const { return total_ + seconds(0.1); }

private:
    const course& with_;
    seconds total_{0};
};

/// Three texts of 2 s of a core, after 1.5, 2 and 3 s, as in design and arithmetic of the chapter.
double barrier() { return 3 + 2 * std::ceil(3 / cores()); }
double whole_texts() { return cores() >= 3 ? 5 : cores() >= 2 ? 5.5 : 7.5; }
double in_parts() {
    using amount = arriving_work::seconds;
    const std::vector<arriving_work> texts{
        {amount(2), amount(2)}, {amount(1.5), amount(2)}, {amount(3), amount(2)}};
    return least_time(texts, tandem::available_cores()).count();
}

}  // namespace

seconds waiting(const course& with) { return sum(with).once(20).runs(2).python_runs(2, 2).total(); }

seconds choosing(const course& with) { return sum(with).once(3).runs(1.5).total(); }

// Three times the work on one core, and a twin that runs once whatever is asked for.
seconds wall(const course& with) {
    return sum(with).once(24).python_once(8).total() + (with.python_wanted() ? python_start : seconds(0));
}

seconds parallel(const course& with) {
    sum all(with);
    for (double n = 1; n < cores(); n *= 2) all.runs(8 / n);
    all.runs(8 / cores()).python_runs(8 / cores(), 8 / cores());
    return all.total();
}

seconds bridge(const course& with) {
    sum all(with);
    all.once(2 + 8 + 8 / cores());
    if (cores() > 1) all.once(8 / (cores() - 1));
    return all.total();
}

seconds agent(const course& with) {
    const double of = in_parts();
    const double finding_the_size = 4;
    const double six_sources = 3.3 + 2.3 + 5;
    return sum(with)
        .once(finding_the_size + 12.5)
        .runs(barrier() + whole_texts() + of, of)
        .once(six_sources)
        .python_once(12.5 + whole_texts())
        .python_runs(barrier(), of)
        .total();
}

seconds limits(const course& with) { return sum(with).runs(10).python_runs(10, 10).once(61).total(); }

// Thirty items of 50, 100 and 20 ms; in batches of ten the fetches and the cores overlap within one.
seconds pipeline(const course& with) {
    const double processing = 3 / cores();
    const double line = 0.05 + std::max(processing, 0.6) + 0.04;
    const double batches = 3 * 0.05 + processing + 0.6;
    return sum(with).once(5.1).runs(batches + line, line).python_runs(line, line).total() + seconds(0.5);
}

}  // namespace quest::expected
