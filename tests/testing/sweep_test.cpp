// tandem - tests of sweep_cancel and sweep_steps
// SPDX-License-Identifier: BSL-1.0
#include <tandem/testing/sweep.hpp>

#include <chrono>
#include <set>
#include <stdexcept>
#include <string>

#include <tandem/core/sleep.hpp>
#include <tandem/sync/event.hpp>
#include <tandem/sync/semaphore.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/shield.hpp>
#include <tandem/tasks/timeout.hpp>

#include "support/tandem_test.hpp"

using namespace std::chrono_literals;
namespace testing = tandem::testing;

namespace {

std::string text_of_failure(void (*call)()) {
    try {
        call();
    } catch (const testing::sweep_error& e) {
        return e.what();
    }
    return "no error";
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

tandem::task<> three_sleeps(int& reached) {
    co_await tandem::sleep(1s);
    ++reached;
    co_await tandem::sleep(1s);
    ++reached;
    co_await tandem::sleep(1s);
    ++reached;
}

tandem::task<> shielded(int& done) {
    co_await tandem::shield(tandem::sleep(1s));
    ++done;
}

// Sets `ready` only if it gets to its end; the waiter is shielded and would wait for ever.
tandem::task<> sets_at_its_end(tandem::event& ready) {
    co_await tandem::sleep(1s);
    ready.set();
}
tandem::task<> waits_shielded(tandem::event& ready) { co_await tandem::shield(ready.wait()); }
tandem::task<> hangs_when_cancelled(tandem::event& ready) {
    co_await tandem::gather(sets_at_its_end(ready), waits_shielded(ready));
}

tandem::task<> throws_late(bool& stop_seen) {
    co_await tandem::shield(tandem::sleep(1s));
    stop_seen = tandem::this_task::stop_requested();
    if (stop_seen) throw std::runtime_error("cleanup failed");
}

tandem::task<> spins_when_cancelled() {
    co_await tandem::shield(tandem::sleep(1s));
    const bool spin = tandem::this_task::stop_requested();
    const auto rest = []() -> tandem::task<> {
        for (;;) co_await tandem::this_task::checkpoint();
    };
    if (spin) co_await tandem::shield(rest());
}

tandem::task<> takes_and_detaches(tandem::semaphore& s) {
    auto permit = co_await s.acquire();
    permit.detach();
    co_await tandem::sleep(1s);
    s.release();
}

tandem::task<> two_at_once(std::string& order) {
    const auto child = [](std::string& to, char name) -> tandem::task<> {
        co_await tandem::this_task::checkpoint();
        to += name;
    };
    co_await tandem::gather(child(order, 'a'), child(order, 'b'), child(order, 'c'), child(order, 'd'));
}

tandem::task<> one_timer_left() {
    tandem::this_task::loop().call_later(1h, [] {});
    co_await tandem::sleep(1s);
}

}  // namespace

TEST_CASE("sweep_cancel: runs once to count and once for each step", "[testing][sweep][virtual]") {
    int reached = 0;
    std::multiset<int> ends;
    const testing::sweep_report report = testing::sweep_cancel(
        [&] {
            reached = 0;
            return three_sleeps(reached);
        },
        [&](const testing::sweep_run& run) {
            CHECK(run.completed() == (reached == 3));
            CHECK(run.stopped() == (reached < 3));
            if (run.point()) ends.insert(reached);
            return true;
        });
    CHECK(report.points() == 7);  // the start, three times a sleep and its end
    CHECK(report.runs() == 8);
    CHECK(report.stopped() == 6);
    CHECK(report.completed() == 1);  // cancelled with nothing left to wait for
    CHECK(report.failed() == 0);
}

TEST_CASE("sweep_cancel: without a check it looks at frames, timers and hangs", "[testing][sweep][virtual]") {
    int done = 0;
    const testing::sweep_report report = testing::sweep_cancel([&] { return shielded(done); });
    CHECK(report.points() == 3);
    CHECK(report.stopped() == 1);
    CHECK(report.completed() == 2);
    CHECK(done == 3);
}

TEST_CASE("sweep_cancel: a hang is an error that names the point and the tasks", "[testing][sweep][virtual]") {
    const std::string text = text_of_failure([] {
        std::optional<tandem::event> ready;
        testing::sweep_cancel([&] {
            ready.emplace();
            return hangs_when_cancelled(*ready);
        });
    });
    INFO(text);
    CHECK(contains(text, "tandem::testing::sweep_cancel: point 1 of "));
    CHECK(contains(text, "nothing is left that could happen"));
    CHECK(contains(text, "event::wait"));
    CHECK(contains(text, "main"));
}

TEST_CASE("sweep_cancel: an exception of a cancelled run is an error, unless allowed", "[testing][sweep][virtual]") {
    const std::string text = text_of_failure([] {
        bool seen = false;
        testing::sweep_cancel([&] { return throws_late(seen); });
    });
    CHECK(text == "tandem::testing::sweep_cancel: point 1 of 3: the scenario threw: cleanup failed");

    bool seen = false;
    const auto report =
        testing::sweep_cancel([&] { return throws_late(seen); }, testing::sweep_options().allow_exceptions());
    CHECK(report.failed() == 2);
    CHECK(report.stopped() == 1);
}

TEST_CASE("sweep_cancel: what the run without cancellation throws passes unchanged", "[testing][sweep][virtual]") {
    const auto make = [] {
        return [](int) -> tandem::task<> {
            throw std::out_of_range("broken scenario");
            co_return;
        }(1);
    };
    CHECK_THROWS_AS(testing::sweep_cancel(make), std::out_of_range);
}

TEST_CASE("sweep_cancel: a task that spins once cancelled is an error", "[testing][sweep][virtual]") {
    const std::string text = text_of_failure(
        [] { testing::sweep_cancel([] { return spins_when_cancelled(); }, testing::sweep_options().step_limit(500)); });
    INFO(text);
    CHECK(contains(text, "point 1 of 3: "));
    CHECK(contains(text, "500 steps and no time has passed"));
}

TEST_CASE("sweep_cancel: the check's text and the point are in the error", "[testing][sweep][virtual]") {
    const std::string text = text_of_failure([] {
        std::optional<tandem::semaphore> s;
        testing::sweep_cancel(
            [&] {
                s.emplace(1u);
                return takes_and_detaches(*s);
            },
            [&] { return s->value() == 1 ? std::string() : "permits: " + std::to_string(s->value()); });
    });
    CHECK(text == "tandem::testing::sweep_cancel: point 1 of 3: permits: 0");

    const std::string lost = text_of_failure([] {
        std::optional<tandem::semaphore> s;
        testing::sweep_cancel(
            [&] {
                s.emplace(1u);
                return [](tandem::semaphore& from) -> tandem::task<> {
                    auto permit = co_await from.acquire();
                    permit.detach();
                    co_await tandem::this_task::checkpoint();
                    co_await tandem::this_task::checkpoint();
                    from.release();
                }(*s);
            },
            [&] { return s->value() == 1 ? std::string() : "permits: " + std::to_string(s->value()); });
    });
    CHECK(lost == "tandem::testing::sweep_cancel: point 1 of 3: permits: 0");
}

TEST_CASE("sweep_cancel: a check that gives bool is named as such", "[testing][sweep][virtual]") {
    const std::string text = text_of_failure([] {
        int done = 0;
        testing::sweep_cancel([&] { return shielded(done); },
                              [](const testing::sweep_run& run) { return !run.stopped(); });
    });
    CHECK(text == "tandem::testing::sweep_cancel: point 0 of 3: the check is false");
}

TEST_CASE("sweep_cancel: frames that are left are an error", "[testing][sweep][virtual]") {
    const auto before = tandem::detail::live_frames;
    const std::string text = text_of_failure([] {
        tandem::task_handle<> kept;
        testing::sweep_cancel([&] {
            return [](tandem::task_handle<>& keep) -> tandem::task<> {
                keep = tandem::create_task([](int) -> tandem::task<> { co_return; }, 1);
                co_await tandem::this_task::checkpoint();
                co_await keep;
            }(kept);
        });
    });
    CHECK(text == "tandem::testing::sweep_cancel: the run that counts the points: 1 frames are left");
    CHECK(tandem::detail::live_frames == before);
}

TEST_CASE("sweep_cancel: timers that are left are an error", "[testing][sweep][virtual]") {
    const std::string text = text_of_failure([] { testing::sweep_cancel([] { return one_timer_left(); }); });
    CHECK(text == "tandem::testing::sweep_cancel: the run that counts the points: 1 timers are still armed");
}

TEST_CASE("sweep_cancel: seeds sweep permuted orders too", "[testing][sweep][virtual]") {
    std::string order;
    std::set<std::string> orders;
    std::set<std::uint64_t> seeds;
    const auto report = testing::sweep_cancel(
        [&] {
            order.clear();
            return two_at_once(order);
        },
        [&](const testing::sweep_run& run) {
            if (!run.point()) orders.insert(order);
            if (run.seed()) seeds.insert(*run.seed());
            return true;
        },
        testing::sweep_options().seeds(10));
    CHECK(orders.size() > 2);
    CHECK(orders.count("abcd") == 1);
    CHECK(seeds.size() == 10);
    CHECK(report.runs() == report.points() + 11);
    CHECK(report.points() == report.stopped() + report.completed());
}

TEST_CASE("sweep_cancel: an error names its seed", "[testing][sweep][virtual]") {
    const std::string text = text_of_failure([] {
        std::string order;
        testing::sweep_cancel(
            [&] {
                order.clear();
                return two_at_once(order);
            },
            [&](const testing::sweep_run& run) { return run.point() || order == "abcd"; },
            testing::sweep_options().seeds(20));
    });
    INFO(text);
    CHECK(contains(text, "tandem::testing::sweep_cancel: the run that counts the points, seed "));
}

TEST_CASE("sweep_steps: does something else at each step", "[testing][sweep][virtual]") {
    tandem::task_handle<> child;
    int finished = 0;
    const auto report = testing::sweep_steps(
        [&] {
            child = tandem::task_handle<>();
            return [](tandem::task_handle<>& h) -> tandem::task<> {
                h = tandem::create_task([](int) -> tandem::task<> {
                    co_await tandem::this_task::checkpoint();
                    co_await tandem::sleep(1s);
                }, 1);
                bool stopped = false;
                try {
                    co_await h;
                } catch (const tandem::cancelled_error&) {
                    stopped = true;
                }
                CHECK(h.cancelled() == stopped);
            }(child);
        },
        [&] { if (child) child.cancel(); },
        [&](const testing::sweep_run& run) {
            finished += child.cancelled() ? 0 : 1;
            child = tandem::task_handle<>();
            return run.completed();
        });
    CHECK(report.stopped() == 0);
    CHECK(report.completed() == report.points());
    CHECK(finished > 1);
    CHECK(finished < static_cast<int>(report.runs()));
}
