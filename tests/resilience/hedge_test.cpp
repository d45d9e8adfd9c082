// tandem - tests of hedge: who is started when, who wins, what becomes of the losers
// SPDX-License-Identifier: BSL-1.0
#include <tandem/resilience/hedge.hpp>

#include <memory>
#include <string>
#include <vector>

#include <tandem/core/sleep.hpp>
#include <tandem/tasks/create_task.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/timeout.hpp>

#include "allocation_count.hpp"
#include "support/tandem_test.hpp"

using namespace std::chrono_literals;

namespace {

std::int64_t now() { return tandem::this_task::loop().ticks(); }

/// A server: how long the n-th attempt takes, whether it works, and what was seen of the calls.
class server {
public:
    class connection {
    public:
        explicit connection(server& s) : server_(s) { ++server_.open; }
        connection(const connection&) = delete;
        connection& operator=(const connection&) = delete;
        ~connection() {
            --server_.open;
            server_.closed_at = now();
        }

    private:
        server& server_;
    };

    server(std::vector<tandem::duration> takes, std::string works)
        : takes_(std::move(takes)), works_(std::move(works)) {}
    tandem::duration takes(std::size_t n) const { return takes_.at(n); }
    bool works(std::size_t n) const { return works_.at(n) == 'v'; }

    std::vector<std::int64_t> starts;
    int open = 0;
    std::int64_t closed_at = 0;

private:
    std::vector<tandem::duration> takes_;
    std::string works_;
};

tandem::task<std::size_t> ask(std::size_t number, server& s) {
    const server::connection here(s);
    s.starts.push_back(now());
    if (s.takes(number) > 0s) co_await tandem::sleep(s.takes(number));
    if (!s.works(number)) throw std::runtime_error("attempt " + std::to_string(number));
    co_return number;
}

using times = std::vector<std::int64_t>;

}  // namespace

TANDEM_TEST("hedge: a fast call starts no other", "[resilience][hedge][virtual]") {
    server s({100ms, 1s}, "vv");
    const std::size_t winner =
        co_await tandem::hedge(tandem::hedge_policy().after(300ms), tandem::idempotent(ask), std::ref(s));
    CHECK(winner == 0);
    CHECK(s.starts == times({0}));
    CHECK(now() == 100'000'000);
    co_await tandem::sleep(1s);
    CHECK(s.starts.size() == 1);

    server ready({0s}, "v");
    const std::size_t at_once =
        co_await tandem::hedge(tandem::hedge_policy().after(0s), tandem::idempotent(ask), std::ref(ready));
    CHECK(at_once == 0);
    CHECK(ready.starts.size() == 1);
}

TANDEM_TEST("hedge: a slow call gets a second one; the loser is gone when the winner returns",
            "[resilience][hedge][virtual]") {
    server s({1h, 100ms}, "vv");
    const std::size_t winner =
        co_await tandem::hedge(tandem::hedge_policy().after(300ms), tandem::idempotent(ask), std::ref(s));
    CHECK(winner == 1);
    CHECK(s.starts == times({0, 300'000'000}));
    CHECK(now() == 400'000'000);
    CHECK(s.open == 0);
    CHECK(s.closed_at == 400'000'000);

    server first({350ms, 1h}, "vv");
    const std::size_t early =
        co_await tandem::hedge(tandem::hedge_policy().after(300ms), tandem::idempotent(ask), std::ref(first));
    CHECK(early == 0);
    CHECK(first.open == 0);
    CHECK(now() == 750'000'000);
}

TANDEM_TEST("hedge: several hedges start one delay after the other", "[resilience][hedge][virtual]") {
    server s({1h, 1h, 1h, 50ms}, "vvvv");
    const std::size_t winner = co_await tandem::hedge(tandem::hedge_policy().after(100ms).max_hedges(3),
                                                      tandem::idempotent(ask), std::ref(s));
    CHECK(winner == 3);
    CHECK(s.starts == times({0, 100'000'000, 200'000'000, 300'000'000}));
    CHECK(s.open == 0);
}

