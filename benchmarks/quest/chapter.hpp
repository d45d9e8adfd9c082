// quest - what a chapter is given and what it gives
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <tandem/tandem.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "chapter_result.hpp"
#include "service.hpp"

namespace quest {

/// What the chapters share: the scale, the APIs, and a place to say what they found.
class course {
public:
    course(double scale, service& apis) : api(apis), scale_(scale) {}

    service& api;

    /// A time of the talk at this run's scale.
    std::chrono::milliseconds scaled(seconds in_the_talk) const {
        return std::chrono::round<std::chrono::milliseconds>(in_the_talk / scale_);
    }
    double scale() const noexcept { return scale_; }

private:
    double scale_;
};

/// A chapter is one coroutine in one file of chapters/.
class chapter {
public:
    using function = tandem::task<chapter_result> (*)(course&);
    chapter(const char* title, const char* summary, double about_seconds, function body)
        : name(title), sentence(summary), talk_seconds(about_seconds), run(body) {}

    const char* name;
    const char* sentence;
    double talk_seconds;  ///< about how long it takes at --scale 1
    function run;
};

tandem::task<chapter_result> waiting(course&);
tandem::task<chapter_result> choosing(course&);
tandem::task<chapter_result> limits(course&);

/// All chapters, in the order of the talk.
inline const std::vector<chapter>& chapters() {
    static const std::vector<chapter> all{
        chapter("waiting", "ten APIs of 2 s each: one after the other, then with gather", 22, waiting),
        chapter("choosing", "one of three fails: outcomes for all, or all or nothing", 4.5, choosing),
        chapter("limits", "a hundred requests of 1 s, ten at a time", 10, limits),
    };
    return all;
}

class stopwatch {
public:
    stopwatch() : start_(tandem::this_task::loop().now()) {}
    seconds elapsed() const { return tandem::this_task::loop().now() - start_; }

private:
    tandem::time_point start_;
};

}  // namespace quest
