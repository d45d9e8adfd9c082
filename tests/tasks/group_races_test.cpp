// tandem - task groups: one failure seen by several tasks, failures and cancels that meet in one turn
// SPDX-License-Identifier: BSL-1.0
#include <tandem/tasks/task_group.hpp>

#include <string>
#include <vector>

#include <tandem/base/exception_group.hpp>
#include <tandem/sync/event.hpp>
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
using tandem::task_group;
using tandem::task_handle;

namespace {

tandem::time_point now() { return tandem::this_task::loop().now(); }

/// The texts of the direct members, in order.
std::string members(const std::exception_ptr& e) {
    std::string texts;
    try {
        std::rethrow_exception(e);
    } catch (const tandem::exception_group& group) {
        for (const std::exception_ptr& member : group.exceptions()) texts += text_of(member) + ";";
    } catch (...) {
        texts = "not a group: " + text_of(e);
    }
    return texts;
}
task<> await_handle(task_handle<int> h) { co_await h; }
/// Counts how far it gets: it caught the group's error, went on, passed a suspension.
template <class Body>
task<> use_group(int& steps, const Body& body) {
    try {
        co_await tandem::with_task_group(body);
    } catch (const tandem::exception_group&) {
        ++steps;
    }
    ++steps;
    co_await tandem::this_task::checkpoint();
    ++steps;
}

}  // namespace

// ---- one failure, seen by several

TANDEM_TEST("task_group: a body that awaits the handle of a failing child adds no second failure",
            "[tasks][task_group][virtual]") {
    const auto e = co_await error_of(tandem::with_task_group([&](task_group& g) -> task<> {
        const auto h = g.create_task(fail_after(1ms));
        co_await h;
    }));
    CHECK(members(e) == "oops;");

    std::string single;
    try {
        co_await tandem::with_task_group([&](task_group& g) -> task<int> {
            const auto h = g.create_task(fail_after(1ms));
            co_return co_await tandem::timeout(1s, h);
        });
    } catch (const tandem::exception_group& group) {
        try {
            group.rethrow_if_single();
        } catch (const oops& one) {
            single = one.what();
        }
    }
    CHECK(single == "oops");
}

TANDEM_TEST("task_group: siblings that await a failing child, one behind the other, add no failure",
            "[tasks][task_group][virtual]") {
    const auto relay = [](task_handle<int> h) -> task<int> { co_return co_await h; };
    const auto e = co_await error_of(tandem::with_task_group([&](task_group& g) -> task<> {
        const auto first = g.create_task(fail_after(1ms));
        const auto second = g.create_task(relay, first);
        const auto third = g.create_task(relay, second);
        g.create_task(await_handle(first));
        co_await tandem::gather(first, third);
    }));
    CHECK(members(e) == "oops;");
}

TANDEM_TEST("task_group: failures that only read the same are all kept", "[tasks][task_group][virtual]") {
    const auto e = co_await error_of(tandem::with_task_group([&](task_group& g) -> task<> {
        for (int i = 0; i < 100; ++i) g.create_task(fail_after(1ms));
        co_await tandem::sleep(1s);
    }));
    std::size_t count = 0;
    try {
        std::rethrow_exception(e);
    } catch (const tandem::exception_group& group) {
        count = group.size();
    }
    CHECK(count == 100);
}

TANDEM_TEST("supervisor: a child that fails by awaiting another is a failure of its own",
            "[tasks][supervisor][virtual]") {
    const auto failures = co_await tandem::with_supervisor([&](task_group& g) -> task<> {
        const auto first = g.create_task(fail_after(1ms));
        g.create_task(await_handle(first));
        co_return;
    });
    CHECK(failures.size() == 2);
}

TANDEM_TEST("finally: body and cleanup that await the same failed task throw its exception once, bare",
            "[tasks][finally][virtual]") {
    const auto h = tandem::create_task(fail_after(1ms));
    const auto cleanup = [&h]() -> task<> { return await_handle(h); };
    const auto e = co_await error_of(tandem::finally(await_handle(h), cleanup));
    CHECK(is<oops>(e));
}

// ---- failure and cancel in one turn

TANDEM_TEST("task_group: a failure, then a cancel of its task in the same turn: thrown, then the task stops",
            "[tasks][task_group][virtual]") {
    int steps = 0;
    const auto body = [](task_group& g) -> task<> {
        g.create_task(fail_after(1ms));
        co_await tandem::sleep(1s);
    };
    auto h = tandem::create_task(use_group(steps, body));
    co_await tandem::sleep(1ms);
    h.cancel();
    const auto e = co_await error_of(h);
    CHECK(is<tandem::cancelled_error>(e));
    CHECK(steps == 2);  // it saw the group's error, and stopped at its next suspension
}

