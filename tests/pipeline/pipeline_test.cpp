#include <tandem/pipeline/pipeline.hpp>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include <tandem/resilience/rate_limiter.hpp>
#include <tandem/sync/event.hpp>
#include <tandem/tasks/create_task.hpp>
#include <tandem/tasks/timeout.hpp>

#include "pipeline_probes.hpp"

using namespace tandem_test;

TANDEM_TEST("pipeline: stages overlap, and the report accounts for every item", "[pipeline][virtual]") {
    std::vector<int> stored;
    const collector keep(stored);
    const std::vector<int> input = numbers(30);
    auto line = tandem::pipeline("numbers", input)
                    .io("fetch", pass_after_1ms, stage_options().concurrency(3))
                    .sink("store", keep);
    const tandem::pipeline_report r = co_await line.run();
    CHECK(stored == input);
    CHECK(r.elapsed == 10ms);
    CHECK(r.taken == 30);
    CHECK(r.stored == 30);
    CHECK(r.finished);
    CHECK_FALSE(r.drained);
    CHECK(r.bottleneck() == "fetch");
    CHECK(r.share_of_bound() == 1.0);
    check_books(r);
}

TANDEM_TEST("pipeline: an empty source, one item and one slot everywhere come to an end",
            "[pipeline][virtual]") {
    tandem::inline_executor pool;
    for (const int count : {0, 1, 2}) {
        std::vector<int> stored;
        const collector keep(stored);
        const stage_options one = stage_options().concurrency(1).queue(1);
        auto line = tandem::pipeline("few", numbers(count))
                        .io("a", pass, one)
                        .cpu("b", pool, twice, one)
                        .sink("c", keep, one);
        CHECK(line.max_live() == 1 + 3 * 2);
        const tandem::pipeline_report r = co_await line.run();
        CHECK(stored.size() == static_cast<std::size_t>(count));
        CHECK(r.stored == static_cast<std::uint64_t>(count));
        check_books(r);
    }
    CHECK(tandem::this_task::loop().statistics().timers == 0);
}

TANDEM_TEST("pipeline: a concurrency far above the number of items is fine", "[pipeline][virtual]") {
    std::vector<int> stored;
    const collector keep(stored);
    auto line = tandem::pipeline("wide", numbers(3))
                    .io("a", pass_after_1ms, stage_options().concurrency(1000))
                    .sink("b", keep);
    const tandem::pipeline_report r = co_await line.run();
    CHECK(stored == numbers(3));
    CHECK(r.elapsed == 1ms);
    check_books(r);
}

TEST_CASE("pipeline: a concurrency or a queue of 0 is refused when the stage is built", "[pipeline]") {
    const std::vector<int> input;
    CHECK_THROWS_WITH(
        tandem::pipeline("p", input).io("fetch", pass, stage_options().concurrency(0)),
        "tandem::pipeline::io: stage \"fetch\": concurrency is 0, so no item would ever pass; give 1 "
        "or more");
    CHECK_THROWS_WITH(
        tandem::pipeline("p", input).sink("store", forget, stage_options().queue(0)),
        "tandem::pipeline::sink: stage \"store\": queue is 0, so no item would ever pass; give 1 or "
        "more");
    CHECK_THROWS_WITH(
        tandem::pipeline("p", input).batch("rows", 0),
        "tandem::pipeline::batch: stage \"rows\": a batch of 0 items is never complete; give 1 or "
        "more");
}

TEST_CASE("pipeline: a negative number of slots or places is refused, not taken for a default",
          "[pipeline]") {
    const std::vector<int> input;
    const auto negative = static_cast<std::size_t>(-1);
    CHECK_THROWS_WITH(tandem::pipeline("p", input).io("fetch", pass, stage_options().concurrency(negative)),
                      "tandem::pipeline::io: stage \"fetch\": concurrency is 18446744073709551615; give at "
                      "most 1000000000");
    CHECK_THROWS_AS(tandem::pipeline("p", input).sink("store", forget, stage_options().queue(negative)),
                    std::invalid_argument);
    CHECK_THROWS_AS(
        tandem::pipeline("p", input).io("fetch", pass, stage_options().concurrency(2).reorder(negative - 1)),
        std::invalid_argument);
}

