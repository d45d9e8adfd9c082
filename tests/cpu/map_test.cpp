// SPDX-License-Identifier: BSL-1.0
#include <tandem/cpu/map.hpp>

#include <tandem/cpu/cpu_executor.hpp>
#include <tandem/cpu/inline_executor.hpp>
#include <tandem/cpu/map_unordered.hpp>
#include <tandem/core/sleep.hpp>
#include <tandem/sync/semaphore.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/race.hpp>
#include <tandem/tasks/timeout.hpp>

#include <algorithm>
#include <atomic>
#include <memory>
#include <numeric>
#include <ranges>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <support/catch.hpp>
#include <support/probes.hpp>
#include <support/tandem_test.hpp>

#include "jobs.hpp"

using namespace tandem_test;
using namespace std::chrono_literals;
using tandem::cpu_executor;
using tandem::executor;
using tandem::map;
using tandem::map_options;
using tandem::map_unordered;
using tandem::task;
using tandem::thread_executor;

namespace {

task<> until_equal(const std::atomic<int>& value, int wanted) {
    while (value != wanted) co_await tandem::sleep(1ms);
}

long square(int x) { return static_cast<long>(x) * x; }
bool is_odd(int x) { return x % 2 != 0; }
std::unique_ptr<int> boxed(int x) { return std::make_unique<int>(x); }
std::string word(int x) { return "a rather long word, number " + std::to_string(x); }

std::vector<int> numbers(int count) {
    std::vector<int> all(static_cast<std::size_t>(count));
    std::iota(all.begin(), all.end(), 0);
    return all;
}

}  // namespace

