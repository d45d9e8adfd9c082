// tandem benchmarks - measures in a process of its own, whose memory nobody has touched yet
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <exception>
#include <stdexcept>

#include "meter.hpp"

namespace bench {

/// Gives what `run(operations)` measures in a forked process: cold frames, fresh memory. The child
/// ends without tidying up. For programs without further threads.
inline sample in_fresh_process(sample (*run)(std::size_t), std::size_t operations) {
    malloc_trim(0);  // what the rounds before have freed goes back to the system
    int ends[2];
    if (pipe(ends) != 0) throw std::runtime_error("pipe failed");
    const pid_t child = fork();
    if (child < 0) throw std::runtime_error("fork failed");
    if (child == 0) {
        try {
            const sample measured = run(operations);
            _exit(write(ends[1], &measured, sizeof measured) == sizeof measured ? 0 : 1);
        } catch (const std::exception& e) {
            std::fprintf(stderr, "%s\n", e.what());
            _exit(1);
        }
    }
    close(ends[1]);
    sample measured;
    const bool complete = read(ends[0], &measured, sizeof measured) == sizeof measured;
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    if (!complete || status != 0) throw std::runtime_error("the measuring process failed");
    return measured;
}

/// The same as a contender.
template <sample (*Run)(std::size_t)>
sample fresh(std::size_t operations) {
    return in_fresh_process(Run, operations);
}

}  // namespace bench