/// Neither copied nor assigned.
class fixed_item {
public:
    explicit fixed_item(int n) noexcept : number(n) {}
    fixed_item(fixed_item&&) = default;
    const int number;
};

TANDEM_TEST("pipeline: items that can neither be copied nor assigned go through", "[pipeline][virtual]") {
    int given = 0;
    int sum = 0;
    const auto source = [&]() -> tandem::task<std::optional<fixed_item>> {
        if (given == 5) co_return std::nullopt;
        co_return fixed_item(given++);
    };
    const auto add = [](fixed_item item) -> tandem::task<fixed_item> {
        co_await tandem::sleep(std::chrono::milliseconds(9 - item.number));
        co_return fixed_item(item.number + 1);
    };
    const auto take_apart = [](std::vector<fixed_item> items) { return items; };
    const auto store = [&](fixed_item item) -> tandem::task<> {
        sum += item.number;
        co_return;
    };
    auto line = tandem::pipeline("fixed", source)
                    .io("add", add, stage_options().concurrency(3).reorder(1))
                    .batch("two", 2)
                    .flat_map("apart", take_apart)
                    .sink("store", store);
    check_books(co_await line.run());
    CHECK(sum == 0 + 1 + 2 + 3 + 4 + 5);
}

TANDEM_TEST("pipeline: it is run once, and continued once", "[pipeline][virtual]") {
    auto line = tandem::pipeline("once", numbers(1)).sink("s", forget);
    static_cast<void>(co_await line.run());
    const std::exception_ptr error = co_await error_of(line.run());
    CHECK(text_of(error) == "tandem::pipeline::run: pipeline \"once\" was run before; build another one");
    auto begun = tandem::pipeline("twice", numbers(1));
    static_cast<void>(begun.io("a", pass));
    CHECK_THROWS_WITH(
        begun.io("b", pass),
        "tandem::pipeline: pipeline \"twice\": a stage is followed by two others; use broadcast() or "
        "route()");
}

TANDEM_TEST("pipeline: a slow stage bounds what is alive before it, by max_live", "[pipeline][virtual]") {
    population all;
    int next = 0;
    const auto source = [&]() -> tandem::task<std::optional<counted_item>> {
        if (next == 200) co_return std::nullopt;
        co_return counted_item(all, next++);
    };
    const auto quick = [](counted_item item) -> tandem::task<counted_item> { co_return item; };
    const auto slow = [](counted_item) -> tandem::task<> { co_await tandem::sleep(1ms); };
    auto line = tandem::pipeline("bounded", source)
                    .io("a", quick, stage_options().concurrency(3).queue(2))
                    .io("b", quick, stage_options().concurrency(2).queue(4).unordered())
                    .sink("c", slow, stage_options().queue(1));
    CHECK(line.max_live() == 1 + (3 + 2) + (2 + 4) + (1 + 1));
    const tandem::pipeline_report r = co_await line.run();
    CHECK(all.live == 0);
    CHECK(all.peak == static_cast<int>(line.max_live()));
    CHECK(r.peak_live == line.max_live());
    CHECK(r.stored == 200);
    check_books(r);
}

