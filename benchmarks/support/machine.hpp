// tandem benchmarks - where a result comes from: processor, kernel, compiler, libraries, load
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <sys/utsname.h>
#include <unistd.h>

#include <fstream>
#include <ostream>
#include <string>

#include "machine_versions.hpp"

namespace bench {

inline std::string processor() {
    std::ifstream info("/proc/cpuinfo");
    for (std::string line; std::getline(info, line);) {
        if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
    }
    return "unknown processor";
}

/// Runnable processes on average over the last minute. Above 0.5 a result is not for publication;
/// a benchmark itself adds up to one.
inline double load_average() {
    double load = 0;
    std::ifstream("/proc/loadavg") >> load;
    return load;
}

inline void print_machine(std::ostream& out) {
    utsname system{};
    uname(&system);
    out << "machine   " << sysconf(_SC_NPROCESSORS_ONLN) << " x " << processor() << ", " << system.sysname
        << ' ' << system.release << '\n'
        << "compiler  " << compiler_version() << ", " << compiler_flags() << '\n'
        << "libraries " << library_versions() << '\n'
        << "load      " << load_average() << " before the first round\n";
}

}  // namespace bench
