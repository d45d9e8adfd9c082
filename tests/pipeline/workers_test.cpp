#include <tandem/pipeline/pipeline.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <tandem/cpu/blocking_pool.hpp>
#include <tandem/cpu/thread_executor.hpp>
#include <tandem/sync/queue.hpp>
#include <tandem/tasks/create_task.hpp>
#include <tandem/tasks/timeout.hpp>

#include "cpu/jobs.hpp"
#include "pipeline_probes.hpp"

using namespace tandem_test;

namespace {

int spin(int v) {
    volatile int x = 0;
    for (int i = 0; i < 2000; ++i) x = x + i;
    return v;
}

}  // namespace

TEST_CASE("workers: results of a cpu stage come in order, in chunks and from several workers",
          "[pipeline][threads]") {
    tandem::thread_executor pool(3);
    std::vector<int> stored;
    const collector keep(stored);
    auto line = tandem::pipeline("ordered", numbers(5000)).cpu("work", pool, spin).sink("store", keep);
    const auto run = [&]() -> tandem::task<> {
        const tandem::pipeline_report r = co_await line.run();
        CHECK(r.stored == 5000);
        check_books(r);
        CHECK(stage_of(r, "work").time(tandem::stage_state::busy).count() > 0);
    };
    tandem::run(run());
    CHECK(stored == numbers(5000));
    CHECK(pool.statistics().submitted < 5000);
}

TEST_CASE("workers: what runs on the loop and what runs on workers overlaps", "[pipeline][threads]") {
    tandem::thread_executor pool(1);
    std::atomic<bool> working{false};
    std::atomic<bool> release{false};
    const auto work = [&](int v) {
        if (v == 0) {
            working = true;
            while (!release) std::this_thread::yield();
        }
        return v;
    };
    // The second item is fetched while the first one is being worked on.
    const auto fetch = [&](int v) -> tandem::task<int> {
        if (v == 1) {
            while (!working) co_await tandem::sleep(100us);
            co_await tandem::sleep(20ms);
            release = true;
        }
        co_return v;
    };
    auto line =
        tandem::pipeline("overlap", numbers(2)).io("fetch", fetch).cpu("work", pool, work).sink("s", forget);
    const auto run = [&]() -> tandem::task<> {
        const tandem::pipeline_report r = co_await line.run();
        CHECK(r.overlap >= 1ms);  // of 20: what the hand-over took is spread evenly, and may be long
        CHECK(r.overlap <= r.elapsed);
        check_books(r);
    };
    tandem::run(run());
}

TEST_CASE("workers: while a worker is busy the next job stands in its line, within max_live",
          "[pipeline][threads]") {
    tandem::thread_executor pool(1);
    gate g;
    const opens_at_exit at_end(g);
    population all;
    int next = 0;
    const auto source = [&]() -> tandem::task<std::optional<counted_item>> {
        if (next == 10) co_return std::nullopt;
        co_return counted_item(all, next++);
    };
    const auto work = [&](counted_item item) {
        g.pass();
        return item;
    };
    const auto end = [](counted_item) -> tandem::task<> { co_return; };
    auto line = tandem::pipeline("ahead", source)
                    .cpu("work", pool, work, stage_options().queue(1))
                    .sink("s", end, stage_options().queue(1));
    const auto run = [&]() -> tandem::task<> {
        auto running = tandem::create_task(line.run());
        while (g.came() == 0) co_await tandem::sleep(100us);
        while (pool.statistics().queued == 0) co_await tandem::sleep(100us);
        co_await tandem::sleep(1ms);
        CHECK(pool.statistics().running == 1);
        CHECK(all.live == 3);  // with the worker, in its line with the place in the queue, with the source
        CHECK(stage_of(line.snapshot(), "work").concurrency == 1);
        check_times(line.snapshot());
        g.open();
        const tandem::pipeline_report r = co_await running;
        CHECK(r.stored == 10);
        CHECK(stage_of(r, "work").utilisation() <= 1);
        check_books(r);
    };
    tandem::run(run());
    CHECK(all.peak <= static_cast<int>(line.max_live()));
    CHECK(all.live == 0);
}

