// tandem - tests of run_virtual and test_loop
// SPDX-License-Identifier: BSL-1.0
#include <tandem/testing/test_loop.hpp>

#include <chrono>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <tandem/core/sleep.hpp>
#include <tandem/sync/event.hpp>
#include <tandem/sync/lock.hpp>
#include <tandem/sync/queue.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/shield.hpp>
#include <tandem/tasks/task_group.hpp>
#include <tandem/tasks/timeout.hpp>

#include "support/tandem_test.hpp"

using namespace std::chrono_literals;
namespace testing = tandem::testing;

namespace {

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

tandem::time_point now() { return tandem::this_task::loop().now(); }

tandem::task<int> seven() { co_return 7; }

tandem::task<> note(std::string& order, char name, int turns) {
    for (int i = 0; i < turns; ++i) {
        co_await tandem::this_task::checkpoint();
        order += name;
    }
}

std::string order_with(testing::virtual_options options) {
    std::string order;
    const auto body = [](std::string& to) -> tandem::task<> {
        co_await tandem::gather(note(to, 'a', 3), note(to, 'b', 3), note(to, 'c', 3), note(to, 'd', 3));
    };
    testing::run_virtual(body(order), options);
    return order;
}

template <class T>
std::string hang_text(tandem::task<T> main, testing::virtual_options options = testing::virtual_options()) {
    try {
        testing::run_virtual(std::move(main), options);
    } catch (const testing::hang_error& e) {
        return e.what();
    }
    return "no hang";
}

}  // namespace

TEST_CASE("run_virtual: gives the result of main", "[testing][test_loop][virtual]") {
    CHECK(testing::run_virtual(seven()) == 7);
}

TEST_CASE("run_virtual: throws what main throws", "[testing][test_loop][virtual]") {
    const auto body = []() -> tandem::task<int> {
        co_await tandem::sleep(1s);
        throw std::out_of_range("it");
    };
    CHECK_THROWS_AS(testing::run_virtual(body()), std::out_of_range);
}

TEST_CASE("run_virtual: references and move-only results come through", "[testing][test_loop][virtual]") {
    int x = 1;
    const auto reference = [](int& y) -> tandem::task<int&> { co_return y; };
    testing::run_virtual(reference(x)) = 5;
    CHECK(x == 5);
    const auto owner = []() -> tandem::task<std::unique_ptr<int>> { co_return std::make_unique<int>(4); };
    CHECK(*testing::run_virtual(owner()) == 4);
}

TANDEM_TEST("run_virtual: time starts at zero and moves exactly as told", "[testing][test_loop][virtual]") {
    CHECK(now().time_since_epoch() == 0ns);
    co_await tandem::sleep(1ns);
    CHECK(now().time_since_epoch() == 1ns);
    co_await tandem::sleep(1h);
    CHECK(now().time_since_epoch() == 1h + 1ns);
    co_await tandem::this_task::checkpoint();
    CHECK(now().time_since_epoch() == 1h + 1ns);
    co_await tandem::sleep_until(tandem::time_point(2h));
    CHECK(now().time_since_epoch() == 2h);
    co_await tandem::sleep_until(tandem::time_point(1h));  // past: time does not go back
    CHECK(now().time_since_epoch() == 2h);
}

TANDEM_TEST("run_virtual: time does not move while something is ready", "[testing][test_loop][virtual]") {
    bool fired = false;
    tandem::this_task::loop().call_later(1ns, [&fired] { fired = true; });
    for (int i = 0; i < 1000; ++i) co_await tandem::this_task::checkpoint();
    CHECK_FALSE(fired);
    CHECK(now().time_since_epoch() == 0ns);
    co_await tandem::sleep(1ns);
    CHECK(fired);
}

TANDEM_TEST("run_virtual: a century takes no real time", "[testing][test_loop][virtual]") {
    const auto real = std::chrono::steady_clock::now();
    co_await tandem::sleep(std::chrono::hours(24 * 365 * 100));
    CHECK(now().time_since_epoch() == std::chrono::hours(24 * 365 * 100));
    CHECK(std::chrono::steady_clock::now() - real < 10s);
}

