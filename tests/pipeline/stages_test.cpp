#include <tandem/pipeline/pipeline.hpp>

#include <algorithm>
#include <cstdint>
#include <list>
#include <optional>
#include <ranges>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <tandem/tasks/create_task.hpp>

#include "pipeline_probes.hpp"

using namespace tandem_test;

namespace {

using batch_log = std::vector<std::pair<std::chrono::nanoseconds, std::vector<int>>>;

std::chrono::nanoseconds since_zero() { return tandem::this_task::loop().now().time_since_epoch(); }

/// A source that gives the numbers from 1 on, `count` of them, one every `pause`.
class ticking {
public:
    ticking(int count, std::chrono::milliseconds pause) noexcept : count_(count), pause_(pause) {}
    tandem::task<std::optional<int>> operator()() {
        if (given_ == count_) co_return std::nullopt;
        co_await tandem::sleep(pause_);
        co_return ++given_;
    }

private:
    int count_;
    std::chrono::milliseconds pause_;
    int given_ = 0;
};

class batch_collector {
public:
    explicit batch_collector(batch_log& into) noexcept : into_(&into) {}
    tandem::task<> operator()(std::vector<int> items) const {
        into_->emplace_back(since_zero(), std::move(items));
        co_return;
    }

private:
    batch_log* into_;
};

}  // namespace

TANDEM_TEST("batch: its window begins with its first item and ends exactly then",
            "[pipeline][batch][virtual]") {
    batch_log log;
    const batch_collector keep(log);
    auto line = tandem::pipeline("window", ticking(10, 7ms)).batch("b", 64, 20ms).sink("s", keep);
    const tandem::pipeline_report r = co_await line.run();
    // 7, 14 and 21 are in before 27; the next begins at 28.
    REQUIRE(log.size() == 4);
    CHECK(log[0].first == 27ms);
    CHECK(log[0].second == std::vector<int>({1, 2, 3}));
    CHECK(log[1].first == 48ms);
    CHECK(log[1].second == std::vector<int>({4, 5, 6}));
    CHECK(log[2].first == 69ms);
    CHECK(log[2].second == std::vector<int>({7, 8, 9}));
    CHECK(log[3].first == 70ms);  // the rest goes at the end, not at 90
    CHECK(log[3].second == std::vector<int>({10}));
    CHECK(r.elapsed == 70ms);
    CHECK(r.stored == 10);
    check_books(r);
}

TANDEM_TEST("batch: it leaves when it is full, without its window", "[pipeline][batch][virtual]") {
    batch_log log;
    const batch_collector keep(log);
    auto line = tandem::pipeline("full", ticking(7, 1ms)).batch("b", 3, 1h).sink("s", keep);
    const tandem::pipeline_report r = co_await line.run();
    REQUIRE(log.size() == 3);
    CHECK(log[0].first == 3ms);
    CHECK(log[1].first == 6ms);
    CHECK(log[2].second == std::vector<int>({7}));
    CHECK(r.elapsed == 7ms);
    CHECK(tandem::this_task::loop().statistics().timers == 0);
}

TANDEM_TEST("batch: without a window it waits for its number or for the end; none is empty",
            "[pipeline][batch][virtual]") {
    for (const int count : {0, 1, 4, 5}) {
        batch_log log;
        const batch_collector keep(log);
        auto line = tandem::pipeline("number", numbers(count)).batch("b", 4).sink("s", keep);
        const tandem::pipeline_report r = co_await line.run();
        CHECK(log.size() == static_cast<std::size_t>((count + 3) / 4));
        for (const auto& each : log) CHECK_FALSE(each.second.empty());
        check_books(r);
    }
}

TANDEM_TEST("batch: as many as there are, without room for that number", "[pipeline][batch][virtual]") {
    std::vector<std::size_t> sizes;
    const auto store = [&](std::vector<int> batch) -> tandem::task<> {
        sizes.push_back(batch.size());
        co_return;
    };
    auto line = tandem::pipeline("all", numbers(3000)).batch("one", SIZE_MAX).sink("store", store);
    CHECK(line.max_live() == SIZE_MAX);
    check_books(co_await line.run());
    CHECK(sizes == std::vector<std::size_t>({3000}));
}