TANDEM_TEST("pipeline: the memory bound holds with chunks, batches and a reorder window",
            "[pipeline][virtual]") {
    tandem::inline_executor pool;
    population all;
    int next = 0;
    const auto source = [&]() -> tandem::task<std::optional<counted_item>> {
        if (next == 300) co_return std::nullopt;
        co_return counted_item(all, next++);
    };
    const auto uneven = [](counted_item item) -> tandem::task<counted_item> {
        co_await tandem::sleep(std::chrono::milliseconds(item.number() % 10 == 0 ? 50 : 1));
        co_return item;
    };
    const auto work = [](counted_item item) { return item; };
    const auto slow = [](std::vector<counted_item>) -> tandem::task<> { co_await tandem::sleep(20ms); };
    auto line = tandem::pipeline("bounded", source)
                    .io("a", uneven, stage_options().concurrency(3).queue(2).reorder(5))
                    .cpu("b", pool, work, stage_options().queue(8))
                    .batch("c", 7, 1s)
                    .sink("d", slow, stage_options().queue(2));
    CHECK(line.max_live() == 1 + (3 + 2 + 5) + (1 + 8) + (4 + 7) + 7 * (1 + 2));
    const tandem::pipeline_report r = co_await line.run();
    CHECK(all.live == 0);
    CHECK(all.peak <= static_cast<int>(line.max_live()));
    CHECK(r.stored == 300);
    check_books(r);
}

TANDEM_TEST("pipeline: an ordered stage keeps the order, an unordered one gives what is ready",
            "[pipeline][virtual]") {
    const std::vector<std::size_t> windows = {0, 3, 100};
    for (const std::size_t extra : windows) {
        std::vector<int> stored;
        const collector keep(stored);
        auto line = tandem::pipeline("ordered", numbers(50))
                        .io("a", pass_in_reverse, stage_options().concurrency(8).reorder(extra))
                        .sink("b", keep);
        const tandem::pipeline_report r = co_await line.run();
        check_books(r);
        CHECK(stored == numbers(50));
    }
    std::vector<int> stored;
    const collector keep(stored);
    auto line = tandem::pipeline("unordered", numbers(8))
                    .io("a", pass_in_reverse, stage_options().concurrency(8).unordered())
                    .sink("b", keep);
    const tandem::pipeline_report r = co_await line.run();
    check_books(r);
    CHECK(stored == std::vector<int>({7, 6, 5, 4, 3, 2, 1, 0}));
}

TANDEM_TEST("pipeline: one slow item holds up an ordered stage by its window and no more",
            "[pipeline][virtual]") {
    int begun = 0;
    const auto first_is_slow = [&](int v) -> tandem::task<int> {
        ++begun;
        co_await tandem::sleep(v == 0 ? 100ms : 1ms);
        co_return v;
    };
    auto line = tandem::pipeline("window", numbers(40))
                    .io("a", first_is_slow, stage_options().concurrency(4).reorder(6))
                    .sink("b", forget);
    auto running = tandem::create_task(line.run());
    co_await tandem::sleep(99ms);
    CHECK(begun == 4 + 6);
    static_cast<void>(co_await running);
    CHECK(begun == 40);
}

// ---- errors

namespace {

tandem::task<int> fail_on_multiples_of_10(int v) {
    co_await tandem::sleep(1ms);
    if (v % 10 == 0) throw oops("no " + std::to_string(v));
    co_return v;
}

class fails_on {
public:
    explicit fails_on(int which) noexcept : which_(which) {}
    tandem::task<int> operator()(int v) const {
        if (v == which_) throw oops("item " + std::to_string(v));
        co_return v;
    }

private:
    int which_;
};

}  // namespace

TANDEM_TEST(
    "pipeline: a stage that throws, on the first or the last item, ends the run with an exception_group",
    "[pipeline][virtual]") {
    for (const int which : {0, 7, 19}) {
        std::vector<int> stored;
        const collector keep(stored);
        auto line = tandem::pipeline("failing", numbers(20)).io("a", fails_on(which)).sink("b", keep);
        bool caught = false;
        try {
            static_cast<void>(co_await line.run());
        } catch (const tandem::pipeline_error& e) {
            caught = true;
            CHECK(e.size() == 1);
            CHECK(e.contains<oops>());
            CHECK(std::string(e.what()) ==
                  "tandem::exception_group: 1 exception, the first: item " + std::to_string(which));
            CHECK(stage_of(e.report(), "a").errors == 1);
            CHECK(e.report().finished);
            CHECK(e.report().live == 0);
            check_books(e.report());
        }
        CHECK(caught);
        CHECK(stored.size() <= static_cast<std::size_t>(which));
    }
}

