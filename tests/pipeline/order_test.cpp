// tandem - order: results leave a stage in the order of its items, whatever runs ahead and whatever fails
// SPDX-License-Identifier: BSL-1.0
#include <tandem/pipeline/pipeline.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

#include <tandem/asio/run.hpp>
#include <tandem/cpu/blocking_pool.hpp>
#include <tandem/cpu/thread_executor.hpp>
#include <tandem/tasks/create_task.hpp>

#include "pipeline_probes.hpp"

using namespace tandem_test;

namespace {

/// The first item takes a second, those after it fail at once, but for every tenth.
tandem::task<int> slow_or_failing(int v) {
    if (v == 0) co_await tandem::sleep(1s);
    if (v % 10 != 0) throw oops();
    co_return v;
}

std::vector<int> tens(int below) {
    std::vector<int> all;
    for (int v = 0; v < below; v += 10) all.push_back(v);
    return all;
}

/// One that lets others catch up now and then.
class halting_collector {
public:
    explicit halting_collector(std::vector<int>& into) noexcept : into_(&into) {}
    tandem::task<> operator()(int v) const {
        into_->push_back(v);
        if (v % 16 == 0) co_await tandem::sleep(100us);
    }

private:
    std::vector<int>* into_;
};

}  // namespace

TANDEM_TEST("order: items that fail behind a slow one neither run ahead without end nor disturb the order",
            "[pipeline][order][virtual]") {
    for (const std::size_t reorder : {std::size_t{0}, std::size_t{3}}) {
        std::vector<int> stored;
        const collector keep(stored);
        auto line =
            tandem::pipeline("fails", numbers(1000))
                .io("a", slow_or_failing, stage_options().concurrency(2).queue(2).reorder(reorder).skip())
                .sink("b", keep);
        auto running = tandem::create_task(
            [&]() -> tandem::task<tandem::pipeline_report> { co_return co_await line.run(); });
        co_await tandem::sleep(500ms);
        CHECK(line.snapshot().taken <= 4 * (2 + 2 + 3));
        CHECK(stored.empty());
        const tandem::pipeline_report r = co_await std::move(running);
        CHECK(stored == tens(1000));
        CHECK(r.skipped == 900);
        check_books(r);
    }
}

TANDEM_TEST("order: without it, what is slow holds up nobody who fails", "[pipeline][order][virtual]") {
    std::vector<int> stored;
    const collector keep(stored);
    auto line = tandem::pipeline("fails", numbers(1000))
                    .io("a", slow_or_failing, stage_options().concurrency(2).queue(2).unordered().skip())
                    .sink("b", keep);
    auto running = tandem::create_task(
        [&]() -> tandem::task<tandem::pipeline_report> { co_return co_await line.run(); });
    co_await tandem::sleep(500ms);
    CHECK(line.snapshot().skipped == 900);
    const tandem::pipeline_report r = co_await std::move(running);
    CHECK(stored.back() == 0);
    check_books(r);
}

TEST_CASE("order: a stage on an executor with one worker keeps it while it works ahead of a slow sink",
          "[pipeline][order][threads]") {
    tandem::thread_executor pool(1);
    std::vector<int> stored;
    const halting_collector keep(stored);
    const auto pass_on = [](int v) { return v; };
    auto line = tandem::pipeline("one worker", numbers(5000))
                    .cpu("work", pool, pass_on)
                    .sink("store", keep, stage_options().queue(1));
    const auto run = [&]() -> tandem::task<> {
        const tandem::pipeline_report r = co_await line.run();
        check_books(r);
    };
    tandem::run(run());
    CHECK(stored == numbers(5000));
}

TEST_CASE("order: a stage on a blocking pool with one thread keeps it", "[pipeline][order][threads]") {
    tandem::blocking_pool pool(1);
    std::vector<int> stored;
    const halting_collector keep(stored);
    const auto odd_ones = [](int v) {
        if (v % 3 == 0) throw oops();
        return v;
    };
    auto line = tandem::pipeline("one thread", numbers(3000))
                    .blocking("work", pool, odd_ones, stage_options().queue(64).skip())
                    .sink("store", keep, stage_options().queue(1));
    const auto run = [&]() -> tandem::task<> {
        const tandem::pipeline_report r = co_await line.run();
        CHECK(r.skipped == 1000);
        check_books(r);
    };
    tandem::run(run());
    CHECK(stored.size() == 2000);
    CHECK(std::is_sorted(stored.begin(), stored.end()));
}