TANDEM_TEST("hedge: an early failure starts the next at once and waits for the others",
            "[resilience][hedge][virtual]") {
    server s({10ms, 50ms}, "ev");
    const std::size_t winner =
        co_await tandem::hedge(tandem::hedge_policy().after(1s), tandem::idempotent(ask), std::ref(s));
    CHECK(winner == 1);
    CHECK(s.starts == times({0, 10'000'000}));
    CHECK(now() == 60'000'000);

    server slow({500ms, 50ms}, "ve");  // the hedge fails, the first goes on
    const std::size_t patient =
        co_await tandem::hedge(tandem::hedge_policy().after(100ms), tandem::idempotent(ask), std::ref(slow));
    CHECK(patient == 0);
    CHECK(now() == 560'000'000);
}

TANDEM_TEST("hedge: if all fail, the first attempt's error is thrown", "[resilience][hedge][virtual]") {
    server s({500ms, 50ms, 0s}, "eee");
    std::string text;
    try {
        co_await tandem::hedge(tandem::hedge_policy().after(100ms).max_hedges(2), tandem::idempotent(ask),
                               std::ref(s));
    } catch (const std::runtime_error& e) {
        text = e.what();
    }
    CHECK(text == "attempt 0");
    CHECK(s.starts == times({0, 100'000'000, 150'000'000}));
    CHECK(now() == 500'000'000);
}

TANDEM_TEST("hedge: both finish in the same tick: exactly one result, nothing left",
            "[resilience][hedge][virtual]") {
    server s({400ms, 300ms}, "vv");
    const std::size_t winner =
        co_await tandem::hedge(tandem::hedge_policy().after(100ms), tandem::idempotent(ask), std::ref(s));
    CHECK(winner < 2);
    CHECK(now() == 400'000'000);
    CHECK(s.open == 0);
    CHECK(s.starts.size() == 2);

    server mixed({400ms, 300ms}, "ev");
    const std::size_t good =
        co_await tandem::hedge(tandem::hedge_policy().after(100ms), tandem::idempotent(ask), std::ref(mixed));
    CHECK(good == 1);
}

TANDEM_TEST("hedge: a stop while two run ends both and leaves no frame", "[resilience][hedge][virtual]") {
    server s({1h, 1h}, "vv");
    const auto run = [](server& on) -> tandem::task<std::size_t> {
        co_return co_await tandem::hedge(tandem::hedge_policy().after(100ms), tandem::idempotent(ask),
                                         std::ref(on));
    };
    const auto frames = tandem::detail::live_frames;
    {
        tandem::task_handle<std::size_t> hedged = tandem::create_task(run(s));
        co_await tandem::sleep(200ms);
        CHECK(s.open == 2);
        hedged.cancel();
        co_await tandem::sleep(1ns);
        CHECK(hedged.cancelled());
        CHECK(s.open == 0);
        CHECK(s.closed_at == 200'000'000);
    }
    CHECK(tandem::detail::live_frames == frames);

    bool late = false;
    try {
        co_await tandem::timeout(
            150ms, tandem::hedge(tandem::hedge_policy().after(100ms), tandem::idempotent(ask), std::ref(s)));
    } catch (const tandem::timeout_error&) {
        late = true;
    }
    CHECK(late);
    CHECK(s.open == 0);
    CHECK(s.starts.size() == 4);
}

TANDEM_TEST("hedge: the budget pays for hedges; a refused one is no error", "[resilience][hedge][virtual]") {
    tandem::retry_budget budget(tandem::retry_budget_options().ratio(0).reserve(1).trickle(1h));
    server s({1s, 100ms}, "vv");
    auto policy = tandem::hedge_policy().after(300ms).budget(budget);
    const std::size_t paid = co_await tandem::hedge(policy, tandem::idempotent(ask), std::ref(s));
    CHECK(paid == 1);
    const std::size_t refused = co_await tandem::hedge(policy, tandem::idempotent(ask), std::ref(s));
    CHECK(refused == 0);
    CHECK(s.starts.size() == 3);
    CHECK(budget.statistics().refused == 1);
    CHECK(budget.statistics().first_attempts == 2);
}