TANDEM_TEST("pipeline: items that fail are skipped, counted, and quoted in the report",
            "[pipeline][virtual]") {
    std::vector<int> stored;
    const collector keep(stored);
    auto line = tandem::pipeline("skipping", numbers(200))
                    .io("a", fail_on_multiples_of_10, stage_options().concurrency(4).skip())
                    .sink("b", keep);
    const tandem::pipeline_report r = co_await line.run();
    CHECK(r.skipped == 20);
    CHECK(r.stored == 180);
    CHECK(std::is_sorted(stored.begin(), stored.end()));
    CHECK(stage_of(r, "a").errors == 20);
    CHECK(stage_of(r, "a").messages.size() == 8);
    CHECK(stage_of(r, "a").messages[1] == "no 10");
    check_books(r);
}

TANDEM_TEST("pipeline: a retried item passes; one that never does goes to the dead letters with its history",
            "[pipeline][virtual]") {
    std::vector<int> calls(5);
    const auto flaky = [&](int v) -> tandem::task<int> {
        co_await tandem::sleep(1ms);
        ++calls[static_cast<std::size_t>(v)];
        if (v == 3 || calls[static_cast<std::size_t>(v)] < v) throw oops("try again");
        co_return v;
    };
    const auto policy = tandem::retry_policy().attempts(4).base(10ms).jitter(tandem::jitter::none);
    tandem::queue<tandem::dead_item<int>> dead(10);
    std::vector<int> stored;
    const collector keep(stored);
    auto line = tandem::pipeline("retrying", numbers(5))
                    .io("a", flaky, stage_options().retry(policy).dead_letter(dead))
                    .sink("b", keep);
    const tandem::pipeline_report r = co_await line.run();
    CHECK(stored == std::vector<int>({0, 1, 2, 4}));
    REQUIRE(dead.size() == 1);
    const tandem::dead_item<int> letter = dead.get_nowait();
    CHECK(letter.stage() == "a");
    CHECK(letter.item() == 3);
    CHECK(letter.reason() == tandem::dead_reason::error);
    CHECK(letter.message() == "try again");
    CHECK(letter.attempts() == 4);
    REQUIRE(letter.history().size() == 4);
    CHECK(letter.history()[2].delay() == 40ms);
    CHECK(letter.elapsed() == letter.history()[3].start() - letter.first_seen() + 1ms);
    const tandem::stage_report& a = stage_of(r, "a");
    CHECK(a.retries == 1 + 3 + 3);
    CHECK(a.dead == 1);
    CHECK(a.time(tandem::stage_state::busy) == 12ms);
    CHECK(a.time(tandem::stage_state::backoff) == 10ms + 70ms + 70ms);
    check_books(r);
}

TANDEM_TEST("pipeline: full dead letters hold the stage up", "[pipeline][virtual]") {
    tandem::queue<tandem::dead_item<int>> dead(1);
    const auto fail = [](int) -> tandem::task<int> {
        throw oops();
        co_return 0;
    };
    auto line = tandem::pipeline("dead", numbers(5))
                    .io("a", fail, stage_options().dead_letter(dead))
                    .sink("b", forget);
    auto running = tandem::create_task(line.run());
    co_await settle();
    CHECK(stage_of(line.snapshot(), "a").dead == 1);
    for (int i = 0; i < 5; ++i) {
        const tandem::dead_item<int> letter = co_await dead.get();
        CHECK(letter.item() == i);
    }
    const tandem::pipeline_report r = co_await running;
    CHECK(r.dead == 5);
}

