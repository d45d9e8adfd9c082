// tandem - tests of circuit_breaker: each transition at its exact time
// SPDX-License-Identifier: BSL-1.0
#include <tandem/resilience/circuit_breaker.hpp>

#include <optional>
#include <string>
#include <vector>

#include <tandem/resilience/retry.hpp>
#include <tandem/tasks/create_task.hpp>
#include <tandem/tasks/gather.hpp>

#include "support/tandem_test.hpp"

using namespace std::chrono_literals;
using state = tandem::circuit_state;

namespace {

tandem::circuit_breaker_options steady() { return tandem::circuit_breaker_options().spread(0); }

tandem::task<> end_as(bool works, tandem::duration takes) {
    if (takes > 0s) co_await tandem::sleep(takes);
    if (!works) throw std::runtime_error("failed");
}

/// What became of a call: 'v' value, 'e' error, 'r' refused.
tandem::task<char> call(tandem::circuit_breaker& breaker, bool works, tandem::duration takes = 0s) {
    char how = 'v';
    try {
        co_await breaker.call(end_as, works, takes);
    } catch (const tandem::circuit_open&) {
        how = 'r';
    } catch (const std::runtime_error&) {
        how = 'e';
    }
    co_return how;
}

tandem::task<std::string> calls(tandem::circuit_breaker& breaker, std::string pattern) {
    std::string ends;
    for (const char c : pattern) {
        const char how = co_await call(breaker, c == 'v');
        ends += how;
    }
    co_return ends;
}

tandem::task<> open_it(tandem::circuit_breaker& breaker) {
    const std::string ends = co_await calls(breaker, "eeeeeeeeee");
    CHECK(ends == "eeeeeeeeee");
    CHECK(breaker.state() == state::open);
}

}  // namespace

TANDEM_TEST("circuit_breaker: the table of transitions, each at its time",
            "[resilience][circuit_breaker][virtual]") {
    tandem::circuit_breaker breaker(steady());
    std::vector<std::string> changes;
    breaker.on_change([&](state from, state to) {
        changes.push_back(std::to_string(static_cast<int>(from)) + std::to_string(static_cast<int>(to)));
    });

    // closed: nine failures are too few, the tenth opens
    std::string ends = co_await calls(breaker, "eeeeeeeee");
    CHECK(breaker.state() == state::closed);
    ends = co_await calls(breaker, "e");
    CHECK(breaker.state() == state::open);
    CHECK(breaker.open_until() - tandem::this_task::loop().now() == 5s);

    // open: refused until the time is over, to the nanosecond
    co_await tandem::sleep(5s - 1ns);
    char how = co_await call(breaker, true);
    CHECK(how == 'r');
    CHECK(breaker.state() == state::open);
    co_await tandem::sleep(1ns);

    // half-open: a failed probe opens for twice as long
    how = co_await call(breaker, false);
    CHECK(how == 'e');
    CHECK(breaker.state() == state::open);
    CHECK(breaker.open_until() - tandem::this_task::loop().now() == 10s);
    co_await tandem::sleep(10s);

    // two good probes and a bad one: open again, 20 s; then 40, then 60 at most
    ends = co_await calls(breaker, "vve");
    CHECK(ends == "vve");
    CHECK(breaker.open_until() - tandem::this_task::loop().now() == 20s);
    co_await tandem::sleep(20s);
    ends = co_await calls(breaker, "e");
    CHECK(breaker.open_until() - tandem::this_task::loop().now() == 40s);
    co_await tandem::sleep(40s);
    ends = co_await calls(breaker, "e");
    CHECK(breaker.open_until() - tandem::this_task::loop().now() == 60s);
    co_await tandem::sleep(60s);
    ends = co_await calls(breaker, "e");
    CHECK(breaker.open_until() - tandem::this_task::loop().now() == 60s);
    co_await tandem::sleep(60s);

    // three good probes close it; the window is empty and the time open is short again
    ends = co_await calls(breaker, "vvv");
    CHECK(breaker.state() == state::closed);
    CHECK(breaker.statistics().calls == 0);
    co_await open_it(breaker);
    CHECK(breaker.open_until() - tandem::this_task::loop().now() == 5s);
    CHECK(changes == std::vector<std::string>({"01", "12", "21", "12", "21", "12", "21", "12", "21", "12",
                                               "21", "12", "20", "01"}));
}

