// SPDX-License-Identifier: BSL-1.0
#include <tandem/cpu/executor.hpp>

#include <tandem/cpu/blocking_pool.hpp>
#include <tandem/cpu/cpu_executor.hpp>
#include <tandem/cpu/run_in_executor.hpp>
#include <tandem/cpu/thread_executor.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/task_group.hpp>

#include <algorithm>
#include <new>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <support/catch.hpp>
#include <support/probes.hpp>

#include "jobs.hpp"

using namespace tandem_test;
using namespace std::chrono_literals;
using tandem::cpu_executor;
using tandem::executor;
using tandem::job_options;
using tandem::run_in_executor;
using tandem::task;
using tandem::thread_executor;

namespace {

/// The order in which one worker runs jobs of these priorities that all stand in line.
template <class Pool>
task<std::vector<int>> order_of(Pool& pool, std::vector<tandem::priority> priorities) {
    gate g;
    std::vector<int> order;
    auto first = tandem::create_task(hold(pool, g));
    const opens_at_exit always(g);
    co_await tandem::this_task::checkpoint();
    g.wait_for(1);
    std::vector<task<>> jobs;
    const auto one = [](executor& p, tandem::priority how, int number, std::vector<int>& to) -> task<> {
        const auto job = [&to, number] { to.push_back(number); };
        co_await run_in_executor(p.with(job_options().priority(how)), job);
    };
    for (std::size_t i = 0; i < priorities.size(); ++i) {
        jobs.push_back(one(pool, priorities[i], static_cast<int>(i), order));
    }
    const auto open_later = [](gate& gate2, executor& p, std::size_t count) -> task<> {
        while (p.statistics().queued < count) co_await tandem::this_task::checkpoint();
        gate2.open();
    };
    jobs.push_back(open_later(g, pool, priorities.size()));
    co_await tandem::gather(std::move(jobs));
    co_await ended(first);
    co_return order;
}

/// Gets a worker only when it is in the mood.
class moody_executor final : public executor {
public:
    explicit moody_executor(std::size_t workers)
        : executor(workers, tandem::executor_options().name("moody")) {}
    ~moody_executor() {
        close();
        for (std::thread& t : threads_) t.join();
    }
    bool refuses = false;

private:
    void start_pump() override {
        if (refuses) throw std::bad_alloc();
        threads_.emplace_back([this] { work(); });
    }
    std::vector<std::thread> threads_;
};

task<int> wait_long(executor& pool, gate& g) {
    co_await run_in_executor(pool, &gate::pass, &g);
    co_return 1;
}
task<> never_runs(executor& pool, bool& ran) {
    co_await run_in_executor(pool, [&ran] { ran = true; });
}

}  // namespace

TEMPLATE_TEST_CASE("executor: one worker takes jobs of one priority first in, first out", "[cpu][threads]",
                   thread_executor, cpu_executor) {
    TestType pool(1);
    const auto order =
        tandem::run(order_of(pool, std::vector<tandem::priority>(200, tandem::priority::normal)));
    CHECK(order.size() == 200);
    CHECK(std::is_sorted(order.begin(), order.end()));
}

TEST_CASE("executor: higher priorities go first", "[cpu][threads]") {
    thread_executor pool(1);
    using enum tandem::priority;
    const auto order = tandem::run(order_of(pool, {low, normal, high, low, normal, high}));
    CHECK(order == std::vector<int>{2, 5, 1, 4, 0, 3});
}

TEST_CASE("executor: a lower priority is passed over at most 15 times, the middle one too",
          "[cpu][threads]") {
    thread_executor pool(1);
    using enum tandem::priority;
    std::vector<tandem::priority> priorities(100, high);
    priorities.push_back(low);     // 100
    priorities.push_back(normal);  // 101
    priorities.push_back(low);     // 102
    const auto order = tandem::run(order_of(pool, priorities));
    const auto place = [&](int job) { return std::find(order.begin(), order.end(), job) - order.begin(); };
    CHECK(place(100) == 15);
    CHECK(place(101) == 16);
    CHECK(place(102) == 31);
    CHECK(order.size() == 103);
}

