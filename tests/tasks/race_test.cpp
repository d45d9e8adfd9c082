// tandem - behaviour of race and any_success: who wins, what becomes of the losers
// SPDX-License-Identifier: BSL-1.0
#include <tandem/tasks/race.hpp>

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include <tandem/sync/event.hpp>
#include <tandem/sync/queue.hpp>
#include <tandem/tasks/create_task.hpp>
#include <tandem/tasks/finally.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/shield.hpp>
#include <tandem/tasks/timeout.hpp>

#include "support/probes.hpp"
#include "support/tandem_test.hpp"

using namespace std::chrono_literals;
using namespace tandem_test;
using tandem::task;

namespace {

task<int> clean_slowly(int& cleaned, milliseconds takes) {
    const auto cleanup = [&cleaned, takes]() -> task<> {
        const auto work = [](int& count, milliseconds time) -> task<> {
            co_await tandem::sleep(time);
            ++count;
        };
        return work(cleaned, takes);
    };
    co_await tandem::finally(tandem::sleep(1h), cleanup);
    co_return -1;
}
task<int> fail_in_cleanup() {
    const auto cleanup = []() -> task<> {
        throw other_oops("loser");
        co_return;
    };
    co_await tandem::finally(tandem::sleep(1h), cleanup);
    co_return -1;
}
task<int> get_one(tandem::queue<int>& q) { co_return co_await q.get(); }

}  // namespace

TANDEM_TEST("race: the first to end gives its index and value, the losers are cancelled and joined",
            "[tasks][race][virtual][corral:anyof]") {
    const auto start = tandem::this_task::loop().now();
    int cleaned = 0;
    const auto won = co_await tandem::race(clean_slowly(cleaned, 20ms), value_after(10ms, 7), value_after(15ms, 8));
    CHECK(won.index() == 1);
    CHECK(won.value() == 7);
    CHECK(cleaned == 1);
    CHECK(tandem::this_task::loop().now() - start == 30ms);
}

TANDEM_TEST("race: awaitables of different types give a variant", "[tasks][race][virtual]") {
    auto won = co_await tandem::race(sleep_for(20ms), value_after(10ms, std::string("text")), value_after(1h, 1));
    CHECK(won.index() == 1);
    REQUIRE(std::holds_alternative<std::string>(won.value()));
    CHECK(std::get<1>(won.value()) == "text");
    auto first = co_await tandem::race(sleep_for(1ms), value_after(1h, 1));
    CHECK(first.value().index() == 0);
}

TANDEM_TEST("race: move-only values are moved out", "[tasks][race][virtual]") {
    const auto make = [](milliseconds delay, int n) -> task<std::unique_ptr<int>> {
        co_await tandem::sleep(delay);
        co_return std::make_unique<int>(n);
    };
    std::vector<task<std::unique_ptr<int>>> tasks;
    tasks.push_back(make(2ms, 1));
    tasks.push_back(make(1ms, 2));
    auto won = co_await tandem::race(std::move(tasks));
    CHECK(won.index() == 1);
    std::unique_ptr<int> value = std::move(won).value();
    CHECK(*value == 2);
}

TANDEM_TEST("race: once one has won in place, those behind it never start", "[tasks][race][virtual]") {
    std::vector<int> log;
    const auto won = co_await tandem::race(sleep_for(1h), note(log, 1), note(log, 2));
    CHECK(won.index() == 1);
    CHECK(log == std::vector<int>({1}));
}

TANDEM_TEST("race: a failure that comes first decides, bare", "[tasks][race][virtual][corral:errp-anyof-error]") {
    int exits = 0;
    const std::exception_ptr e =
        co_await error_of(tandem::race(sleep_and_count(1h, exits), fail_after(5ms, "won"), value_after(6ms, 1)));
    CHECK(is<oops>(e));
    CHECK(exits == 1);
}

TANDEM_TEST("race: a loser that fails while it is cancelled does not mask the winner", "[tasks][race][virtual]") {
    std::vector<std::string> suppressed;
    collect_suppressed(suppressed);
    const auto won = co_await tandem::race(value_after(5ms, 1), fail_in_cleanup());
    CHECK(won.value() == 1);
    CHECK(suppressed == std::vector<std::string>({"loser"}));
}

TANDEM_TEST("race: an empty range is refused", "[tasks][race][virtual]") {
    std::vector<task<int>> none;
    bool refused = false;
    try {
        co_await tandem::race(none);
    } catch (const std::invalid_argument&) {
        refused = true;
    }
    CHECK(refused);
}

TANDEM_TEST("race: two that end in the same turn have one winner", "[tasks][race][virtual]") {
    for (int round = 0; round < 3; ++round) {
        const auto won = co_await tandem::race(value_after(10ms, 0), value_after(10ms, 1));
        CHECK(won.value() == static_cast<int>(won.index()));
        if (!order_is_permuted()) CHECK(won.index() == 0);
    }
}

TANDEM_TEST("race: of one is that one", "[tasks][race][virtual]") {
    const auto won = co_await tandem::race(value_after(1ms, 3));
    CHECK(won.index() == 0);
    CHECK(won.value() == 3);
}

TANDEM_TEST("race: cancelled from outside it cancels and joins all", "[tasks][race][virtual]") {
    int exits = 0;
    int cleaned = 0;
    const auto body = [](int& count, int& done) -> task<> {
        co_await tandem::race(sleep_and_count(1h, count), clean_slowly(done, 10ms));
    };
    auto h = tandem::create_task(body, std::ref(exits), std::ref(cleaned));
    co_await settle();
    h.cancel();
    co_await settle();
    CHECK(exits == 1);
    CHECK_FALSE(h.done());
    co_await tandem::sleep(10ms);
    CHECK(h.cancelled());
    CHECK(cleaned == 1);
}