TANDEM_TEST("batch: it leaves when its bytes are reached", "[pipeline][batch][virtual]") {
    batch_log log;
    const batch_collector keep(log);
    const auto bytes = [](const int& v) { return static_cast<std::size_t>(v); };
    const std::vector<int> input = {40, 60, 200, 10, 10, 10};
    auto line = tandem::pipeline("bytes", input).batch("b", 100, 1h, 100, bytes).sink("s", keep);
    static_cast<void>(co_await line.run());
    REQUIRE(log.size() == 3);
    CHECK(log[0].second == std::vector<int>({40, 60}));
    CHECK(log[1].second == std::vector<int>({200}));
    CHECK(log[2].second == std::vector<int>({10, 10, 10}));
}

TANDEM_TEST("batch: a drained pipeline sends the open batch on its way", "[pipeline][batch][virtual]") {
    batch_log log;
    const batch_collector keep(log);
    auto line = tandem::pipeline("drained", ticking(100, 1ms)).batch("b", 64, 1h).sink("s", keep);
    auto running = tandem::create_task(line.run());
    co_await tandem::sleep(5ms + 500us);
    line.drain();
    const tandem::pipeline_report r = co_await running;
    REQUIRE(log.size() == 1);
    CHECK(log[0].second.size() == 5);
    check_books(r);
}

TANDEM_TEST("filter: items go no further and are counted", "[pipeline][filter][virtual]") {
    std::vector<int> stored;
    const collector keep(stored);
    const auto odd = [](const int& v) { return v % 2 == 1; };
    auto line = tandem::pipeline("odd", numbers(10)).filter("f", odd).sink("s", keep);
    const tandem::pipeline_report r = co_await line.run();
    CHECK(stored == std::vector<int>({1, 3, 5, 7, 9}));
    CHECK(r.filtered == 5);
    CHECK(stage_of(r, "f").filtered == 5);
    CHECK(stage_of(r, "f").emitted == 5);
    check_books(r);
}

TANDEM_TEST("filter: an item for which the predicate throws goes where the options say",
            "[pipeline][filter][virtual]") {
    const auto odd = [](const int& v) {
        if (v == 4) throw oops("four");
        return v % 2 == 1;
    };
    auto skipping =
        tandem::pipeline("skip", numbers(6)).filter("f", odd, stage_options().skip()).sink("s", forget);
    const tandem::pipeline_report skipped = co_await skipping.run();
    CHECK(skipped.stored == 3);
    CHECK(skipped.filtered == 2);
    CHECK(skipped.skipped == 1);
    CHECK(stage_of(skipped, "f").messages == std::vector<std::string>{"four"});
    check_books(skipped);

    tandem::queue<tandem::dead_item<int>> dead(10);
    auto burying = tandem::pipeline("dead", numbers(6))
                       .filter("f", odd, stage_options().dead_letter(dead))
                       .sink("s", forget);
    const tandem::pipeline_report buried = co_await burying.run();
    CHECK(buried.stored == 3);
    CHECK(buried.dead == 1);
    check_books(buried);
    const tandem::dead_item<int> letter = dead.get_nowait();
    CHECK(letter.item() == 4);
    CHECK(letter.reason() == tandem::dead_reason::error);
    CHECK(letter.message() == "four");
    CHECK(letter.stage() == "f");

    auto failing = tandem::pipeline("fail", numbers(6)).filter("f", odd).sink("s", forget);
    const std::exception_ptr error = co_await error_of(failing.run());
    CHECK(text_of(error) == "tandem::exception_group: 1 exception, the first: four");
    check_books(failing.snapshot());
}

TEST_CASE("filter: what needs a wait is refused, not left out", "[pipeline][filter]") {
    const auto odd = [](const int& v) { return v % 2 == 1; };
    auto limiter = tandem::rate_limiter::pace(10, 1s);
    auto begun = tandem::pipeline("p", numbers(3));
    std::string text = "none";
    try {
        static_cast<void>(begun.filter("odd", odd, stage_options().limit(limiter)));
    } catch (const std::invalid_argument& e) {
        text = e.what();
    }
    CHECK(text ==
          "tandem::pipeline::filter: stage \"odd\": a filter waits for nothing, so that limit and "
          "item_deadline "
          "have no meaning; give them to the stage before or after");
    CHECK_THROWS_AS(begun.filter("odd", odd, stage_options().item_deadline(1s)), std::invalid_argument);
}

