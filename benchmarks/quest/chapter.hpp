// quest - what a chapter is given and what it gives
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <tandem/tandem.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "chapter_result.hpp"
#include "expected.hpp"
#include "numbers.hpp"
#include "service.hpp"
#include "whim.hpp"

namespace quest {

/// What the command line says about how to run.
class course_settings {
public:
    course_settings() {}

    double scale = 10;
    std::uint64_t seed = 1;
    std::optional<int> runs;  ///< of each variant; unless given, what little time allows
    bool python = true;
};

/// What the chapters share: the settings, the APIs, the loop.
class course {
public:
    course(const course_settings& how, service& apis, tandem::event_loop& on)
        : api(apis), loop(on), settings_(how) {}
    course(const course&) = delete;
    course& operator=(const course&) = delete;

    service& api;
    tandem::event_loop& loop;

    /// A time of the talk at this run's scale.
    std::chrono::milliseconds scaled(seconds in_the_talk) const {
        return std::chrono::round<std::chrono::milliseconds>(in_the_talk / scale());
    }
    double scale() const noexcept { return settings_.scale; }
    std::uint64_t seed() const noexcept { return settings_.seed; }

    /// How often to run what takes about so long: medians where they cost little.
    int runs_of(seconds one_run) const { return settings_.runs.value_or(one_run <= seconds(1) ? 3 : 1); }

    /// Whether to run twins in Python: not if it is not wanted, nor once it is known to be missing.
    bool python_wanted() const noexcept { return settings_.python && python_problem_.empty(); }
    void python_is_missing(std::string why) { python_problem_ = std::move(why); }
    void python_version(std::string version) { python_version_ = std::move(version); }
    const std::string& python_problem() const noexcept { return python_problem_; }
    std::string python_summary() const {
        if (!python_version_.empty()) return python_version_;
        return python_problem_.empty() ? "not run" : python_problem_;
    }

private:
    course_settings settings_;
    std::string python_problem_;
    std::string python_version_;
};

/// A chapter is one coroutine in one file of chapters/.
class chapter {
public:
    using function = tandem::task<chapter_result> (*)(course&);
    using estimate = seconds (*)(const course&);
    chapter(const char* title, const char* summary, estimate how_long, function body)
        : name(title), sentence(summary), expected(how_long), run(body) {}

    const char* name;
    const char* sentence;
    estimate expected;  ///< how long it takes, on an idle machine
    function run;
};

tandem::task<chapter_result> waiting(course&);
tandem::task<chapter_result> choosing(course&);
tandem::task<chapter_result> wall(course&);
tandem::task<chapter_result> parallel(course&);
tandem::task<chapter_result> bridge(course&);
tandem::task<chapter_result> agent(course&);
tandem::task<chapter_result> limits(course&);
tandem::task<chapter_result> pipeline(course&);

/// All chapters, in the order of the talk.
inline const std::vector<chapter>& chapters() {
    static const std::vector<chapter> all{
        chapter("waiting", "ten APIs of 2 s each: one after the other, then with gather", expected::waiting,
                waiting),
        chapter("choosing", "one of three fails: outcomes for all, or all or nothing", expected::choosing,
                choosing),
        chapter("wall", "four tasks of 2 s that compute: on the loop, gathered, as threads under one lock",
                expected::wall, wall),
        chapter("parallel", "the same work on 1, 2, .. cores", expected::parallel, parallel),
        chapter("bridge", "fetches go on while the cores compute", expected::bridge, bridge),
        chapter("agent",
                "three sources of 2, 1.5 and 3 s, each answer 2 s of a core to read; then six sources",
                expected::agent, agent),
        chapter("limits", "a hundred requests, ten at a time; and 120 to an API that allows 60 a minute",
                expected::limits, limits),
        chapter("pipeline",
                "thirty items, 50 ms to fetch, 100 ms of a core, 20 ms to store: stages that overlap",
                expected::pipeline, pipeline),
    };
    return all;
}

class stopwatch {
public:
    stopwatch() : start_(tandem::this_task::loop().now()) {}
    tandem::time_point start() const noexcept { return start_; }
    seconds elapsed() const { return tandem::this_task::loop().now() - start_; }

private:
    tandem::time_point start_;
};

}  // namespace quest
