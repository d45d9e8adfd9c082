// tandem - what the fuzz targets share: checks that end the program, and a corpus made by code
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace fuzz {

inline void check(bool holds, const char* claim) {
    if (holds) return;
    std::fprintf(stderr, "does not hold: %s\n", claim);
    std::abort();
}

inline void same(const std::string& one, const std::string& other, const char* how) {
    if (one == other) return;
    std::fprintf(stderr, "differs %s:\n[%s]\n[%s]\n", how, one.c_str(), other.c_str());
    std::abort();
}

/// What a target begins with; written to a folder by `<program> --seeds <folder>`.
std::vector<std::string> seeds();

}  // namespace fuzz
