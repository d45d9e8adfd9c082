// SPDX-License-Identifier: BSL-1.0
#include <tandem/cpu/inline_executor.hpp>

#include <tandem/cpu/run_in_executor.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/timeout.hpp>

#include <string>
#include <vector>

#include <support/catch.hpp>
#include <support/probes.hpp>
#include <support/tandem_test.hpp>

using namespace tandem_test;
using namespace std::chrono_literals;
using tandem::inline_executor;
using tandem::job_options;
using tandem::run_in_executor;
using tandem::task;

namespace {

int square(int x) { return x * x; }
task<int> square_in(tandem::executor& pool, int x) { co_return co_await run_in_executor(pool, square, x); }

}  // namespace

TANDEM_TEST("inline_executor: gives what the others give, on virtual time", "[cpu]") {
    inline_executor pool;
    const auto before = tandem::this_task::loop().now();
    std::vector<task<int>> jobs;
    for (int i = 0; i < 100; ++i) jobs.push_back(square_in(pool, i));
    const auto results = co_await tandem::gather(std::move(jobs));
    for (std::size_t i = 0; i < results.size(); ++i) CHECK(results[i] == static_cast<int>(i * i));
    const auto error = co_await error_of(run_in_executor(pool, [] { throw oops("inline"); }));
    CHECK(text_of(error) == "inline");
    CHECK(pool.statistics().done == 101);
    CHECK(tandem::this_task::loop().now() == before);
}

TANDEM_TEST("inline_executor: a cancelled job never runs", "[cpu]") {
    inline_executor pool;
    bool ran = false;
    const auto body = [](tandem::executor& p, bool& flag) -> task<> {
        co_await run_in_executor(p, [&flag] { flag = true; });
    };
    const auto result = co_await tandem::move_on_after(0s, body(pool, ran));
    CHECK(!result);
    CHECK(!ran);
    CHECK(pool.statistics().cancelled == 1);
}

TANDEM_TEST("inline_executor: deadlines are those of the virtual clock", "[cpu]") {
    inline_executor pool;
    const auto past = tandem::this_task::loop().now();
    co_await tandem::sleep(1h);
    const auto error = co_await error_of(run_in_executor(pool.with(job_options().deadline(past)), square, 3));
    CHECK(is<tandem::timeout_error>(error));
    const auto later = tandem::this_task::loop().now() + 1h;
    const int nine = co_await run_in_executor(pool.with(job_options().deadline(later)), square, 3);
    CHECK(nine == 9);
    CHECK(pool.statistics().dropped == 1);
}

TANDEM_TEST("inline_executor: destroyed with a job in line", "[cpu]") {
    std::exception_ptr error;
    const auto body = [](tandem::executor& p, std::exception_ptr& to) -> task<> {
        to = co_await error_of(run_in_executor(p, [] {}));
    };
    {
        inline_executor pool;
        auto h = tandem::create_task(body(pool, error));
        // The seeded order may run the job's step first; then there is nothing to refuse.
        co_await tandem::this_task::checkpoint();
        pool.shutdown();
    }
    co_await tandem::sleep(1ms);
    if (error) CHECK(is<tandem::executor_shut_down>(error));
}

TEST_CASE("inline_executor: outlives a loop that dropped its step, and serves the next", "[cpu]") {
    inline_executor pool;
    const auto leave = [](tandem::executor& p) -> task<> {
        const auto body = [](tandem::executor& p2) -> task<> { co_await run_in_executor(p2, [] {}); };
        static_cast<void>(co_await tandem::move_on_after(0s, body(p)));
    };
    tandem::testing::run_virtual(leave(pool));
    tandem::testing::run_virtual(leave(pool));
    CHECK(tandem::testing::run_virtual(square_in(pool, 3)) == 9);
    CHECK(pool.statistics().submitted == 3);
}
