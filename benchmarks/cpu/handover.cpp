// tandem benchmarks - empty jobs there and back, one at a time and 64 in flight; a million tiny calls
// SPDX-License-Identifier: BSL-1.0
#include <tandem/cpu/cpu_executor.hpp>
#include <tandem/cpu/map.hpp>
#include <tandem/cpu/run_in_executor.hpp>
#include <tandem/tasks/task_group.hpp>

#include <core/asio_peer.hpp>
#include <core/tandem_run.hpp>

#include <boost/asio/thread_pool.hpp>

#include <future>
#include <numeric>
#include <vector>

#include "groups.hpp"

namespace {

using bench::check;
using bench::meter;
using bench::sample;

constexpr std::size_t in_flight = 64;
constexpr std::size_t workers = 2;

int job(int x) { return x + 1; }

tandem::task<> hop(tandem::executor& pool, std::size_t times, int& sum) {
    for (std::size_t i = 0; i < times; ++i) sum += co_await tandem::run_in_executor(pool, job, 0);
}

template <class Pool>
tandem::task<sample> one_at_a_time(std::size_t operations) {
    Pool pool(workers);
    int sum = 0;
    co_await hop(pool, 100, sum);
    meter m;
    co_await hop(pool, operations, sum);
    const sample result = m.wall(operations);
    check(sum == static_cast<int>(operations) + 100, "one job at a time");
    co_return result;
}

template <class Pool>
tandem::task<sample> many_in_flight(std::size_t operations) {
    Pool pool(workers);
    const std::size_t times = operations / in_flight + 1;
    int sum = 0;
    co_await hop(pool, 100, sum);
    meter m;
    co_await tandem::with_task_group([&](tandem::task_group& group) -> tandem::task<> {
        for (std::size_t i = 0; i < in_flight; ++i) group.create_task(hop(pool, times, sum));
        co_return;
    });
    const sample result = m.wall(times * in_flight);
    check(sum == static_cast<int>(times * in_flight) + 100, "jobs in flight");
    co_return result;
}

tandem::task<sample> mapped(std::size_t operations) {
    tandem::cpu_executor pool(workers);
    std::vector<int> in(operations);
    std::iota(in.begin(), in.end(), 0);
    const auto warm = co_await tandem::map(pool, std::vector<int>(1000), job);
    meter m;
    const auto out = co_await tandem::map(pool, in, job);
    const sample result = m.wall(operations);
    check(warm.size() == 1000 && out.size() == operations && out.back() == static_cast<int>(operations),
          "map");
    co_return result;
}

sample mapped_one_by_one(std::size_t operations);

// ---- std::async, without a loop: the caller blocks

sample async_one(std::size_t operations) {
    operations = operations / 20 + 1;
    int sum = 0;
    meter m;
    for (std::size_t i = 0; i < operations; ++i) sum += std::async(std::launch::async, job, 0).get();
    const sample result = m.wall(operations);
    check(sum == static_cast<int>(operations), "std::async");
    return result;
}

sample async_many(std::size_t operations) {
    const std::size_t times = operations / in_flight / 20 + 1;
    int sum = 0;
    std::vector<std::future<int>> all(in_flight);
    meter m;
    for (std::size_t i = 0; i < times; ++i) {
        for (auto& f : all) f = std::async(std::launch::async, job, 0);
        for (auto& f : all) sum += f.get();
    }
    const sample result = m.wall(times * in_flight);
    check(sum == static_cast<int>(times * in_flight), "std::async");
    return result;
}

}  // namespace

// ---- what most code does: a task for the arena, or a handler for asio::thread_pool, that posts back