TEST_CASE("executor: statistics count every way in which a job can end", "[cpu][threads]") {
    thread_executor pool(tandem::executor_options().max_workers(1).cpu_time(true).name("counted"));
    const auto main = [](executor& p) -> task<> {
        gate g;
        auto first = tandem::create_task(hold(p, g));
        const opens_at_exit always(g);
        co_await tandem::this_task::checkpoint();
        g.wait_for(1);
        bool ran = false;
        auto second = tandem::create_task(never_runs(p, ran));
        co_await tandem::this_task::checkpoint();
        const auto now = p.statistics();
        CHECK(now.workers == 1);
        CHECK(now.running == 1);
        CHECK(now.queued == 1);
        CHECK(now.submitted == 2);
        second.cancel();
        g.open();
        co_await ended(first);
        const auto error = co_await error_of(run_in_executor(p, [] { throw oops(); }));
        CHECK(error);
        co_await run_in_executor(p, [] {
            volatile unsigned sum = 0;
            const auto end = tandem::detail::thread_cpu_now() + 5'000'000;
            while (tandem::detail::thread_cpu_now() < end) sum = sum + 1;
        });
    };
    tandem::run(main(pool));
    pool.shutdown();
    const auto counts = pool.statistics();
    CHECK(counts.submitted == 4);
    CHECK(counts.done == 3);
    CHECK(counts.failed == 1);
    CHECK(counts.cancelled == 1);
    CHECK(counts.dropped == 0);
    CHECK(counts.queued == 0);
    CHECK(counts.running == 0);
    CHECK(counts.run_time.count() == 3);
    CHECK(counts.queue_wait.count() == 3);
    CHECK(counts.run_time.max() >= 4ms);
    CHECK(counts.run_time.percentile(0.01) < counts.run_time.max());
    CHECK(counts.cpu_time >= 4ms);
    CHECK(pool.name() == "counted");
}