TEST_CASE("run_virtual: a hang names every waiting task and what it waits for", "[testing][test_loop][virtual]") {
    const auto frames = tandem::detail::live_frames;
    const auto body = []() -> tandem::task<> {
        tandem::event never;
        tandem::queue<int> items;
        tandem::lock l;
        auto guard = co_await l.acquire();
        co_await tandem::with_task_group([&](tandem::task_group& group) -> tandem::task<> {
            const auto on_event = [](tandem::event& e) -> tandem::task<> { co_await e.wait(); };
            const auto on_queue = [](tandem::queue<int>& q) -> tandem::task<> { co_await q.get(); };
            const auto on_lock = [](tandem::lock& taken) -> tandem::task<> { auto g = co_await taken.acquire(); };
            group.create_task(on_event(never), "watcher");
            group.create_task(on_queue(items), "reader");
            group.create_task(on_lock(l), "writer");
            co_return;
        });
    };
    const std::string text = hang_text(body());
    INFO(text);
    CHECK(contains(text, "tandem::testing::run_virtual: nothing is left that could happen; 4 tasks"));
    CHECK(contains(text, "main, waits for task_group"));
    CHECK(contains(text, "watcher, waits for event::wait"));
    CHECK(contains(text, "reader, waits for queue::get"));
    CHECK(contains(text, "writer, waits for lock::acquire"));
    CHECK(contains(text, "test_loop_test.cpp:"));
    CHECK(tandem::detail::live_frames == frames);
}

TEST_CASE("run_virtual: after a hang the frames are destroyed, shielded ones too", "[testing][test_loop][virtual]") {
    const auto frames = tandem::detail::live_frames;
    int destroyed = 0;
    const auto body = [](int& count) -> tandem::task<> {
        tandem::event never;
        const auto waits = [](tandem::event& e, int& n) -> tandem::task<> {
            const std::shared_ptr<int> on_exit(&n, [](int* p) { ++*p; });
            co_await e.wait();
        };
        co_await tandem::shield(waits(never, count));
    };
    CHECK(contains(hang_text(body(destroyed)), "event::wait"));
    CHECK(destroyed == 1);
    CHECK(tandem::detail::live_frames == frames);
}

TEST_CASE("run_virtual: a hang of tasks that create_task left is found as well", "[testing][test_loop][virtual]") {
    tandem::event never;
    const auto body = [](tandem::event& e) -> tandem::task<> {
        const auto stubborn = [](tandem::event& x) -> tandem::task<> { co_await tandem::shield(x.wait()); };
        tandem::create_task(stubborn(e), "stubborn");
        co_await tandem::this_task::checkpoint();
    };
    const std::string text = hang_text(body(never));
    INFO(text);
    CHECK(contains(text, "stubborn"));
    CHECK(contains(text, "1 task\n"));
}

TEST_CASE("run_virtual: the same seed gives the same order, seeds differ", "[testing][test_loop][virtual]") {
    CHECK(order_with(testing::virtual_options()) == "abcdabcdabcd");
    std::set<std::string> orders;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        const std::string first = order_with(testing::virtual_options().seed(seed));
        const std::string second = order_with(testing::virtual_options().seed(seed));
        CHECK(first == second);
        CHECK(first.size() == 12);
        orders.insert(first);
    }
    CHECK(orders.size() >= 15);
}

TEST_CASE("run_virtual: a seed leaves lines of waiters first come, first served", "[testing][test_loop][virtual]") {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        std::vector<int> taken;
        const auto body = [](std::vector<int>& order) -> tandem::task<> {
            tandem::lock l;
            auto guard = co_await l.acquire();
            const auto worker = [](tandem::lock& shared, std::vector<int>& to, int id) -> tandem::task<> {
                auto mine = co_await shared.acquire();
                to.push_back(id);
                co_await tandem::this_task::checkpoint();
            };
            auto release = [](tandem::lock::guard held) -> tandem::task<> {
                co_await tandem::this_task::checkpoint();
                held.unlock();
            };
            co_await tandem::gather(worker(l, order, 0), worker(l, order, 1), worker(l, order, 2),
                                    worker(l, order, 3), release(std::move(guard)));
        };
        testing::run_virtual(body(taken), testing::virtual_options().seed(seed));
        CHECK(taken == std::vector<int>{0, 1, 2, 3});
    }
}