TANDEM_TEST("flat_map: one item becomes none, one or several, in order", "[pipeline][flat_map][virtual]") {
    std::vector<int> stored;
    const collector keep(stored);
    const auto copies = [](int v) { return std::vector<int>(static_cast<std::size_t>(v), v); };
    auto line = tandem::pipeline("plain", numbers(4)).flat_map("f", copies).sink("s", keep);
    const tandem::pipeline_report r = co_await line.run();
    CHECK(stored == std::vector<int>({1, 2, 2, 3, 3, 3}));
    CHECK(r.taken == 4);
    CHECK(r.filtered == 1);
    CHECK(r.stored == 6);
    check_books(r);

    stored.clear();
    const auto later_copies = [](int v) -> tandem::task<std::vector<int>> {
        co_await tandem::sleep(std::chrono::milliseconds(10 - v));
        co_return std::vector<int>(static_cast<std::size_t>(v), v);
    };
    auto awaited = tandem::pipeline("task", numbers(4))
                       .flat_map("f", later_copies, stage_options().concurrency(4))
                       .sink("s", keep);
    const tandem::pipeline_report again = co_await awaited.run();
    check_books(again);
    CHECK(stored == std::vector<int>({1, 2, 2, 3, 3, 3}));
}

TANDEM_TEST("flat_map: sets, bits, views and an optional are taken apart as well as vectors",
            "[pipeline][flat_map][virtual]") {
    std::vector<int> stored;
    const collector keep(stored);
    const auto set = [](int v) { return std::set<int>{v + 10, v, v + 10}; };
    auto sets = tandem::pipeline("set", numbers(2)).flat_map("f", set).sink("s", keep);
    static_cast<void>(co_await sets.run());
    CHECK(stored == std::vector<int>({0, 10, 1, 11}));

    stored.clear();
    const auto bits = [](int v) { return std::vector<bool>{v == 0, v == 1}; };
    auto all_bits = tandem::pipeline("bits", numbers(2)).flat_map("f", bits).sink("s", keep);
    static_cast<void>(co_await all_bits.run());
    CHECK(stored == std::vector<int>({1, 0, 0, 1}));

    stored.clear();
    const auto below = [](int v) { return std::views::iota(0, v); };
    auto views = tandem::pipeline("view", numbers(4)).flat_map("f", below).sink("s", keep);
    static_cast<void>(co_await views.run());
    CHECK(stored == std::vector<int>({0, 0, 1, 0, 1, 2}));

    stored.clear();
    const auto half = [](int v) { return v % 2 == 0 ? std::optional<int>(v / 2) : std::nullopt; };
    auto halves = tandem::pipeline("optional", numbers(5)).flat_map("f", half).sink("s", keep);
    const tandem::pipeline_report r = co_await halves.run();
    CHECK(stored == std::vector<int>({0, 1, 2}));
    CHECK(r.filtered == 2);
    check_books(r);
}

TANDEM_TEST("flat_map: what a view shows belongs to others and stays there",
            "[pipeline][flat_map][virtual]") {
    std::vector<std::string> words{"a word that is too long to lie in the string itself", "b"};
    std::vector<std::string> stored;
    const auto all = [&words](int) { return std::span<std::string>(words); };
    const auto keep = [&stored](std::string word) -> tandem::task<> {
        stored.push_back(std::move(word));
        co_return;
    };
    const std::vector<std::string> before = words;
    auto line = tandem::pipeline("view", numbers(2)).flat_map("f", all).sink("s", keep);
    static_cast<void>(co_await line.run());
    CHECK(words == before);
    CHECK(stored == std::vector<std::string>({before[0], before[1], before[0], before[1]}));
}

TANDEM_TEST("flat_map: it takes batches apart, and the books agree", "[pipeline][flat_map][virtual]") {
    std::vector<int> stored;
    const collector keep(stored);
    const auto apart = [](std::vector<int> batch) { return batch; };
    auto line = tandem::pipeline("apart", numbers(10)).batch("b", 3).flat_map("f", apart).sink("s", keep);
    const tandem::pipeline_report r = co_await line.run();
    CHECK(stored == numbers(10));
    CHECK(r.added == 0);
    check_books(r);
}