TEST_CASE("workers: a cpu stage with fewer slots than there are workers never uses more",
          "[pipeline][threads]") {
    tandem::thread_executor pool(3);
    std::atomic<int> at_once{0};
    std::atomic<int> most{0};
    const auto work = [&](int v) {
        const int now = ++at_once;
        int before = most;
        while (before < now && !most.compare_exchange_weak(before, now)) {
        }
        std::this_thread::yield();
        --at_once;
        return v;
    };
    auto line = tandem::pipeline("two", numbers(300))
                    .cpu("work", pool, work, stage_options().concurrency(2))
                    .sink("s", forget);
    const auto run = [&]() -> tandem::task<> {
        const tandem::pipeline_report r = co_await line.run();
        CHECK(r.stored == 300);
        check_books(r);
    };
    tandem::run(run());
    CHECK(most <= 2);
}

TEST_CASE("workers: items in chunks count towards the bytes of the queue", "[pipeline][threads]") {
    tandem::thread_executor pool(1);
    gate g;
    const opens_at_exit at_end(g);
    const auto work = [&](int v) {
        if (v == 0) g.pass();
        return v;
    };
    const auto ten = [](const int&) { return std::size_t{10}; };
    auto line = tandem::pipeline("bytes", numbers(100))
                    .cpu("work", pool, work, stage_options().queue_bytes(30, ten))
                    .sink("s", forget);
    const auto run = [&]() -> tandem::task<> {
        auto running = tandem::create_task(line.run());
        while (g.came() == 0) co_await tandem::sleep(100us);
        co_await tandem::sleep(1ms);
        CHECK(line.snapshot().live == 1 + 3 + 1);  // with the worker, in the queue, with the source
        g.open();
        const tandem::pipeline_report r = co_await running;
        CHECK(r.stored == 100);
        check_books(r);
    };
    tandem::run(run());
}

TEST_CASE("workers: an item that waited too long for a worker is late and not begun", "[pipeline][threads]") {
    tandem::thread_executor pool(1);
    gate g;
    const opens_at_exit at_end(g);
    std::atomic<int> begun{0};
    const auto work = [&](const int& v) {
        ++begun;
        return v;
    };
    tandem::queue<tandem::dead_item<int>> dead(10);
    auto line = tandem::pipeline("late", numbers(3))
                    .cpu("work", pool, work, stage_options().item_deadline(20ms).dead_letter(dead))
                    .sink("s", forget);
    const auto run = [&]() -> tandem::task<> {
        auto holding = tandem::create_task(hold(pool, g));
        while (g.came() == 0) co_await tandem::sleep(100us);
        const tandem::pipeline_report r = co_await line.run();
        CHECK(r.dead == 3);
        CHECK(stage_of(r, "work").late == 3);
        check_books(r);
        g.open();
        co_await holding;
    };
    tandem::run(run());
    CHECK(begun == 0);
    CHECK(dead.get_nowait().reason() == tandem::dead_reason::deadline);
}

TEST_CASE("workers: cancelled while a job runs, the run waits for it; jobs in line never run",
          "[pipeline][threads]") {
    tandem::thread_executor pool(1);
    gate g;
    const opens_at_exit at_end(g);
    std::atomic<int> ran{0};
    const auto work = [&](int v) {
        ++ran;
        g.pass();
        return v;
    };
    auto line = tandem::pipeline("cancelled", numbers(10))
                    .cpu("work", pool, work, stage_options().concurrency(2))
                    .sink("s", forget);
    const auto run = [&]() -> tandem::task<> {
        auto running = tandem::create_task(line.run());
        while (g.came() == 0) co_await tandem::sleep(100us);
        running.cancel();
        co_await tandem::sleep(1ms);
        CHECK_FALSE(running.done());
        g.open();
        co_await ended(running);
        CHECK(running.cancelled());
    };
    tandem::run(run());
    CHECK(ran == 1);
    const tandem::pipeline_report r = line.snapshot();
    CHECK(r.finished);
    CHECK(r.abandoned == r.taken);
    check_books(r);
}

TEST_CASE("workers: a running job that takes a stop_token is told", "[pipeline][threads]") {
    tandem::thread_executor pool(1);
    std::atomic<bool> began{false};
    const auto work = [&](const std::stop_token& token, int v) {
        began = true;
        while (!token.stop_requested()) std::this_thread::yield();
        tandem::throw_if_stopped(token);
        return v;
    };
    auto line = tandem::pipeline("told", numbers(10)).cpu("work", pool, work).sink("s", forget);
    const auto run = [&]() -> tandem::task<> {
        auto running = tandem::create_task(line.run());
        while (!began) co_await tandem::sleep(100us);
        running.cancel();
        co_await ended(running);
        CHECK(running.cancelled());
    };
    tandem::run(run());
    check_books(line.snapshot());
}

