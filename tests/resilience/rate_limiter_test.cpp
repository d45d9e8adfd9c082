// tandem - tests of rate_limiter, acquire_all and limiter_map
// SPDX-License-Identifier: BSL-1.0
#include <tandem/resilience/rate_limiter.hpp>
#include <tandem/resilience/limiter_map.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <string>
#include <vector>

#include <tandem/core/sleep.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/task_group.hpp>
#include <tandem/tasks/timeout.hpp>

#include "allocation_count.hpp"
#include "in_order.hpp"
#include "support/tandem_test.hpp"

using namespace std::chrono_literals;

namespace {

using ticks = std::int64_t;

ticks now() { return tandem::this_task::loop().ticks(); }
constexpr ticks minute = 60'000'000'000;

tandem::task<> take(tandem::rate_limiter& limiter, std::size_t cost, int id, std::vector<int>& order) {
    co_await limiter.acquire(cost);
    order.push_back(id);
}

}  // namespace

TANDEM_TEST("rate_limiter: a window of 60 a minute never holds 61, at full rate, over a million acquisitions",
            "[resilience][rate_limiter][virtual]") {
    constexpr int count = 1'000'000;
    tandem::rate_limiter limiter = tandem::rate_limiter::window(60, 1min);
    std::vector<ticks> grants;
    grants.reserve(count);
    tandem::detail::random_source random(7);
    for (int i = 0; i < count; ++i) {
        if (i % 977 == 0) co_await tandem::sleep(std::chrono::nanoseconds(random.between(1, 1'000'000)));
        co_await limiter.acquire();
        grants.push_back(now());
    }
    int violations = 0;
    for (std::size_t i = 60; i < grants.size(); ++i) violations += grants[i] - grants[i - 60] < minute;
    CHECK(violations == 0);
    const double allowed = static_cast<double>(grants.back() - grants.front()) / minute * 60;
    CHECK(count >= 0.999 * allowed);
}

TANDEM_TEST("rate_limiter: a pace with a burst keeps its own promise over a million acquisitions",
            "[resilience][rate_limiter][virtual]") {
    constexpr int count = 1'000'000;
    constexpr std::size_t burst = 5;
    tandem::rate_limiter limiter = tandem::rate_limiter::pace(70, 1min, burst);
    std::vector<ticks> grants;
    grants.reserve(count);
    tandem::detail::random_source random(7);
    for (int i = 0; i < count; ++i) {
        if (i % 977 == 0) co_await tandem::sleep(std::chrono::nanoseconds(random.between(1, 1'000'000)));
        co_await limiter.acquire();
        grants.push_back(now());
    }
    int violations = 0;
    for (std::size_t i = 70 + burst - 1; i < grants.size(); ++i) {
        violations += grants[i] - grants[i - (70 + burst - 1)] < minute;
    }
    CHECK(violations == 0);
    const double allowed = static_cast<double>(grants.back() - grants.front()) / minute * 70;
    CHECK(count >= 0.999 * allowed);
}