TANDEM_TEST("circuit_breaker: opens at half of the calls, not below",
            "[resilience][circuit_breaker][virtual]") {
    tandem::circuit_breaker below(steady());
    std::string ends = co_await calls(below, "eeeevvvvvvvv");
    CHECK(below.state() == state::closed);
    ends = co_await calls(below, "eee");  // 7 of 15
    CHECK(below.state() == state::closed);
    ends = co_await calls(below, "e");  // 8 of 16
    CHECK(below.state() == state::open);
}

TANDEM_TEST("circuit_breaker: what is older than the window no longer counts",
            "[resilience][circuit_breaker][virtual]") {
    tandem::circuit_breaker breaker(steady());
    std::string ends = co_await calls(breaker, "eeeeeeeee");
    co_await tandem::sleep(10s);
    CHECK(breaker.statistics().calls == 0);
    ends = co_await calls(breaker, "eeeeeeeee");
    CHECK(breaker.state() == state::closed);
    co_await tandem::sleep(8s);
    CHECK(breaker.statistics().failures == 9);

    tandem::circuit_breaker counting(steady().last(4));
    ends = co_await calls(counting, "vvv");
    co_await tandem::sleep(1h);
    ends = co_await calls(counting, "e");
    CHECK(counting.state() == state::closed);
    ends = co_await calls(counting, "e");  // v v e e
    CHECK(counting.state() == state::open);
}

TANDEM_TEST("circuit_breaker: opens when calls are slow, if asked to",
            "[resilience][circuit_breaker][virtual]") {
    tandem::circuit_breaker breaker(steady().slow(1s).last(5));
    for (int i = 0; i < 4; ++i) {
        const char how = co_await call(breaker, true, 1s);
        CHECK(how == 'v');
    }
    CHECK(breaker.state() == state::closed);
    CHECK(breaker.statistics().slow == 4);
    const char fast = co_await call(breaker, true, 999ms);
    CHECK(fast == 'v');
    CHECK(breaker.state() == state::open);  // 4 of 5
}

TANDEM_TEST("circuit_breaker: a refusal says until when, and ends a retry at once",
            "[resilience][circuit_breaker][virtual]") {
    tandem::circuit_breaker breaker(steady());
    co_await open_it(breaker);
    co_await tandem::sleep(2s);
    tandem::retry_log log;
    auto policy = tandem::retry_policy().record(log);
    const auto through = [](tandem::circuit_breaker& b) { return b.call(end_as, true, 0s); };
    tandem::time_point until;
    try {
        co_await tandem::retry(policy, through, std::ref(breaker));
    } catch (const tandem::circuit_open& e) {
        until = e.until();
    }
    CHECK(until - tandem::this_task::loop().now() == 3s);
    CHECK(log.attempts().size() == 1);
    CHECK(log.ended_by() == tandem::retry_end::gave_up);
}

TANDEM_TEST("circuit_breaker: a stopped probe counts neither way and leaves room for the next",
            "[resilience][circuit_breaker][virtual]") {
    tandem::circuit_breaker breaker(steady());
    co_await open_it(breaker);
    co_await tandem::sleep(5s);
    tandem::task_handle<char> probe = tandem::create_task(call(breaker, true, 1h));
    co_await tandem::sleep(1s);
    CHECK(breaker.state() == state::half_open);
    char how = co_await call(breaker, true);
    CHECK(how == 'r');  // one at a time
    probe.cancel();
    co_await tandem::sleep(1s);
    CHECK(probe.cancelled());
    CHECK(breaker.state() == state::half_open);
    const std::string ends = co_await calls(breaker, "vvv");
    CHECK(ends == "vvv");
    CHECK(breaker.state() == state::closed);

    for (int i = 0; i < 100; ++i) {  // nor do stopped calls open it
        tandem::task_handle<char> stopped = tandem::create_task(call(breaker, false, 1h));
        co_await tandem::this_task::checkpoint();
        stopped.cancel();
        co_await tandem::this_task::checkpoint();
    }
    CHECK(breaker.state() == state::closed);
    CHECK(breaker.statistics().calls == 0);
}