TANDEM_TEST("pipeline: an item that is too old is late, whether it was begun or not", "[pipeline][virtual]") {
    tandem::queue<tandem::dead_item<int>> dead(10);
    const auto slow = [](int v) -> tandem::task<int> {
        co_await tandem::sleep(v == 0 ? 30ms : 1ms);
        co_return v;
    };
    std::vector<int> stored;
    const collector keep(stored);
    auto line = tandem::pipeline("late", numbers(3))
                    .io("a", slow, stage_options().item_deadline(20ms).dead_letter(dead))
                    .sink("b", keep);
    const tandem::pipeline_report r = co_await line.run();
    CHECK(stored.empty());
    CHECK(r.elapsed == 20ms);
    REQUIRE(dead.size() == 3);
    const tandem::dead_item<int> begun = dead.get_nowait();
    CHECK(begun.reason() == tandem::dead_reason::deadline);
    CHECK(begun.elapsed() == 20ms);
    CHECK(begun.attempts() == 1);
    const tandem::dead_item<int> not_begun = dead.get_nowait();
    CHECK(not_begun.reason() == tandem::dead_reason::deadline);
    CHECK(not_begun.attempts() == 0);
    CHECK(stage_of(r, "a").late == 3);
    check_books(r);
}

TANDEM_TEST("pipeline: dead letters tell a timeout and a refusal from other errors", "[pipeline][virtual]") {
    tandem::queue<tandem::dead_item<int>> dead(10);
    const auto fail = [](int v) -> tandem::task<int> {
        if (v == 0) throw tandem::timeout_error();
        if (v == 1) throw tandem::circuit_open(tandem::time_point());
        throw oops();
        co_return 0;
    };
    auto line = tandem::pipeline("why", numbers(3))
                    .io("a", fail, stage_options().dead_letter(dead))
                    .sink("b", forget);
    static_cast<void>(co_await line.run());
    CHECK(dead.get_nowait().reason() == tandem::dead_reason::timeout);
    CHECK(dead.get_nowait().reason() == tandem::dead_reason::rejected);
    CHECK(dead.get_nowait().reason() == tandem::dead_reason::error);
}

TANDEM_TEST("pipeline: an exception of the source ends the run", "[pipeline][virtual]") {
    int given = 0;
    const auto source = [&]() -> tandem::task<std::optional<int>> {
        if (++given == 3) throw oops("the source");
        co_return given;
    };
    auto line = tandem::pipeline("source", source).sink("s", forget);
    const std::exception_ptr error = co_await error_of(line.run());
    CHECK(text_of(error) == "tandem::exception_group: 1 exception, the first: the source");
    check_books(line.snapshot());
}

// ---- limits

TANDEM_TEST("pipeline: waiting for a rate limiter is limited, not busy", "[pipeline][virtual]") {
    auto limiter = tandem::rate_limiter::pace(100, 1s);
    auto line = tandem::pipeline("limited", numbers(50))
                    .io("a", pass_after_1ms, stage_options().concurrency(2).limit(limiter))
                    .sink("b", forget);
    const tandem::pipeline_report r = co_await line.run();
    CHECK(r.elapsed == 491ms);
    CHECK(stage_of(r, "a").time(tandem::stage_state::busy) == 50ms);
    CHECK(r.bottleneck() == "the limit of a");
    CHECK(r.share_of_bound() > 0.97);
    check_books(r);
}

TANDEM_TEST("pipeline: each key has a limiter of its own", "[pipeline][virtual]") {
    tandem::limiter_map<int> limits([] { return tandem::rate_limiter::pace(10, 1s); });
    const auto parity = [](const int& v) { return v % 2; };
    auto line = tandem::pipeline("keys", numbers(10))
                    .io("a", pass, stage_options().concurrency(10).limit_by(parity, limits))
                    .sink("b", forget);
    const tandem::pipeline_report r = co_await line.run();
    CHECK(r.elapsed == 400ms);
    check_books(r);
}

