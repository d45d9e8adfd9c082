// SPDX-License-Identifier: BSL-1.0
#include <tandem/cpu/run_in_executor.hpp>

#include <tandem/cpu/cpu_executor.hpp>
#include <tandem/tasks/shield.hpp>
#include <tandem/tasks/timeout.hpp>

#include <stop_token>
#include <thread>

#include <support/catch.hpp>
#include <support/probes.hpp>

#include "jobs.hpp"

using namespace tandem_test;
using namespace std::chrono_literals;

namespace {

void wait_for_stop(std::stop_token token) {
    while (!token.stop_requested()) std::this_thread::yield();
}
int until_stopped(std::stop_token token) {
    wait_for_stop(token);
    return 7;
}
int gives_up(std::stop_token token) {
    wait_for_stop(token);
    tandem::throw_if_stopped(token);
    return 0;
}
int fails_when_stopped(std::stop_token token) {
    wait_for_stop(token);
    throw oops("stopped");
}

/// Awaits a job and says how far it got.
template <class Fn>
task<> step_by_step(executor& pool, Fn fn, int& reached, int& exits) {
    const counts_exit left(exits);
    reached = 1;
    co_await run_in_executor(pool, fn);
    reached = 2;
    co_await tandem::this_task::checkpoint();
    reached = 3;
}

}  // namespace

TEMPLATE_TEST_CASE("cancel: a job in line never runs and is gone at once", "[cpu][threads]", thread_executor,
                   cpu_executor) {
    std::atomic<int> live{0};
    {
        TestType pool(1);
        const auto main = [](executor& p, std::atomic<int>& count) -> task<> {
            gate g;
            auto first = tandem::create_task(hold(p, g));
            const opens_at_exit always(g);
            co_await tandem::this_task::checkpoint();
            g.wait_for(1);
            bool ran = false;
            const auto second_job = [](executor& pool2, bool& flag, counted thing) -> task<> {
                const auto job = [&flag, thing](const counted&) { flag = true; };
                co_await run_in_executor(pool2, job, thing);
            };
            auto second = tandem::create_task(second_job(p, ran, counted(count)));
            co_await tandem::this_task::checkpoint();
            CHECK(p.statistics().queued == 1);
            CHECK(second.cancel());
            co_await tandem::this_task::checkpoint();
            co_await tandem::this_task::checkpoint();
            CHECK(second.cancelled());
            CHECK(count == 0);
            CHECK(p.statistics().queued == 0);
            CHECK(p.statistics().cancelled == 1);
            CHECK(!first.done());
            g.open();
            co_await ended(first);
            CHECK(!ran);
        };
        tandem::run(main(pool, live));
    }
    CHECK(live == 0);
}

TEMPLATE_TEST_CASE("cancel: a running job without a token is waited for and its value delivered",
                   "[cpu][threads]", thread_executor, cpu_executor) {
    TestType pool(1);
    const auto main = [](executor& p) -> task<> {
        gate g;
        int reached = 0;
        int exits = 0;
        const auto job = [&g] { g.pass(); };
        auto h = tandem::create_task(step_by_step(p, job, reached, exits));
        const opens_at_exit always(g);
        co_await tandem::this_task::checkpoint();
        g.wait_for(1);
        h.cancel();
        co_await tandem::sleep(1ms);
        CHECK(!h.done());
        CHECK(exits == 0);
        g.open();
        co_await ended(h);
        CHECK(reached == 2);
        CHECK(exits == 1);
        CHECK(h.cancelled());
    };
    tandem::run(main(pool));
}

TEMPLATE_TEST_CASE("cancel: a running job with a token is told; what it does then decides", "[cpu][threads]",
                   thread_executor, cpu_executor) {
    TestType pool(1);
    const auto main = [](executor& p) -> task<> {
        int reached = 0;
        int exits = 0;
        const auto cancel_running = [&p](auto& h) -> task<> {
            while (p.statistics().running == 0) co_await tandem::sleep(50us);
            h.cancel();
            co_await ended(h);
        };
        auto returns = tandem::create_task(step_by_step(p, until_stopped, reached, exits));
        co_await cancel_running(returns);
        CHECK(returns.cancelled());
        CHECK(reached == 2);

        auto leaves = tandem::create_task(step_by_step(p, gives_up, reached, exits));
        co_await cancel_running(leaves);
        CHECK(leaves.cancelled());
        CHECK(reached == 1);

        auto throws = tandem::create_task(step_by_step(p, fails_when_stopped, reached, exits));
        co_await cancel_running(throws);
        CHECK(text_of(throws.exception()) == "stopped");
        CHECK(exits == 3);
    };
    tandem::run(main(pool));
}