TANDEM_TEST("task_group: cancelled in the turn in which a child is about to fail, it throws the failure",
            "[tasks][task_group][virtual]") {
    int steps = 0;
    task_handle<> h;
    const auto canceller = [&h]() -> task<> {
        co_await tandem::sleep(1ms);
        h.cancel();
    };
    tandem::create_task(canceller);
    const auto body = [](task_group& g) -> task<> {
        g.create_task(fail_after(1ms));
        co_await tandem::sleep(1s);
    };
    h = tandem::create_task(use_group(steps, body));
    const auto e = co_await error_of(h);
    CHECK(is<tandem::cancelled_error>(e));
    CHECK(steps == 2);
}

TANDEM_TEST("task_group: inner and outer group fail in one turn: each throws its own, what follows stops",
            "[tasks][task_group][virtual]") {
    std::string inner_members;
    bool went_on = false;
    const auto e = co_await error_of(tandem::with_task_group([&](task_group& outer) -> task<> {
        const auto inner_error = co_await error_of(tandem::with_task_group([&](task_group& inner) -> task<> {
            inner.create_task(fail_after(1ms, "inner"));
            outer.create_task(fail_after(1ms, "outer"));
            co_await tandem::sleep(1s);
        }));
        inner_members = members(inner_error);
        co_await tandem::this_task::checkpoint();
        went_on = true;
    }));
    CHECK(inner_members == "inner;");
    CHECK(members(e) == "outer;");
    CHECK_FALSE(went_on);
}

TANDEM_TEST("task_group: the task that caught its error is not cancelled itself",
            "[tasks][task_group][virtual]") {
    const auto start = now();
    for (int i = 0; i < 3; ++i) {
        const auto e = co_await error_of(tandem::with_task_group([&](task_group& g) -> task<> {
            g.create_task(fail_after(1ms));
            co_await tandem::sleep(1s);
        }));
        CHECK(members(e) == "oops;");
        CHECK_FALSE(tandem::this_task::stop_requested());
        co_await tandem::sleep(1ms);
    }
    CHECK(now() - start == 6ms);
}

TANDEM_TEST(
    "task_group: a child that starts one that fails is stopped at the suspension it reaches meanwhile",
    "[tasks][task_group][virtual]") {
    int steps = 0;
    const auto starter = [&steps](task_group& g) -> task<> {
        g.create_task(fail_now());
        ++steps;
        co_await tandem::sleep(1ns);  // the other fails meanwhile
        ++steps;
    };
    const auto e = co_await error_of(tandem::with_task_group([&](task_group& g) -> task<> {
        g.create_task(starter, std::ref(g));
        co_return;
    }));
    CHECK(members(e) == "oops;");
    CHECK(steps == 1);
}

TANDEM_TEST("task_group: a timeout around it that is due in the tick of a failure: the first to come decides",
            "[tasks][task_group][timeout][virtual]") {
    const auto fails_at_5ms = [](task_group& g) -> task<> {
        g.create_task(fail_after(5ms));
        co_await tandem::sleep(1s);
    };
    // The timer of the timeout is armed when the body suspends, before the child has had a turn.
    const auto timed_out = co_await error_of(tandem::timeout(5ms, tandem::with_task_group(fails_at_5ms)));
    CHECK(is<tandem::timeout_error>(timed_out));
    const auto later = co_await error_of(tandem::timeout(5ms + 1ns, tandem::with_task_group(fails_at_5ms)));
    CHECK(members(later) == "oops;");
}

// ---- group.cancel()

TANDEM_TEST("task_group: the outer one ended from inside the inner: both end without an error",
            "[tasks][task_group][virtual]") {
    int exits = 0;
    bool between = false;
    bool after = false;
    const auto start = now();
    co_await tandem::with_task_group([&](task_group& outer) -> task<> {
        outer.create_task(sleep_and_count(1h, exits));
        co_await tandem::with_task_group([&](task_group& inner) -> task<> {
            inner.create_task(sleep_and_count(1h, exits));
            co_await tandem::sleep(1ms);
            outer.cancel();
            co_await tandem::sleep(1h);
        });
        between = true;
    });
    after = true;
    CHECK(exits == 2);
    CHECK_FALSE(between);
    CHECK(after);
    CHECK(now() - start == 1ms);
}

