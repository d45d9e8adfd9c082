// tandem benchmarks - versions and flags this program was built with
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <boost/version.hpp>
#include <tandem/base/config.hpp>
#include <tandem/base/version.hpp>

#include <string>

namespace bench {

inline std::string compiler_version() {
#if defined(__clang__)
    return "clang " __clang_version__;
#else
    return "GCC " __VERSION__;
#endif
}

inline std::string compiler_flags() {
    std::string flags = BENCH_FLAGS;
    flags += TANDEM_TRAMPOLINE ? ", trampoline" : ", symmetric transfer";
#ifndef NDEBUG
    flags += ", assertions on: not for publication";
#endif
    return flags;
}

inline std::string library_versions() {
    return "tandem " + std::to_string(TANDEM_VERSION / 10000) + '.' +
           std::to_string(TANDEM_VERSION / 100 % 100) + '.' + std::to_string(TANDEM_VERSION % 100) +
           ", Boost " + std::to_string(BOOST_VERSION / 100000) + '.' +
           std::to_string(BOOST_VERSION / 100 % 1000);
}

}  // namespace bench