TANDEM_TEST("hedge: no hedge is started that has less time than half of the calls need",
            "[resilience][hedge][virtual]") {
    auto policy = tandem::hedge_policy().after_percentile(0.9);
    server even({100ms}, "v");
    for (int i = 0; i < 30; ++i) co_await tandem::hedge(policy, tandem::idempotent(ask), std::ref(even));
    server s({1h, 10ms}, "vv");
    for (const tandem::duration limit : {190ms, 250ms}) {
        s.starts.clear();
        try {
            co_await tandem::timeout(limit, tandem::hedge(policy, tandem::idempotent(ask), std::ref(s)));
        } catch (const tandem::timeout_error&) {
        }
        CHECK(s.starts.size() == (limit < 200ms ? 1u : 2u));
    }
}

TANDEM_TEST(
    "hedge: after a percentile: 2 s until 20 calls are known, then the extra load is what was asked for",
    "[resilience][hedge][virtual]") {
    auto policy = tandem::hedge_policy().after_percentile(0.95);
    CHECK(policy.delay(now()) == 2'000'000'000);
    tandem::detail::random_source random(3);
    int attempts = 0;
    // Median about 100 ms; two in a hundred take ten times as long.
    const auto call = [](tandem::detail::random_source& r, int& n) -> tandem::task<> {
        ++n;
        const std::int64_t normal = r.between(50'000'000, 150'000'000);
        co_await tandem::sleep(std::chrono::nanoseconds(r.unit() < 0.02 ? 10 * normal : normal));
    };
    constexpr int calls = 50'000;
    std::vector<std::int64_t> took;
    for (int i = 0; i < calls; ++i) {
        const std::int64_t start = now();
        co_await tandem::hedge(policy, tandem::idempotent(call), std::ref(random), std::ref(attempts));
        took.push_back(now() - start);
    }
    const double extra = static_cast<double>(attempts - calls) / calls;
    CHECK(extra <= 0.06);
    CHECK(extra >= 0.03);
    CHECK(policy.delay(now()) < 170'000'000);
    std::sort(took.begin(), took.end());
    CHECK(took[calls * 99 / 100] < 320'000'000);  // without hedges: about 1 s
}

TEST_CASE("hedge: the histogram is right to 2 % and forgets within a minute", "[resilience][hedge]") {
    tandem::detail::latency_histogram histogram;
    tandem::detail::random_source random(5);
    std::vector<std::int64_t> values;
    for (int i = 0; i < 10'000; ++i) {
        values.push_back(static_cast<std::int64_t>(1e4 * std::exp(random.unit() * 15)));  // 10 us to 33 s
        histogram.add(0, values.back());
    }
    std::sort(values.begin(), values.end());
    for (const double share : {0.01, 0.1, 0.5, 0.9, 0.95, 0.99}) {
        const std::int64_t exact = values[static_cast<std::size_t>(share * 10'000) - 1];
        const std::int64_t got = histogram.percentile(0, share);
        CHECK(got >= exact);
        CHECK(static_cast<double>(got) <= 1.02 * static_cast<double>(exact) + 1000);
    }
    CHECK(histogram.count(29'000'000'000) == 10'000);
    histogram.add(31'000'000'000, 5);
    CHECK(histogram.count(59'000'000'000) == 10'001);
    CHECK(histogram.count(61'000'000'000) == 1);
    CHECK(histogram.count(200'000'000'000) == 0);
}

TANDEM_TEST("hedge: move-only results, void, references and any awaitable pass",
            "[resilience][hedge][virtual]") {
    int value = 7;
    const auto unique = [](int v) -> tandem::task<std::unique_ptr<int>> {
        co_return std::make_unique<int>(v);
    };
    const auto refer = [](int& v) -> tandem::task<int&> { co_return v; };
    const auto rest = [] { return tandem::sleep(1s); };
    const tandem::hedge_policy policy;
    const std::unique_ptr<int> p = co_await tandem::hedge(policy, tandem::idempotent(unique), 3);
    CHECK(*p == 3);
    int& same = co_await tandem::hedge(policy, tandem::idempotent(refer), std::ref(value));
    CHECK(&same == &value);
    co_await tandem::hedge(policy, tandem::idempotent(rest));

    const auto refuse = []() -> tandem::task<> {
        throw std::logic_error("not a coroutine yet");
        co_return;
    };
    const auto plain = [](int) -> tandem::task<> { throw std::logic_error("thrown by the call itself"); };
    int caught = 0;
    try {
        co_await tandem::hedge(tandem::hedge_policy().max_hedges(0), tandem::idempotent(refuse));
    } catch (const std::logic_error&) {
        ++caught;
    }
    try {
        co_await tandem::hedge(policy, tandem::idempotent(plain), 1);
    } catch (const std::logic_error&) {
        ++caught;
    }
    CHECK(caught == 2);
}

TANDEM_TEST("hedge: a plain function that makes the task runs in a task, for each attempt",
            "[resilience][hedge][virtual]") {
    std::vector<std::uint64_t> tasks;
    const auto plain = [](std::vector<std::uint64_t>& ids) {
        ids.push_back(tandem::this_task::id());  // throws outside of a task
        if (ids.size() == 3) throw std::runtime_error("not even a task");
        return tandem::sleep(ids.size() < 4 ? 1h : 10ms);
    };
    co_await tandem::hedge(tandem::hedge_policy().after(100ms).max_hedges(3), tandem::idempotent(plain),
                           std::ref(tasks));
    CHECK(tasks.size() == 4);
    CHECK(now() == 210'000'000);  // the third failed at once, so the fourth did not wait
}

namespace {

tandem::task<> storm(std::uint64_t seed, int& wrong) {
    tandem::detail::random_source random(seed);
    const auto call = [](std::int64_t base, bool works, int& open) -> tandem::task<int> {
        const std::unique_ptr<int, void (*)(int*)> count(&(++open), [](int* n) { --*n; });
        co_await tandem::sleep(std::chrono::milliseconds(base));
        if (!works) throw std::runtime_error("failed");
        co_return 1;
    };
    const auto one = [](auto fn, std::int64_t base, bool works, std::int64_t limit,
                        int& errors) -> tandem::task<> {
        int open = 0;
        bool ended = false;
        try {
            co_await tandem::timeout(std::chrono::milliseconds(limit),
                                     tandem::hedge(tandem::hedge_policy().after(5ms).max_hedges(2),
                                                   tandem::idempotent(fn), base, works, std::ref(open)));
            ended = true;
        } catch (const std::exception&) {
            ended = true;
        }
        errors += open != 0 || !ended;
    };
    std::vector<tandem::task<>> all;
    for (int i = 0; i < 20; ++i) {
        all.push_back(
            one(call, random.between(0, 20), random.between(0, 3) != 0, random.between(1, 25), wrong));
    }
    co_await tandem::gather(std::move(all));
}

}  // namespace

TEST_CASE("hedge: ties and stops under 1,000 schedules leave nothing open", "[resilience][hedge][virtual]") {
    int wrong = 0;
    const auto frames = tandem::detail::live_frames;
    for (std::uint64_t seed = 0; seed < 1000; ++seed) {
        tandem::testing::run_virtual(storm(seed, wrong), tandem::testing::virtual_options().seed(seed));
    }
    CHECK(wrong == 0);
    CHECK(tandem::detail::live_frames == frames);
}

TANDEM_TEST("hedge: a parameter with a default is not taken for the number of the attempt",
            "[resilience][hedge][virtual]") {
    const auto by_default = [](int id, int limit = 5) -> tandem::task<int> { co_return id * 10 + limit; };
    const int plain = co_await tandem::hedge(tandem::hedge_policy(), tandem::idempotent(by_default), 4);
    CHECK(plain == 45);
    const auto told = [](std::size_t number, int id = 7) -> tandem::task<int> {
        co_return static_cast<int>(number) * 10 + id;
    };
    const int numbered = co_await tandem::hedge(tandem::hedge_policy(), tandem::idempotent(told), 4);
    CHECK(numbered == 4);
    const auto told_somehow = [](auto number, const std::string& name) -> tandem::task<std::string> {
        co_return name + std::to_string(number);
    };
    const std::string named =
        co_await tandem::hedge(tandem::hedge_policy(), tandem::idempotent(told_somehow), "a");
    CHECK(named == "a0");
}