TANDEM_TEST("rate_limiter: a pace spreads evenly; a window grants at once and then waits",
            "[resilience][rate_limiter][virtual]") {
    tandem::rate_limiter pace = tandem::rate_limiter::pace(10, 1s);
    for (int i = 0; i < 5; ++i) co_await pace.acquire();
    CHECK(now() == 400'000'000);

    tandem::rate_limiter burst = tandem::rate_limiter::pace(10, 1s, 3);
    const ticks start = now();
    for (int i = 0; i < 3; ++i) co_await burst.acquire();
    CHECK(now() == start);
    co_await burst.acquire();
    CHECK(now() == start + 100'000'000);

    tandem::rate_limiter window = tandem::rate_limiter::window(3, 1s, 10ms);
    const ticks begin = now();
    for (int i = 0; i < 3; ++i) co_await window.acquire();
    CHECK(now() == begin);
    co_await window.acquire();
    CHECK(now() == begin + 1'010'000'000);
}

TANDEM_TEST("rate_limiter: a rate that does not divide the time is rounded down, never up",
            "[resilience][rate_limiter][virtual]") {
    tandem::rate_limiter limiter = tandem::rate_limiter::pace(3, 1s);
    for (int i = 0; i < 4; ++i) co_await limiter.acquire();
    CHECK(now() == 3 * 333'333'334);
}

TANDEM_TEST_IN_ORDER("rate_limiter: grants follow arrival, whatever the costs",
                     "[resilience][rate_limiter][virtual]") {
    tandem::rate_limiter limiter = tandem::rate_limiter::window(10, 1s);
    std::vector<int> order;
    std::vector<tandem::task<>> tasks;
    for (int i = 0; i < 100; ++i)
        tasks.push_back(take(limiter, 1 + static_cast<std::size_t>(i * 7 % 10), i, order));
    co_await tandem::gather(std::move(tasks));
    CHECK(order.size() == 100);
    CHECK(std::is_sorted(order.begin(), order.end()));
    CHECK(limiter.statistics().waiting == 0);
}

TANDEM_TEST_IN_ORDER(
    "rate_limiter: a costly head holds up cheap ones; when it leaves, the next is looked at anew",
    "[resilience][rate_limiter][virtual]") {
    tandem::rate_limiter limiter = tandem::rate_limiter::window(10, 1s);
    co_await limiter.acquire(5);
    std::vector<int> order;
    tandem::task_handle<> costly = tandem::create_task(take(limiter, 10, 1, order));
    tandem::task_handle<> cheap = tandem::create_task(take(limiter, 5, 2, order));
    co_await tandem::sleep(100ms);
    CHECK(order.empty());
    CHECK_FALSE(limiter.try_acquire(1));  // somebody waits
    CHECK(limiter.statistics().waiting == 2);
    costly.cancel();
    co_await cheap;
    CHECK(now() == 100'000'000);
    CHECK(order == std::vector<int>(1, 2));
    CHECK(limiter.statistics().granted == 10);
}

TANDEM_TEST("rate_limiter: refuses at once what cannot be granted before the deadline",
            "[resilience][rate_limiter][virtual]") {
    tandem::rate_limiter limiter = tandem::rate_limiter::pace(1, 1s);
    co_await limiter.acquire();
    std::string text;
    try {
        co_await tandem::timeout(500ms, limiter.acquire());
    } catch (const tandem::timeout_error& e) {
        text = e.what();
    }
    CHECK(text ==
          "tandem::rate_limiter::acquire: the grant would come 500 ms after the deadline; "
          "allow more time, or ask for less");
    CHECK(now() == 0);
    CHECK(limiter.statistics().refused == 1);
    co_await tandem::timeout(1001ms, limiter.acquire());  // nothing was spent, and there is time
    CHECK(now() == 1'000'000'000);
}

TANDEM_TEST_IN_ORDER("rate_limiter: the line counts for the deadline, in both modes",
                     "[resilience][rate_limiter][virtual]") {
    for (int mode = 0; mode < 2; ++mode) {
        tandem::rate_limiter pace = tandem::rate_limiter::pace(1, 1s);
        tandem::rate_limiter window = tandem::rate_limiter::window(2, 2s);
        tandem::rate_limiter& limiter = mode == 0 ? pace : window;
        const ticks start = now();
        std::vector<int> order;
        co_await limiter.acquire();
        co_await limiter.acquire();
        std::vector<tandem::task_handle<>> handles;
        for (int i = 0; i < 10; ++i) handles.push_back(tandem::create_task(take(limiter, 1, i, order)));
        co_await tandem::this_task::checkpoint();
        co_await tandem::this_task::checkpoint();
        const tandem::duration wait = limiter.delay();
        const ticks asked = now();
        bool refused = false;
        try {
            co_await tandem::timeout(wait, limiter.acquire());  // it would come at the deadline itself
        } catch (const tandem::timeout_error&) {
            refused = true;
        }
        CHECK(refused);
        CHECK(now() == asked);
        co_await tandem::timeout(wait + 1ns, limiter.acquire());
        CHECK(now() - asked == wait.count());
        CHECK(order.size() == 10);
        CHECK(now() - start == 12'000'000'000);
    }
}

TANDEM_TEST("rate_limiter: charge takes later what was too little, penalise holds everybody until the latest",
            "[resilience][rate_limiter][virtual]") {
    tandem::rate_limiter tokens = tandem::rate_limiter::window(1000, 1min);
    co_await tokens.acquire(100);
    co_await tandem::sleep(1s);
    tokens.charge(900);
    CHECK(tokens.delay(100) == 59s);
    CHECK(tokens.delay(101) == 60s);
    co_await tokens.acquire(101);
    CHECK(now() == 61'000'000'000);

    tandem::rate_limiter limiter = tandem::rate_limiter::pace(10, 1s, 10);
    const ticks start = now();
    std::vector<int> order;
    limiter.charge(20);
    tandem::task_handle<> waiter = tandem::create_task(take(limiter, 1, 1, order));
    co_await tandem::sleep(500ms);
    limiter.penalise(5s);
    limiter.penalise(1s);  // the latest wins
    co_await waiter;
    CHECK(now() - start == 5'500'000'000);
    limiter.penalise(tandem::this_task::loop().now() + 2s);
    CHECK_FALSE(limiter.try_acquire());
    co_await limiter.acquire();
    CHECK(now() - start == 7'500'000'000);
}

TANDEM_TEST("rate_limiter: a stop in the tick of the grant comes after it; a waiter that stops takes nothing",
            "[resilience][rate_limiter][virtual]") {
    tandem::rate_limiter limiter = tandem::rate_limiter::pace(1, 1s);
    co_await limiter.acquire();
    std::vector<int> order;
    tandem::task_handle<> waiter = tandem::create_task(take(limiter, 1, 1, order));
    co_await tandem::sleep(500ms);
    waiter.cancel();
    co_await tandem::sleep(500ms);
    CHECK(order.empty());
    CHECK(limiter.try_acquire());

    tandem::task_handle<> late = tandem::create_task(take(limiter, 1, 2, order));
    tandem::this_task::loop().call_at(tandem::this_task::loop().now() + 1s,
                                      [late]() mutable { late.cancel(); });
    co_await tandem::sleep(2s);
    const bool granted = !order.empty();
    CHECK(limiter.statistics().granted == (granted ? 3u : 2u));
}

TANDEM_TEST("rate_limiter: a pending stop wins over a free slot", "[resilience][rate_limiter][virtual]") {
    tandem::rate_limiter limiter = tandem::rate_limiter::pace(1, 1s);
    co_await tandem::with_task_group([&](tandem::task_group& group) -> tandem::task<> {
        group.cancel();
        co_await limiter.acquire();
        CHECK(false);
    });
    CHECK(limiter.statistics().granted == 0);
}

TANDEM_TEST("rate_limiter: texts say what is wrong and what to do", "[resilience][rate_limiter][virtual]") {
    std::vector<std::string> texts;
    const auto note = [&](auto call) {
        try {
            call();
        } catch (const std::invalid_argument& e) {
            texts.emplace_back(e.what());
        }
    };
    tandem::rate_limiter pace = tandem::rate_limiter::pace(10, 1s, 3);
    tandem::rate_limiter window = tandem::rate_limiter::window(60, 1min);
    note([&] { static_cast<void>(pace.acquire(5)); });
    note([&] { static_cast<void>(window.acquire(61)); });
    note([&] { static_cast<void>(tandem::rate_limiter::pace(0, 1s)); });
    note([&] { static_cast<void>(tandem::rate_limiter::window(1, 0s)); });
    note([&] { static_cast<void>(tandem::acquire_all(pace, 1, pace, 1)); });
    note([&] { static_cast<void>(tandem::rate_limiter::pace(static_cast<std::size_t>(-1), 1s)); });
    note([&] { static_cast<void>(tandem::rate_limiter::window(static_cast<std::size_t>(-60), 1min)); });
    note([&] { static_cast<void>(tandem::rate_limiter::pace(10, 1s, static_cast<std::size_t>(-1))); });
    note([&] { static_cast<void>(tandem::rate_limiter::window(60, 1min, -1s)); });
    note([&] { static_cast<void>(tandem::rate_limiter::pace(1, 200 * 365 * 24h, 5)); });
    static_cast<void>(tandem::rate_limiter::pace(1, std::chrono::hours::max()));
    REQUIRE(texts.size() == 10);
    CHECK(texts[0] ==
          "tandem::rate_limiter::acquire: cost 5 exceeds the burst of 3; raise the burst or split the call");
    CHECK(texts[1] == "tandem::rate_limiter::acquire: cost 61 exceeds the window of 60; split the call");
    CHECK(texts[2] == "tandem::rate_limiter::pace: 0 units would never be granted; give 1 or more");
    CHECK(texts[3] == "tandem::rate_limiter::window: the time is zero or negative; give a positive one");
    CHECK(texts[4] ==
          "tandem::acquire_all: one limiter is given twice; give it once with the sum of the costs");
    CHECK(texts[5] ==
          "tandem::rate_limiter::pace: a number that is negative or beyond 10^12; give fewer units");
    CHECK(texts[6] ==
          "tandem::rate_limiter::window: a number that is negative or beyond 10^12; give fewer units");
    CHECK(texts[7] ==
          "tandem::rate_limiter::pace: a burst that is negative or beyond 10^12; give a smaller one");
    CHECK(texts[8] ==
          "tandem::rate_limiter::window: a negative margin grants more than is allowed; give zero or more");
    CHECK(texts[9] ==
          "tandem::rate_limiter::pace: a burst of 5 would take longer to fill than a clock counts; give a "
          "smaller "
          "one");
    co_return;
}

TANDEM_TEST_IN_ORDER("rate_limiter: nothing is allocated, with or without a wait",
                     "[resilience][rate_limiter][virtual]") {
    tandem::rate_limiter pace = tandem::rate_limiter::pace(1000, 1s, 100);
    tandem::rate_limiter window = tandem::rate_limiter::window(100, 1s);
    for (int i = 0; i < 300; ++i) co_await pace.acquire();  // the timer heap has grown
    const std::size_t before = tandem_test::allocations;
    for (int i = 0; i < 300; ++i) co_await pace.acquire();
    for (int i = 0; i < 300; ++i) co_await window.acquire();
    for (int i = 0; i < 300; ++i) co_await tandem::acquire_all(pace, 1, window, 1);
    CHECK(tandem_test::allocations == before);
}

// ---- an oracle that keeps every grant in a list

namespace {

constexpr ticks unit = 1'000'000;

/// Naive: looks at all grants there ever were. A pace is a bucket that leaks one unit per interval.
class oracle {
public:
    oracle(bool paced, std::size_t n, ticks span, std::size_t burst)
        : paced_(paced), n_(n), span_(span), burst_(burst) {}

    std::size_t most() const { return paced_ ? burst_ : n_; }
    void hold(ticks until) { hold_ = std::max(hold_, until); }
    void charge(ticks at, std::size_t cost) {
        for (std::size_t i = 0; i < cost; ++i) grants_.push_back(at);
    }

    bool fits(ticks at, std::size_t cost) const {
        if (at < hold_) return false;
        if (cost == 0) return true;
        if (paced_) {
            const ticks step = span_ / static_cast<ticks>(n_);
            return level(at) + static_cast<ticks>(cost) * step <= static_cast<ticks>(burst_) * step;
        }
        // Those that were charged beyond the window count only as the last n of them.
        const std::size_t from = grants_.size() > n_ ? grants_.size() - n_ : 0;
        std::size_t recent = 0;
        for (std::size_t i = from; i < grants_.size(); ++i) recent += at - grants_[i] < span_;
        return recent + cost <= n_;
    }

    /// The first moment from `at` on when `cost` fits: one of few candidates, each tried.
    ticks first_fit(ticks at, std::size_t cost) const {
        std::vector<ticks> candidates{at, std::max(at, hold_)};
        if (paced_) {
            const ticks step = span_ / static_cast<ticks>(n_);
            const ticks too_much = level(std::max(at, hold_)) + static_cast<ticks>(cost) * step -
                                   static_cast<ticks>(burst_) * step;
            candidates.push_back(std::max(at, hold_) + std::max<ticks>(too_much, 0));
        } else {
            for (const ticks g : grants_) candidates.push_back(std::max(std::max(at, hold_), g + span_));
        }
        std::sort(candidates.begin(), candidates.end());
        for (const ticks t : candidates) {
            if (t >= at && fits(t, cost)) return t;
        }
        std::abort();
    }

private:
    ticks level(ticks at) const {
        const ticks step = span_ / static_cast<ticks>(n_);
        ticks water = 0;
        ticks last = 0;
        for (const ticks g : grants_) {
            water = std::max<ticks>(0, water - (g - last)) + step;
            last = g;
        }
        return std::max<ticks>(0, water - (at - last));
    }

    bool paced_;
    std::size_t n_;
    ticks span_;
    std::size_t burst_;
    ticks hold_ = 0;
    std::vector<ticks> grants_;
};

struct request {
    int id;
    std::size_t cost;
    ticks deadline;
};
struct event {
    int id;
    ticks at;
};

std::string show(const std::vector<event>& events) {
    std::string text;
    for (const event& e : events) text += std::to_string(e.id) + "@" + std::to_string(e.at) + " ";
    return text;
}

/// The limiter as it should behave: a line before the oracle.
struct model {
    explicit model(oracle o) : meter(std::move(o)) {}
    oracle meter;
    std::deque<request> line;
    std::vector<event> events;

    void run_until(ticks from, ticks until) {
        while (!line.empty()) {
            const ticks at = meter.first_fit(std::max(from, served), line.front().cost);
            const auto impatient =
                std::min_element(line.begin(), line.end(),
                                 [](const request& a, const request& b) { return a.deadline < b.deadline; });
            if (std::min(at, impatient->deadline) >= until) return;
            if (impatient->deadline < at) {
                refused.push_back({impatient->id, impatient->deadline});
                served = std::max(served, impatient->deadline);
                line.erase(impatient);
            } else {
                serve(at);
            }
        }
    }
    void serve(ticks at) {
        served = at;
        meter.charge(at, line.front().cost);
        events.push_back({line.front().id, at});
        line.pop_front();
    }
    ticks expected(ticks at, std::size_t cost) const {
        model copy(*this);
        copy.line.push_back({-1, cost, INT64_MAX});
        for (request& r : copy.line) r.deadline = INT64_MAX;
        copy.run_until(at, INT64_MAX);
        return copy.events.back().at;
    }
    ticks served = 0;
    std::vector<event> refused;
};

tandem::task<> take_noted(tandem::rate_limiter& limiter, request r, std::vector<event>& events) {
    co_await limiter.acquire(r.cost);
    events.push_back({r.id, now()});
}

tandem::task<> take_timed(tandem::rate_limiter& limiter, request r, ticks limit, std::vector<event>& events,
                          std::vector<event>& refused) {
    bool refusal = false;
    try {
        if (limit > 0) {
            co_await tandem::timeout(std::chrono::nanoseconds(limit), take_noted(limiter, r, events));
        } else {
            co_await take_noted(limiter, r, events);
        }
    } catch (const tandem::timeout_error&) {
        refusal = true;
    }
    if (refusal) refused.push_back({r.id, now()});
}

struct plan {
    explicit plan(std::uint64_t seed) : random(seed) {
        paced = random.between(0, 1) == 1;
        n = static_cast<std::size_t>(random.between(1, 6));
        burst = static_cast<std::size_t>(random.between(1, 5));
        span = static_cast<ticks>(n) * random.between(1, 20) * unit;
    }
    tandem::detail::random_source random;
    bool paced = false;
    std::size_t n = 0;
    std::size_t burst = 0;
    ticks span = 0;
};

}  // namespace

// No operation coincides with a timer: the i-th happens at i ns after a whole number of units.
TANDEM_TEST_IN_ORDER("rate_limiter: 2,000 random histories go as an oracle says that keeps every grant",
                     "[resilience][rate_limiter][virtual][slow]") {
    ticks epoch = 0;
    for (std::uint64_t seed = 0; seed < 2000; ++seed) {
        plan p(seed);
        tandem::rate_limiter pace =
            tandem::rate_limiter::pace(p.n, std::chrono::nanoseconds(p.span), p.burst);
        tandem::rate_limiter window = tandem::rate_limiter::window(p.n, std::chrono::nanoseconds(p.span));
        tandem::rate_limiter& limiter = p.paced ? pace : window;
        epoch = (now() / unit + 100) * unit;
        model want(oracle(p.paced, p.n, p.span, p.burst));
        std::vector<event> events;
        std::vector<event> refused;
        std::vector<tandem::task_handle<>> tasks;
        std::vector<int> ids;
        ticks last = epoch;
        want.served = epoch;
        for (int i = 1; i <= 60; ++i) {
            const ticks at = (last / unit + p.random.between(0, 4)) * unit + i;
            co_await tandem::sleep_until(tandem::detail::to_time_point(at));
            want.run_until(last, at);
            last = at;
            const std::size_t cost =
                static_cast<std::size_t>(p.random.between(0, static_cast<ticks>(want.meter.most())));
            const ticks choice = p.random.between(0, 19);
            if (choice < 10) {
                const ticks limit = choice < 3 ? p.random.between(1, 30) * unit : 0;
                const ticks expected = want.expected(at, cost);
                tasks.push_back(
                    tandem::create_task(take_timed(limiter, {i, cost, 0}, limit, events, refused)));
                ids.push_back(i);
                co_await tandem::this_task::checkpoint();
                if (limit == 0 || expected < at + limit || expected == at) {
                    want.line.push_back({i, cost, limit == 0 ? INT64_MAX : at + limit});
                } else {
                    want.refused.push_back({i, at});
                }
            } else if (choice < 12) {
                const bool got = limiter.try_acquire(cost);
                const bool fits = want.line.empty() && want.meter.fits(at, cost);
                CHECK(got == fits);
                if (fits) want.meter.charge(at, cost);
            } else if (choice < 14) {
                limiter.charge(cost);
                want.meter.charge(at, cost);
            } else if (choice == 14) {
                const ticks until = at + p.random.between(0, 10) * unit;
                limiter.penalise(tandem::detail::to_time_point(until));
                want.meter.hold(until);
            } else if (choice < 17 && !want.line.empty()) {
                const std::size_t who =
                    static_cast<std::size_t>(p.random.between(0, static_cast<ticks>(want.line.size()) - 1));
                const int id = want.line[who].id;
                want.line.erase(want.line.begin() + static_cast<std::ptrdiff_t>(who));
                tasks[static_cast<std::size_t>(std::find(ids.begin(), ids.end(), id) - ids.begin())].cancel();
            } else {
                CHECK(limiter.delay(cost).count() == want.expected(at, cost) - at);
            }
            // Whoever fits at this very moment is granted at once.
            while (!want.line.empty() && want.meter.fits(at, want.line.front().cost)) want.serve(at);
            CHECK(limiter.statistics().waiting == want.line.size());
        }
        want.run_until(last, INT64_MAX);
        co_await tandem::gather(tandem::return_exceptions, tasks);
        INFO("seed " << seed);
        REQUIRE(show(events) == show(want.events));
        REQUIRE(show(refused) == show(want.refused));
    }
}

TANDEM_TEST_IN_ORDER("acquire_all: grants when the last of the limiters can, and in order in each line",
                     "[resilience][rate_limiter][virtual]") {
    tandem::rate_limiter requests = tandem::rate_limiter::pace(1, 1s, 2);
    tandem::rate_limiter tokens = tandem::rate_limiter::window(100, 10s);
    co_await tandem::acquire_all(requests, 1, tokens, 80);
    CHECK(now() == 0);
    std::vector<int> order;
    const auto both = [](tandem::rate_limiter& a, tandem::rate_limiter& b, int id,
                         std::vector<int>& into) -> tandem::task<> {
        co_await tandem::acquire_all(a, 1, b, 30);
        into.push_back(id);
    };
    tandem::task_handle<> stopped = tandem::create_task(both(requests, tokens, 1, order));
    tandem::task_handle<> second = tandem::create_task(both(requests, tokens, 2, order));
    tandem::task_handle<> behind = tandem::create_task(take(requests, 1, 3, order));
    co_await tandem::sleep(1s);
    CHECK(order.empty());  // nobody overtakes: both lines wait for the head's 30 tokens
    stopped.cancel();
    co_await second;
    CHECK(now() == 10'000'000'000);
    co_await behind;
    CHECK(now() == 10'000'000'000);  // by now the pace has two again
    CHECK(order == std::vector<int>({2, 3}));
    CHECK(requests.statistics().granted == 3);
    CHECK(tokens.statistics().granted == 110);
}

TANDEM_TEST("acquire_all: opposite orders do not lock each other out",
            "[resilience][rate_limiter][virtual]") {
    tandem::rate_limiter a = tandem::rate_limiter::pace(3, 1s);
    tandem::rate_limiter b = tandem::rate_limiter::window(2, 1s);
    int done = 0;
    const auto forward = [](tandem::rate_limiter& x, tandem::rate_limiter& y, int& n) -> tandem::task<> {
        co_await tandem::acquire_all(x, 1, y, 1);
        ++n;
    };
    std::vector<tandem::task<>> tasks;
    for (int i = 0; i < 200; ++i) tasks.push_back(i % 2 == 0 ? forward(a, b, done) : forward(b, a, done));
    co_await tandem::gather(std::move(tasks));
    CHECK(done == 200);
    CHECK(now() >= 99'000'000'000);
    CHECK(now() <= 100'000'000'000);
}

TANDEM_TEST("limiter_map: a limiter per key; one that is idle and as good as new goes away",
            "[resilience][rate_limiter][virtual]") {
    tandem::limiter_map<std::string> hosts([] { return tandem::rate_limiter::window(2, 1h); }, 1min);
    co_await hosts.acquire("a");
    co_await hosts.acquire("a");
    co_await hosts.acquire("b");
    CHECK(hosts.size() == 2);
    CHECK_FALSE(hosts.try_acquire("a"));
    CHECK(hosts.try_acquire("b"));
    co_await tandem::sleep(10min);
    CHECK_FALSE(hosts.try_acquire("a"));  // idle, but its hour has not passed: kept
    CHECK(hosts.size() == 2);
    co_await tandem::sleep(2h);
    CHECK(hosts.try_acquire("c"));
    CHECK(hosts.size() == 1);
    CHECK(hosts.try_acquire("a"));
}

TANDEM_TEST("limiter_map: a key on which somebody waits is kept", "[resilience][rate_limiter][virtual]") {
    tandem::limiter_map<int> keys([] { return tandem::rate_limiter::pace(1, 1h); }, 1s);
    co_await keys.acquire(1);
    const auto wait = [](tandem::limiter_map<int>& map) -> tandem::task<> { co_await map.acquire(1); };
    tandem::task_handle<> waiter = tandem::create_task(wait(keys));
    co_await tandem::sleep(10min);
    for (int i = 2; i < 20; ++i) CHECK(keys.try_acquire(i));
    co_await waiter;
    CHECK(now() == 3600'000'000'000);
}