TANDEM_TEST("task_group: the inner one ended from the outer: what follows in the outer goes on",
            "[tasks][task_group][virtual]") {
    int exits = 0;
    bool between = false;
    const auto end_soon = [](task_group& of) -> task<> {
        co_await tandem::sleep(1ms);
        of.cancel();
        of.cancel();  // a second time: no effect
    };
    co_await tandem::with_task_group([&](task_group& outer) -> task<> {
        co_await tandem::with_task_group([&](task_group& inner) -> task<> {
            inner.create_task(sleep_and_count(1h, exits));
            outer.create_task(end_soon, std::ref(inner));
            co_return;
        });
        co_await tandem::sleep(1ms);
        between = true;
    });
    CHECK(exits == 1);
    CHECK(between);
}

TANDEM_TEST("task_group: cancel, then a throw of the body: the error is thrown; the children never run",
            "[tasks][task_group][virtual]") {
    int exits = 0;
    const auto e = co_await error_of(tandem::with_task_group([&](task_group& g) -> task<> {
        g.create_task(sleep_and_count(1h, exits));
        g.cancel();
        g.create_task(sleep_and_count(1h, exits));
        throw oops("body");
        co_return;
    }));
    CHECK(members(e) == "body;");
    CHECK(exits == 0);
}

TANDEM_TEST(
    "task_group: a shielded child finishes after cancel and stops at the suspension behind the shield",
    "[tasks][task_group][shield][virtual]") {
    std::vector<int> log;
    const auto start = now();
    const auto child = [&log]() -> task<> {
        co_await tandem::shield(tandem::sleep(10ms));
        log.push_back(1);
        co_await tandem::shield(tandem::sleep(10ms));
        log.push_back(2);
        co_await tandem::this_task::checkpoint();
        log.push_back(3);
    };
    co_await tandem::with_task_group([&](task_group& g) -> task<> {
        g.create_task(child);
        co_await tandem::sleep(1ms);
        g.cancel();
    });
    CHECK(log == std::vector<int>{1, 2});
    CHECK(now() - start == 20ms);
}

TANDEM_TEST(
    "task_group: a body that awaits a child it has cancelled gets cancelled_error, a member of the group",
    "[tasks][task_group][virtual]") {
    const auto e = co_await error_of(tandem::with_task_group([&](task_group& g) -> task<> {
        const auto h = g.create_task(value_after(1h, 1));
        co_await tandem::sleep(1ms);
        h.cancel("no longer needed");
        co_await h;
    }));
    CHECK(members(e).find("no longer needed") != std::string::npos);
}

// ---- join from outside

TANDEM_TEST("task_group: a task outside of the group may wait in join; the end of the group wakes it",
            "[tasks][task_group][virtual]") {
    task_group* group = nullptr;
    tandem::event open;
    std::vector<std::string> log;
    const auto outsider = [&](std::string name) -> task<> {
        co_await open.wait();
        co_await group->join();
        log.push_back(name);
    };
    const auto first = tandem::create_task(outsider, std::string("first"));
    const auto second = tandem::create_task(outsider, std::string("second"));
    const auto gone = tandem::create_task(outsider, std::string("gone"));
    co_await tandem::with_task_group([&](task_group& g) -> task<> {
        group = &g;
        open.set();
        g.create_task(sleep_for(5ms));
        co_await tandem::sleep(1ms);  // its body returns before its child has ended
        gone.cancel();
    });
    log.push_back("group");
    co_await settle();
    CHECK(first.done());
    CHECK(second.done());
    CHECK(gone.cancelled());
    CHECK(log.size() == 3);
}

TANDEM_TEST("task_group: who waits in join from outside is woken by a group that fails, too",
            "[tasks][task_group][virtual]") {
    task_group* group = nullptr;
    tandem::event open;
    const auto outsider = [&]() -> task<tandem::time_point> {
        co_await open.wait();
        co_await group->join();
        co_return now();
    };
    const auto waits = tandem::create_task(outsider);
    const auto start = now();
    const auto e = co_await error_of(tandem::with_task_group([&](task_group& g) -> task<> {
        group = &g;
        open.set();
        g.create_task(fail_after(5ms));
        g.create_task(sleep_for(1h));
        co_return;
    }));
    CHECK(members(e) == "oops;");
    const auto woken = co_await waits;
    CHECK(woken - start == 5ms);
}