TANDEM_TEST("race: a winner's item is delivered although the task was cancelled in the same turn",
            "[tasks][race][virtual]") {
    tandem::queue<int> q;
    int got = 0;
    const auto body = [](tandem::queue<int>& from, int& to) -> task<> {
        auto won = co_await tandem::race(get_one(from), value_after(1h, -1));
        to = won.value();
        co_await tandem::this_task::checkpoint();
        to = -2;
    };
    auto h = tandem::create_task(body, std::ref(q), std::ref(got));
    co_await settle();
    q.put_nowait(9);
    h.cancel();
    co_await settle();
    CHECK(got == 9);
    CHECK(h.cancelled());
}

TANDEM_TEST("race: a loser that waits in a queue leaves the item to others", "[tasks][race][virtual]") {
    tandem::queue<int> q;
    const auto won = co_await tandem::race(get_one(q), value_after(5ms, -1));
    CHECK(won.index() == 1);
    CHECK(q.statistics().waiting_to_get == 0);
    q.put_nowait(1);
    CHECK(q.size() == 1);
}

TANDEM_TEST("race: nested, the inner losers are joined before the outer ends", "[tasks][race][virtual]") {
    int cleaned = 0;
    const auto start = tandem::this_task::loop().now();
    const auto won = co_await tandem::race(
        tandem::race(clean_slowly(cleaned, 10ms), clean_slowly(cleaned, 20ms)), value_after(5ms, 1));
    CHECK(won.index() == 1);
    CHECK(cleaned == 2);
    CHECK(tandem::this_task::loop().now() - start == 25ms);
}

TANDEM_TEST("race: a mix of gather and race cancels what is nested", "[tasks][race][virtual][corral:anyof-allof-mix]") {
    int exits = 0;
    const auto won = co_await tandem::race(
        tandem::gather(sleep_and_count(1h, exits), sleep_and_count(5ms, exits)),
        tandem::gather(sleep_for(1ms), sleep_for(10ms)));
    CHECK(won.index() == 1);
    CHECK(exits == 2);
}

TANDEM_TEST("race: against a sleep it is a timeout that leaves no timer behind", "[tasks][race][virtual]") {
    const auto won = co_await tandem::race(value_after(1ms, 1), tandem::sleep(1h));
    CHECK(won.index() == 0);
    CHECK(tandem::this_task::loop().statistics().timers == 0);
}

TANDEM_TEST("race: a shielded loser runs to its end before race gives the winner", "[tasks][race][virtual]") {
    bool ended = false;
    const auto finish = [](bool& done) -> task<int> {
        co_await tandem::sleep(50ms);
        done = true;
        co_return 2;
    };
    const auto won = co_await tandem::race(tandem::shield(finish(ended)), value_after(5ms, 1));
    CHECK(won.index() == 1);
    CHECK(ended);
}

TANDEM_TEST("race: arguments of those that never start are destroyed once", "[tasks][race][virtual]") {
    int live = 0;
    const auto keep = [](tracked) -> task<int> { co_return 1; };
    const auto won = co_await tandem::race(value_now(0), keep(tracked(live)), keep(tracked(live)));
    CHECK(won.index() == 0);
    CHECK(live == 0);
}

TANDEM_TEST("any_success: skips failures and gives the first value", "[tasks][any_success][virtual]") {
    std::vector<task<int>> tasks;
    tasks.push_back(fail_after(1ms));
    tasks.push_back(value_after(10ms, 2));
    tasks.push_back(value_after(1h, 3));
    tasks.push_back(fail_now());
    const auto start = tandem::this_task::loop().now();
    const int value = co_await tandem::any_success(std::move(tasks));
    CHECK(value == 2);
    CHECK(tandem::this_task::loop().now() - start == 10ms);
}

TANDEM_TEST("any_success: when all fail it throws a group in the order of the failures", "[tasks][any_success][virtual]") {
    std::vector<task<int>> tasks;
    tasks.push_back(fail_after(30ms, "c"));
    tasks.push_back(fail_after(10ms, "a"));
    tasks.push_back(fail_after(20ms, "b"));
    std::vector<std::string> texts;
    try {
        co_await tandem::any_success(tasks);
    } catch (const tandem::exception_group& group) {
        for (const std::exception_ptr& e : group.exceptions()) texts.push_back(text_of(e));
    }
    CHECK(texts == std::vector<std::string>({"a", "b", "c"}));
}

TANDEM_TEST("any_success: an empty range is refused", "[tasks][any_success][virtual]") {
    std::vector<task<int>> none;
    bool refused = false;
    try {
        co_await tandem::any_success(none);
    } catch (const std::invalid_argument&) {
        refused = true;
    }
    CHECK(refused);
}

TANDEM_TEST("any_success: cancelled from outside it stops, whatever failed before", "[tasks][any_success][virtual]") {
    int exits = 0;
    const auto body = [](int& count) -> task<> {
        std::vector<task<>> tasks;
        const auto fails = []() -> task<> {
            throw oops();
            co_return;
        };
        tasks.push_back(fails());
        tasks.push_back(sleep_and_count(1h, count));
        co_await tandem::any_success(tasks);
    };
    auto h = tandem::create_task(body, std::ref(exits));
    co_await settle();
    h.cancel();
    co_await settle();
    CHECK(h.cancelled());
    CHECK(exits == 1);
}

TANDEM_TEST("any_success: a loser that fails after there is a winner is no concern", "[tasks][any_success][virtual]") {
    std::vector<task<int>> tasks;
    tasks.push_back(value_after(5ms, 1));
    tasks.push_back(fail_in_cleanup());
    const int value = co_await tandem::any_success(tasks);
    CHECK(value == 1);
}
