// tandem benchmarks - a fixed amount of work for a core
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

/// So many steps that the compiler cannot leave out.
inline std::uint64_t spin(std::uint64_t steps) {
    std::uint64_t x = 1;
    for (std::uint64_t i = 0; i < steps; ++i) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        asm volatile("" : "+r"(x));
    }
    return x;
}

/// As many steps as one core does in a millisecond; the least of some measurements, made once.
inline std::uint64_t steps_in_a_millisecond() {
    static const std::uint64_t measured = [] {
        constexpr std::uint64_t steps = 2'000'000;
        double least = 1e9;
        for (int i = 0; i < 7; ++i) {
            const auto start = std::chrono::steady_clock::now();
            spin(steps);
            const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
            least = std::min(least, took.count());
        }
        return static_cast<std::uint64_t>(steps / least);
    }();
    return measured;
}

/// The items of a pipeline: 0, 1, ..
inline std::vector<int> numbers(std::size_t count) {
    std::vector<int> all;
    for (std::size_t i = 0; i < count; ++i) all.push_back(static_cast<int>(i));
    return all;
}
