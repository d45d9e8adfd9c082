// tandem - jobs that run a loop of their own, and jobs whose data needs more alignment than a frame has
// SPDX-License-Identifier: BSL-1.0
#include <tandem/cpu/run_in_executor.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

#include <tandem/asio/run.hpp>
#include <tandem/cpu/blocking_pool.hpp>
#include <tandem/cpu/cpu_executor.hpp>
#include <tandem/cpu/thread_executor.hpp>
#include <tandem/cpu/to_thread.hpp>

#include "support/catch.hpp"

#include "jobs.hpp"

using namespace tandem_test;
using tandem::blocking_pool;

namespace {

int answer() { return 42; }

int run_a_loop_for(executor& pool) {
    const auto main = [](executor& p) -> task<int> { co_return co_await run_in_executor(p, answer); };
    return tandem::run(main(pool));
}

task<int> job_with_a_loop(executor& outer, executor& inner) {
    co_return co_await run_in_executor(outer, run_a_loop_for, std::ref(inner));
}

task<std::string> error_of_job_with_a_loop(executor& pool) {
    std::string text;
    try {
        co_await run_in_executor(pool, run_a_loop_for, std::ref(pool));
    } catch (const std::logic_error& e) {
        text = e.what();
    }
    const int again = co_await run_in_executor(pool, answer);
    CHECK(again == 42);
    co_return text;
}

class alignas(64) wide {
public:
    explicit wide(int number) : number_(number) {}
    int number() const { return number_; }

private:
    int number_;
};

std::uintptr_t offset_of(const wide& w) { return reinterpret_cast<std::uintptr_t>(&w) % alignof(wide); }

class wide_call {
public:
    explicit wide_call(int number) : data_(number) {}
    std::uintptr_t operator()() const { return offset_of(data_); }

private:
    wide data_;
};

// Locals of a coroutine are no better aligned than its frame, so what is wide lives elsewhere here.
task<std::uintptr_t> offset_of_argument(executor& pool, const wide& w) {
    co_return co_await run_in_executor(pool, offset_of, w);
}
task<std::uintptr_t> offset_of_callable(executor& pool, const wide_call& call) {
    co_return co_await run_in_executor(pool, call);
}

}  // namespace

TEMPLATE_TEST_CASE("run_in_executor: the loop of a job may use any other executor", "[cpu][threads]",
                   thread_executor, cpu_executor, blocking_pool) {
    TestType outer(1);
    TestType inner(1);
    CHECK(tandem::run(job_with_a_loop(outer, inner)) == 42);
    TestType both(2);
    CHECK(tandem::run(job_with_a_loop(both, both)) == 42);
}

TEMPLATE_TEST_CASE("run_in_executor: a job that waits for its own only worker is an error, not a hang",
                   "[cpu][threads]", thread_executor, cpu_executor, blocking_pool) {
    TestType pool(1);
    CHECK(
        tandem::run(error_of_job_with_a_loop(pool)) ==
        "tandem::run_in_executor: a job of executor \"tandem\" hands it another one and waits; its 1 worker "
        "would wait for itself; give it 2 workers or use another executor");
}

TEST_CASE("run_in_executor: the default pools belong to tasks, not to their jobs", "[cpu][threads]") {
    const auto main = []() -> task<> {
        const auto use = [] { static_cast<void>(tandem::to_thread(answer)); };
        std::string text;
        try {
            co_await tandem::to_thread(use);
        } catch (const tandem::invalid_state_error& e) {
            text = e.what();
        }
        CHECK(text.find("no task is running here") != std::string::npos);
    };
    tandem::run(main());
}

TEST_CASE("run_in_executor: arguments and callables of any alignment are placed right", "[cpu][threads]") {
    thread_executor pool(1);
    const wide argument(1);
    const wide_call call(2);
    for (int i = 0; i < 8; ++i) {
        const auto shift = std::make_unique<char[]>(16 * static_cast<std::size_t>(i) + 1);  // other addresses
        CHECK(tandem::run(offset_of_argument(pool, argument)) == 0);
        CHECK(tandem::run(offset_of_callable(pool, call)) == 0);
    }
}
