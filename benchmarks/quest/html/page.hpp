// quest - the HTML report: one file that needs no network
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../chapter_result.hpp"

#include <string>
#include <utility>
#include <vector>

namespace quest::html {

/// A chapter as the report shows it.
class section {
public:
    section(std::string title, std::string summary, chapter_result found)
        : name(std::move(title)), sentence(std::move(summary)), result(std::move(found)) {}

    std::string name;
    std::string sentence;
    chapter_result result;
};

/// What the report says besides the chapters.
class frame {
public:
    frame() {}

    double scale = 1;                                        ///< all times are the talk's divided by this
    bool interrupted = false;                                ///< then chapters may be missing
    std::vector<std::pair<std::string, std::string>> facts;  ///< machine, compiler, versions, seed, command
    std::string json;   ///< the same numbers for programs; embedded, and offered for download
    std::string trace;  ///< the Chrome trace beside the report; empty: none was written
};

/// The whole page. Readable without script, in light and dark, narrow and wide, and printed in grey.
std::string page(const frame& around, const std::vector<section>& chapters);

}  // namespace quest::html
