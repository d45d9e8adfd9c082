// SPDX-License-Identifier: BSL-1.0
#include <tandem/cpu/run_in_executor.hpp>

#include <tandem/cpu/cpu_executor.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/task_group.hpp>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <support/catch.hpp>
#include <support/probes.hpp>

#include "jobs.hpp"

using namespace tandem_test;

namespace {

int square(int x) { return x * x; }
std::size_t length(std::string text) { return text.size(); }
std::unique_ptr<int> boxed(int x) { return std::make_unique<int>(x); }
int take_box(std::unique_ptr<int> box) { return *box; }
int& same(int& x) { return x; }
void increment(int& x) { ++x; }

struct calculator {
    int base = 10;
    int plus(int x) const { return base + x; }
};

class not_an_exception {};

struct throws_when_copied {
    throws_when_copied() = default;
    throws_when_copied(const throws_when_copied&) { throw oops("copy"); }
    void operator()() const {}
};

}  // namespace

TEMPLATE_TEST_CASE("run_in_executor: results of every kind come back", "[cpu][threads]", thread_executor,
                   cpu_executor) {
    TestType pool(1);
    const auto main = [](executor& p) -> task<> {
        const int n = co_await run_in_executor(p, square, 7);
        CHECK(n == 49);
        const std::string text(100, 'x');
        const std::size_t size = co_await run_in_executor(p, length, text);
        CHECK(size == 100);
        auto box = co_await run_in_executor(p, boxed, 5);
        CHECK(*box == 5);
        const int taken = co_await run_in_executor(p, take_box, std::move(box));
        CHECK(taken == 5);
        int here = 1;
        int& back = co_await run_in_executor(p, same, std::ref(here));
        CHECK(&back == &here);
        co_await run_in_executor(p, increment, std::ref(here));
        CHECK(here == 2);
        const calculator c;
        const int sum = co_await run_in_executor(p, &calculator::plus, c, 5);
        CHECK(sum == 15);
        const std::string owned = "owned";
        const auto named = [owned] { return owned + "!"; };
        const std::string said = co_await run_in_executor(p, named);
        CHECK(said == "owned!");
        auto movable = [box2 = std::make_unique<int>(8)] { return *box2; };
        const int eight = co_await run_in_executor(p, tandem::moved(movable));
        CHECK(eight == 8);
    };
    tandem::run(main(pool));
    CHECK(pool.statistics().done == 9);
}

TEMPLATE_TEST_CASE("run_in_executor: the job runs on another thread, the task goes on on its own",
                   "[cpu][threads]", thread_executor, cpu_executor) {
    TestType pool(1);
    const auto main = [](executor& p) -> task<> {
        const auto mine = std::this_thread::get_id();
        const auto other = co_await run_in_executor(p, [] { return std::this_thread::get_id(); });
        CHECK(other != mine);
        CHECK(std::this_thread::get_id() == mine);
    };
    tandem::run(main(pool));
}

TEMPLATE_TEST_CASE("run_in_executor: exceptions of every kind cross over", "[cpu][threads]", thread_executor,
                   cpu_executor) {
    TestType pool(1);
    const auto main = [](executor& p) -> task<> {
        const auto first = co_await error_of(run_in_executor(p, []() -> int { throw oops("job"); }));
        CHECK(text_of(first) == "job");
        CHECK(is<oops>(first));
        const auto second = co_await error_of(run_in_executor(p, []() -> int { throw not_an_exception(); }));
        CHECK(is<not_an_exception>(second));
        const auto third = co_await error_of(run_in_executor(p, []() -> int { throw 42; }));
        CHECK(is<int>(third));
        const auto fourth =
            co_await error_of(run_in_executor(p, []() -> int { throw tandem::cancelled_error("x"); }));
        CHECK(is<tandem::cancelled_error>(fourth));
        const auto fifth =
            co_await error_of(run_in_executor(p, []() -> int { throw std::make_unique<int>(1); }));
        CHECK(is<std::unique_ptr<int>>(fifth));
        const int after = co_await run_in_executor(p, square, 3);
        CHECK(after == 9);
    };
    tandem::run(main(pool));
    const auto counts = pool.statistics();
    CHECK(counts.done == 6);
    CHECK(counts.failed == 5);
}

TEST_CASE("run_in_executor: a callable that cannot be copied throws where it is called", "[cpu][threads]") {
    thread_executor pool(1);
    const auto main = [](executor& p) -> task<> {
        const throws_when_copied fn;
        std::string said;
        try {
            co_await run_in_executor(p, fn);
        } catch (const oops& e) {
            said = e.what();
        }
        CHECK(said == "copy");
    };
    tandem::run(main(pool));
    CHECK(pool.statistics().submitted == 0);
}

