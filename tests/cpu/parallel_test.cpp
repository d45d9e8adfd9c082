// SPDX-License-Identifier: BSL-1.0
#include <tandem/cpu/parallel_for.hpp>

#include <tandem/cpu/parallel_reduce.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/timeout.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <numeric>
#include <thread>
#include <vector>

#include <support/catch.hpp>
#include <support/probes.hpp>

#include "jobs.hpp"

using namespace tandem_test;
using namespace std::chrono_literals;
using tandem::cpu_executor;
using tandem::parallel_for;
using tandem::parallel_reduce;
using tandem::task;

TEST_CASE("parallel_for: every index once, never on the loop's thread", "[cpu][threads]") {
    cpu_executor pool(2);
    const auto main = [](cpu_executor& p) -> task<> {
        const auto mine = std::this_thread::get_id();
        std::vector<int> hits(100'000, 0);
        std::atomic<int> on_loop{0};
        const auto body = [&](std::size_t i) {
            ++hits[i];
            if (std::this_thread::get_id() == mine) ++on_loop;
        };
        co_await parallel_for(p, std::size_t{0}, hits.size(), body);
        CHECK(std::accumulate(hits.begin(), hits.end(), 0) == 100'000);
        CHECK(on_loop == 0);
        const auto twice = [](std::vector<int>::iterator i) { *i *= 2; };
        co_await parallel_for(p, hits.begin(), hits.end(), twice);
        CHECK(hits[77] == 2);
        co_await parallel_for(p, 5, 5, [](int) { throw oops(); });
        co_await parallel_for(p, 5, 3, [](int) { throw oops(); });
    };
    tandem::run(main(pool));
}

TEST_CASE("parallel_for: from the least number of a type to the greatest", "[cpu][threads]") {
    cpu_executor pool(2);
    const auto main = [](cpu_executor& p) -> task<> {
        std::vector<std::atomic<int>> hits(256);
        const auto note = [&](std::int8_t i) { ++hits[static_cast<std::size_t>(i + 128)]; };
        co_await parallel_for(p, std::int8_t{-128}, std::int8_t{127}, note);
        CHECK(std::count(hits.begin(), hits.end(), 1) == 255);
        CHECK(hits[255] == 0);
        using limits = std::numeric_limits<int>;
        bool thrown = false;
        try {
            co_await parallel_for(p, limits::min(), limits::max(), [](int) { throw oops(); });
        } catch (const oops&) {
            thrown = true;
        }
        CHECK(thrown);
    };
    tandem::run(main(pool));
}

TEST_CASE("parallel_for: an exception crosses over, a timeout stops it", "[cpu][threads]") {
    cpu_executor pool(2);
    const auto main = [](cpu_executor& p) -> task<> {
        const auto throwing = [](int i) {
            if (i == 777) throw oops("at 777");
        };
        const auto error = co_await error_of(parallel_for(p, 0, 1000, throwing));
        CHECK(text_of(error) == "at 777");
        std::atomic<long> calls{0};
        const auto slow = [&](int) {
            ++calls;
            std::this_thread::yield();
        };
        const auto result = co_await tandem::move_on_after(2ms, parallel_for(p, 0, 1'000'000'000, slow));
        CHECK(!result);
        CHECK(calls < 1'000'000'000);
        co_await parallel_for(p, 0, 10, slow);
    };
    tandem::run(main(pool));
    CHECK(pool.statistics().failed == 1);
}

TEST_CASE("parallel_reduce: sums, from many tasks at once", "[cpu][threads]") {
    cpu_executor pool(2);
    const auto sum_up = [](cpu_executor& p, long n) -> task<long> {
        std::vector<long> all(static_cast<std::size_t>(n));
        std::iota(all.begin(), all.end(), 0l);
        co_return co_await parallel_reduce(p, all, 0l, std::plus<long>(), std::plus<long>());
    };
    const auto main = [&](cpu_executor& p) -> task<> {
        std::vector<task<long>> jobs;
        for (long i = 0; i < 20; ++i) jobs.push_back(sum_up(p, i * 1000));
        const auto sums = co_await tandem::gather(std::move(jobs));
        for (std::size_t i = 0; i < sums.size(); ++i) {
            const long n = static_cast<long>(i) * 1000;
            CHECK(sums[i] == n * (n - 1) / 2);
        }
    };
    tandem::run(main(pool));
}

TEST_CASE("parallel_reduce: other types, errors, cancellation", "[cpu][threads]") {
    cpu_executor pool(2);
    const auto main = [](cpu_executor& p) -> task<> {
        const auto append = [](std::vector<int> all, int x) {
            all.push_back(x);
            return all;
        };
        const auto concatenate = [](std::vector<int> a, const std::vector<int>& b) {
            a.insert(a.end(), b.begin(), b.end());
            return a;
        };
        const auto all =
            co_await parallel_reduce(p, std::views::iota(0, 1000), std::vector<int>(), append, concatenate);
        CHECK(std::ranges::equal(all, std::views::iota(0, 1000)));
        const auto fails = [](long sum, int x) -> long {
            if (x == 500) throw oops("reduce");
            return sum + x;
        };
        const auto error =
            co_await error_of(parallel_reduce(p, std::views::iota(0, 1000), 0l, fails, std::plus<long>()));
        CHECK(text_of(error) == "reduce");
        const auto slow = [](long sum, int) {
            std::this_thread::yield();
            return sum;
        };
        const auto none = co_await tandem::move_on_after(
            2ms, parallel_reduce(p, std::views::iota(0, 1'000'000'000), 0l, slow, std::plus<long>()));
        CHECK(!none);
    };
    tandem::run(main(pool));
}
