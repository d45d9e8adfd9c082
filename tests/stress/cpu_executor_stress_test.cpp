// SPDX-License-Identifier: BSL-1.0
#include <tandem/cpu/executor.hpp>

#include <tandem/cpu/blocking_pool.hpp>
#include <tandem/cpu/cpu_executor.hpp>
#include <tandem/cpu/run_in_executor.hpp>
#include <tandem/tasks/task_group.hpp>
#include <tandem/tasks/timeout.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include <cpu/jobs.hpp>
#include <support/catch.hpp>
#include <support/probes.hpp>

using namespace tandem_test;
using namespace std::chrono_literals;

namespace {

#if TANDEM_SANITIZED
constexpr int total_jobs = 40'000;
#else
constexpr int total_jobs = 1'000'000;
#endif

/// What became of the jobs; every job adds to exactly one of the first four.
struct tally {
    std::uint64_t value = 0;
    std::uint64_t error = 0;
    std::uint64_t stopped = 0;  // never ran, or gave up
    std::uint64_t started = 0;  // tasks
    std::atomic<std::uint64_t> ran{0};
    std::atomic<int> live{0};
};

/// Notes how the scope was left.
class outcome_of_job {
public:
    explicit outcome_of_job(tally& t) noexcept : tally_(t) { ++t.started; }
    outcome_of_job(const outcome_of_job&) = delete;
    outcome_of_job& operator=(const outcome_of_job&) = delete;
    ~outcome_of_job() { ++(has_value ? tally_.value : has_error ? tally_.error : tally_.stopped); }

    bool has_value = false;
    bool has_error = false;

private:
    tally& tally_;
};

int plain_job(tally& t, int x, const counted&) {
    t.ran.fetch_add(1, std::memory_order_relaxed);
    if (x % 17 == 0) throw oops();
    return x;
}
int token_job(std::stop_token token, tally& t, int x, const counted&) {
    t.ran.fetch_add(1, std::memory_order_relaxed);
    for (int i = 0; i < x % 50; ++i) tandem::throw_if_stopped(token);
    return x;
}

task<> one(executor& pool, tally& t, int x) {
    outcome_of_job ends(t);
    try {
        int result = 0;
        const auto how = tandem::job_options().priority(static_cast<tandem::priority>(x % 3));
        if (x % 4 == 0) {
            result = co_await run_in_executor(pool.with(how), token_job, std::ref(t), x, counted(t.live));
        } else {
            result = co_await run_in_executor(pool.with(how), plain_job, std::ref(t), x, counted(t.live));
        }
        ends.has_value = result == x;
    } catch (const oops&) {
        ends.has_error = true;
    }
}

void count(tally& t) { t.ran.fetch_add(1, std::memory_order_relaxed); }

/// So brief that it is left for a worker that is awake.
task<> empty(executor& pool, tally& t, int) {
    outcome_of_job ends(t);
    co_await run_in_executor(pool, count, std::ref(t));
    ends.has_value = true;
}

task<> with_random_cancels(executor& pool, tally& t, unsigned seed, int jobs,
                           task<> (*make)(executor&, tally&, int) = one) {
    std::mt19937 random(seed);
    co_await tandem::with_task_group([&](tandem::task_group& group) -> task<> {
        std::vector<tandem::task_handle<>> some;
        for (int i = 0; i < jobs; ++i) {
            auto h = group.create_task(make(pool, t, static_cast<int>(random() % 1000)));
            const auto dice = random() % 16;
            if (dice < 4) {
                some.push_back(std::move(h));
            } else if (dice == 4) {
                h.cancel();
            }
            if (dice == 5 && !some.empty()) {
                some[random() % some.size()].cancel();
                some.clear();
            }
            if (dice == 6) co_await tandem::this_task::checkpoint();
            while (t.started - t.value - t.error - t.stopped > 512) co_await tandem::this_task::checkpoint();
        }
    });
}

void check_balance(const tally& t, const executor& pool, int jobs) {
    CHECK(t.started <= static_cast<std::uint64_t>(jobs));
    CHECK(t.value + t.error + t.stopped == t.started);
    CHECK(t.live == 0);
    const auto counts = pool.statistics();
    CHECK(counts.done + counts.cancelled + counts.dropped == counts.submitted);
    CHECK(counts.done == t.ran);
    CHECK(counts.queued == 0);
    CHECK(counts.running == 0);
}

}  // namespace