TEMPLATE_TEST_CASE("run_in_executor: callable, arguments and results are destroyed once", "[cpu][threads]",
                   thread_executor, cpu_executor) {
    std::atomic<int> live{0};
    {
        TestType pool(1);
        const auto main = [](executor& p, std::atomic<int>& count) -> task<> {
            const counted thing(count);
            const auto named = [thing](counted arg) { return arg; };
            const counted result = co_await run_in_executor(p, named, thing);
            CHECK(count > 1);
            const auto failing = [thing](const counted&) -> counted { throw oops(); };
            const auto error = co_await error_of(run_in_executor(p, failing, thing));
            CHECK(error);
        };
        tandem::run(main(pool, live));
    }
    CHECK(live == 0);
}

TEMPLATE_TEST_CASE("run_in_executor: many tasks, each a job, all answers right", "[cpu][threads]",
                   thread_executor, cpu_executor) {
    TestType pool(2);
    const auto one = [](executor& p, int i) -> task<int> {
        const int first = co_await run_in_executor(p, square, i);
        const int second = co_await run_in_executor(p, square, i + 1);
        co_return second - first;
    };
    const auto main = [&](executor& p) -> task<> {
        std::vector<task<int>> jobs;
        for (int i = 0; i < 2000; ++i) jobs.push_back(one(p, i));
        const auto results = co_await tandem::gather(std::move(jobs));
        for (std::size_t i = 0; i < results.size(); ++i) {
            if (results[i] != static_cast<int>(2 * i + 1)) CHECK(i == 0);
        }
    };
    tandem::run(main(pool));
    CHECK(pool.statistics().done == 4000);
    CHECK(pool.statistics().queue_wait.count() > 1000);
}

TEST_CASE("run_in_executor: without a pool the loop's own is used, and joined with the run",
          "[cpu][threads]") {
    const auto main = []() -> task<int> {
        const int a = co_await run_in_executor(square, 6);
        const std::string text = "four";
        const std::size_t b = co_await run_in_executor(length, text);
        co_return a + static_cast<int>(b);
    };
    CHECK(tandem::run(main()) == 40);
    tandem::event_loop loop;
    CHECK(loop.run(main()) == 40);
    CHECK(loop.run(main()) == 40);
}

TEST_CASE("run_in_executor: outside of a loop the default pool has no owner", "[cpu]") {
    CHECK_THROWS_AS(run_in_executor(square, 6), tandem::invalid_state_error);
}

TEMPLATE_TEST_CASE("run_in_executor: one executor serves loops on several threads", "[cpu][threads]",
                   thread_executor, cpu_executor) {
    TestType pool(2);
    const auto main = [](executor& p, int from) -> task<int> {
        int sum = 0;
        for (int i = 0; i < 500; ++i) sum += co_await run_in_executor(p, square, from + i % 3);
        co_return sum;
    };
    int sums[2] = {0, 0};
    std::thread other(
        [&] { sums[1] = tandem::run(main(pool, 1), tandem::run_options().handle_signals(false)); });
    sums[0] = tandem::run(main(pool, 0), tandem::run_options().handle_signals(false));
    other.join();
    CHECK(sums[0] == 167 * 0 + 167 * 1 + 166 * 4);
    CHECK(sums[1] == 167 * 1 + 167 * 4 + 166 * 9);
    CHECK(pool.statistics().done == 1000);
}

TEMPLATE_TEST_CASE("run_in_executor: jobs hand more work to the loop, which hands it back", "[cpu][threads]",
                   thread_executor, cpu_executor) {
    TestType pool(2);
    const auto main = [](executor& p) -> task<int> {
        int total = 0;
        auto& loop = static_cast<tandem::event_loop&>(tandem::this_task::loop());
        co_await tandem::with_task_group([&](tandem::task_group& group) -> task<> {
            const auto leaf_job = [](executor& pool2, int& sum) -> task<> {
                sum += co_await run_in_executor(pool2, square, 1);
            };
            for (int i = 0; i < 100; ++i) {
                co_await run_in_executor(
                    p, [&] { loop.call_soon_threadsafe([&] { group.create_task(leaf_job(p, total)); }); });
            }
            while (total < 100) co_await tandem::sleep(milliseconds(1));
        });
        co_return total;
    };
    CHECK(tandem::run(main(pool)) == 100);
}

TEST_CASE("run_in_executor: a loop that goes right after the last completion", "[cpu][threads]") {
    thread_executor pool(1);
    const auto main = [](executor& p) -> task<int> { co_return co_await run_in_executor(p, square, 2); };
    const auto options = tandem::run_options().handle_signals(false);
    int sum = 0;
    for (int i = 0; i < 2000; ++i) sum += tandem::run(main(pool), options);
    CHECK(sum == 8000);
}