namespace peer {
namespace {

using bench::check;

/// With the limit raised as tandem does it, or the arena would have one worker on two cores.
class arena {
public:
    arena() : limit_(tbb::global_control::max_allowed_parallelism, workers + 1), arena_(workers, 0) {
        arena_.initialize();
    }
    template <class Fn>
    void submit(Fn fn) {
        auto* const kept = new Fn(std::move(fn));  // enqueue takes only what can be copied
        arena_.enqueue([kept] {
            (*kept)();
            delete kept;
        });
    }

private:
    tbb::global_control limit_;
    tbb::task_arena arena_;
};

class thread_pool {
public:
    thread_pool() : pool_(workers) {}
    template <class Fn>
    void submit(Fn fn) {
        asio::post(pool_, std::move(fn));
    }

private:
    asio::thread_pool pool_;
};

/// A loop that waits for I/O, as in a real program: an io_context without any is a bare condition variable.
class with_io {
public:
    explicit with_io(executor ex) : guard_(ex), timer_(ex, std::chrono::hours(1)) {
        timer_.async_wait([](error_code) {});
    }

private:
    asio::executor_work_guard<executor> guard_;
    timer timer_;
};

template <class Pool>
auto run_in(Pool& pool, executor ex) {
    return asio::async_initiate<const asio::use_awaitable_t<executor>, void(int)>(
        [&pool, ex](auto handler) -> void {
            pool.submit([handler = std::move(handler), ex]() mutable {
                const int result = job(0);
                asio::post(ex,
                           [handler = std::move(handler), result]() mutable { std::move(handler)(result); });
            });
        },
        use_awaitable);
}

template <class Pool>
awaitable<void> hop(Pool& pool, executor ex, std::size_t times, int& sum) {
    for (std::size_t i = 0; i < times; ++i) sum += co_await run_in(pool, ex);
}

template <class Pool>
awaitable<sample> one_at_a_time(executor ex, std::size_t operations) {
    const with_io loop(ex);
    Pool pool;
    int sum = 0;
    co_await hop(pool, ex, 100, sum);
    meter m;
    co_await hop(pool, ex, operations, sum);
    const sample result = m.wall(operations);
    check(sum == static_cast<int>(operations) + 100, "one job at a time");
    co_return result;
}

template <class Pool>
awaitable<sample> many_in_flight(executor ex, std::size_t operations) {
    const with_io loop(ex);
    Pool pool;
    const std::size_t times = operations / in_flight + 1;
    int sum = 0;
    co_await hop(pool, ex, 100, sum);
    countdown all(ex, in_flight);
    meter m;
    for (std::size_t i = 0; i < in_flight; ++i) asio::co_spawn(ex, hop(pool, ex, times, sum), all.one());
    co_await all.wait();
    const sample result = m.wall(times * in_flight);
    check(sum == static_cast<int>(times * in_flight) + 100, "jobs in flight");
    co_return result;
}

}  // namespace
}  // namespace peer

namespace {

sample mapped_one_by_one(std::size_t operations) {
    return peer::contender<peer::many_in_flight<peer::arena>>(operations / 10);
}

}  // namespace

std::vector<bench::workload> handover_workloads() {
    using tandem::cpu_executor;
    using tandem::thread_executor;
    return {
        {"empty job, one at a time",
         "ns",
         20'000,
         contender<one_at_a_time<cpu_executor>>,
         {{"arena.enqueue + asio::post", peer::contender<peer::one_at_a_time<peer::arena>>, {}},
          {"asio::thread_pool", peer::contender<peer::one_at_a_time<peer::thread_pool>>, 1},
          {"tandem::thread_executor", contender<one_at_a_time<thread_executor>>, {}},
          {"std::async", async_one, {}}},
         {}},
        {"empty job, 64 in flight",
         "ns",
         400'000,
         contender<many_in_flight<cpu_executor>>,
         {{"arena.enqueue + asio::post", peer::contender<peer::many_in_flight<peer::arena>>, 3},
          {"asio::thread_pool", peer::contender<peer::many_in_flight<peer::thread_pool>>, 1},
          {"tandem::thread_executor", contender<many_in_flight<thread_executor>>, {}},
          {"std::async", async_many, 1}},
         {}},
        {"map over 1,000,000 tiny calls",
         "ns",
         1'000'000,
         contender<mapped>,
         {{"arena.enqueue + asio::post each", mapped_one_by_one, {}}},
         {}},
    };
}
