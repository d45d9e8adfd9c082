// SPDX-License-Identifier: BSL-1.0
#include "command_line.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string_view>

namespace quest {
namespace {

double parse_scale(const std::string& text) {
    char* end = nullptr;
    const double scale = std::strtod(text.c_str(), &end);
    if (text.empty() || *end != '\0' || !std::isfinite(scale) || scale < 1 || scale > 100) {
        throw usage_error(
            "--scale wants a number from 1 (the talk's own seconds) to 100 (a hundredth of them), not \"" +
            text + "\"");
    }
    return scale;
}

chapter find_chapter(std::string_view name) {
    const auto found = std::ranges::find_if(chapters(), [&](const chapter& c) { return c.name == name; });
    if (found != chapters().end()) return *found;
    std::string names;
    for (const chapter& c : chapters()) names += std::string(names.empty() ? "" : ", ") + c.name;
    throw usage_error("there is no chapter \"" + std::string(name) + "\"; there are: " + names);
}

}  // namespace

command_line::command_line(int argc, char** argv) {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string& argument = arguments[i];
        if (argument == "--help" || argument == "-h") {
            help = true;
        } else if (argument == "--list") {
            list = true;
        } else if (argument == "--scale") {
            if (i + 1 == arguments.size()) throw usage_error("--scale wants a number, as in --scale 1");
            scale = parse_scale(arguments[++i]);
        } else if (argument.starts_with("--scale=")) {
            scale = parse_scale(argument.substr(8));
        } else if (argument.starts_with("-")) {
            throw usage_error("there is no option \"" + argument + "\"");
        } else {
            chosen.push_back(find_chapter(argument));
        }
    }
    if (chosen.empty()) chosen = chapters();
}

std::string usage() {
    return "usage: quest [--scale S] [chapter...]\n"
           "       quest --list     the chapters, one line each\n"
           "\n"
           "  --scale S   divides all times by S: 10 unless given, 1 takes the talk's own seconds\n"
           "\n"
           "Exit status: 0 if every check holds, 1 if one fails, 2 for a wrong argument, 130 after Ctrl-C.\n";
}

}  // namespace quest
