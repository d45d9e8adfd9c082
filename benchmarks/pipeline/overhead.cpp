// tandem benchmarks - what empty stages cost, and limits that nobody waits for
// SPDX-License-Identifier: BSL-1.0
#include <tandem/cpu/cpu_executor.hpp>
#include <tandem/pipeline/pipeline.hpp>
#include <tandem/resilience/rate_limiter.hpp>
#include <tandem/sync/queue.hpp>
#include <tandem/sync/semaphore.hpp>
#include <tandem/tasks/task_group.hpp>

#include <core/tandem_run.hpp>
#include <support/check.hpp>

#include <chrono>
#include <optional>
#include <vector>

#include "groups.hpp"
#include "work.hpp"

namespace {

using bench::check;
using bench::meter;
using bench::sample;
using namespace std::chrono_literals;

tandem::task<int> pass(int n) { co_return n; }
tandem::task<> end(int) { co_return; }
int same(int n) { return n; }

template <int Nanoseconds>
sample promised(std::size_t) {
    sample s;
    s.cost = Nanoseconds;
    return s;
}

// ---- empty stages

constexpr std::size_t stages = 4;

tandem::task<sample> on_the_loop(std::size_t operations) {
    const std::vector<int> items = numbers(operations / stages);
    auto line =
        tandem::pipeline("empty", items).io("one", pass).io("two", pass).io("three", pass).sink("four", end);
    meter m;
    const tandem::pipeline_report report = co_await line.run();
    const sample result = m.wall(operations);
    check(report.stored == items.size(), "empty stages");
    co_return result;
}

tandem::task<sample> on_workers(std::size_t operations) {
    const std::vector<int> items = numbers(operations / stages);
    tandem::cpu_executor pool(tandem::available_cores());
    auto line = tandem::pipeline("empty", items)
                    .io("one", pass)
                    .cpu("two", pool, same)
                    .io("three", pass)
                    .sink("four", end);
    meter m;
    const tandem::pipeline_report report = co_await line.run();
    const sample result = m.wall(operations);
    check(report.stored == items.size(), "an empty stage on workers");
    co_return result;
}

// The same by hand: a task for each stage, a queue between them, no report, no order, no errors.
using line_queue = tandem::queue<std::optional<int>>;

tandem::task<> fill(const std::vector<int>& items, line_queue& to) {
    for (const int n : items) co_await to.put(n);
    co_await to.put(std::nullopt);
}
tandem::task<> hand_on(line_queue& from, line_queue& to) {
    for (bool more = true; more;) {
        const std::optional<int> item = co_await from.get();
        more = item.has_value();
        co_await to.put(item);
    }
}
tandem::task<> take(line_queue& from, std::size_t& count) {
    for (;;) {
        const std::optional<int> item = co_await from.get();
        if (!item) co_return;
        ++count;
    }
}
tandem::task<sample> by_hand(std::size_t operations) {
    const std::vector<int> items = numbers(operations / stages);
    line_queue first(4), second(4), third(4), fourth(4);
    std::size_t count = 0;
    meter m;
    co_await tandem::with_task_group([&](tandem::task_group& group) -> tandem::task<> {
        group.create_task(fill(items, first));
        group.create_task(hand_on(first, second));
        group.create_task(hand_on(second, third));
        group.create_task(hand_on(third, fourth));
        group.create_task(take(fourth, count));
        co_return;
    });
    const sample result = m.wall(operations);
    check(count == items.size(), "queues by hand");
    co_return result;
}

// ---- limits that nobody waits for

tandem::task<sample> limiter(std::size_t operations) {
    auto free = tandem::rate_limiter::pace(1'000'000'000, 1s, 1'000'000'000);
    co_await free.acquire();
    meter m;
    for (std::size_t i = 0; i < operations; ++i) co_await free.acquire();
    const sample result = m.wall(operations);
    check(free.statistics().granted == operations + 1, "limiter");
    co_return result;
}

tandem::task<sample> permits(std::size_t operations) {
    tandem::semaphore free(1);
    meter m;
    for (std::size_t i = 0; i < operations; ++i) const auto permit = co_await free.acquire();
    const sample result = m.wall(operations);
    check(free.value() == 1, "semaphore");
    co_return result;
}

}  // namespace

std::vector<bench::workload> overhead_workloads() {
    return {
        {"4 empty stages on the loop, per item and stage",
         "ns",
         400'000,
         contender<on_the_loop>,
         {{"2 us", promised<2000>, 1}, {"queues and tasks by hand", contender<by_hand>, {}}},
         {}},
        {"4 empty stages, one on workers, per item and stage",
         "ns",
         400'000,
         contender<on_workers>,
         {{"2 us", promised<2000>, 1}},
         {}},
        {"rate_limiter, uncontended", "ns", 2'000'000, contender<limiter>, {{"30 ns", promised<30>, 1}}, 0},
        {"semaphore, uncontended", "ns", 2'000'000, contender<permits>, {{"30 ns", promised<30>, 1}}, 0},
    };
}