TEST_CASE("run_virtual: a task that spins at one instant ends in an error", "[testing][test_loop][virtual]") {
    const auto spins = []() -> tandem::task<> {
        for (;;) co_await tandem::this_task::checkpoint();
    };
    const auto frames = tandem::detail::live_frames;
    const std::string text = hang_text(spins(), testing::virtual_options().step_limit(1000));
    INFO(text);
    CHECK(contains(text, "1000 steps and no time has passed; a task spins"));
    CHECK(contains(text, "main"));
    const std::string seeded = hang_text(spins(), testing::virtual_options().step_limit(1000).seed(3));
    CHECK(contains(seeded, "a task spins"));
    CHECK(tandem::detail::live_frames == frames);
}

TEST_CASE("run_virtual: steps spread over time are no spinning", "[testing][test_loop][virtual]") {
    const auto ticks = []() -> tandem::task<> {
        for (int i = 0; i < 5000; ++i) co_await tandem::sleep(1ms);
    };
    CHECK_NOTHROW(testing::run_virtual(ticks(), testing::virtual_options().step_limit(100)));
}

TANDEM_TEST("run_virtual: inside a running loop it is a logic_error", "[testing][test_loop][virtual]") {
    std::string text;
    try {
        testing::run_virtual(seven());
    } catch (const std::logic_error& e) {
        text = e.what();
    }
    CHECK(text == "tandem::testing::run_virtual: a loop runs on this thread already; await the task");
    co_return;
}

TEST_CASE("test_loop: cancel_main stops main, which is a cancelled_error", "[testing][test_loop][virtual]") {
    testing::test_loop loop;
    bool after = false;
    loop.before_step([&](std::uint64_t step) {
        if (step == 1) loop.cancel_main();
    });
    const auto body = [](bool& reached) -> tandem::task<> {
        co_await tandem::sleep(1h);
        reached = true;
    };
    CHECK_THROWS_AS(loop.run(body(after)), tandem::cancelled_error);
    CHECK_FALSE(after);
    CHECK(loop.now().time_since_epoch() == 0ns);
    CHECK(loop.statistics().timers == 0);
}

TEST_CASE("test_loop: a loop can be run again, time goes on", "[testing][test_loop][virtual]") {
    testing::test_loop loop;
    const auto body = []() -> tandem::task<int> {
        const auto child = []() -> tandem::task<> { co_await tandem::sleep(1h); };
        tandem::create_task(child());
        co_await tandem::sleep(1s);
        co_return 1;
    };
    CHECK(loop.run(body()) == 1);
    CHECK(loop.now().time_since_epoch() == 1s);
    CHECK(loop.run(body()) == 1);
    CHECK(loop.now().time_since_epoch() == 2s);
    loop.cancel_main();  // nothing runs: no effect
    CHECK(loop.run(seven()) == 7);
}

TEST_CASE("test_loop: a task that spins does not outlive main", "[testing][test_loop][virtual]") {
    const auto body = []() -> tandem::task<> {
        const auto spins = []() -> tandem::task<> {
            for (;;) co_await tandem::this_task::checkpoint();
        };
        tandem::create_task(spins());
        for (int i = 0; i < 10; ++i) co_await tandem::this_task::checkpoint();
    };
    const auto frames = tandem::detail::live_frames;
    CHECK_NOTHROW(testing::run_virtual(body(), testing::virtual_options().step_limit(10'000)));
    CHECK(tandem::detail::live_frames == frames);
}

TEST_CASE("test_loop: a blocked program makes no steps", "[testing][test_loop][virtual]") {
    testing::test_loop loop;
    tandem::event go;
    const auto body = [](tandem::event& e) -> tandem::task<std::uint64_t> {
        const auto waits = [](tandem::event& x) -> tandem::task<> { co_await x.wait(); };
        for (int i = 0; i < 100; ++i) tandem::create_task(waits(e));
        co_await tandem::sleep(1s);
        const std::uint64_t before = tandem::this_task::loop().statistics().steps;
        co_await tandem::sleep(24h);
        co_return tandem::this_task::loop().statistics().steps - before;
    };
    CHECK(loop.run(body(go)) == 1);  // the resumption of main
}

TEST_CASE("test_loop: time stands still while another thread owes it something", "[testing][test_loop][threads]") {
    const auto body = []() -> tandem::task<> {
        auto& loop = tandem::this_task::loop();
        tandem::event arrived;
        loop.expect_remote();
        std::thread other([&] {
            loop.call_soon_threadsafe([&] {
                loop.remote_arrived();
                arrived.set();
            });
        });
        co_await tandem::timeout(1ns, arrived.wait());
        CHECK(loop.now().time_since_epoch() == 0ns);
        other.join();
    };
    testing::run_virtual(body());
}
