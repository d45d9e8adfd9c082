// tandem benchmarks - measures a stretch of code: time, CPU time, allocations
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "allocations.hpp"
#include "resources.hpp"

namespace bench {

/// One measurement: what an operation costs, in the unit of its workload, and what it allocates.
struct sample {
    double cost = 0;
    double allocations = 0;
};

/// Counts from its construction, or only between `resume` and `pause`.
class meter {
public:
    enum class begin { now, later };

    explicit meter(begin when = begin::now) {
        if (when == begin::now) resume();
    }

    void resume() {
        running_ = true;
        allocated_ -= static_cast<double>(allocation_count);
        cpu_ -= cpu_time();
        wall_ -= wall_time();
    }
    void pause() {
        running_ = false;
        wall_ += wall_time();
        cpu_ += cpu_time();
        allocated_ += static_cast<double>(allocation_count);
    }

    /// Stops and gives nanoseconds for each of `operations`: of a clock, for code that never waits.
    sample wall(std::size_t operations) {
        stop();
        return per(operations, wall_);
    }
    /// The same of the process's CPU time, for code that waits for sockets or timers.
    sample cpu(std::size_t operations) {
        stop();
        return per(operations, cpu_);
    }

private:
    static double wall_time() {
        return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now().time_since_epoch())
            .count();
    }
    void stop() {
        if (running_) pause();
    }
    sample per(std::size_t operations, double cost) const {
        const double n = static_cast<double>(operations);
        return {cost / n, allocated_ / n};
    }

    double wall_ = 0;
    double cpu_ = 0;
    double allocated_ = 0;
    bool running_ = false;
};

}  // namespace bench
