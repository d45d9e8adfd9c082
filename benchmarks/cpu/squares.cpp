// tandem benchmarks - the talk's CPU benchmark: 4 tasks that each sum 50,000,000 squares
// SPDX-License-Identifier: BSL-1.0
#include <tandem/cpu/cpu_executor.hpp>
#include <tandem/cpu/run_in_executor.hpp>
#include <tandem/tasks/gather.hpp>

#include <core/tandem_run.hpp>
#include <support/check.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "groups.hpp"

namespace {

using bench::check;
using bench::meter;
using bench::sample;

constexpr std::size_t tasks = 4;

std::uint64_t sum_of_squares(std::uint64_t n) {
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < n; ++i) {
        sum += i * i;
        asm volatile("" : "+r"(sum));  // or the compiler finds the formula
    }
    return sum;
}

tandem::task<std::uint64_t> in_the_pool(tandem::executor& pool, std::uint64_t n) {
    co_return co_await tandem::run_in_executor(pool, sum_of_squares, n);
}

tandem::task<sample> pooled(std::size_t operations) {
    tandem::cpu_executor pool(tandem::available_cores());
    std::vector<tandem::task<std::uint64_t>> all;
    for (std::size_t i = 0; i < tasks; ++i) all.push_back(in_the_pool(pool, operations / tasks));
    meter m;
    const auto sums = co_await tandem::gather(std::move(all));
    const sample result = m.wall(operations);
    check(sums[0] == sums[3] && sums[0] == sum_of_squares(operations / tasks), "squares");
    co_return result;
}

sample in_sequence(std::size_t operations) {
    meter m;
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < tasks; ++i) sum += sum_of_squares(operations / tasks);
    const sample result = m.wall(operations);
    check(sum != 0, "squares");
    return result;
}

/// Threads that take turns, as Python's do.
sample under_one_lock(std::size_t operations) {
    std::mutex lock;
    std::uint64_t sum = 0;
    meter m;
    std::vector<std::thread> all;
    for (std::size_t i = 0; i < tasks; ++i) {
        all.emplace_back([&] {
            constexpr std::uint64_t turn = 100'000;
            for (std::uint64_t done = 0; done < operations / tasks; done += turn) {
                const std::lock_guard<std::mutex> hold(lock);
                sum += sum_of_squares(turn);
            }
        });
    }
    for (std::thread& t : all) t.join();
    const sample result = m.wall(operations);
    check(sum != 0, "squares");
    return result;
}

sample with_async(std::size_t operations) {
    std::vector<std::future<std::uint64_t>> all;
    meter m;
    for (std::size_t i = 0; i < tasks; ++i) {
        all.push_back(std::async(std::launch::async, sum_of_squares, operations / tasks));
    }
    std::uint64_t sum = 0;
    for (auto& f : all) sum += f.get();
    const sample result = m.wall(operations);
    check(sum != 0, "squares");
    return result;
}

/// Python measures itself, without its start, on a fiftieth of the squares.
sample python(std::size_t operations, const char* pool) {
    const std::size_t each = operations / tasks / 50 + 1;
    const std::string program =
        "import time, concurrent.futures as f\n"
        "def squares(n):\n"
        "    s = 0\n"
        "    for i in range(n): s += i * i\n"
        "    return s\n"
        "if __name__ == '__main__':\n"
        "    with f." +
        std::string(pool) +
        "() as p:\n"
        "        list(p.map(squares, [1] * 4))\n"
        "        t = time.perf_counter()\n"
        "        list(p.map(squares, [" +
        std::to_string(each) +
        "] * 4))\n"
        "        print(time.perf_counter() - t)\n";
    std::FILE* const out = ::popen(("python3 -c \"" + program + "\"").c_str(), "r");
    check(out != nullptr, "python3 starts");
    double seconds = 0;
    const int read = std::fscanf(out, "%lf", &seconds);
    check(::pclose(out) == 0 && read == 1, "python3 computes");
    sample result;
    result.cost = seconds * 1e9 / static_cast<double>(each * tasks);
    return result;
}
sample python_threads(std::size_t operations) { return python(operations, "ThreadPoolExecutor"); }
sample python_processes(std::size_t operations) { return python(operations, "ProcessPoolExecutor"); }

}  // namespace

std::vector<bench::workload> squares_workloads() {
    return {
        {"sum of squares, 4 tasks of 50,000,000, per square",
         "ns",
         200'000'000,
         contender<pooled>,
         {{"in sequence", in_sequence, {}},
          {"4 threads under one lock", under_one_lock, {}},
          {"std::async", with_async, {}},
          {"Python threads", python_threads, {}},
          {"Python process pool", python_processes, {}}},
         {}},
    };
}
