// tandem - random pipelines: whatever the options, the times and the failures, nothing is lost or out of
// order SPDX-License-Identifier: BSL-1.0
#include <tandem/pipeline/pipeline.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <vector>

#include <tandem/sync/queue.hpp>
#include <tandem/tasks/create_task.hpp>

#include "pipeline_probes.hpp"

using namespace tandem_test;

namespace {

class dice {
public:
    explicit dice(std::uint64_t seed) : engine_(seed) {}
    int in(int low, int high) {
        return low + static_cast<int>(engine_() % static_cast<unsigned>(high - low + 1));
    }
    std::size_t count(int low, int high) { return static_cast<std::size_t>(in(low, high)); }
    std::chrono::milliseconds ms(int low, int high) { return std::chrono::milliseconds(in(low, high)); }
    bool one_in(int n) { return in(1, n) == 1; }

private:
    std::mt19937 engine_;
};

enum class ending { natural, drained, drained_within, cancelled };

/// What the stages do: each call draws how long it takes and whether it fails.
class world {
public:
    explicit world(std::uint64_t seed) : options(seed), calls(seed + 1), failing(options.in(0, 6) * 14) {}

    bool fails() { return calls.in(0, 99) < failing; }

    dice options;
    dice calls;
    int failing;  // of a hundred calls
    std::vector<int> stored;
    std::vector<int> letters;
};

class pass_or_fail {
public:
    explicit pass_or_fail(world& in) noexcept : in_(&in) {}
    tandem::task<int> operator()(const int& v) const {
        const int value = v;
        const auto time = in_->calls.one_in(10) ? 50ms : in_->calls.ms(0, 3);
        if (time > 0ms) co_await tandem::sleep(time);
        if (in_->fails()) throw oops();
        co_return value;
    }

private:
    world* in_;
};
/// None, one or two of each.
class copies {
public:
    explicit copies(world& in) noexcept : in_(&in) {}
    tandem::task<std::vector<int>> operator()(const int& v) const {
        const int value = v;
        const auto time = in_->calls.ms(0, 2);
        if (time > 0ms) co_await tandem::sleep(time);
        co_return std::vector<int>(static_cast<std::size_t>(value % 3), value);
    }

private:
    world* in_;
};
class slow_collector {
public:
    explicit slow_collector(world& in) noexcept : in_(&in) {}
    tandem::task<> operator()(int v) const {
        if (in_->calls.one_in(3)) co_await tandem::sleep(1ms);
        in_->stored.push_back(v);
    }

private:
    world* in_;
};

stage_options some_options(dice& d, bool ordered) {
    stage_options options;
    options.concurrency(d.count(1, 5)).skip();
    if (d.one_in(2)) options.queue(d.count(1, 4));
    if (!ordered) options.unordered();
    if (d.one_in(2)) options.reorder(d.count(0, 4));
    return options;
}

tandem::task<> read_letters(tandem::queue<tandem::dead_item<int>>& from, std::vector<int>& to) {
    for (;;) {
        const auto letter = co_await from.next();
        if (!letter) co_return;
        to.push_back(letter->item());
    }
}
tandem::task<tandem::pipeline_report> run_line(tandem::pipeline_line& line) { co_return co_await line.run(); }

tandem::task<> run_until(tandem::pipeline_line& line, ending how, dice& d) {
    auto running = tandem::create_task(run_line(line));
    if (how != ending::natural) co_await tandem::sleep(d.ms(0, 40));
    if (how == ending::drained) line.drain();
    if (how == ending::drained_within) line.drain(d.ms(0, 10));
    if (how == ending::cancelled) running.cancel();
    try {
        static_cast<void>(co_await running);
    } catch (const tandem::cancelled_error&) {
        CHECK(how == ending::cancelled);
    }
}

tandem::task<> one_of_them(std::uint64_t seed) {
    world w(seed);
    dice& d = w.options;
    const bool ordered = d.one_in(2);
    const auto how = static_cast<ending>(d.in(0, 3));
    const std::vector<int> items = numbers(d.in(0, 80));
    const pass_or_fail call(w);
    const copies copy(w);
    const slow_collector keep(w);
    const auto work = [&w](const int& v) {
        if (w.fails()) throw oops();
        return v;
    };
    const auto unpack = [](std::vector<int> batch) { return batch; };
    tandem::inline_executor pool;
    tandem::queue<tandem::dead_item<int>> dead(d.count(1, 3));
    stage_options first = some_options(d, ordered);
    if (d.one_in(3)) first.item_deadline(d.ms(1, 60));
    const auto again = tandem::retry_policy().attempts(2).base(1ms);

    auto line = tandem::pipeline("random", items)
                    .io("a", call, first)
                    .cpu("b", pool, work, some_options(d, ordered))
                    .io("c", call, some_options(d, ordered).retry(again))
                    .flat_map("d", copy, some_options(d, ordered))
                    .batch("e", d.count(1, 5), d.ms(0, 5))
                    .flat_map("f", unpack)
                    .io("g", call, some_options(d, ordered).dead_letter(dead))
                    .sink("h", keep);
    auto reader = tandem::create_task(read_letters(dead, w.letters));
    co_await run_until(line, how, d);
    dead.shutdown();
    co_await reader;

    const tandem::pipeline_report r = line.snapshot();
    INFO("seed " << seed);
    check_books(r);
    CHECK(r.live == 0);
    CHECK(r.stored == w.stored.size());
    CHECK(r.dead == w.letters.size());
    if (how == ending::natural || how == ending::drained) CHECK(r.abandoned == 0);
    if (how == ending::natural) CHECK(r.taken == items.size());
    if (ordered) CHECK(std::is_sorted(w.stored.begin(), w.stored.end()));
    std::map<int, int> seen;
    for (const int v : w.stored) ++seen[v];
    for (const int v : w.letters) ++seen[v];
    for (const auto& [v, times] : seen) CHECK(times <= v % 3);
}

}  // namespace

TEST_CASE(
    "pipeline: 1,000 random ones lose nothing, keep their order if asked to, and stay within their bounds",
    "[pipeline][virtual]") {
    for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
        const auto frames_before = tandem::detail::live_frames;
        tandem::testing::run_virtual(one_of_them(seed),
                                     tandem::testing::virtual_options().seed(seed % 3 * seed));
        REQUIRE(tandem::detail::live_frames == frames_before);
    }
}
