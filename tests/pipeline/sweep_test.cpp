#include <tandem/pipeline/pipeline.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <tandem/tasks/create_task.hpp>
#include <tandem/testing/sweep.hpp>

#include "pipeline_probes.hpp"

using namespace tandem_test;

namespace {

/// A pipeline of every kind of stage, and what has become of its items.
class scenario_world {
public:
    population all;
    std::vector<int> stored;
    std::optional<tandem::pipeline_line> line;
    std::unique_ptr<tandem::inline_executor> pool;
    tandem::queue<tandem::dead_item<counted_item>> dead{100};

    std::string problems() {
        std::string wrong;
        const tandem::pipeline_report r = line->snapshot();
        if (!r.finished && r.taken != 0) wrong += "the books are open; ";
        if (!r.balanced()) wrong += "the books do not agree; ";
        if (r.live != 0) wrong += std::to_string(r.live) + " items are inside; ";
        if (r.peak_live > r.max_live) wrong += "more items than max_live; ";
        if (r.stored != stored.size()) wrong += "stored items and their number differ; ";
        if (r.dead != dead.size()) wrong += "dead letters and their number differ; ";
        if (!std::is_sorted(stored.begin(), stored.end())) wrong += "the order is lost; ";
        std::sort(stored.begin(), stored.end());
        if (std::adjacent_find(stored.begin(), stored.end()) != stored.end()) wrong += "an item came twice; ";
        const int kept = static_cast<int>(dead.size());
        if (all.live != kept) wrong += std::to_string(all.live) + " items are alive; ";
        for (const tandem::stage_report& s : r.stages) {
            std::chrono::nanoseconds sum{0};
            for (const auto each : s.times) sum += each;
            if (sum != s.elapsed * static_cast<std::int64_t>(s.concurrency)) wrong += "times do not add up; ";
        }
        return wrong;
    }
};

tandem::task<counted_item> fetch(const counted_item& item) {
    co_await tandem::sleep(std::chrono::milliseconds(1 + (item.number() * 7) % 5));
    if (item.number() == 4) throw oops("four");
    co_return counted_item(item);
}
counted_item work(counted_item item) { return item; }

class counting_source {
public:
    counting_source(population& all, int count) noexcept : all_(&all), count_(count) {}
    tandem::task<std::optional<counted_item>> operator()() {
        if (given_ == count_) co_return std::nullopt;
        if (given_ % 3 == 2) co_await tandem::sleep(1ms);
        co_return counted_item(*all_, given_++);
    }

private:
    population* all_;
    int count_;
    int given_ = 0;
};

void build(scenario_world& w, int count) {
    w.pool = std::make_unique<tandem::inline_executor>();
    const auto store = [&w](std::vector<counted_item> batch) -> tandem::task<> {
        co_await tandem::sleep(1ms);
        for (const counted_item& each : batch) w.stored.push_back(each.number());
    };
    w.line.emplace(
        tandem::pipeline("swept", counting_source(w.all, count))
            .io("fetch", fetch, stage_options().concurrency(3).queue(2).reorder(1).dead_letter(w.dead))
            .cpu("work", *w.pool, work, stage_options().concurrency(2).queue(4))
            .batch("batch", 2, 3ms)
            .sink("store", store, stage_options().queue(1)));
}

}  // namespace

TEST_CASE("pipeline: cancelled at any point it loses and repeats nothing, and leaves nothing",
          "[pipeline][sweep][virtual]") {
    std::optional<scenario_world> w;
    const auto run = [&]() -> tandem::task<> { static_cast<void>(co_await w->line->run()); };
    const auto report = tandem::testing::sweep_cancel(
        [&] {
            w.emplace();
            build(*w, 8);
            return run();
        },
        [&](const tandem::testing::sweep_run& current) {
            std::string wrong = w->problems();
            if (current.completed() && w->stored.size() != 7) wrong += "not all items were stored; ";
            w.reset();
            return wrong;
        },
        tandem::testing::sweep_options().seeds(3));
    CHECK(report.points() > 300);
    CHECK(report.stopped() > 250);
}