TEMPLATE_TEST_CASE("cancel: a job that is done already keeps its result", "[cpu][threads]", thread_executor,
                   cpu_executor) {
    TestType pool(1);
    const auto main = [](executor& p) -> task<> {
        int reached = 0;
        int exits = 0;
        auto h = tandem::create_task(step_by_step(
            p, [] {}, reached, exits));
        co_await tandem::this_task::checkpoint();
        block_until_done(p);
        h.cancel();
        co_await ended(h);
        CHECK(reached == 2);
        CHECK(h.cancelled());
    };
    tandem::run(main(pool));
}

TEST_CASE("cancel: before the call nothing is handed over", "[cpu][threads]") {
    thread_executor pool(1);
    const auto main = [](executor& p) -> task<> {
        const auto body = [](executor& pool2) -> task<> { co_await run_in_executor(pool2, [] {}); };
        auto h = tandem::create_task(body(p));
        h.cancel();
        co_await ended(h);
        CHECK(h.cancelled());
        CHECK(p.statistics().submitted == 0);
    };
    tandem::run(main(pool));
}

TEST_CASE("cancel: stop callbacks run neither in the canceller nor under the executor's lock",
          "[cpu][threads]") {
    thread_executor pool(1);
    const auto main = [](executor& p) -> task<> {
        std::atomic<bool> ready{false};
        std::atomic<bool> told{false};
        const auto job = [&](std::stop_token token) {
            const std::stop_callback callback(token, [&] {
                static_cast<void>(p.statistics());  // takes the lock
                told = true;
            });
            ready = true;
            while (!told) std::this_thread::yield();
        };
        auto h = tandem::create_task(job_task(p, job));
        while (!ready) co_await tandem::sleep(50us);
        h.cancel();
        CHECK(!told);
        co_await ended(h);
        CHECK(told);
    };
    tandem::run(main(pool));
}

TEST_CASE("cancel: a stop that a shield holds back does not reach the job", "[cpu][threads]") {
    thread_executor pool(1);
    const auto main = [](executor& p) -> task<> {
        gate g;
        bool stopped = true;
        const auto job = [&](std::stop_token token) {
            g.pass();
            stopped = token.stop_requested();
            return 5;
        };
        int result = 0;
        const auto body = [](executor& pool2, const auto& fn, int& to) -> task<> {
            to = co_await tandem::shield(run_in_executor(pool2, fn));
        };
        auto h = tandem::create_task(body(p, job, result));
        const opens_at_exit always(g);
        co_await tandem::this_task::checkpoint();
        g.wait_for(1);
        h.cancel();
        co_await tandem::sleep(1ms);
        g.open();
        co_await ended(h);
        CHECK(!stopped);
        CHECK(result == 5);
    };
    tandem::run(main(pool));
}

TEMPLATE_TEST_CASE("deadline: a job whose time passes in line is never run", "[cpu][threads]",
                   thread_executor, cpu_executor) {
    TestType pool(1);
    const auto main = [](executor& p) -> task<> {
        gate g;
        auto first = tandem::create_task(hold(p, g));
        const opens_at_exit always(g);
        co_await tandem::this_task::checkpoint();
        g.wait_for(1);
        bool ran = false;
        const auto job = [&ran] { ran = true; };

        const auto error = co_await error_of(tandem::timeout(1ms, run_in_executor(p, job)));
        CHECK(is<tandem::timeout_error>(error));
        const auto none = co_await tandem::move_on_after(1ms, run_in_executor(p, job));
        CHECK(!none);
        CHECK(p.statistics().cancelled == 2);
        CHECK(!ran);
        g.open();
        co_await ended(first);
    };
    tandem::run(main(pool));
}