TEMPLATE_TEST_CASE("executor: a burst of jobs calls for few workers", "[cpu][threads]", thread_executor,
                   cpu_executor) {
    TestType pool(2);
    const auto main = [](executor& p) -> task<> {
        std::vector<task<>> jobs;
        const auto one = [](executor& p2) -> task<> { co_await run_in_executor(p2, [] {}); };
        for (int i = 0; i < 20'000; ++i) jobs.push_back(one(p));
        co_await tandem::gather(std::move(jobs));
    };
    tandem::run(main(pool));
    const auto counts = pool.statistics();
    CHECK(counts.done == 20'000);
    CHECK(counts.pumps < 20'000);
    CHECK(counts.queue_wait.count() > 10'000);  // sampled ones stand for the others
    CHECK(counts.queue_wait.count() < 30'000);
}

TEMPLATE_TEST_CASE("executor: after shutdown jobs are refused with its name", "[cpu][threads]",
                   thread_executor, cpu_executor) {
    TestType pool(tandem::executor_options().max_workers(1).name("closed one"));
    pool.shutdown();
    pool.shutdown();
    const auto main = [](executor& p) -> task<> {
        const auto error = co_await error_of(run_in_executor(p, [] {}));
        CHECK(is<tandem::executor_shut_down>(error));
        CHECK(text_of(error).find("closed one") != std::string::npos);
    };
    tandem::run(main(pool));
}

TEMPLATE_TEST_CASE("executor: shutdown refuses what is in line and waits for what runs", "[cpu][threads]",
                   thread_executor, cpu_executor) {
    TestType pool(1);
    const auto main = [](executor& p) -> task<> {
        gate g;
        auto first = tandem::create_task(wait_long(p, g));
        const opens_at_exit always(g);
        co_await tandem::this_task::checkpoint();
        g.wait_for(1);
        bool ran = false;
        auto second = tandem::create_task(never_runs(p, ran));
        auto third = tandem::create_task(never_runs(p, ran));
        co_await tandem::this_task::checkpoint();
        std::thread opener([&] {
            while (p.statistics().queued != 0) std::this_thread::yield();
            g.open();
        });
        p.shutdown();
        opener.join();
        CHECK(p.statistics().done == 1);
        third.cancel();  // its refusal is on the way: the executor is not asked any more
        co_await ended(first);
        co_await ended(second);
        co_await ended(third);
        CHECK(!ran);
        CHECK(first.result() == 1);
        CHECK(is<tandem::executor_shut_down>(second.exception()));
        CHECK(third.cancelled());
    };
    tandem::run(main(pool));
}

TEMPLATE_TEST_CASE("executor: destroyed by an exception with jobs queued and running", "[cpu][threads]",
                   thread_executor, cpu_executor) {
    bool told = false;
    bool ran = false;
    std::vector<std::string> unhandled;
    const auto main = [](bool& was_told, bool& second_ran, std::vector<std::string>& errors) -> task<> {
        collect_unhandled(errors);
        TestType pool(1);
        std::atomic<bool> started{false};
        const auto until_told = [&](std::stop_token token) {
            started = true;
            while (!token.stop_requested()) std::this_thread::yield();
            was_told = true;
        };
        const auto endless = [](executor& p, const auto& fn) -> task<> { co_await run_in_executor(p, fn); };
        tandem::create_task(endless(pool, until_told));
        tandem::create_task(never_runs(pool, second_ran));
        while (!started) co_await tandem::sleep(50us);
        throw oops("main");
    };
    CHECK_THROWS_AS(tandem::run(main(told, ran, unhandled)), oops);
    CHECK(told);
    CHECK(!ran);
    for (const std::string& text : unhandled) CHECK(text.find("was shut down") != std::string::npos);
}

TEMPLATE_TEST_CASE("executor: a loop that ends cancels its jobs, the executor stays usable", "[cpu][threads]",
                   thread_executor, cpu_executor) {
    TestType pool(1);
    std::atomic<int> live{0};
    const auto main = [](executor& p, std::atomic<int>& count) -> task<> {
        std::atomic<bool> started{false};
        const auto until_told = [](executor& p2, std::atomic<bool>& flag, counted thing) -> task<> {
            const auto job = [thing, &flag](std::stop_token token) {
                flag = true;
                while (!token.stop_requested()) std::this_thread::yield();
                tandem::throw_if_stopped(token);
            };
            co_await run_in_executor(p2, job);
        };
        for (int i = 0; i < 10; ++i) tandem::create_task(until_told(p, started, counted(count)));
        while (!started) co_await tandem::sleep(50us);
    };
    tandem::run(main(pool, live));
    CHECK(live == 0);
    CHECK(pool.statistics().cancelled == 9);
    const auto after = [](executor& p) -> task<int> {
        co_return co_await run_in_executor(p, [] { return 5; });
    };
    CHECK(tandem::run(after(pool)) == 5);
}

TEST_CASE("executor: shutdown by one of its own jobs is an error, not a hang", "[cpu][threads]") {
    thread_executor pool(1);
    const auto main = [](executor& p) -> task<> {
        const auto error = co_await error_of(run_in_executor(p, [&p] { p.shutdown(); }));
        CHECK(is<std::logic_error>(error));
        CHECK(text_of(error).find("itself") != std::string::npos);
        co_await run_in_executor(p, [] {});
    };
    tandem::run(main(pool));
}

TEST_CASE("executor: shutdown from another thread while jobs come in", "[cpu][threads]") {
    for (int round = 0; round < 50; ++round) {
        thread_executor pool(2);
        const auto main = [](executor& p) -> task<int> {
            int done = 0;
            try {
                for (;;) {
                    co_await run_in_executor(p, [] {});
                    ++done;
                }
            } catch (const tandem::executor_shut_down&) {
            }
            co_return done;
        };
        std::thread closer([&] {
            while (pool.statistics().done < 5) std::this_thread::yield();
            pool.shutdown();
        });
        CHECK(tandem::run(main(pool), tandem::run_options().handle_signals(false)) >= 5);
        closer.join();
    }
}

TEST_CASE("executor: a worker that cannot be called for fails the job, unless others are there",
          "[cpu][threads]") {
    moody_executor pool(2);
    const auto main = [](moody_executor& p) -> task<> {
        p.refuses = true;
        const auto error = co_await error_of(run_in_executor(p, [] {}));
        CHECK(is<std::bad_alloc>(error));
        CHECK(p.statistics().submitted == 0);
        p.refuses = false;
        gate g;
        auto first = tandem::create_task(hold(p, g));
        const opens_at_exit always(g);
        co_await tandem::this_task::checkpoint();
        g.wait_for(1);
        p.refuses = true;
        bool ran = false;
        auto second = tandem::create_task(never_runs(p, ran));
        co_await tandem::this_task::checkpoint();
        CHECK(p.statistics().queued == 1);
        g.open();
        co_await ended(first);
        co_await ended(second);
        CHECK(ran);
        p.refuses = false;
        co_await run_in_executor(p, [] {});
    };
    tandem::run(main(pool));
}

TEST_CASE("executor: no workers, or a negative number of them, is refused", "[cpu]") {
    const auto negative = static_cast<std::size_t>(-1);
    CHECK_THROWS_WITH(cpu_executor(negative),
                      "tandem::executor_options: max_workers is 18446744073709551615; give at most 65536");
    CHECK_THROWS_AS(thread_executor(negative), std::invalid_argument);
    CHECK_THROWS_AS(tandem::blocking_pool(negative), std::invalid_argument);
    CHECK_THROWS_AS(tandem::blocking_pool(0), std::invalid_argument);
    CHECK_THROWS_AS(thread_executor(0), std::invalid_argument);
    CHECK_THROWS_AS(cpu_executor(0), std::invalid_argument);
}