TANDEM_TEST("broadcast: every branch gets every item, and the slowest sets the pace",
            "[pipeline][broadcast][virtual]") {
    std::vector<int> fast;
    std::vector<int> slow;
    const collector keep_fast(fast);
    const auto keep_slow = [&](int v) -> tandem::task<> {
        co_await tandem::sleep(10ms);
        slow.push_back(v);
    };
    auto line =
        tandem::pipeline("both", numbers(20))
            .broadcast(
                "copies", [&](auto branch) { return branch.io("fast", pass).sink("store fast", keep_fast); },
                [&](auto branch) { return branch.sink("store slow", keep_slow); });
    const tandem::pipeline_report r = co_await line.run();
    CHECK(fast == numbers(20));
    CHECK(slow == numbers(20));
    CHECK(r.added == 20);
    CHECK(r.stored == 40);
    CHECK(r.elapsed == 200ms);
    check_books(r);
}

TANDEM_TEST("route: each item goes to the branch that its key names", "[pipeline][route][virtual]") {
    std::vector<int> even;
    std::vector<int> odd;
    const collector keep_even(even);
    const collector keep_odd(odd);
    const auto parity = [](const int& v) { return static_cast<std::size_t>(v % 2); };
    auto line = tandem::pipeline("parity", numbers(6))
                    .route(
                        "route", parity, [&](auto branch) { return branch.sink("even", keep_even); },
                        [&](auto branch) { return branch.sink("odd", keep_odd); });
    const tandem::pipeline_report r = co_await line.run();
    CHECK(even == std::vector<int>({0, 2, 4}));
    CHECK(odd == std::vector<int>({1, 3, 5}));
    check_books(r);
}

TANDEM_TEST("route: a key that names no branch ends the run", "[pipeline][route][virtual]") {
    const auto self = [](const int& v) { return static_cast<std::size_t>(v); };
    auto line = tandem::pipeline("wrong", numbers(3)).route("route", self, [&](auto branch) {
        return branch.sink("only", forget);
    });
    const std::exception_ptr error = co_await error_of(line.run());
    CHECK(
        text_of(error) ==
        "tandem::exception_group: 1 exception, the first: tandem::pipeline::route: stage \"route\": the key "
        "function gave 1 and there are 1 branches; give 0 to 0");
    check_books(line.snapshot());
}

TANDEM_TEST("merge: several sources feed one stage, each in its own order", "[pipeline][merge][virtual]") {
    tandem::queue<int> from_queue(10);
    from_queue.put_nowait(100);
    from_queue.put_nowait(101);
    from_queue.shutdown();
    const std::vector<int> from_range = {200, 201, 202};
    std::vector<int> stored;
    const collector keep(stored);
    auto line =
        tandem::pipeline("merged", tandem::merge(from_queue, from_range, ticking(2, 1ms))).sink("s", keep);
    const tandem::pipeline_report r = co_await line.run();
    CHECK(r.stored == 7);
    std::sort(stored.begin(), stored.end());
    CHECK(stored == std::vector<int>({1, 2, 100, 101, 200, 201, 202}));
    CHECK(line.max_live() == 3 + 1 + 4);
    check_books(r);
}

TANDEM_TEST("source: ranges of all kinds are borrowed or moved", "[pipeline][source][virtual]") {
    std::vector<int> stored;
    const collector keep(stored);
    const std::list<int> borrowed = {1, 2};
    auto a = tandem::pipeline("list", borrowed).sink("s", keep);
    static_cast<void>(co_await a.run());
    auto b = tandem::pipeline("moved", std::list<int>({3, 4})).sink("s", keep);
    static_cast<void>(co_await b.run());
    auto c = tandem::pipeline("view", std::views::iota(5, 7)).sink("s", keep);
    static_cast<void>(co_await c.run());
    CHECK(borrowed.size() == 2);
    CHECK(stored == std::vector<int>({1, 2, 3, 4, 5, 6}));
}

TANDEM_TEST("source: a queue ends with its shutdown", "[pipeline][source][virtual]") {
    tandem::queue<int> input(2);
    std::vector<int> stored;
    const collector keep(stored);
    auto line = tandem::pipeline("queue", input).sink("s", keep);
    auto running = tandem::create_task(line.run());
    for (int i = 0; i < 10; ++i) co_await input.put(i);
    input.shutdown();
    const tandem::pipeline_report r = co_await running;
    CHECK(stored == numbers(10));
    check_books(r);
}