TANDEM_TEST("pipeline: a queue is bounded by bytes, and an item beyond the bound passes alone",
            "[pipeline][virtual]") {
    const auto bytes = [](const int& v) { return static_cast<std::size_t>(v); };
    const std::vector<int> input = {40, 40, 40, 500, 30, 30, 30};
    std::vector<std::size_t> in_line;
    tandem::pipeline_line* self = nullptr;
    const auto slow = [&](int) -> tandem::task<> {
        co_await tandem::sleep(10ms);
        in_line.push_back(stage_of(self->snapshot(), "s").queue_peak);
    };
    auto line =
        tandem::pipeline("bytes", input).sink("s", slow, stage_options().queue(10).queue_bytes(100, bytes));
    self = &line;
    const tandem::pipeline_report r = co_await line.run();
    CHECK(r.stored == 7);
    CHECK(r.elapsed == 70ms);
    CHECK(in_line[0] == 2);  // 40 and 40; the third, and 500, came when those had gone
    CHECK(in_line[2] == 2);
    CHECK(in_line[3] == 3);  // 30, 30 and 30
    check_books(r);
}

// ---- the end

TANDEM_TEST("pipeline: drain ends the source and lets finish what is inside", "[pipeline][virtual]") {
    std::vector<int> stored;
    const collector keep(stored);
    const std::vector<int> input = numbers(1000);
    auto line = tandem::pipeline("drained", input)
                    .io("a", pass_after_1ms, stage_options().concurrency(2).queue(3))
                    .sink("b", keep);
    auto running = tandem::create_task(line.run());
    co_await tandem::sleep(10ms + 500us);
    line.drain();
    const tandem::pipeline_report r = co_await running;
    CHECK(r.drained);
    CHECK(r.abandoned == 0);
    CHECK(r.stored == r.taken);
    CHECK(r.stored < 40);
    CHECK(stored == numbers(static_cast<int>(r.taken)));
    check_books(r);
}

TANDEM_TEST("pipeline: drain wakes a source that waits for items", "[pipeline][virtual]") {
    tandem::queue<int> input(10);
    std::vector<int> stored;
    const collector keep(stored);
    auto line = tandem::pipeline("waiting", input).sink("s", keep);
    auto running = tandem::create_task(line.run());
    input.put_nowait(1);
    co_await settle();
    line.drain();
    const tandem::pipeline_report r = co_await running;
    CHECK(stored == std::vector<int>({1}));
    CHECK(r.drained);
    check_books(r);
}

TANDEM_TEST("pipeline: drain before the run lets nothing in", "[pipeline][virtual]") {
    auto line = tandem::pipeline("early", numbers(5)).sink("s", forget);
    line.drain();
    const tandem::pipeline_report r = co_await line.run();
    CHECK(r.taken == 0);
    CHECK(r.drained);
}

TANDEM_TEST("pipeline: drain with a limit abandons an item that is stuck, and says so",
            "[pipeline][virtual]") {
    const auto stuck = [](int v) -> tandem::task<> {
        if (v == 2) co_await tandem::sleep(1h);
    };
    auto line = tandem::pipeline("stuck", numbers(10)).sink("s", stuck, stage_options().queue(2));
    auto running = tandem::create_task(line.run());
    co_await tandem::sleep(1s);
    line.drain(5s);
    const tandem::pipeline_report r = co_await running;
    CHECK(r.elapsed == 6s);
    CHECK(r.stored == 2);
    CHECK(r.abandoned == 1 + 2 + 1);  // in its slot, in line, and the one that the source held
    CHECK(r.drained);
    CHECK(tandem::this_task::loop().statistics().timers == 0);
    check_books(r);
}

TANDEM_TEST("pipeline: a sink may stop early by draining its own pipeline", "[pipeline][virtual]") {
    tandem::pipeline_line* self = nullptr;
    int seen = 0;
    const auto take_three = [&](int) -> tandem::task<> {
        if (++seen == 3) self->drain(0s);
        co_await tandem::sleep(1ms);
    };
    auto line = tandem::pipeline("early", numbers(100)).io("a", pass).sink("s", take_three);
    self = &line;
    const tandem::pipeline_report r = co_await line.run();
    CHECK(seen == 3);
    CHECK(r.stored == 2);
    check_books(r);
}

