// Four tasks of CPU work: on the loop they hold everything up, in the pool they do not. A ticker shows it.
// SPDX-License-Identifier: BSL-1.0
// expect: ^the same sum, the loop was held up for [0-9]+ ms and for [0-9.]+ ms$
#include <tandem/tandem.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <iostream>
#include <numeric>
#include <vector>

#include "check.hpp"

using namespace std::chrono_literals;
using milliseconds = std::chrono::duration<double, std::milli>;

constexpr std::uint64_t numbers = 20'000'000;

std::uint64_t sum_of_squares(std::uint64_t n) {
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < n; ++i) {
        sum += i * i;
        asm volatile("" : "+r"(sum));  // or the compiler finds the formula
    }
    return sum;
}

// Wakes up every millisecond and notes how late it was at worst.
tandem::task<> ticker(tandem::duration& worst) {
    for (;;) {
        const auto due = tandem::this_task::loop().now() + 1ms;
        co_await tandem::sleep_until(due);
        worst = std::max(worst, tandem::this_task::loop().now() - due);
    }
}

tandem::task<std::uint64_t> on_the_loop(std::uint64_t n) { co_return sum_of_squares(n); }

tandem::task<std::uint64_t> in_the_pool(tandem::executor& pool, std::uint64_t n) {
    co_return co_await tandem::run_in_executor(pool, sum_of_squares, n);
}

struct measured {
    std::uint64_t sum = 0;
    tandem::duration took{};
    tandem::duration late{};
};

tandem::task<measured> measure(std::vector<tandem::task<std::uint64_t>> jobs) {
    measured result;
    auto ticks = tandem::create_task(ticker, std::ref(result.late));
    co_await tandem::sleep(2ms);  // it ticks
    const auto begin = tandem::this_task::loop().now();
    const auto sums = co_await tandem::gather(std::move(jobs));
    result.took = tandem::this_task::loop().now() - begin;
    result.sum = std::accumulate(sums.begin(), sums.end(), std::uint64_t{0});
    co_await tandem::sleep(2ms);  // it notices
    ticks.cancel();
    co_await tandem::this_task::checkpoint();
    co_return result;
}

void print(const char* where, const measured& m) {
    std::cout << where << milliseconds(m.took).count() << " ms, the loop was late by up to "
              << milliseconds(m.late).count() << " ms\n";
}

tandem::task<> amain() {
    std::vector<tandem::task<std::uint64_t>> jobs;
    for (int i = 0; i < 4; ++i) jobs.push_back(on_the_loop(numbers));
    const measured blocked = co_await measure(std::move(jobs));
    print("on the loop: ", blocked);

    // A worker for every core but one: the loop keeps its own. All cores would be faster and the loop later.
    tandem::cpu_executor pool;
    jobs.clear();
    for (int i = 0; i < 4; ++i) jobs.push_back(in_the_pool(pool, numbers));
    const measured free = co_await measure(std::move(jobs));
    print("in the pool: ", free);

    check(blocked.sum == free.sum, "both sums are the same");
    check(blocked.late * 4 >= blocked.took, "on the loop, a task holds up the others while it computes");
    check(free.late < blocked.late, "in the pool it does not");
    std::cout << "the same sum, the loop was held up for "
              << std::chrono::duration_cast<std::chrono::milliseconds>(blocked.late).count() << " ms and for "
              << std::fixed << milliseconds(free.late).count() << " ms\n";
}

int main() { tandem::run(amain()); }
