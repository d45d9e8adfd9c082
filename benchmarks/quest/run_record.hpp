// quest - everything that one run of the program found, for the table, the JSON file and the report
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "chapter_result.hpp"

namespace quest {

/// A chapter that has run.
class chapter_record {
public:
    chapter_record(std::string title, std::string summary, seconds time, chapter_result found)
        : name(std::move(title)), sentence(std::move(summary)), took(time), result(std::move(found)) {}

    std::string name;
    std::string sentence;
    seconds took;  ///< with everything beside what was measured
    chapter_result result;
};

class run_record {
public:
    run_record() {}

    std::string command;  ///< as it was typed
    double scale = 1;     ///< all times are the talk's divided by this
    std::uint64_t seed = 0;
    bool interrupted = false;                                ///< then chapters may be missing
    std::vector<std::pair<std::string, std::string>> facts;  ///< machine, compiler, libraries, Python
    std::vector<chapter_record> chapters;

    std::size_t failures() const noexcept {
        std::size_t count = 0;
        for (const chapter_record& one : chapters) count += one.result.failures.size();
        return count;
    }
};

/// Where the numbers come from: machine, compiler, libraries, load.
std::vector<std::pair<std::string, std::string>> machine_facts();

/// Bound / tandem and one by one / tandem, where both are known.
std::optional<double> share_of_bound(const chapter_result& of);
std::optional<double> speed_up(const chapter_result& of);

/// The bound that holds for one variant of a chapter.
std::optional<seconds> bound_for(const chapter_result& of, const variant& one);

/// The variant whose median is tandem's time in the closing table; null if none was kept.
const variant* variant_of_tandem(const chapter_result& of);

}  // namespace quest
