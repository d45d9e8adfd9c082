// tandem - tests of retry, its waits and its verdicts
// SPDX-License-Identifier: BSL-1.0
#include <tandem/resilience/retry.hpp>

#include <memory>
#include <string>
#include <vector>

#include <tandem/tasks/create_task.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/timeout.hpp>

#include "support/tandem_test.hpp"

using namespace std::chrono_literals;
using tandem::verdict;

namespace {

std::int64_t now() { return tandem::this_task::loop().ticks(); }

class unavailable : public std::runtime_error, public tandem::server_hint {
public:
    explicit unavailable(std::optional<tandem::duration> wait) : std::runtime_error("503"), wait_(wait) {}
    std::optional<tandem::duration> retry_after() const noexcept override { return wait_; }

private:
    std::optional<tandem::duration> wait_;
};

/// Fails until it has been called `failures + 1` times.
tandem::task<int> flaky(int failures, std::vector<std::int64_t>& starts) {
    starts.push_back(now());
    if (static_cast<int>(starts.size()) <= failures)
        throw std::runtime_error("attempt " + std::to_string(starts.size()));
    co_return static_cast<int>(starts.size());
}

tandem::task<std::vector<std::int64_t>> waits_with(tandem::jitter spread) {
    std::vector<std::int64_t> starts;
    auto policy = tandem::retry_policy().attempts(7).jitter(spread);
    co_await tandem::retry(policy, flaky, 6, std::ref(starts));
    std::vector<std::int64_t> waits;
    for (std::size_t i = 1; i < starts.size(); ++i) waits.push_back(starts[i] - starts[i - 1]);
    co_return waits;
}

std::vector<std::int64_t> seeded_waits(tandem::jitter spread) {
    return tandem::testing::run_virtual(waits_with(spread), tandem::testing::virtual_options().seed(42));
}

using waits = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("retry: the waits of each jitter, with seed 42", "[resilience][retry][virtual]") {
    CHECK(seeded_waits(tandem::jitter::none) ==
          waits({100'000'000, 200'000'000, 400'000'000, 800'000'000, 1'600'000'000, 2'000'000'000}));
    CHECK(seeded_waits(tandem::jitter::full) ==
          waits({74'156'487, 31'982'078, 111'440'452, 275'352'573, 60'848'269, 1'736'456'153}));
    CHECK(seeded_waits(tandem::jitter::equal) ==
          waits({87'078'243, 115'991'039, 255'720'226, 537'676'286, 830'424'134, 1'868'228'076}));
    CHECK(seeded_waits(tandem::jitter::decorrelated) ==
          waits({248'312'975, 203'132'436, 241'918'665, 315'379'404, 132'178'778, 357'461'170}));
    CHECK(seeded_waits(tandem::jitter::full) == seeded_waits(tandem::jitter::full));
}

TEST_CASE("retry: a million waits stay within the bounds of their jitter and fill them",
          "[resilience][retry]") {
    tandem::detail::random_source random(1);
    for (const tandem::jitter spread :
         {tandem::jitter::none, tandem::jitter::full, tandem::jitter::equal, tandem::jitter::decorrelated}) {
        tandem::detail::retry_settings settings;
        settings.spread = spread;
        bool inside = true;
        double sum = 0;
        std::int64_t least = INT64_MAX;
        std::int64_t most = 0;
        for (int round = 0; round < 100'000; ++round) {
            tandem::detail::backoff waits(settings);
            std::int64_t previous = settings.base;
            for (int k = 0; k < 10; ++k) {
                const std::int64_t step = std::min(settings.cap, settings.base << k);
                const std::int64_t low = spread == tandem::jitter::none    ? step
                                         : spread == tandem::jitter::full  ? 0
                                         : spread == tandem::jitter::equal ? step / 2
                                                                           : settings.base;
                const std::int64_t high =
                    spread == tandem::jitter::decorrelated ? std::min(settings.cap, 3 * previous) : step;
                const std::int64_t wait = waits.next(random);
                inside = inside && low <= wait && wait <= high;
                previous = wait;
                if (k != 9) continue;
                sum += static_cast<double>(wait);
                least = std::min(least, wait);
                most = std::max(most, wait);
            }
        }
        CHECK(inside);
        if (spread == tandem::jitter::full) {
            CHECK(sum / 100'000 == Approx(1e9).epsilon(0.01));
            CHECK(least < 1'000'000);
            CHECK(most > 1'999'000'000);
        }
        if (spread == tandem::jitter::equal) CHECK(sum / 100'000 == Approx(1.5e9).epsilon(0.01));
    }
}

TEST_CASE("retry: no number of attempts makes a wait overflow", "[resilience][retry]") {
    tandem::detail::random_source random(1);
    tandem::detail::retry_settings settings;
    settings.spread = tandem::jitter::none;
    settings.cap = tandem::detail::never;
    settings.factor = 1e10;
    tandem::detail::backoff waits(settings);
    bool rising = true;
    std::int64_t before = 0;
    for (int k = 0; k < 5000; ++k) {
        const std::int64_t wait = waits.next(random);
        rising = rising && wait >= before;
        before = wait;
    }
    CHECK(rising);
    CHECK(before == tandem::detail::never);
}

TANDEM_TEST("retry: the first attempt has no delay; a value ends it", "[resilience][retry][virtual]") {
    std::vector<std::int64_t> starts;
    const int value = co_await tandem::retry(tandem::retry_policy(), flaky, 0, std::ref(starts));
    CHECK(value == 1);
    CHECK(now() == 0);
    const int third = co_await tandem::retry(tandem::retry_policy().jitter(tandem::jitter::none), flaky, 3,
                                             std::ref(starts));
    CHECK(third == 4);
    CHECK(now() == 300'000'000);
}

TANDEM_TEST("retry: the last error is thrown as it is, and the log has every attempt",
            "[resilience][retry][virtual]") {
    std::vector<std::int64_t> starts;
    tandem::retry_log log;
    auto policy = tandem::retry_policy().jitter(tandem::jitter::none).record(log);
    std::string text;
    try {
        co_await tandem::retry(policy, flaky, 9, std::ref(starts));
    } catch (const std::runtime_error& e) {
        text = e.what();
    }
    CHECK(text == "attempt 3");
    CHECK(log.ended_by() == tandem::retry_end::attempts);
    REQUIRE(log.attempts().size() == 3);
    CHECK(log.attempts()[0].delay() == 100ms);
    CHECK(log.attempts()[1].delay() == 200ms);
    CHECK(log.attempts()[2].delay() == 0ms);
    CHECK(log.attempts()[2].start().time_since_epoch() == 300ms);
    CHECK(tandem::detail::message_of(log.attempts()[0].error()) == "attempt 1");
}

TANDEM_TEST("retry: errors that another try does not change end it at once", "[resilience][retry][virtual]") {
    int calls = 0;
    const auto wrong = [](int which, int& n) -> tandem::task<> {
        ++n;
        if (which == 0) throw std::invalid_argument("wrong");
        if (which == 1) throw tandem::circuit_open(tandem::time_point());
        if (which == 2) throw tandem::cancelled_error();
        throw std::bad_alloc();
        co_return;
    };
    int failures = 0;
    for (int which = 0; which < 4; ++which) {
        try {
            co_await tandem::retry(tandem::retry_policy(), wrong, which, std::ref(calls));
        } catch (const std::exception&) {
            ++failures;
        }
    }
    CHECK(calls == 4);
    CHECK(failures == 4);
}

TANDEM_TEST("retry: a classifier judges values, too; the last value is given",
            "[resilience][retry][virtual]") {
    int calls = 0;
    const auto status = [](int& n) -> tandem::task<int> { co_return ++n == 2 ? 200 : 503; };
    const auto judge = [](const tandem::outcome<int>& o) {
        return o.has_value() && o.value() == 200 ? verdict::done : verdict::retry;
    };
    auto policy = tandem::retry_policy().classify(judge);
    const int good = co_await tandem::retry(policy, status, std::ref(calls));
    CHECK(good == 200);
    CHECK(calls == 2);
    const int bad = co_await tandem::retry(policy, status, std::ref(calls));
    CHECK(bad == 503);
    CHECK(calls == 5);
}

TANDEM_TEST("retry: a server's hint is a least wait; one of 300 s or past the deadline ends it",
            "[resilience][retry][virtual]") {
    struct example {
        std::optional<tandem::duration> hint;
        tandem::duration waited;
        tandem::retry_end why;
    };
    const example examples[] = {
        {std::nullopt, 100ms, tandem::retry_end::attempts}, {3s, 3s, tandem::retry_end::attempts},
        {0s, 100ms, tandem::retry_end::attempts},           {-5s, 100ms, tandem::retry_end::attempts},
        {120s, 120s, tandem::retry_end::attempts},          {300s, 0s, tandem::retry_end::hint}};
    tandem::retry_log log;
    auto policy = tandem::retry_policy().attempts(2).jitter(tandem::jitter::none).record(log);
    const auto refuse = [](std::optional<tandem::duration> hint) -> tandem::task<> {
        throw unavailable(hint);
        co_return;
    };
    for (const example& e : examples) {
        const std::int64_t start = now();
        try {
            co_await tandem::retry(policy, refuse, e.hint);
        } catch (const unavailable&) {
        }
        CHECK(now() - start == e.waited.count());
        CHECK(log.ended_by() == e.why);
    }
    const std::int64_t start = now();
    bool bare = false;
    try {
        co_await tandem::timeout(10s, tandem::retry(policy, refuse, tandem::duration(20s)));
    } catch (const unavailable&) {
        bare = true;
    }
    CHECK(bare);
    CHECK(now() == start);
    CHECK(log.ended_by() == tandem::retry_end::deadline);
}

TANDEM_TEST("retry: a deadline before the first delay means exactly one attempt",
            "[resilience][retry][virtual]") {
    std::vector<std::int64_t> starts;
    bool failed = false;
    try {
        co_await tandem::timeout(100ms, tandem::retry(tandem::retry_policy().jitter(tandem::jitter::none),
                                                      flaky, 9, std::ref(starts)));
    } catch (const std::runtime_error&) {
        failed = true;
    }
    CHECK(failed);
    CHECK(starts.size() == 1);
    CHECK(now() == 0);
}

TANDEM_TEST("retry: an attempt has its own time limit; a timeout is retried",
            "[resilience][retry][virtual]") {
    int calls = 0;
    const auto slow = [](int& n) -> tandem::task<int> {
        if (++n < 3) co_await tandem::sleep(1h);
        co_return n;
    };
    auto policy = tandem::retry_policy().attempt_timeout(5s).jitter(tandem::jitter::none);
    const int value = co_await tandem::retry(policy, slow, std::ref(calls));
    CHECK(value == 3);
    CHECK(now() == 10'300'000'000);
}

TANDEM_TEST("retry: a stop ends the wait and the attempt, and is not retried",
            "[resilience][retry][virtual]") {
    std::vector<std::int64_t> starts;
    const auto run = [](std::vector<std::int64_t>& s) -> tandem::task<> {
        co_await tandem::retry(tandem::retry_policy().jitter(tandem::jitter::none), flaky, 9, std::ref(s));
    };
    tandem::task_handle<> waiting = tandem::create_task(run(starts));
    co_await tandem::sleep(50ms);
    waiting.cancel();
    co_await tandem::sleep(1s);
    CHECK(waiting.cancelled());
    CHECK(starts.size() == 1);

    int calls = 0;
    const auto hang = [](int& n) -> tandem::task<> {
        ++n;
        co_await tandem::sleep(1h);
    };
    const auto retry_hang = [](auto fn, int& n) -> tandem::task<> {
        co_await tandem::retry(tandem::retry_policy(), fn, std::ref(n));
    };
    tandem::task_handle<> busy = tandem::create_task(retry_hang(hang, calls));
    co_await tandem::sleep(1s);
    busy.cancel();
    co_await tandem::sleep(1s);
    CHECK(busy.cancelled());
    CHECK(calls == 1);
}

TANDEM_TEST("retry: 100,000 random policies never go on past their deadline",
            "[resilience][retry][virtual][slow]") {
    tandem::detail::random_source random(11);
    int late = 0;
    int idle_ends = 0;
    const auto attempt = [](std::int64_t takes, bool works, int hint) -> tandem::task<> {
        co_await tandem::sleep(std::chrono::nanoseconds(takes));
        if (works) co_return;
        if (hint > 0) throw unavailable(std::chrono::milliseconds(hint));
        throw std::runtime_error("failed");
    };
    for (int i = 0; i < 100'000; ++i) {
        tandem::retry_log log;
        auto policy = tandem::retry_policy()
                          .attempts(static_cast<std::size_t>(random.between(1, 8)))
                          .base(std::chrono::milliseconds(random.between(0, 500)))
                          .cap(std::chrono::milliseconds(random.between(0, 5000)))
                          .factor(1 + 2 * random.unit())
                          .jitter(static_cast<tandem::jitter>(random.between(0, 4) % 4))
                          .record(log);
        if (random.between(0, 1) == 0)
            policy.attempt_timeout(std::chrono::milliseconds(random.between(1, 400)));
        const std::int64_t takes = random.between(0, 300'000'000);
        const bool works = random.between(0, 5) == 0;
        const int hint = static_cast<int>(random.between(-900, 900));
        const std::int64_t start = now();
        const std::int64_t limit = random.between(1, 3'000'000'000);
        bool timed_out = false;
        try {
            co_await tandem::timeout(std::chrono::nanoseconds(limit),
                                     tandem::retry(policy, attempt, takes, works, hint));
        } catch (const tandem::timeout_error&) {
            timed_out = true;
        } catch (const std::exception&) {
        }
        late += now() - start > limit;
        // Never in the middle of a wait: only an attempt may run into the deadline.
        if (timed_out && !log.attempts().empty() && log.ended_by() == tandem::retry_end::not_yet) {
            const tandem::retry_record& last = log.attempts().back();
            idle_ends +=
                tandem::detail::to_ticks(last.start() + last.elapsed() + last.delay()) >= start + limit;
        }
    }
    CHECK(late == 0);
    CHECK(idle_ends == 0);
}

TANDEM_TEST(
    "retry: arguments are kept by value and the same for each attempt; void, references and move-only "
    "results pass",
    "[resilience][retry][virtual]") {
    int calls = 0;
    const auto use = [](const std::string& text, const std::unique_ptr<int>& number,
                        int& n) -> tandem::task<std::unique_ptr<int>> {
        if (++n < 3) throw std::runtime_error("again");
        co_return std::make_unique<int>(*number + static_cast<int>(text.size()));
    };
    const std::unique_ptr<int> seven = co_await tandem::retry(
        tandem::retry_policy(), use, std::string("four"), std::make_unique<int>(3), std::ref(calls));
    CHECK(*seven == 7);
    const auto refer = [](int& n) -> tandem::task<int&> { co_return n; };
    int& same = co_await tandem::retry(tandem::retry_policy(), refer, std::ref(calls));
    CHECK(&same == &calls);
    const auto rest = [] { return tandem::sleep(1s); };  // any awaitable will do
    co_await tandem::retry(tandem::retry_policy(), rest);
}

TANDEM_TEST("retry_budget: starts with 3, earns a tenth per call, and keeps an outage from multiplying",
            "[resilience][retry_budget][virtual]") {
    tandem::retry_budget budget;
    int attempts = 0;
    const auto down = [](int& n) -> tandem::task<> {
        ++n;
        throw std::runtime_error("down");
        co_return;
    };
    tandem::retry_log log;
    auto policy = tandem::retry_policy().base(0ms).budget(budget).record(log);
    constexpr int calls = 1000;
    for (int i = 0; i < calls; ++i) {
        try {
            co_await tandem::retry(policy, down, std::ref(attempts));
        } catch (const std::runtime_error&) {
        }
        co_await tandem::sleep(100ms);
    }
    const double seconds = static_cast<double>(now()) / 1e9;
    CHECK(attempts <= calls * 1.1 + 3 + seconds / 10);
    CHECK(attempts >= calls * 1.1);
    CHECK(log.ended_by() == tandem::retry_end::budget);
    CHECK(budget.statistics().first_attempts == calls);
    CHECK(budget.statistics().spent == static_cast<std::uint64_t>(attempts - calls));
}

TANDEM_TEST("retry_budget: is capped at 10, and time alone fills it to 3",
            "[resilience][retry_budget][virtual]") {
    tandem::retry_budget budget;
    for (int i = 0; i < 3; ++i) CHECK(budget.try_spend());
    CHECK_FALSE(budget.try_spend());
    for (int i = 0; i < 10; ++i) budget.deposit();
    CHECK(budget.try_spend());  // ten tenths
    CHECK_FALSE(budget.try_spend());
    co_await tandem::sleep(10s);
    CHECK(budget.try_spend());
    CHECK_FALSE(budget.try_spend());
    co_await tandem::sleep(1h);
    for (int i = 0; i < 3; ++i) CHECK(budget.try_spend());
    CHECK_FALSE(budget.try_spend());
    for (int i = 0; i < 1000; ++i) budget.deposit();
    CHECK(budget.statistics().balance == 10);
    CHECK(budget.statistics().refused == 4);
}

TANDEM_TEST("retry: a base of zero never waits, however many attempts there are",
            "[resilience][retry][virtual]") {
    std::vector<std::int64_t> starts;
    for (const tandem::jitter spread : {tandem::jitter::none, tandem::jitter::full, tandem::jitter::equal}) {
        starts.clear();
        auto policy = tandem::retry_policy().attempts(3000).base(0s).jitter(spread);
        co_await tandem::retry(policy, flaky, 2999, std::ref(starts));
        CHECK(starts.size() == 3000);
        CHECK(now() == 0);
    }
}

TANDEM_TEST("retry: what an argument is converted into for a parameter by reference lives through the attempt",
            "[resilience][retry][virtual]") {
    int made = 0;
    const auto ask = [&made](const std::string& whom, const long& times) -> tandem::task<std::string> {
        co_await tandem::sleep(1s);
        if (++made < 3) throw std::runtime_error("not yet");
        co_return whom + std::to_string(times);
    };
    const auto policy = tandem::retry_policy().jitter(tandem::jitter::none);
    const std::string answer =
        co_await tandem::retry(policy, ask, "a name that is too long for a string's own place ", 7);
    CHECK(answer == "a name that is too long for a string's own place 7");
}