TANDEM_TEST("pipeline: a cancelled run stops everywhere, and its report is there", "[pipeline][virtual]") {
    int exits = 0;
    const auto slow = [&](int v) -> tandem::task<int> {
        const counts_exit left(exits);
        co_await tandem::sleep(1h);
        co_return v;
    };
    auto line = tandem::pipeline("cancelled", numbers(100))
                    .io("a", slow, stage_options().concurrency(5))
                    .sink("b", forget);
    const auto ended = co_await tandem::move_on_after(1s, line.run());
    CHECK_FALSE(ended.has_value());
    CHECK(exits == 5);
    const tandem::pipeline_report r = line.snapshot();
    CHECK(r.finished);
    CHECK(r.elapsed == 1s);
    CHECK(r.abandoned == r.taken);
    CHECK(r.live == 0);
    check_books(r);
}

TANDEM_TEST("pipeline: the deadline of the run is a timeout_error", "[pipeline][virtual]") {
    auto line = tandem::pipeline("deadline", numbers(1000)).io("a", pass_after_1ms).sink("b", forget);
    const std::exception_ptr error = co_await error_of(line.run(tandem::pipeline_options().deadline(50ms)));
    CHECK(is<tandem::timeout_error>(error));
    CHECK(line.snapshot().elapsed == 50ms);
    check_books(line.snapshot());
}

TANDEM_TEST("pipeline: the items of a line that never runs are left alone", "[pipeline][virtual]") {
    const std::vector<int> input = numbers(5);
    auto line = tandem::pipeline("idle", input).io("a", pass).sink("b", forget);
    const tandem::pipeline_report r = line.snapshot();
    CHECK(r.taken == 0);
    CHECK_FALSE(r.finished);
    CHECK(r.stages.size() == 3);
    co_return;
}

TANDEM_TEST("pipeline: on_done is told of an item when the function has returned, and is awaited",
            "[pipeline][virtual]") {
    std::vector<std::string> log;
    const auto store = [&](const int& v) -> tandem::task<> {
        co_await tandem::sleep(1ms);
        log.push_back("stored " + std::to_string(v));
    };
    const auto note = [&](const int& v) -> tandem::task<> {
        co_await tandem::sleep(1ms);
        log.push_back("done " + std::to_string(v));
    };
    const auto was_done = [](const int& v) { return v == 1; };
    auto line = tandem::pipeline("done", numbers(3))
                    .skip_if(was_done)
                    .sink("s", store, stage_options().on_done(note));
    const tandem::pipeline_report r = co_await line.run();
    CHECK(log == std::vector<std::string>({"stored 0", "done 0", "stored 2", "done 2"}));
    CHECK(r.resumed == 1);
    CHECK(r.taken == 2);
    check_books(r);
}

TANDEM_TEST("pipeline: items that can only be moved go through", "[pipeline][virtual]") {
    std::vector<std::unique_ptr<int>> input;
    for (int i = 0; i < 5; ++i) input.push_back(std::make_unique<int>(i));
    const auto add = [](std::unique_ptr<int> v) -> tandem::task<std::unique_ptr<int>> {
        co_await tandem::sleep(1ms);
        *v += 10;
        co_return v;
    };
    int sum = 0;
    const auto store = [&](std::unique_ptr<int> v) -> tandem::task<> {
        sum += *v;
        co_return;
    };
    tandem::inline_executor pool;
    const auto same = [](std::unique_ptr<int> v) { return v; };
    auto line = tandem::pipeline("moved", std::move(input))
                    .io("a", add, stage_options().concurrency(2))
                    .cpu("b", pool, same)
                    .sink("c", store);
    static_cast<void>(co_await line.run());
    CHECK(sum == 60);
}
