// tandem - behaviour of run
// SPDX-License-Identifier: BSL-1.0
#include <tandem/asio/run.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <tandem/sync/event.hpp>
#include <tandem/tasks/create_task.hpp>
#include <tandem/tasks/finally.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/timeout.hpp>
#include <tandem/testing/test_loop.hpp>

#include "support/probes.hpp"
#include "support/tandem_test.hpp"

using namespace std::chrono_literals;
using namespace tandem_test;
using tandem::task;

TEST_CASE("run: returns what main returns", "[asio][run][asyncio:test_asyncio_run_return]") {
    const auto main = []() -> task<int> {
        co_await tandem::sleep(0ms);
        co_return 42;
    };
    CHECK(tandem::run(main()) == 42);
    const auto owned = []() -> task<std::unique_ptr<int>> { co_return std::make_unique<int>(1); };
    CHECK(*tandem::run(owned()) == 1);
    static int target = 0;
    const auto refers = []() -> task<int&> { co_return target; };
    CHECK(&tandem::run(refers()) == &target);
    const auto nothing = []() -> task<> { co_return; };
    tandem::run(nothing());
}

TEST_CASE("run: throws what main throws",
          "[asio][run][asyncio:test_asyncio_run_raises][trio:test_initial_task_error]") {
    const auto main = []() -> task<> {
        co_await tandem::sleep(0ms);
        throw oops("spam");
    };
    CHECK_THROWS_WITH(tandem::run(main()), "spam");
}

namespace {

template <class F>
class at_exit {
public:
    explicit at_exit(F& last_step) : last_step_(last_step) {}
    at_exit(const at_exit&) = delete;
    at_exit& operator=(const at_exit&) = delete;
    ~at_exit() { last_step_(); }

private:
    F& last_step_;
};

}  // namespace

TEST_CASE("run: the locals of a main task that is stopped go in its loop, as main", "[asio][run]") {
    std::string log;
    const auto late = [](std::string& to) -> task<> {
        to += "never";
        co_return;
    };
    const auto leaves = [&log, &late] {
        log += tandem::this_task::name();
        tandem::create_task(late(log));  // born cancelled
    };
    const auto main = [](auto& last_step) -> task<> {
        const at_exit leaving(last_step);
        tandem::event_loop::running().context().stop();
        co_await tandem::sleep(1h);
    };
    tandem::event_loop loop;
    CHECK_THROWS_AS(loop.run(main(leaves)), tandem::cancelled_error);
    CHECK(log == "main");
    const auto again = []() -> task<int> { co_return 4; };
    CHECK(loop.run(again()) == 4);
    log.clear();
    tandem::testing::test_loop virtual_loop;
    const auto cancels = [](auto& last_step) -> task<> {
        const at_exit leaving(last_step);
        static_cast<tandem::testing::test_loop&>(tandem::this_task::loop()).cancel_main();
        co_await tandem::sleep(1h);
    };
    CHECK_THROWS_AS(virtual_loop.run(cancels(leaves)), tandem::cancelled_error);
    CHECK(log == "main");
    log.clear();
    const auto hangs = [](auto& last_step) -> task<> {
        const at_exit leaving(last_step);
        tandem::event never;
        co_await never.wait();
    };
    CHECK_THROWS_AS(virtual_loop.run(hangs(leaves)), tandem::testing::hang_error);
    CHECK(log == "main");
    CHECK(virtual_loop.run(again()) == 4);
}

TEST_CASE("run: inside a running loop is an error",
          "[asio][run][asyncio:test_asyncio_run_from_running_loop]"
          "[trio:test_run_nesting]") {
    const auto inner = []() -> task<> { co_return; };
    const auto main = [](auto make) -> task<> {
        CHECK_THROWS_AS(tandem::run(make()), std::logic_error);
        co_return;
    };
    tandem::run(main(inner));
}

