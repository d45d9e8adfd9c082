// tandem benchmarks - the command line of a suite
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <charconv>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

namespace bench {

struct options {
    std::size_t rounds = 15;
    std::string json;  // empty: none is written
    std::string only;  // empty: all workloads
    bool list = false;
    bool quick = false;
    bool help = false;
};

inline constexpr const char* usage =
    "  --rounds N     rounds of every workload, 15 if not given\n"
    "  --json FILE    write the rows to FILE as well\n"
    "  --only TEXT    only workloads whose name contains TEXT; may be given once\n"
    "  --list         print the names of the workloads\n"
    "  --quick        one short round: checks that everything runs and the exact counts, not the bars\n"
    "  --help         this text\n";

/// Errors: `std::invalid_argument` that says what is wrong.
inline options parse_options(int argc, char** argv) {
    options result;
    for (int i = 1; i < argc; ++i) {
        const std::string_view name = argv[i];
        const auto value = [&] {
            if (++i == argc) throw std::invalid_argument(std::string(name) + " needs a value");
            return std::string_view(argv[i]);
        };
        if (name == "--rounds") {
            const std::string_view text = value();
            const std::from_chars_result read =
                std::from_chars(text.data(), text.data() + text.size(), result.rounds);
            if (read.ec != std::errc() || read.ptr != text.data() + text.size() || result.rounds == 0) {
                throw std::invalid_argument("--rounds: \"" + std::string(text) +
                                            "\" is not a number from 1 on");
            }
        } else if (name == "--json") {
            result.json = value();
        } else if (name == "--only") {
            result.only = value();
        } else if (name == "--list") {
            result.list = true;
        } else if (name == "--quick") {
            result.quick = true;
        } else if (name == "--help") {
            result.help = true;
        } else {
            throw std::invalid_argument("there is no option \"" + std::string(name) + "\"");
        }
    }
    return result;
}

}  // namespace bench
