// tandem - behaviour of task_handle::add_done_callback
// SPDX-License-Identifier: BSL-1.0
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <tandem/tasks/create_task.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/task_group.hpp>

#include "support/probes.hpp"
#include "support/tandem_test.hpp"

using namespace std::chrono_literals;
using namespace tandem_test;
using tandem::task;
using tandem::task_handle;

TANDEM_TEST("add_done_callback: called once, with the handle, after a value, a failure and a cancel",
            "[tasks][task_handle][virtual]") {
    std::vector<std::string> log;
    const auto note = [&log](const task_handle<int>& h) {
        CHECK(h.done());
        log.push_back(h.cancelled()   ? "cancelled"
                      : h.exception() ? text_of(h.exception())
                                      : std::to_string(h.result()));
    };
    const auto a = tandem::create_task(value_after(1ms, 7));
    const auto b = tandem::create_task(fail_after(2ms));
    const auto c = tandem::create_task(value_after(1h, 0));
    for (const auto& h : {std::cref(a), std::cref(b), std::cref(c)}) h.get().add_done_callback(note);
    CHECK(log.empty());
    co_await tandem::sleep(3ms);
    c.cancel();
    CHECK(log.size() == 2);  // never from inside the call that ends the task
    co_await settle();
    CHECK(log == std::vector<std::string>{"7", "oops", "cancelled"});
}

TANDEM_TEST("add_done_callback: several are called in their order, in line with the tasks that await",
            "[tasks][task_handle][virtual]") {
    std::vector<int> log;
    const auto h = tandem::create_task(value_after(1ms, 1));
    const auto awaits = [](task_handle<int> of, std::vector<int>& to) -> task<> {
        co_await of;
        to.push_back(2);
    };
    h.add_done_callback([&log] { log.push_back(1); });
    tandem::create_task(awaits, h, std::ref(log));
    co_await tandem::this_task::checkpoint();
    h.add_done_callback([&log] { log.push_back(3); });
    co_await tandem::sleep(2ms);
    if (!order_is_permuted()) CHECK(log == std::vector<int>{1, 2, 3});
    CHECK(log.size() == 3);
}

TANDEM_TEST("add_done_callback: of a task that has ended it is called in a later step",
            "[tasks][task_handle][virtual]") {
    const auto h = tandem::create_task(value_now(1));
    co_await settle();
    bool called = false;
    h.add_done_callback([&called](const task_handle<int>& of) { called = of.result() == 1; });
    CHECK_FALSE(called);
    co_await settle();
    CHECK(called);
}

TANDEM_TEST("add_done_callback: a task that never ran counts as cancelled, and one of a group is called too",
            "[tasks][task_handle][task_group][virtual]") {
    int cancelled = 0;
    const auto note = [&cancelled](const task_handle<int>& h) { cancelled += h.cancelled() ? 1 : 0; };
    co_await tandem::with_task_group([&](tandem::task_group& g) -> task<> {
        g.create_task(value_after(1h, 1)).add_done_callback(note);
        co_await settle();
        g.create_task(value_after(1h, 1)).add_done_callback(note);
        g.cancel();
        g.create_task(value_after(1h, 1)).add_done_callback(note);
    });
    co_await settle();
    CHECK(cancelled == 3);
}

TANDEM_TEST("add_done_callback: it may drop the last handle, start tasks, and add another",
            "[tasks][task_handle][virtual]") {
    std::set<std::uint64_t> running;
    int later = 0;
    int exits = 0;
    for (int i = 0; i < 3; ++i) {
        const auto h = tandem::create_task(value_after(1ms, i));
        running.insert(h.id());
        h.add_done_callback([&](const task_handle<int>& of) {
            running.erase(of.id());
            tandem::create_task(sleep_and_count(1ms, exits));
            of.add_done_callback([&later] { ++later; });
        });
    }
    co_await tandem::sleep(3ms);
    CHECK(running.empty());
    CHECK(later == 3);
    CHECK(exits == 3);
}

TANDEM_TEST("add_done_callback: what it throws goes to on_unhandled; the others are called",
            "[tasks][task_handle][virtual]") {
    std::vector<std::string> unhandled;
    collect_unhandled(unhandled);
    int calls = 0;
    const auto h = tandem::create_task(value_after(1ms, 1));
    h.add_done_callback([] { throw oops("callback"); });
    h.add_done_callback([&calls] { ++calls; });
    co_await tandem::sleep(2ms);
    CHECK(calls == 1);
    CHECK(unhandled == std::vector<std::string>{"callback"});
}

TANDEM_TEST("add_done_callback: a failure it asks for is handled, one it does not ask for is reported",
            "[tasks][task_handle][virtual]") {
    std::vector<std::string> unhandled;
    collect_unhandled(unhandled);
    tandem::create_task(fail_after(1ms, "asked")).add_done_callback([](const task_handle<int>& h) {
        static_cast<void>(h.exception());
    });
    tandem::create_task(fail_after(1ms, "silent")).add_done_callback([] {});
    co_await tandem::sleep(2ms);
    CHECK(unhandled == std::vector<std::string>{"silent"});
}

TANDEM_TEST("add_done_callback: takes what can only be moved, and destroys it after the call",
            "[tasks][task_handle][virtual]") {
    const auto shared = std::make_shared<int>(0);
    auto owned = std::make_unique<std::shared_ptr<int>>(shared);
    const auto h = tandem::create_task(value_after(1ms, 1));
    h.add_done_callback([to = std::move(owned)] { ++**to; });
    CHECK(shared.use_count() == 2);
    co_await tandem::sleep(2ms);
    CHECK(*shared == 1);
    CHECK(shared.use_count() == 1);
}

namespace {

class adds_at_exit {
public:
    adds_at_exit(const task_handle<int>& h, std::shared_ptr<int> calls)
        : handle_(h), calls_(std::move(calls)) {}
    adds_at_exit(const adds_at_exit&) = delete;
    adds_at_exit& operator=(const adds_at_exit&) = delete;
    ~adds_at_exit() {
        handle_.add_done_callback([calls = calls_] { ++*calls; });
    }

private:
    const task_handle<int>& handle_;
    std::shared_ptr<int> calls_;
};

}  // namespace

TEST_CASE("add_done_callback: one that the loop does not get to is destroyed; without a loop it is an error",
          "[tasks][task_handle][virtual]") {
    const auto frames_before = tandem::detail::live_frames;
    const auto calls = std::make_shared<int>(0);
    task_handle<int> kept;
    {
        tandem::testing::test_loop loop;
        const auto body = [&]() -> task<> {
            kept = tandem::create_task(value_now(1));
            co_await kept;
            const adds_at_exit last(kept, calls);  // goes when the loop has done its last step
            loop.call_soon([&loop] { loop.cancel_main(); });
            co_await tandem::sleep(1h);
        };
        CHECK_THROWS_AS(loop.run(body()), tandem::cancelled_error);
        CHECK(calls.use_count() == 2);
    }
    CHECK(calls.use_count() == 1);
    CHECK(*calls == 0);
    CHECK(kept.result() == 1);
    CHECK_THROWS_AS(kept.add_done_callback([] {}), tandem::invalid_state_error);
    CHECK_THROWS_AS(task_handle<int>().add_done_callback([] {}), tandem::invalid_state_error);
    kept = task_handle<int>();
    CHECK(tandem::detail::live_frames == frames_before);
}