TEST_CASE("run: cancels and joins what create_task left",
          "[asio][run][asyncio:test_asyncio_run_cancels_hanging_tasks]") {
    tandem::task_handle<> h;
    bool cleaned = false;
    const auto leftover = [](bool& flag) -> task<> {
        const auto cleanup = [&flag]() -> task<> {
            const auto slow = [](bool& f) -> task<> {
                co_await tandem::sleep(1ms);
                f = true;
            };
            return slow(flag);
        };
        co_await tandem::finally(tandem::sleep(1h), cleanup);
    };
    const auto main = [](auto make, bool& flag, tandem::task_handle<>& to) -> task<int> {
        to = tandem::create_task(make(flag));
        co_await tandem::sleep(1ms);
        co_return 123;
    };
    CHECK(tandem::run(main(leftover, cleaned, h)) == 123);
    CHECK(h.done());
    CHECK(h.cancelled());
    CHECK(cleaned);
}

TEST_CASE("run: reports errors of what it cancels at its end; main's error is thrown all the same",
          "[asio][run][asyncio:test_asyncio_run_reports_hanging_tasks_errors]"
          "[asyncio:test_asyncio_run_closes_gens_after_hanging_tasks_errors]") {
    std::vector<std::string> reported;
    const auto leftover = []() -> task<> {
        const auto cleanup = []() -> task<> {
            throw other_oops("leftover");
            co_return;
        };
        co_await tandem::finally(tandem::sleep(1h), cleanup);
    };
    const auto main = [](auto make, std::vector<std::string>& to) -> task<> {
        collect_unhandled(to);
        tandem::create_task(make());
        co_await tandem::sleep(1ms);
        throw oops("main");
    };
    CHECK_THROWS_WITH(tandem::run(main(leftover, reported)), "main");
    CHECK(reported == std::vector<std::string>({"leftover"}));
}

TEST_CASE("run: a main task that is cancelled gives cancelled_error", "[asio][run]") {
    int exits = 0;
    const auto main = [](int& count) -> task<> {
        const counts_exit left(count);
        tandem::event_loop::running().context().stop();
        co_await tandem::sleep(1h);
    };
    CHECK_THROWS_AS(tandem::run(main(exits)), tandem::cancelled_error);
    CHECK(exits == 1);
}

TEST_CASE("run: works in any thread, several at a time", "[asio][run][threads]") {
    const auto main = [](int n) -> task<int> {
        co_await tandem::gather(tandem::sleep(1ms), tandem::sleep(2ms));
        co_return n;
    };
    std::vector<int> results(4);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back(
            [&results, i, main] { results[static_cast<std::size_t>(i)] = tandem::run(main(i)); });
    }
    for (std::thread& t : threads) t.join();
    CHECK(results == std::vector<int>({0, 1, 2, 3}));
}

TEST_CASE("run: frees every frame, whatever way it ends", "[asio][run]") {
    const auto frames = tandem::detail::live_frames;
    const auto child = []() -> task<> { co_await tandem::sleep(1h); };
    const auto main = [](auto make, bool fails) -> task<> {
        for (int i = 0; i < 10; ++i) tandem::create_task(make());
        co_await tandem::sleep(1ms);
        if (fails) throw oops();
    };
    tandem::run(main(child, false));
    CHECK(tandem::detail::live_frames == frames);
    CHECK_THROWS_AS(tandem::run(main(child, true)), oops);
    CHECK(tandem::detail::live_frames == frames);
}

TEST_CASE("run: a handle may outlive it", "[asio][run]") {
    tandem::task_handle<int> h;
    const auto main = [](tandem::task_handle<int>& to) -> task<> {
        to = tandem::create_task(value_after(1ms, 7));
        co_await to;
    };
    tandem::run(main(h));
    CHECK(h.result() == 7);
}

TEST_CASE("run: the main task has a name, and no deadline", "[asio][run]") {
    const auto main = []() -> task<> {
        CHECK(tandem::this_task::name() == "main");
        CHECK_FALSE(tandem::this_task::deadline().has_value());
        CHECK_FALSE(tandem::this_task::stop_requested());
        co_return;
    };
    tandem::run(main());
}
