// tandem - behaviour of job_stack: order, and who may push when
// SPDX-License-Identifier: BSL-1.0
#include <tandem/cpu/detail/job_stack.hpp>

#include <atomic>
#include <cstddef>
#include <deque>
#include <thread>
#include <vector>

#include <support/catch.hpp>

#include "brief_pool.hpp"

using namespace tandem_test;
using tandem::detail::job;
using tandem::detail::job_stack;

TEST_CASE("job_stack: takes jobs while a worker watches, and gives the oldest first", "[cpu]") {
    job_stack stack;
    std::deque<bare_job> jobs(10);
    CHECK(!stack.push(jobs[0]));
    stack.watch();
    CHECK(stack.empty());
    for (bare_job& j : jobs) CHECK(stack.push(j));
    CHECK(!stack.empty());
    CHECK(!stack.unwatch());
    std::vector<const job*> taken;
    const auto note = [&taken](job& j) { taken.push_back(&j); };
    stack.take(note);
    REQUIRE(taken.size() == 10);
    for (std::size_t i = 0; i < 10; ++i) CHECK(taken[i] == &jobs[i]);
    CHECK(stack.push(jobs[3]));  // still watched
    stack.take(note);
    CHECK(taken.back() == &jobs[3]);
    CHECK(stack.unwatch());
    CHECK(stack.unwatch());
    CHECK(!stack.push(jobs[0]));
    stack.take(note);
    CHECK(taken.size() == 11);
    CHECK(!stack.push(jobs[0]));  // to look does not open it
    stack.watch();
    CHECK(stack.push(jobs[0]));
    stack.take_and_close(note);
    CHECK(taken.back() == &jobs[0]);
    CHECK(!stack.push(jobs[1]));
}

TEST_CASE("job_stack: three threads push, one takes and closes: each job once, in its thread's order",
          "[cpu][threads]") {
    constexpr std::size_t threads = 3;
    constexpr std::size_t each = 5'000;
    job_stack stack;
    stack.watch();
    std::vector<std::deque<bare_job>> jobs(threads);
    for (auto& mine : jobs) mine.resize(each);
    std::vector<std::thread> pushers;
    for (auto& mine : jobs) {
        pushers.emplace_back([&stack, &mine] {
            for (bare_job& j : mine) {
                while (!stack.push(j)) std::this_thread::yield();
            }
        });
    }
    std::vector<std::size_t> next(threads, 0);
    std::size_t taken = 0;
    const auto expect = [&](job& j) {
        ++taken;
        for (std::size_t t = 0; t < threads; ++t) {
            if (next[t] < each && &jobs[t][next[t]] == &j) {
                ++next[t];
                return;
            }
        }
        --taken;
    };
    std::size_t closed = 0;
    while (next != std::vector<std::size_t>(threads, each)) {
        stack.take(expect);
        if (stack.unwatch()) {
            ++closed;
            stack.watch();
        }
    }
    for (std::thread& t : pushers) t.join();
    CHECK(taken == threads * each);
    CHECK(closed > 0);
}