TEST_CASE("workers: a failing job follows the policy of its stage", "[pipeline][threads]") {
    tandem::thread_executor pool(2);
    const auto work = [](const int& v) {
        if (v % 100 == 7) throw oops("seven");
        return v;
    };
    const auto run = [&]() -> tandem::task<> {
        std::vector<int> stored;
        const collector keep(stored);
        auto skipping = tandem::pipeline("skip", numbers(1000))
                            .cpu("w", pool, work, stage_options().skip())
                            .sink("s", keep);
        const tandem::pipeline_report r = co_await skipping.run();
        CHECK(r.skipped == 10);
        CHECK(stored.size() == 990);
        CHECK(std::is_sorted(stored.begin(), stored.end()));
        check_books(r);

        tandem::queue<tandem::dead_item<int>> dead(20);
        const auto policy = tandem::retry_policy().attempts(2).base(1us);
        auto burying = tandem::pipeline("dead", numbers(200))
                           .cpu("w", pool, work, stage_options().retry(policy).dead_letter(dead))
                           .sink("s", forget);
        const tandem::pipeline_report again = co_await burying.run();
        CHECK(again.dead == 2);
        CHECK(dead.get_nowait().item() == 7);
        CHECK(dead.get_nowait().attempts() == 2);
        check_books(again);

        auto failing = tandem::pipeline("fail", numbers(1000)).cpu("w", pool, work).sink("s", forget);
        const std::exception_ptr error = co_await error_of(failing.run());
        CHECK(is<tandem::pipeline_error>(error));
        check_books(failing.snapshot());
    };
    tandem::run(run());
}

TEST_CASE("workers: an executor that was shut down fails the items", "[pipeline][threads]") {
    tandem::thread_executor pool(1);
    pool.shutdown();
    auto line = tandem::pipeline("shut", numbers(10)).cpu("w", pool, spin).sink("s", forget);
    const auto run = [&]() -> tandem::task<> {
        const std::exception_ptr error = co_await error_of(line.run());
        CHECK(is<tandem::pipeline_error>(error));
        CHECK(text_of(error).find(
                  "run_in_executor: executor \"tandem\" was shut down; hand jobs over before") !=
              std::string::npos);
    };
    tandem::run(run());
    check_books(line.snapshot());
}

TEST_CASE("workers: a blocking stage runs on the pool it was given, or on that of to_thread",
          "[pipeline][threads]") {
    std::vector<int> stored;
    const collector keep(stored);
    tandem::blocking_pool single(1);
    std::atomic<int> at_once{0};
    std::atomic<int> most{0};
    const auto block = [&](int v) {
        most = std::max(most.load(), ++at_once);
        std::this_thread::yield();
        --at_once;
        return v;
    };
    const auto run = [&]() -> tandem::task<> {
        auto line = tandem::pipeline("blocking", numbers(100))
                        .blocking("one", single, block, stage_options().concurrency(4))
                        .blocking("two", spin, stage_options().concurrency(2))
                        .blocking("three", spin)
                        .sink("s", keep);
        const tandem::pipeline_report r = co_await line.run();
        CHECK(r.stored == 100);
        check_books(r);
    };
    tandem::run(run());
    CHECK(stored == numbers(100));
    CHECK(most == 1);
}

TEST_CASE("workers: two cpu stages on one executor are also judged by what they use of it together",
          "[pipeline][threads]") {
    tandem::thread_executor pool(2);
    auto line = tandem::pipeline("shared", numbers(2000))
                    .cpu("a", pool, spin, stage_options().concurrency(1))
                    .cpu("b", pool, spin, stage_options().concurrency(1))
                    .sink("s", forget);
    const auto run = [&]() -> tandem::task<> {
        const tandem::pipeline_report r = co_await line.run();
        double together = 0;
        for (const tandem::bounding_resource& each : r.resources) {
            if (each.name == "executor tandem") together = each.utilisation;
        }
        const double apart = (stage_of(r, "a").utilisation() + stage_of(r, "b").utilisation()) / 2;
        CHECK(together == Approx(apart));
        CHECK(together > 0);
    };
    tandem::run(run());
}