TANDEM_TEST("circuit_breaker: a result from before it opened changes nothing",
            "[resilience][circuit_breaker][virtual]") {
    tandem::circuit_breaker breaker(steady());
    std::vector<tandem::task_handle<char>> early;
    for (int i = 0; i < 3; ++i) early.push_back(tandem::create_task(call(breaker, true, 6s)));
    for (int i = 0; i < 3; ++i) early.push_back(tandem::create_task(call(breaker, false, 6s)));
    co_await tandem::sleep(100ms);
    co_await open_it(breaker);
    co_await tandem::sleep(5s);
    tandem::task_handle<char> probe = tandem::create_task(call(breaker, true, 10s));
    co_await tandem::sleep(1s);  // the early ones have ended, three well and three badly
    CHECK(early[0].done());
    CHECK(breaker.state() == state::half_open);
    const char second = co_await call(breaker, true);
    CHECK(second == 'r');  // nor did they free the probe's place
    const char first = co_await probe;
    CHECK(first == 'v');
    CHECK(breaker.state() == state::half_open);  // one of three
}

TANDEM_TEST("circuit_breaker: errors that are the caller's count neither way",
            "[resilience][circuit_breaker][virtual]") {
    tandem::circuit_breaker breaker(steady());
    const auto wrong = []() -> tandem::task<> {
        throw std::invalid_argument("wrong");
        co_return;
    };
    int thrown = 0;
    for (int i = 0; i < 100; ++i) {
        try {
            co_await breaker.call(wrong);
        } catch (const std::invalid_argument&) {
            ++thrown;
        }
    }
    CHECK(thrown == 100);
    CHECK(breaker.state() == state::closed);

    const auto status = [](int code) -> tandem::task<int> { co_return code; };
    const auto judge = [](const tandem::outcome<int>& o) {
        return o.value() == 503 ? tandem::verdict::retry : tandem::verdict::done;
    };
    for (int i = 0; i < 10; ++i) {
        const int got = co_await breaker.call_with(judge, status, 503);
        CHECK(got == 503);
    }
    CHECK(breaker.state() == state::open);
}

TANDEM_TEST("circuit_breaker: can be forced open, and reset", "[resilience][circuit_breaker][virtual]") {
    tandem::circuit_breaker breaker(steady());
    breaker.force_open();
    co_await tandem::sleep(24h);
    char how = co_await call(breaker, true);
    CHECK(how == 'r');
    CHECK(breaker.open_until() == tandem::time_point::max());
    breaker.reset();
    how = co_await call(breaker, true);
    CHECK(how == 'v');
    CHECK(breaker.statistics().refused == 1);
}

TANDEM_TEST("circuit_breaker: stays open for 5 s give or take 20 %",
            "[resilience][circuit_breaker][virtual]") {
    double sum = 0;
    bool inside = true;
    for (int i = 0; i < 1000; ++i) {
        tandem::circuit_breaker breaker{tandem::circuit_breaker_options()};
        co_await open_it(breaker);
        const auto time = breaker.open_until() - tandem::this_task::loop().now();
        inside = inside && time >= 4s && time <= 6s;
        sum += static_cast<double>(time.count());
    }
    CHECK(inside);
    CHECK(sum / 1000 == Approx(5e9).epsilon(0.02));
}

namespace {

struct load {
    explicit load(std::uint64_t seed) : random(seed) {}
    tandem::detail::random_source random;
    int probes = 0;
    int most_probes = 0;
    int ends = 0;
};

tandem::task<> counted(load& l, tandem::circuit_breaker& breaker) {
    const bool probe = breaker.state() == state::half_open;
    l.probes += probe;
    l.most_probes = std::max(l.most_probes, l.probes);
    co_await tandem::sleep(std::chrono::milliseconds(l.random.between(0, 3000)));
    l.probes -= probe;
    if (l.random.between(0, 2) != 0) throw std::runtime_error("failed");
}

tandem::task<> client(load& l, tandem::circuit_breaker& breaker) {
    for (int i = 0; i < 20; ++i) {
        try {
            co_await breaker.call(counted, std::ref(l), std::ref(breaker));
        } catch (const std::exception&) {
        }
        ++l.ends;
        co_await tandem::sleep(std::chrono::milliseconds(l.random.between(0, 8000)));
    }
}

tandem::task<> crowd(load& l) {
    tandem::circuit_breaker breaker(tandem::circuit_breaker_options().open_for(1s, 4s));
    std::vector<tandem::task<>> clients;
    for (int i = 0; i < 10; ++i) clients.push_back(client(l, breaker));
    co_await tandem::gather(std::move(clients));
}

}  // namespace

