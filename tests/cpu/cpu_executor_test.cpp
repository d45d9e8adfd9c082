// SPDX-License-Identifier: BSL-1.0
#include <tandem/cpu/cpu_executor.hpp>

#include <tandem/cpu/run_in_executor.hpp>
#include <tandem/tasks/gather.hpp>

#include <oneapi/tbb/parallel_for.h>

#include <set>
#include <string>
#include <thread>
#include <vector>

#include <support/catch.hpp>
#include <support/probes.hpp>

#include "jobs.hpp"

using namespace tandem_test;
using tandem::cpu_executor;
using tandem::executor;
using tandem::run_in_executor;
using tandem::task;

namespace {

/// How many jobs run at once: they wait for each other.
task<std::size_t> threads_at_once(executor& pool, int jobs) {
    gate g;
    const opens_at_exit always(g);
    std::vector<tandem::task_handle<>> all;
    for (int i = 0; i < jobs; ++i) all.push_back(tandem::create_task(hold(pool, g)));
    co_await tandem::this_task::checkpoint();
    const auto expected = static_cast<int>(pool.max_workers());
    g.wait_for(expected < jobs ? expected : jobs);
    const std::size_t running = pool.statistics().running;
    g.open();
    for (auto& h : all) co_await ended(h);
    co_return running;
}

std::size_t limit() { return tandem::detail::worker_limit::value(); }

}  // namespace

TEST_CASE("cpu_executor: one, two, and more workers than cores really come", "[cpu][threads]") {
    for (const std::size_t n : {1u, 2u, 3u, 8u}) {
        cpu_executor pool(n);
        CHECK(pool.max_workers() == n);
        CHECK(tandem::run(threads_at_once(pool, 12)) == n);
    }
}

TEST_CASE("cpu_executor: the default leaves a core to the loop", "[cpu][threads]") {
    const cpu_executor pool;
    const std::size_t cores = tandem::available_cores();
    CHECK(pool.max_workers() == (cores > 1 ? cores - 1 : 1));
}

TEST_CASE("cpu_executor: several at once have all their workers, and the limit goes with them",
          "[cpu][threads]") {
    const std::size_t before = limit();
    {
        cpu_executor first(2);
        cpu_executor second(3);
        {
            cpu_executor third(2);
            gate g;
            const opens_at_exit always(g);
            const auto main = [](cpu_executor& a, cpu_executor& b, cpu_executor& c, gate& wait) -> task<> {
                std::vector<tandem::task_handle<>> all;
                for (executor* pool :
                     {static_cast<executor*>(&a), static_cast<executor*>(&b), static_cast<executor*>(&c)}) {
                    for (int i = 0; i < 5; ++i) all.push_back(tandem::create_task(hold(*pool, wait)));
                }
                co_await tandem::this_task::checkpoint();
                wait.wait_for(7);
                CHECK(a.statistics().running == 2);
                CHECK(b.statistics().running == 3);
                CHECK(c.statistics().running == 2);
                wait.open();
                for (auto& h : all) co_await ended(h);
            };
            tandem::run(main(first, second, third, g));
        }
        CHECK(tandem::run(threads_at_once(first, 4)) == 2);
        CHECK(tandem::run(threads_at_once(second, 4)) == 3);
    }
    CHECK(limit() == before);
}

TEST_CASE("cpu_executor: a smaller limit of somebody else is found and named", "[cpu][threads]") {
    const tbb::global_control foreign(tbb::global_control::max_allowed_parallelism, 1);
    std::string said;
    try {
        cpu_executor pool(2);
    } catch (const tandem::executor_error& e) {
        said = e.what();
    }
    CHECK(said.find("0 of 2 workers") != std::string::npos);
    CHECK(said.find("global_control") != std::string::npos);
    cpu_executor unchecked(tandem::executor_options().max_workers(2).self_check(false));
    CHECK(unchecked.statistics().workers == 2);
}

TEST_CASE("cpu_executor: a larger limit of somebody else does no harm", "[cpu][threads]") {
    const tbb::global_control foreign(tbb::global_control::max_allowed_parallelism, 64);
    cpu_executor pool(2);
    CHECK(tandem::run(threads_at_once(pool, 4)) == 2);
}

TEST_CASE("cpu_executor: a job may use parallel_for; idle workers help, the loop does not",
          "[cpu][threads]") {
    cpu_executor pool(2);
    const auto main = [](executor& p) -> task<> {
        const auto loop_thread = std::this_thread::get_id();
        std::atomic<int> on_loop{0};
        const auto sum_up = [&](int n) {
            std::atomic<long> sum{0};
            tbb::parallel_for(0, n, [&](int i) {
                sum += i;
                if (std::this_thread::get_id() == loop_thread) ++on_loop;
            });
            return sum.load();
        };
        std::vector<task<long>> jobs;
        const auto one = [](executor& p2, const auto& fn) -> task<long> {
            co_return co_await run_in_executor(p2, fn, 10'000);
        };
        for (int i = 0; i < 20; ++i) jobs.push_back(one(p, sum_up));
        const auto sums = co_await tandem::gather(std::move(jobs));
        for (const long sum : sums) CHECK(sum == 49'995'000);
        CHECK(on_loop == 0);
    };
    tandem::run(main(pool));
}

TEST_CASE("cpu_executor: made and destroyed many times", "[cpu][threads]") {
    const auto main = [](executor& p) -> task<int> {
        co_return co_await run_in_executor(p, [] { return 1; });
    };
    int sum = 0;
    for (int i = 0; i < 200; ++i) {
        cpu_executor pool(2);
        sum += tandem::run(main(pool));
    }
    CHECK(sum == 200);
}

TEST_CASE("cpu_executor: arenas of others keep running while jobs come without end", "[cpu][threads]") {
    cpu_executor pool(1);
    tbb::task_arena other(1, 0);
    std::atomic<bool> other_ran{false};
    const auto main = [](executor& p, tbb::task_arena& arena, std::atomic<bool>& flag) -> task<> {
        arena.enqueue([&flag] { flag = true; });
        int jobs = 0;
        while (!flag) {
            co_await run_in_executor(p, [] {});
            ++jobs;
        }
        CHECK(jobs < 10'000'000);
    };
    tandem::run(main(pool, other, other_ran));
}
