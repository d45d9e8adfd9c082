// tandem benchmarks - what a program prints has arrived, or the program has failed
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <iostream>

namespace bench {

/// For the first line of main: of standard input, output and error, what is closed gets a stand-in that
/// refuses everything. Otherwise the next file or socket would get its number, and what is printed.
inline void occupy_standard_files() {
    constexpr std::array modes{O_WRONLY, O_RDONLY, O_RDONLY};
    for (int number = STDIN_FILENO; number <= STDERR_FILENO; ++number) {
        if (::fcntl(number, F_GETFD) < 0) ::open("/dev/null", modes[static_cast<std::size_t>(number)]);
    }
}

/// For the last line of main: `status`, and at least 1 if something that was printed has not arrived, as on
/// a full disk.
inline int status_with_output(const char* program, int status) {
    std::cout.flush();
    const bool flushed = std::fflush(stdout) == 0;
    if (flushed && std::cout && std::ferror(stdout) == 0) return status;
    std::cerr << program << ": standard output does not take what is printed; some of it is lost\n";
    return status == 0 ? 1 : status;
}

}  // namespace bench
