// SPDX-License-Identifier: BSL-1.0
#include <tandem/cpu/blocking_pool.hpp>

#include <tandem/cpu/to_thread.hpp>
#include <tandem/tasks/gather.hpp>

#include <algorithm>
#include <string>
#include <vector>

#include <support/catch.hpp>
#include <support/probes.hpp>

#include "jobs.hpp"

using namespace tandem_test;
using namespace std::chrono_literals;
using tandem::blocking_pool;
using tandem::executor_options;
using tandem::run_in_executor;
using tandem::task;
using tandem::to_thread;

namespace {

std::string read_something(std::string name) { return "contents of " + name; }

}  // namespace

TEST_CASE("to_thread: blocking calls run side by side, away from the loop", "[cpu][threads]") {
    const auto main = []() -> task<> {
        const std::string text = co_await to_thread(read_something, "a file");
        CHECK(text == "contents of a file");
        gate g;
        const opens_at_exit always(g);
        const auto blocked = [](gate& g2) -> task<> { co_await to_thread(&gate::pass, &g2); };
        std::vector<tandem::task_handle<>> all;
        for (int i = 0; i < 4; ++i) all.push_back(tandem::create_task(blocked(g)));
        co_await tandem::this_task::checkpoint();
        g.wait_for(4);
        g.open();
        for (auto& h : all) co_await ended(h);
        const auto error = co_await error_of(to_thread([] { throw oops("blocking"); }));
        CHECK(text_of(error) == "blocking");
    };
    tandem::run(main());
}

TEST_CASE("blocking_pool: threads are made on demand, up to the limit", "[cpu][threads]") {
    blocking_pool pool(3);
    CHECK(pool.threads() == 0);
    const auto main = [](blocking_pool& p) -> task<> {
        for (int i = 0; i < 100; ++i) co_await run_in_executor(p, [] {});
        CHECK(p.threads() <= 2);
        gate g;
        const opens_at_exit always(g);
        std::vector<tandem::task_handle<>> all;
        for (int i = 0; i < 8; ++i) all.push_back(tandem::create_task(hold(p, g)));
        co_await tandem::this_task::checkpoint();
        g.wait_for(3);
        CHECK(p.threads() == 3);
        CHECK(p.statistics().queued == 5);
        g.open();
        for (auto& h : all) co_await ended(h);
    };
    tandem::run(main(pool));
}

TEST_CASE("blocking_pool: of one thread serialises, first in, first out", "[cpu][threads]") {
    blocking_pool pool(1);
    const auto main = [](blocking_pool& p) -> task<> {
        std::vector<int> order;
        std::vector<task<>> jobs;
        const auto one = [](blocking_pool& p2, std::vector<int>& to, int i) -> task<> {
            const auto job = [&to, i] { to.push_back(i); };
            co_await run_in_executor(p2, job);
        };
        for (int i = 0; i < 100; ++i) jobs.push_back(one(p, order, i));
        co_await tandem::gather(std::move(jobs));
        CHECK(std::is_sorted(order.begin(), order.end()));
        CHECK(order.size() == 100);
        CHECK(p.threads() == 1);
    };
    tandem::run(main(pool));
}

TEST_CASE("blocking_pool: threads without work end, and come again", "[cpu][threads]") {
    blocking_pool pool(executor_options().max_workers(4).idle_life(1ms));
    const auto main = [](blocking_pool& p) -> task<> {
        for (int round = 0; round < 3; ++round) {
            gate g;
            const opens_at_exit always(g);
            std::vector<tandem::task_handle<>> all;
            for (int i = 0; i < 4; ++i) all.push_back(tandem::create_task(hold(p, g)));
            co_await tandem::this_task::checkpoint();
            g.wait_for(4);
            g.open();
            for (auto& h : all) co_await ended(h);
            while (p.threads() != 0) co_await tandem::sleep(1ms);
        }
    };
    tandem::run(main(pool));
    CHECK(pool.statistics().done == 12);
}