TEMPLATE_TEST_CASE("map: equals the sequential result, for every size and chunk", "[cpu][threads]",
                   thread_executor, cpu_executor) {
    TestType pool(2);
    const auto main = [](executor& p) -> task<> {
        for (const int n : {0, 1, 2, 3, 7, 64, 1000, 100'000}) {
            const auto in = numbers(n);
            for (const std::size_t chunk : {0u, 1u, 3u, 1000u}) {
                auto options = map_options();
                if (chunk != 0) options.chunk(chunk);
                const auto out = co_await map(p, in, square, options);
                CHECK(out.size() == in.size());
                CHECK(std::ranges::equal(out, in, {}, {}, square));
            }
        }
    };
    tandem::run(main(pool));
    CHECK(pool.statistics().running == 0);
}

TEST_CASE("map: results that are moved, boxed, bool, references, or nothing", "[cpu][threads]") {
    thread_executor pool(2);
    const auto main = [](executor& p) -> task<> {
        const auto in = numbers(500);
        auto boxes = co_await map(p, in, boxed);
        CHECK(std::ranges::all_of(in, [&](int i) { return *boxes[static_cast<std::size_t>(i)] == i; }));
        const std::vector<bool> odd = co_await map(p, in, is_odd);
        CHECK(odd[7]);
        CHECK(!odd[8]);
        const auto words = co_await map(p, numbers(500), word);
        CHECK(words[499] == word(499));
        const auto self = [](const int& x) -> const int& { return x; };
        const auto refs = co_await map(p, in, self);
        CHECK(&refs[3].get() == &in[3]);
        std::atomic<int> sum{0};
        const auto add = [&sum](int x) { sum += x; };
        co_await map(p, in, add);
        CHECK(sum == 499 * 500 / 2);
        const auto squares = co_await map(p, std::views::iota(0, 100), square);
        CHECK(squares[99] == 9801);
    };
    tandem::run(main(pool));
}

TEST_CASE("map: the element that throws stops the rest, whichever it is; nothing leaks", "[cpu][threads]") {
    thread_executor pool(2);
    std::atomic<int> live{0};
    const auto main = [](executor& p, std::atomic<int>& count) -> task<> {
        const auto in = numbers(100);
        for (int bad = 0; bad < 100; bad += 9) {
            for (const std::size_t chunk : {1u, 7u, 100u}) {
                const auto fn = [&count, bad](int x) {
                    if (x == bad) throw oops(std::to_string(x));
                    return counted(count);
                };
                const auto error = co_await error_of(map(p, in, fn, map_options().chunk(chunk)));
                CHECK(text_of(error) == std::to_string(bad));
                CHECK(count == 0);
            }
        }
    };
    tandem::run(main(pool, live));
    CHECK(live == 0);
    CHECK(pool.statistics().failed == pool.statistics().submitted);
}

TEMPLATE_TEST_CASE("map: cancelled, it waits for what runs and drops the rest", "[cpu][threads]",
                   thread_executor, cpu_executor) {
    TestType pool(1);
    std::atomic<int> live{0};
    const auto main = [](executor& p, std::atomic<int>& count) -> task<> {
        std::atomic<int> calls{0};
        const auto in = numbers(1'000'000);
        const auto fn = [&](std::stop_token token, int) {
            if (++calls == 10) {
                while (!token.stop_requested()) std::this_thread::yield();
            }
            return counted(count);
        };
        // Cancelled when the tenth call runs, however long that takes.
        const auto first =
            co_await tandem::race(map(p, in, fn, map_options().chunk(4)), until_equal(calls, 10));
        CHECK(first.index() == 1);
        CHECK(calls == 10);
        CHECK(count == 0);
        const auto after = co_await map(p, numbers(10), square);
        CHECK(after[9] == 81);
    };
    tandem::run(main(pool, live));
    CHECK(live == 0);
}

TEST_CASE("map: cancelled in line it never calls", "[cpu][threads]") {
    thread_executor pool(1);
    const auto main = [](executor& p) -> task<> {
        gate g;
        auto first = tandem::create_task(hold(p, g));
        const opens_at_exit always(g);
        co_await tandem::this_task::checkpoint();
        g.wait_for(1);
        std::atomic<int> calls{0};
        const auto fn = [&](int) { ++calls; };
        const auto result = co_await tandem::move_on_after(1ms, map(p, numbers(10), fn));
        CHECK(!result);
        g.open();
        co_await ended(first);
        CHECK(calls == 0);
    };
    tandem::run(main(pool));
}

TEST_CASE("map: a long range lets single jobs pass, and no more than the limit runs", "[cpu][threads]") {
    thread_executor pool(3);
    const auto main = [](executor& p) -> task<> {
        std::atomic<bool> stop{false};
        std::atomic<int> now{0};
        std::atomic<int> most{0};
        const auto fn = [&](int) {
            const int here = ++now;
            int seen = most;
            while (here > seen && !most.compare_exchange_weak(seen, here)) {
            }
            if (!stop) std::this_thread::yield();
            --now;
        };
        const auto long_one = [](executor& p2, const auto& f) -> task<> {
            co_await map(p2, std::views::iota(0, 50'000), f, map_options().chunk(1).limit(2));
        };
        auto h = tandem::create_task(long_one(p, fn));
        co_await tandem::this_task::checkpoint();
        int between = 0;
        for (; between < 100 && !h.done(); ++between) {
            co_await tandem::run_in_executor(p, [] {});
        }
        CHECK(between > 10);
        stop = true;
        co_await ended(h);
        CHECK(most <= 2);
    };
    tandem::run(main(pool));
}

TEST_CASE("map: many tasks at once, many executors", "[cpu][threads]") {
    thread_executor first(2);
    cpu_executor second(2);
    const auto one = [](executor& p, int n) -> task<long> {
        const auto in = numbers(n);
        const auto out = co_await map(p, in, square);
        co_return std::accumulate(out.begin(), out.end(), 0l);
    };
    const auto main = [&](executor& a, executor& b) -> task<> {
        std::vector<task<long>> all;
        for (int i = 0; i < 50; ++i) all.push_back(one(i % 2 ? a : b, 1000 + i));
        const auto sums = co_await tandem::gather(std::move(all));
        for (std::size_t i = 0; i < sums.size(); ++i) {
            const long n = 1000 + static_cast<long>(i);
            CHECK(sums[i] == (n - 1) * n * (2 * n - 1) / 6);
        }
    };
    tandem::run(main(first, second));
}

TEST_CASE("map: shutdown in the middle refuses the rest", "[cpu][threads]") {
    thread_executor pool(1);
    const auto main = [](executor& p) -> task<> {
        std::atomic<int> calls{0};
        const auto fn = [&](int) {
            ++calls;
            std::this_thread::yield();
        };
        const auto body = [](executor& p2, const auto& f) -> task<> {
            co_await map(p2, std::views::iota(0, 100'000'000), f, map_options().chunk(10));
        };
        auto h = tandem::create_task(body(p, fn));
        while (calls == 0) co_await tandem::sleep(50us);
        p.shutdown();
        co_await ended(h);
        CHECK(is<tandem::executor_shut_down>(h.exception()));
    };
    tandem::run(main(pool));
}

TANDEM_TEST("map: on the inline executor, in virtual time", "[cpu]") {
    tandem::inline_executor pool;
    const auto out = co_await map(pool, numbers(100), square);
    CHECK(out[99] == 9801);
    std::vector<long> seen(100, -1);
    const auto keep = [&](std::size_t i, long value) { seen[i] = value; };
    co_await map_unordered(pool, numbers(100), square, keep);
    CHECK(seen == out);
}

TEMPLATE_TEST_CASE("map_unordered: each result once, on the loop, by a callback or a task", "[cpu][threads]",
                   thread_executor, cpu_executor) {
    TestType pool(2);
    const auto main = [](executor& p) -> task<> {
        const auto mine = std::this_thread::get_id();
        for (const int n : {0, 1, 5, 10'000}) {
            const auto in = numbers(n);
            std::vector<long> seen(in.size(), -1);
            bool elsewhere = false;
            const auto keep = [&](std::size_t i, long value) {
                elsewhere = elsewhere || std::this_thread::get_id() != mine;
                seen[i] = value;
            };
            co_await map_unordered(p, in, square, keep);
            CHECK(!elsewhere);
            CHECK(std::ranges::equal(seen, in, {}, {}, square));
            std::size_t count = 0;
            const auto slowly = [&](std::size_t i, std::unique_ptr<int> box) -> task<> {
                if (i % 1000 == 0) co_await tandem::sleep(10us);
                count += static_cast<std::size_t>(*box) == i ? 1u : 0u;
            };
            co_await map_unordered(p, in, boxed, slowly);
            CHECK(count == in.size());
        }
    };
    tandem::run(main(pool));
}

TEST_CASE("map_unordered: the pace of on_result holds the workers back", "[cpu][threads]") {
    thread_executor pool(2);
    const auto main = [](executor& p) -> task<> {
        std::atomic<int> calls{0};
        int taken = 0;
        int most_ahead = 0;
        const auto fn = [&](int x) {
            ++calls;
            return x;
        };
        const auto slow = [&](std::size_t, int) -> task<> {
            co_await tandem::sleep(50us);
            most_ahead = std::max(most_ahead, calls - taken);
            ++taken;
        };
        co_await map_unordered(p, numbers(200), fn, slow, map_options().chunk(2).limit(3));
        CHECK(taken == 200);
        CHECK(most_ahead <= 6);
    };
    tandem::run(main(pool));
}

TEST_CASE("map_unordered: a limit beyond all chunks is none", "[cpu][threads]") {
    thread_executor pool(2);
    const auto main = [](executor& p) -> task<> {
        int taken = 0;
        const auto same = [](int x) { return x; };
        const auto count = [&](std::size_t, int) { ++taken; };
        co_await map_unordered(p, numbers(200), same, count,
                               map_options().limit(static_cast<std::size_t>(-1)));
        CHECK(taken == 200);
    };
    tandem::run(main(pool));
}

TEST_CASE("map_unordered: errors of either side, and cancellation, join the workers", "[cpu][threads]") {
    thread_executor pool(2);
    std::atomic<int> live{0};
    const auto main = [](executor& p, std::atomic<int>& count) -> task<> {
        const auto in = numbers(1000);
        const auto good = [&](int) { return counted(count); };
        const auto bad = [&](int x) {
            if (x == 500) throw oops("worker");
            return counted(count);
        };
        int taken = 0;
        const auto keep = [&](std::size_t, const counted&) { ++taken; };
        const auto refuse = [&](std::size_t i, const counted&) {
            if (i == 300) throw oops("loop");
        };
        const auto wait = [&](std::size_t, counted) -> task<> { co_await tandem::sleep(10s); };
        const auto first = co_await error_of(map_unordered(p, in, bad, keep));
        CHECK(text_of(first) == "worker");
        const auto second = co_await error_of(map_unordered(p, in, good, refuse));
        CHECK(text_of(second) == "loop");
        const auto third = co_await tandem::move_on_after(2ms, map_unordered(p, in, good, wait));
        CHECK(!third);
        CHECK(count == 0);
    };
    tandem::run(main(pool, live));
    CHECK(live == 0);
    const auto counts = pool.statistics();
    CHECK(counts.done + counts.cancelled == counts.submitted);
}