namespace {

/// Holds the loop up, so that the worker meets three jobs after their deadlines but before the stop. False
/// if the machine was so slow that one of them was stopped before.
task<bool> dropped_by_the_worker(executor& p, std::chrono::milliseconds time) {
    gate g;
    bool ran = false;
    const auto job = [&ran] { ran = true; };
    auto first = tandem::create_task(hold(p, g));
    const opens_at_exit always(g);
    co_await tandem::this_task::checkpoint();
    g.wait_for(1);
    const std::uint64_t dropped = p.statistics().dropped;
    int exits = 0;
    using milliseconds = std::chrono::milliseconds;
    const auto limited = [](executor& pool, const auto& fn, milliseconds most, int& count) -> task<> {
        const counts_exit left(count);
        co_await tandem::timeout(most, run_in_executor(pool, fn));
    };
    const auto moving_on = [](executor& pool, const auto& fn, milliseconds most) -> task<bool> {
        const auto result = co_await tandem::move_on_after(most, run_in_executor(pool, fn));
        co_return result.has_value();
    };
    const auto own = [](executor& pool, const auto& fn, milliseconds most) -> task<> {
        const auto when = tandem::this_task::loop().now() + most;
        co_await run_in_executor(pool.with(tandem::job_options().deadline(when)), fn);
    };
    auto a = tandem::create_task(limited(p, job, time, exits));
    auto b = tandem::create_task(moving_on(p, job, time));
    auto c = tandem::create_task(own(p, job, time));
    co_await tandem::this_task::checkpoint();
    const bool all_in_line = p.statistics().queued == 3;
    const auto late = tandem::this_task::loop().now() + time + 1ms;
    while (tandem::this_task::loop().now() < late) std::this_thread::yield();
    g.open();
    block_until_done(p);
    if (all_in_line) CHECK(p.statistics().dropped == dropped + 3);
    co_await ended(a);
    co_await ended(b);
    co_await ended(c);
    co_await ended(first);
    CHECK(!ran);
    CHECK(is<tandem::timeout_error>(a.exception()));
    CHECK(exits == 1);
    CHECK(b.result() == false);
    CHECK(text_of(c.exception()).find("not started before its deadline") != std::string::npos);
    co_return all_in_line;
}

}  // namespace

TEMPLATE_TEST_CASE("deadline: the worker drops a job though the loop is late", "[cpu][threads]",
                   thread_executor, cpu_executor) {
    TestType pool(1);
    const auto main = [](executor& p) -> task<> {
        bool dropped = false;
        for (std::chrono::milliseconds time = 2ms; !dropped; time *= 4) {
            dropped = co_await dropped_by_the_worker(p, time);
        }
    };
    tandem::run(main(pool));
}

TEMPLATE_TEST_CASE("deadline: a shield hides it from the worker as well", "[cpu][threads]", thread_executor,
                   cpu_executor) {
    TestType pool(1);
    const auto main = [](executor& p) -> task<> {
        gate g;
        bool ran = false;
        const auto job = [&ran] { ran = true; };
        auto first = tandem::create_task(hold(p, g));
        const opens_at_exit always(g);
        co_await tandem::this_task::checkpoint();
        g.wait_for(1);
        const auto shielded = [](executor& pool2, const auto& fn) -> task<> {
            co_await tandem::timeout(1ms, tandem::shield(run_in_executor(pool2, fn)));
        };
        auto second = tandem::create_task(shielded(p, job));
        co_await tandem::this_task::checkpoint();
        co_await tandem::sleep(2ms);
        g.open();
        co_await ended(second);
        co_await ended(first);
        CHECK(ran);
        CHECK(!second.exception());
    };
    tandem::run(main(pool));
}

TEST_CASE("cancel: races with the start, always one outcome", "[cpu][threads]") {
    thread_executor pool(1);
    const auto main = [](executor& p) -> task<> {
        int ran = 0;
        int delivered = 0;
        int exits = 0;
        const int rounds = 3000;
        for (int i = 0; i < rounds; ++i) {
            const auto body = [](executor& pool2, int& count, int& got, int& left) -> task<> {
                const counts_exit leaves(left);
                co_await run_in_executor(pool2, [&count] { ++count; });
                ++got;
            };
            auto h = tandem::create_task(body(p, ran, delivered, exits));
            co_await tandem::this_task::checkpoint();
            for (int spin = 0; spin < i % 64 * 20; ++spin)
                std::atomic_signal_fence(std::memory_order_seq_cst);
            h.cancel();
            while (!h.done()) co_await tandem::this_task::checkpoint();
        }
        CHECK(exits == rounds);
        CHECK(delivered == ran);
        const auto counts = p.statistics();
        CHECK(counts.done + counts.cancelled == static_cast<std::uint64_t>(rounds));
        CHECK(counts.done == static_cast<std::uint64_t>(ran));
    };
    tandem::run(main(pool));
}
