// SPDX-License-Identifier: BSL-1.0
#include "command_line.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>
#include <unistd.h>

#include "output_file.hpp"

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

long parse_whole(const std::string& option, const std::string& text, long least, long most) {
    const bool digits = !text.empty() && text.size() <= 18 &&
                        std::ranges::all_of(text, [](unsigned char c) { return std::isdigit(c) != 0; });
    const long value = digits ? std::stol(text) : -1;
    if (value < least || value > most) {
        throw usage_error(option + " wants a whole number from " + std::to_string(least) + " to " +
                          std::to_string(most) + ", not \"" + text + "\"");
    }
    return value;
}

// What cannot be written is better said before the run than after it.
std::string parse_file(const std::string& option, const std::string& text) {
    const std::filesystem::path folder = std::filesystem::path(text).parent_path();
    std::error_code ignored;
    if (text.empty() || std::filesystem::is_directory(text, ignored)) {
        throw usage_error(option + " wants the name of a file, not \"" + text + "\"");
    }
    if (!folder.empty() && !std::filesystem::is_directory(folder, ignored)) {
        throw usage_error(option + ": there is no folder \"" + folder.string() + "\"; make it first");
    }
    const std::string trial = unfinished_name(text);
    const bool is_no_file = trial == text;
    if (is_no_file ? ::access(text.c_str(), W_OK) != 0 : !std::ofstream(trial)) {
        throw usage_error(option + ": \"" + text + "\" cannot be written; give a name in a folder of yours");
    }
    if (!is_no_file) std::filesystem::remove(trial, ignored);
    return text;
}

void check_files(std::vector<std::string> files) {
    std::erase(files, std::string());
    std::ranges::sort(files);
    const auto twice = std::ranges::adjacent_find(files);
    if (twice != files.end()) throw usage_error("\"" + *twice + "\" is to be two files; give each its own");
}

chapter find_chapter(std::string_view name) {
    const auto found = std::ranges::find_if(chapters(), [&](const chapter& c) { return c.name == name; });
    if (found != chapters().end()) return *found;
    std::string names;
    for (const chapter& c : chapters()) names += std::string(names.empty() ? "" : ", ") + c.name;
    throw usage_error("there is no chapter \"" + std::string(name) + "\"; there are: " + names);
}

/// An option that is followed by a value, as in "--scale 1" or "--scale=1".
class option {
public:
    const char* name;
    const char* example;
    void (*take)(command_line&, const std::string& value);
};

constexpr option options[] = {
    {"--scale", "1", [](command_line& c, const std::string& v) { c.settings.scale = parse_scale(v); }},
    {"--seed", "7",
     [](command_line& c, const std::string& v) {
         c.settings.seed = static_cast<std::uint64_t>(parse_whole("--seed", v, 0, 999'999'999'999'999'999));
     }},
    {"--runs", "5",
     [](command_line& c, const std::string& v) {
         c.settings.runs = static_cast<int>(parse_whole("--runs", v, 1, 1000));
     }},
    {"--report", "report.html",
     [](command_line& c, const std::string& v) { c.report = parse_file("--report", v); }},
    {"--json", "report.json",
     [](command_line& c, const std::string& v) { c.json = parse_file("--json", v); }},
    {"--trace", "trace.json",
     [](command_line& c, const std::string& v) { c.trace = parse_file("--trace", v); }},
    {"--rows", "quest.json", [](command_line& c, const std::string& v) { c.rows = parse_file("--rows", v); }},
};

const option* find_option(std::string_view name) {
    const auto* const found = std::ranges::find_if(options, [&](const option& o) { return o.name == name; });
    return found == std::end(options) ? nullptr : found;
}

std::string as_typed(const std::vector<std::string>& arguments) {
    std::string text = "quest";
    for (const std::string& argument : arguments) text += ' ' + argument;
    return text;
}

}  // namespace

command_line::command_line(int argc, char** argv) {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    text = as_typed(arguments);
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string& argument = arguments[i];
        const std::size_t equals = argument.starts_with("--") ? argument.find('=') : std::string::npos;
        if (const option* const known = find_option(argument.substr(0, equals))) {
            const bool value_is_next = equals == std::string::npos;
            if (value_is_next && i + 1 == arguments.size()) {
                throw usage_error(argument + " wants a value, as in " + argument + ' ' + known->example);
            }
            known->take(*this, value_is_next ? arguments[++i] : argument.substr(equals + 1));
        } else if (argument == "--help" || argument == "-h") {
            help = true;
        } else if (argument == "--list") {
            list = true;
        } else if (argument == "--no-python") {
            settings.python = false;
        } else if (argument.starts_with("-")) {
            throw usage_error("there is no option \"" + argument + "\"; there are those below");
        } else {
            chosen.push_back(find_chapter(argument));
        }
    }
    if (chosen.empty()) chosen = chapters();
    check_files({report, json, trace, rows});
}

std::string usage() {
    return "usage: quest [options] [chapter...]   all chapters unless some are named\n"
           "       quest --list                   the chapters, one line each\n"
           "\n"
           "  --scale S       divides all times by S: 10 unless given, 1 takes the talk's own seconds\n"
           "  --runs N        runs every variant N times; unless given, 3 times what is short\n"
           "  --seed N        of what is generated: 1 unless given\n"
           "  --no-python     leaves out the twins in Python\n"
           "  --report FILE   writes what was found as one HTML page\n"
           "  --json FILE     the same numbers for programs\n"
           "  --rows FILE     its times against their bars, in the form of the other benchmarks\n"
           "  --trace FILE    the lanes of the pictures, for ui.perfetto.dev or chrome://tracing\n"
           "\n"
           "Exit status: 0 if every check holds, 1 if one fails or what is printed is not taken,\n"
           "2 for a wrong argument, 130 after Ctrl-C.\n";
}

}  // namespace quest