TEST_CASE("circuit_breaker: never two probes at once, under 1,000 schedules",
          "[resilience][circuit_breaker][virtual][slow]") {
    int bad = 0;
    int probed = 0;
    for (std::uint64_t seed = 0; seed < 1000; ++seed) {
        load l(seed);
        tandem::testing::run_virtual(crowd(l), tandem::testing::virtual_options().seed(seed));
        bad += l.most_probes > 1 || l.probes != 0 || l.ends != 200;
        probed += l.most_probes;
    }
    CHECK(bad == 0);
    CHECK(probed > 900);
}

TEST_CASE("circuit_breaker: an admission that ends outside of a loop is an error, and leaves room for others",
          "[resilience][circuit_breaker][virtual]") {
    tandem::circuit_breaker breaker(steady().least_calls(1).open_for(1s));
    std::optional<tandem::circuit_breaker::admission> probe;
    const auto begin_probe = [](tandem::circuit_breaker& of, auto& into) -> tandem::task<> {
        const std::string ends = co_await calls(of, "e");
        co_await tandem::sleep(1s);
        auto admitted = of.try_admit();
        if (admitted) into.emplace(std::move(*admitted));
    };
    tandem::testing::run_virtual(begin_probe(breaker, probe));
    REQUIRE(probe.has_value());
    std::string text = "none";
    try {
        probe->ended(tandem::verdict::done);
    } catch (const tandem::invalid_state_error& e) {
        text = e.what();
    }
    CHECK(text ==
          "tandem::circuit_breaker::admission::ended: no loop is running here; call it from a task or a "
          "callback of the loop");
    CHECK(breaker.state() == state::half_open);
    const auto probes_again = [](tandem::circuit_breaker& of) -> tandem::task<std::string> {
        co_return co_await calls(of, "vvv");
    };
    CHECK(tandem::testing::run_virtual(probes_again(breaker)) == "vvv");
    CHECK(breaker.state() == state::closed);
}

TANDEM_TEST("circuit_breaker: who hears of a change may set somebody else to hear of the next",
            "[resilience][circuit_breaker][virtual]") {
    tandem::circuit_breaker breaker(steady());
    std::string heard;
    const std::string first = "the first, by a text that is too long to lie in the callable itself; ";
    const auto later = [&heard](state, state) { heard += "the second"; };
    const auto replace = [&breaker, &heard, &later, first](state, state) {
        breaker.on_change(later);
        heard += first;
    };
    breaker.on_change(replace);
    breaker.force_open();
    CHECK(heard == first);
    breaker.reset();
    CHECK(heard == first + "the second");
    breaker.on_change({});
    breaker.force_open();
    CHECK(heard == first + "the second");
    co_return;
}

TANDEM_TEST("circuit_breaker: of the last n calls the oldest makes way for each new one",
            "[resilience][circuit_breaker][virtual]") {
    tandem::circuit_breaker breaker(steady().last(5).failure_share(0.6));
    std::string ends = co_await calls(breaker, "eevvvee");  // never more than two of five
    CHECK(breaker.state() == state::closed);
    CHECK(breaker.statistics().calls == 5);
    CHECK(breaker.statistics().failures == 2);
    ends = co_await calls(breaker, "e");
    CHECK(ends == "e");
    CHECK(breaker.state() == state::open);
}

TANDEM_TEST("circuit_breaker: one that is to stay open for good does so",
            "[resilience][circuit_breaker][virtual]") {
    for (const double spread : {0.0, 1.0}) {
        tandem::circuit_breaker breaker(tandem::circuit_breaker_options()
                                            .spread(spread)
                                            .open_for(tandem::duration::max())
                                            .least_calls(1));
        std::string ends = co_await calls(breaker, "e");
        CHECK(breaker.open_until() > tandem::this_task::loop().now() + 100h);
        co_await tandem::sleep(100h);
        ends = co_await calls(breaker, "v");
        CHECK(ends == "r");
    }
}

TANDEM_TEST("circuit_breaker: what an argument is converted into for a parameter by reference lives on",
            "[resilience][circuit_breaker][virtual]") {
    tandem::circuit_breaker breaker(steady());
    const auto ask = [](const std::string& whom) -> tandem::task<std::string> {
        co_await tandem::this_task::checkpoint();
        co_return whom;
    };
    const std::string answer = co_await breaker.call(ask, "a name that is too long for a string's own place");
    CHECK(answer == "a name that is too long for a string's own place");
}