TEMPLATE_TEST_CASE("stress: 1, 2 and 4 workers, random cancellation, one outcome for each job",
                   "[cpu][threads][slow]", thread_executor, cpu_executor) {
    for (const std::size_t workers : {1u, 2u, 4u}) {
        TestType pool(workers);
        tally t;
        tandem::run(with_random_cancels(pool, t, 7, total_jobs));
        check_balance(t, pool, total_jobs);
        CHECK(t.value > 0);
        CHECK(t.error > 0);
    }
}

TEMPLATE_TEST_CASE("stress: two loops in two threads share an executor", "[cpu][threads][slow]",
                   thread_executor, cpu_executor) {
    TestType pool(2);
    tally first;
    tally second;
    const auto options = tandem::run_options().handle_signals(false);
    std::thread other([&] { tandem::run(with_random_cancels(pool, second, 11, total_jobs / 10), options); });
    tandem::run(with_random_cancels(pool, first, 13, total_jobs / 10), options);
    other.join();
    CHECK(first.value + first.error + first.stopped == first.started);
    CHECK(second.value + second.error + second.stopped == second.started);
    CHECK(first.live == 0);
    CHECK(second.live == 0);
    CHECK(pool.statistics().done == first.ran + second.ran);
}

TEMPLATE_TEST_CASE("stress: empty jobs of two loops, random cancellation", "[cpu][threads][slow]",
                   thread_executor, cpu_executor) {
    const auto options = tandem::run_options().handle_signals(false);
    for (const std::size_t workers : {1u, 2u}) {
        TestType pool(workers);
        tally first;
        tally second;
        const int jobs = total_jobs / 4;
        std::thread other([&] { tandem::run(with_random_cancels(pool, second, 19, jobs, empty), options); });
        tandem::run(with_random_cancels(pool, first, 23, jobs, empty), options);
        other.join();
        CHECK(first.value + first.stopped == first.started);
        CHECK(second.value + second.stopped == second.started);
        const auto counts = pool.statistics();
        CHECK(counts.done == first.ran + second.ran);
        CHECK(counts.done + counts.cancelled == counts.submitted);
    }
}

TEMPLATE_TEST_CASE("stress: loops that end while jobs are queued and running", "[cpu][threads][slow]",
                   thread_executor, cpu_executor) {
    TestType pool(2);
    const auto options = tandem::run_options().handle_signals(false);
    const auto main = [](executor& p, tally& t, int jobs) -> task<> {
        for (int i = 0; i < jobs; ++i) tandem::create_task(one(p, t, i));
        for (int i = 0; i < jobs % 7; ++i) co_await tandem::this_task::checkpoint();
    };
    tally t;
    for (int round = 0; round < total_jobs / 200; ++round) tandem::run(main(pool, t, round % 40), options);
    CHECK(t.value + t.error + t.stopped == t.started);
    CHECK(t.live == 0);
    CHECK(pool.statistics().done == t.ran);
}

TEST_CASE("stress: executors that go while their jobs are queued and running", "[cpu][threads][slow]") {
    const auto main = [](tally& t, int jobs) -> task<> {
        tandem::this_task::loop().on_unhandled([](const tandem::unhandled_error&) {});
        {
            thread_executor pool(2);
            for (int i = 0; i < jobs; ++i) tandem::create_task(one(pool, t, i));
            // Once at least: a task that starts later would find no pool.
            for (int i = 0; i <= jobs % 5; ++i) co_await tandem::this_task::checkpoint();
        }
        co_await tandem::this_task::checkpoint();
    };
    tally t;
    for (int round = 0; round < total_jobs / 1000; ++round) tandem::run(main(t, round % 30));
    CHECK(t.value + t.error + t.stopped == t.started);
    CHECK(t.live == 0);
}

TEST_CASE("stress: short timeouts around jobs", "[cpu][threads][slow]") {
    thread_executor pool(2);
    tally t;
    const auto limited = [](executor& p, tally& to, int x) -> task<> {
        co_await tandem::move_on_after(std::chrono::microseconds(x % 200), one(p, to, x));
    };
    const auto main = [&](executor& p) -> task<> {
        co_await tandem::with_task_group([&](tandem::task_group& group) -> task<> {
            for (int i = 0; i < total_jobs / 50; ++i) {
                group.create_task(limited(p, t, i));
                if (i % 64 == 0) co_await tandem::this_task::checkpoint();
            }
        });
    };
    tandem::run(main(pool));
    check_balance(t, pool, total_jobs / 50);
}

TEST_CASE("stress: blocking_pool whose threads come and go", "[cpu][threads][slow]") {
    tandem::blocking_pool pool(
        tandem::executor_options().max_workers(4).idle_life(std::chrono::microseconds(50)));
    tally t;
    tandem::run(with_random_cancels(pool, t, 17, total_jobs / 20));
    check_balance(t, pool, total_jobs / 20);
}