TEST_CASE("pipeline: drained at any point it stores what it took", "[pipeline][sweep][virtual]") {
    std::optional<scenario_world> w;
    const auto run = [&]() -> tandem::task<> { static_cast<void>(co_await w->line->run()); };
    const auto report = tandem::testing::sweep_steps(
        [&] {
            w.emplace();
            build(*w, 8);
            return run();
        },
        [&] { w->line->drain(); },
        [&](const tandem::testing::sweep_run&) {
            std::string wrong = w->problems();
            const tandem::pipeline_report r = w->line->snapshot();
            if (r.abandoned != 0) wrong += "items were abandoned; ";
            if (r.stored + r.dead != r.taken) wrong += "not all that was taken was stored; ";
            w.reset();
            return wrong;
        },
        tandem::testing::sweep_options().seeds(3));
    CHECK(report.points() > 300);
    CHECK(report.failed() == 0);
}

TEST_CASE(
    "pipeline: under 10,000 schedules items are neither lost nor repeated, and ordered ones keep their order",
    "[pipeline][schedules][virtual]") {
    for (std::uint64_t seed = 1; seed <= 10'000; ++seed) {
        scenario_world w;
        build(w, 6);
        const auto run = [&]() -> tandem::task<> { static_cast<void>(co_await w.line->run()); };
        tandem::testing::run_virtual(run(), tandem::testing::virtual_options().seed(seed));
        const std::string wrong = w.problems();
        if (!wrong.empty() || w.stored != std::vector<int>({0, 1, 2, 3, 5})) {
            INFO("seed " << seed << ": " << wrong);
            REQUIRE(wrong.empty());
            REQUIRE(w.stored == std::vector<int>({0, 1, 2, 3, 5}));
        }
    }
    SUCCEED();
}

TEST_CASE("pipeline: an unordered stage gives a permutation under every schedule",
          "[pipeline][schedules][virtual]") {
    for (std::uint64_t seed = 1; seed <= 1'000; ++seed) {
        std::vector<int> stored;
        const collector keep(stored);
        auto line = tandem::pipeline("unordered", numbers(12))
                        .io("a", pass, stage_options().concurrency(4).unordered())
                        .io("b", pass_after_1ms, stage_options().concurrency(3).unordered())
                        .sink("c", keep, stage_options().concurrency(2));
        const auto run = [&]() -> tandem::task<> { static_cast<void>(co_await line.run()); };
        tandem::testing::run_virtual(run(), tandem::testing::virtual_options().seed(seed));
        std::sort(stored.begin(), stored.end());
        if (stored != numbers(12)) {
            INFO("seed " << seed);
            REQUIRE(stored == numbers(12));
        }
    }
    SUCCEED();
}

TEST_CASE("pipeline: a failing stage leaves nothing behind under every schedule",
          "[pipeline][schedules][virtual]") {
    for (std::uint64_t seed = 1; seed <= 1'000; ++seed) {
        population all;
        const auto fail_later = [&](counted_item item) -> tandem::task<counted_item> {
            co_await tandem::sleep(1ms);
            if (item.number() == static_cast<int>(seed % 12)) throw oops();
            co_return item;
        };
        const auto store = [](counted_item) -> tandem::task<> { co_return; };
        const auto frames = tandem::detail::live_frames;
        {
            auto line = tandem::pipeline("failing", counting_source(all, 12))
                            .io("a", fail_later, stage_options().concurrency(3).reorder(2))
                            .sink("b", store);
            const auto run = [&]() -> tandem::task<> { static_cast<void>(co_await line.run()); };
            CHECK_THROWS_AS(
                tandem::testing::run_virtual(run(), tandem::testing::virtual_options().seed(seed)),
                tandem::pipeline_error);
            CHECK(line.snapshot().balanced());
            CHECK(all.live == 0);
        }
        CHECK(tandem::detail::live_frames == frames);
    }
}
