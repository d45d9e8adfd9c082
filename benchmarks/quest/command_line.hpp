// quest - the command line
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "chapter.hpp"

namespace quest {

/// A command line that cannot be meant; what() says why and what would do.
class usage_error : public std::invalid_argument {
    using std::invalid_argument::invalid_argument;
};

class command_line {
public:
    /// Errors: `usage_error`.
    command_line(int argc, char** argv);

    bool list = false;
    bool help = false;
    course_settings settings;
    std::vector<chapter> chosen;
    std::string report;  ///< files to write; empty: none
    std::string json;
    std::string trace;
    std::string rows;
    std::string text;  ///< the command as it was typed, without folders
};

std::string usage();

}  // namespace quest
