// Data parallel: one awaitable that uses all workers, over a large vector; and one that is given up half-way.
// SPDX-License-Identifier: BSL-1.0
// expect: ^mean 0.50, largest 1.0, given up in time$
#include <tandem/tandem.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iostream>
#include <vector>

#include "check.hpp"

using namespace std::chrono_literals;

// A number in [0, 1] from its index (SplitMix64).
double noise(std::size_t i) {
    std::uint64_t z = (i + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1.0p-53;
}

tandem::task<> amain() {
    tandem::cpu_executor pool;
    std::vector<double> values(4'000'000);

    // What the callables refer to lives here, and they have ended when the await has.
    const auto fill = [&values](std::size_t i) { values[i] = noise(i); };
    co_await tandem::parallel_for(pool, std::size_t{0}, values.size(), fill);

    // Within a part: fn(sum, element). Between parts: join(sum, sum). Each part begins with the neutral
    // value.
    const double sum = co_await tandem::parallel_reduce(pool, values, 0.0, std::plus<>(), std::plus<>());
    const auto larger = [](double a, double b) { return std::max(a, b); };
    const double largest = co_await tandem::parallel_reduce(pool, values, 0.0, larger, larger);
    const double mean = sum / static_cast<double>(values.size());

    // Many inputs, one result each, in order: map. Chunks get their size by timing.
    const auto roots = co_await tandem::map(pool, values, [](double x) { return std::sqrt(x); });
    check(roots.size() == values.size() && std::abs(roots[7] * roots[7] - values[7]) < 1e-9,
          "map keeps the order");

    // Two years of work; the timeout stops it within microseconds, and no worker is left behind.
    const auto endless = [](long total, int) {
        volatile int work = 0;
        while (work < 1000) work = work + 1;
        return total + 1;
    };
    const auto begin = tandem::this_task::loop().now();
    const auto nothing = co_await tandem::move_on_after(
        10ms, tandem::parallel_reduce(pool, std::views::iota(0, 2'000'000'000), 0l, endless, std::plus<>()));
    const auto took = tandem::this_task::loop().now() - begin;
    check(!nothing && took < 5s, "the reduction was given up");
    check(std::abs(mean - 0.5) < 0.01 && largest > 0.99, "mean and maximum of uniform noise");

    std::cout << "given up after " << std::chrono::duration_cast<std::chrono::milliseconds>(took).count()
              << " ms\n";
    std::cout.precision(2);
    std::cout << "mean " << std::fixed << mean;
    std::cout.precision(1);
    std::cout << ", largest " << largest << ", given up in time\n";
}

int main() { tandem::run(amain()); }
