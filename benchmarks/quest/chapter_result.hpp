// quest - what a chapter found: the numbers of the closing table and the pictures of the report
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace quest {

using seconds = std::chrono::duration<double>;

/// What a lane of the picture was doing.
enum class activity { waiting, receiving, computing, storing, failed, cancelled };

/// "waiting", "computing": as the files and the classes of the page have it.
inline const char* name_of(activity what) noexcept {
    switch (what) {
        case activity::waiting:
            return "waiting";
        case activity::receiving:
            return "receiving";
        case activity::computing:
            return "computing";
        case activity::storing:
            return "storing";
        case activity::failed:
            return "failed";
        case activity::cancelled:
            return "cancelled";
    }
    return "waiting";
}

/// One stretch of time on one lane; the times count from the start of the variant.
class span {
public:
    span(std::string on_lane, activity doing, seconds from, seconds until, std::string text = {})
        : lane(std::move(on_lane)), what(doing), begin(from), end(until), label(std::move(text)) {}

    std::string lane;  ///< "weather", "core 1", "loop"; lanes are shown in the order of their first span
    activity what;
    seconds begin;
    seconds end;
    std::string label;
};

/// A quantity over time: requests in flight, cores busy, the depth of a queue.
class series {
public:
    series(std::string title, std::string in_unit) : name(std::move(title)), unit(std::move(in_unit)) {}

    std::string name;
    std::string unit;
    std::optional<double> limit;                     ///< drawn as a line
    std::vector<std::pair<seconds, double>> points;  ///< each value holds until the next point
};

/// One way to do the chapter's work, run once or more.
class variant {
public:
    variant(std::string title, std::vector<seconds> times) : name(std::move(title)), runs(std::move(times)) {}

    std::string name;  ///< "one after the other", "barrier", "tandem", "Python asyncio"
    std::vector<seconds> runs;
    std::vector<span> spans;  ///< of the last run; empty: no picture
    std::vector<series> curves;
    bool same_work = true;  ///< as the chapter's: it shares its axis and, without one of its own, its bound
    std::optional<seconds> bound;  ///< its own
};

/// The middle one; of an even number the mean of the two in the middle; zero of none.
inline seconds median(std::vector<seconds> runs) {
    if (runs.empty()) return seconds(0);
    std::ranges::sort(runs);
    const std::size_t middle = runs.size() / 2;
    return runs.size() % 2 ? runs[middle] : (runs[middle - 1] + runs[middle]) / 2;
}

/// A table of the report: limits, failures, the stages of a pipeline.
class panel {
public:
    panel(std::string text, std::vector<std::string> columns)
        : title(std::move(text)), header(std::move(columns)) {}

    std::string title;
    std::vector<std::string> header;
    std::vector<std::vector<std::string>> rows;
    std::string note;  ///< one sentence below it
};

/// One row of the closing table, what stands behind it, and the sentences of the checks that failed.
class chapter_result {
public:
    chapter_result() {}

    std::string talk;              ///< the talk's figure, at the talk's scale
    std::optional<seconds> bound;  ///< no program can be faster
    std::optional<seconds> sequential;
    std::optional<seconds> python;  ///< the twin on this machine, against the same server
    std::optional<seconds> tandem;  ///< the median, where there were several runs
    std::vector<variant> variants;
    std::vector<panel> panels;
    std::vector<std::string> findings;  ///< what is printed below the chapter's name
    std::vector<std::string> failures;

    void found(std::string sentence) { findings.push_back(std::move(sentence)); }
    void check(bool holds, std::string sentence) {
        if (!holds) failures.push_back(std::move(sentence));
    }
};

}  // namespace quest
