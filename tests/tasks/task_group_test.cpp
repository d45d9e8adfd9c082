// tandem - behaviour of with_task_group and with_supervisor
// SPDX-License-Identifier: BSL-1.0
#include <tandem/tasks/task_group.hpp>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include <tandem/base/exception_group.hpp>
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
using tandem::task_group;

namespace {

/// The types of the direct members, as letters: o(ops), t (other), g(roup), ? (else); in order.
std::string kinds(const std::exception_ptr& e) {
    std::string text;
    try {
        std::rethrow_exception(e);
    } catch (const tandem::exception_group& group) {
        for (const std::exception_ptr& member : group.exceptions()) {
            text += is<oops>(member) ? 'o' : is<other_oops>(member) ? 't' : is<tandem::exception_group>(member) ? 'g' : '?';
        }
    } catch (...) {
        text = "not a group: " + text_of(e);
    }
    return text;
}
std::exception_ptr member(const std::exception_ptr& e, std::size_t i) {
    try {
        std::rethrow_exception(e);
    } catch (const tandem::exception_group& group) {
        return group.exceptions().at(i);
    } catch (...) {
        return nullptr;
    }
}

task<> throw_other() {
    throw other_oops();
    co_return;
}
/// Python's `try: sleep finally: raise`.
task<> fail_when_cancelled(milliseconds sleeps) {
    const auto cleanup = []() -> task<> { return throw_other(); };
    co_await tandem::finally(tandem::sleep(sleeps), cleanup);
}
/// Python's `except CancelledError: await sleep; raise`.
task<> linger_when_cancelled(milliseconds lingers, int& ends) {
    const auto cleanup = [&ends, lingers]() -> task<> { return sleep_and_count(lingers, ends); };
    co_await tandem::finally(tandem::sleep(1h), cleanup);
}
task<> crash_after(milliseconds delay) {
    co_await tandem::sleep(delay);
    throw oops();
}
task<> nest(int depth, int& exits) {
    const counts_exit left(exits);
    if (depth == 0) {
        co_await tandem::sleep(1h);
        co_return;
    }
    co_await tandem::with_task_group([&](task_group& g) -> task<> {
        g.create_task(nest(depth - 1, exits));
        co_return;
    });
}
task<> crash_after_shielded(milliseconds delay) { co_await tandem::shield(crash_after(delay)); }

}  // namespace

TANDEM_TEST("task_group: ends when every child has ended, results are in the handles",
            "[tasks][task_group][virtual][asyncio:test_taskgroup_01][corral:nursery-smoke]") {
    tandem::task_handle<int> first;
    tandem::task_handle<int> second;
    const auto start = tandem::this_task::loop().now();
    co_await tandem::with_task_group([&](task_group& g) -> task<> {
        first = g.create_task(value_after(100ms, 42));
        second = g.create_task(value_after(200ms, 11));
        co_return;
    });
    CHECK(first.result() == 42);
    CHECK(second.result() == 11);
    CHECK(tandem::this_task::loop().now() - start == 200ms);
}

TANDEM_TEST("task_group: children can be started after the body has waited",
            "[tasks][task_group][virtual][asyncio:test_taskgroup_02]") {
    tandem::task_handle<int> first;
    tandem::task_handle<int> second;
    co_await tandem::with_task_group([&](task_group& g) -> task<> {
        first = g.create_task(value_after(100ms, 42));
        co_await tandem::sleep(150ms);
        second = g.create_task(value_after(200ms, 11));
    });
    CHECK(first.result() + second.result() == 53);
}

TANDEM_TEST("task_group: a child cancelled through its handle disturbs neither siblings nor group",
            "[tasks][task_group][virtual][asyncio:test_taskgroup_03]") {
    tandem::task_handle<int> first;
    tandem::task_handle<int> second;
    co_await tandem::with_task_group([&](task_group& g) -> task<> {
        first = g.create_task(value_after(1s, 42));
        co_await tandem::sleep(150ms);
        first.cancel();
        second = g.create_task(value_after(200ms, 11));
    });
    CHECK(first.cancelled());
    CHECK(second.result() == 11);
}

TANDEM_TEST("task_group: a failing child cancels and joins the others; what follows the group does not run",
            "[tasks][task_group][virtual][asyncio:test_taskgroup_04][corral:nursery-exception]") {
    int exits = 0;
    bool after = false;
    tandem::task_handle<> second;
    const auto runner = [](int& count, bool& passed, tandem::task_handle<>& h) -> task<> {
        co_await tandem::with_task_group([&](task_group& g) -> task<> {
            g.create_task(crash_after(100ms));
            h = g.create_task(sleep_and_count(1s, count));
            co_return;
        });
        passed = true;
    };
    const std::exception_ptr e = co_await error_of(runner(exits, after, second));
    CHECK(kinds(e) == "o");
    CHECK(exits == 1);
    CHECK(second.cancelled());
    CHECK_FALSE(after);
}

TANDEM_TEST("task_group: failures of one turn are all in the group, in order, and the body is stopped",
            "[tasks][task_group][virtual][asyncio:test_cancel_children_on_child_error]") {
    int child_exits = 0;
    int body_exits = 0;
    const std::exception_ptr e = co_await error_of(tandem::with_task_group([&](task_group& g) -> task<> {
        g.create_task(crash_after(100ms));
        g.create_task(crash_after(100ms));
        g.create_task(crash_after(100ms));
        g.create_task(sleep_and_count(5s, child_exits));
        const counts_exit left(body_exits);
        co_await tandem::sleep(10s);
        FAIL_CHECK("the body goes on");
    }));
    // The first one's cancellation finds the others woken already: they fail, too.
    CHECK(kinds(e) == "ooo");
    CHECK(child_exits == 1);
    CHECK(body_exits == 1);
}

TANDEM_TEST("task_group: cancelled from outside it cancels and joins its children, then stops",
            "[tasks][task_group][virtual][asyncio:test_cancellation][asyncio:test_taskgroup_22]") {
    int exits = 0;
    const auto runner = [](int& count) -> task<> {
        co_await tandem::with_task_group([&](task_group& g) -> task<> {
            for (int i = 0; i < 5; ++i) g.create_task(sleep_and_count(5s, count));
            co_return;
        });
    };
    auto h = tandem::create_task(runner, std::ref(exits));
    co_await tandem::sleep(100ms);
    CHECK_FALSE(h.done());
    h.cancel();
    const std::exception_ptr e = co_await error_of(h);
    CHECK(is<tandem::cancelled_error>(e));
    CHECK(exits == 5);
}

TANDEM_TEST("task_group: cancelled from outside it stops the body, too",
            "[tasks][task_group][virtual][asyncio:test_taskgroup_07][asyncio:test_taskgroup_17]") {
    int exits = 0;
    int body_exits = 0;
    const auto runner = [](int& count, int& body_count) -> task<> {
        co_await tandem::with_task_group([&](task_group& g) -> task<> {
            for (int i = 0; i < 5; ++i) g.create_task(sleep_and_count(5s, count));
            const counts_exit left(body_count);
            co_await tandem::sleep(10s);
        });
    };
    auto h = tandem::create_task(runner, std::ref(exits), std::ref(body_exits));
    co_await tandem::sleep(100ms);
    h.cancel();
    co_await settle();
    CHECK(h.cancelled());
    CHECK(exits == 5);
    CHECK(body_exits == 1);
}

TANDEM_TEST("task_group: errors of children in their cleanup beat the cancellation from outside",
            "[tasks][task_group][virtual][asyncio:test_taskgroup_08]") {
    const auto runner = []() -> task<> {
        co_await tandem::with_task_group([](task_group& g) -> task<> {
            for (int i = 0; i < 5; ++i) g.create_task(fail_when_cancelled(10s));
            co_await tandem::sleep(10s);
        });
    };
    auto h = tandem::create_task(runner);
    co_await tandem::sleep(100ms);
    h.cancel();
    const std::exception_ptr e = co_await error_of(h);
    CHECK(kinds(e) == "ttttt");
}

TANDEM_TEST("task_group: an error of the body cancels the children and is a member of the group",
            "[tasks][task_group][virtual][asyncio:test_taskgroup_09][corral:nursery-imm-fail-nursery-block]") {
    tandem::task_handle<int> first;
    tandem::task_handle<int> second;
    const std::exception_ptr e = co_await error_of(tandem::with_task_group([&](task_group& g) -> task<> {
        first = g.create_task(value_after(1s, 42));
        second = g.create_task(value_after(2s, 11));
        co_await tandem::sleep(100ms);
        throw oops();
    }));
    CHECK(kinds(e) == "o");
    CHECK(first.cancelled());
    CHECK(second.cancelled());
}

TANDEM_TEST("task_group: a body that fails before its children had a turn keeps them from running",
            "[tasks][task_group][virtual][asyncio:test_taskgroup_10]") {
    std::vector<int> log;
    tandem::task_handle<> first;
    const std::exception_ptr e = co_await error_of(tandem::with_task_group([&](task_group& g) -> task<> {
        first = g.create_task(note(log, 1));
        throw oops();
        co_return;
    }));
    CHECK(kinds(e) == "o");
    CHECK(first.cancelled());
    CHECK(log.empty());
}

TANDEM_TEST("task_group: errors of an inner group arrive nested in the outer one",
            "[tasks][task_group][virtual][asyncio:test_taskgroup_11]") {
    const auto runner = []() -> task<> {
        co_await tandem::with_task_group([](task_group&) -> task<> {
            co_await tandem::with_task_group([](task_group& inner) -> task<> {
                for (int i = 0; i < 5; ++i) inner.create_task(fail_when_cancelled(10s));
                co_await tandem::sleep(10s);
            });
        });
    };
    auto h = tandem::create_task(runner);
    co_await tandem::sleep(100ms);
    h.cancel();
    const std::exception_ptr e = co_await error_of(h);
    CHECK(kinds(e) == "g");
    CHECK(kinds(member(e, 0)) == "ttttt");
}

TANDEM_TEST("task_group: the same with a child of the outer group that just stops",
            "[tasks][task_group][virtual][asyncio:test_taskgroup_12]") {
    const auto runner = []() -> task<> {
        co_await tandem::with_task_group([](task_group& outer) -> task<> {
            outer.create_task(sleep_for(10s));
            co_await tandem::with_task_group([](task_group& inner) -> task<> {
                for (int i = 0; i < 5; ++i) inner.create_task(fail_when_cancelled(10s));
                co_await tandem::sleep(10s);
            });
        });
    };
    auto h = tandem::create_task(runner);
    co_await tandem::sleep(100ms);
    h.cancel();
    const std::exception_ptr e = co_await error_of(h);
    CHECK(kinds(e) == "g");
    CHECK(kinds(member(e, 0)) == "ttttt");
}

TANDEM_TEST("task_group: a failure of the outer group stops the inner one, which adds no error",
            "[tasks][task_group][virtual][asyncio:test_taskgroup_13]") {
    const std::exception_ptr e = co_await error_of(tandem::with_task_group([](task_group& outer) -> task<> {
        outer.create_task(crash_after(100ms));
        co_await tandem::with_task_group([](task_group& inner) -> task<> {
            inner.create_task(crash_after(10s));
            co_return;
        });
    }));
    CHECK(kinds(e) == "o");
}

TANDEM_TEST("task_group: a failure of the inner group cancels the outer one",
            "[tasks][task_group][virtual][asyncio:test_taskgroup_14]") {
    tandem::task_handle<> outer_child;
    const std::exception_ptr e = co_await error_of(tandem::with_task_group([&](task_group& outer) -> task<> {
        outer_child = outer.create_task(crash_after(10s));
        co_await tandem::with_task_group([](task_group& inner) -> task<> {
            inner.create_task(crash_after(100ms));
            co_return;
        });
    }));
    CHECK(kinds(e) == "g");
    CHECK(kinds(member(e, 0)) == "o");
    CHECK(outer_child.cancelled());
}

TANDEM_TEST("task_group: a child that fails while the body cleans up after a cancel is reported",
            "[tasks][task_group][virtual][asyncio:test_taskgroup_15]") {
    const auto runner = []() -> task<> {
        co_await tandem::with_task_group([](task_group& g) -> task<> {
            g.create_task(crash_after_shielded(300ms));
            int ends = 0;
            co_await linger_when_cancelled(500ms, ends);
        });
    };
    auto h = tandem::create_task(runner);
    co_await tandem::sleep(100ms);
    CHECK_FALSE(h.done());
    h.cancel();
    const std::exception_ptr e = co_await error_of(h);
    CHECK(kinds(e) == "o");
}

TANDEM_TEST("task_group: the same below another task that awaits it; its cancel does not reach the target",
            "[tasks][task_group][virtual][asyncio:test_taskgroup_16]") {
    // asyncio cancels the awaited task, too; here a waiter does not own what it waits for.
    const auto nested = []() -> task<> {
        co_await tandem::with_task_group([](task_group& g) -> task<> {
            g.create_task(crash_after(300ms));
            co_await tandem::sleep(10s);
        });
    };
    tandem::task_handle<> target = tandem::create_task(nested);
    const auto runner = [](tandem::task_handle<>& t) -> task<> { co_await t; };
    auto h = tandem::create_task(runner, std::ref(target));
    co_await tandem::sleep(100ms);
    h.cancel();
    const std::exception_ptr of_waiter = co_await error_of(h);
    CHECK(is<tandem::cancelled_error>(of_waiter));
    CHECK_FALSE(target.done());
    const std::exception_ptr e = co_await error_of(target);
    CHECK(kinds(e) == "o");
}

TANDEM_TEST("task_group: a body that throws in its cleanup after a cancel gives that error",
            "[tasks][task_group][virtual][asyncio:test_taskgroup_18]") {
    const auto runner = []() -> task<> {
        co_await tandem::with_task_group([](task_group&) -> task<> { co_await fail_when_cancelled(10s); });
    };
    auto h = tandem::create_task(runner);
    co_await tandem::sleep(100ms);
    h.cancel();
    const std::exception_ptr e = co_await error_of(h);
    CHECK(kinds(e) == "t");
}

TANDEM_TEST("task_group: a body that fails while a failing child has it cancelled: both are members",
            "[tasks][task_group][virtual][asyncio:test_taskgroup_19][asyncio:test_taskgroup_20a]"
            "[asyncio:test_taskgroup_21a][asyncio:test_taskgroup_context_manager_exit_raises]") {
    const std::exception_ptr e = co_await error_of(tandem::with_task_group([](task_group& g) -> task<> {
        g.create_task(crash_after(100ms));
        co_await fail_when_cancelled(10s);
    }));
    CHECK(kinds(e) == "ot");
}

TANDEM_TEST("task_group: forgets the children that have ended",
            "[tasks][task_group][virtual][asyncio:test_taskgroup_23]") {
    co_await tandem::with_task_group([](task_group& g) -> task<> {
        for (int count = 0; count < 10; ++count) {
            co_await tandem::sleep(100ms);
            g.create_task(sleep_for(300ms));
            if (count == 5) CHECK(g.children() < 5);
        }
        co_await tandem::sleep(1350ms);
        CHECK(g.children() == 0);
    });
}

TANDEM_TEST("task_group: children start children, and the group waits for those",
            "[tasks][task_group][virtual][asyncio:test_taskgroup_24]") {
    int exits = 0;
    const auto start = tandem::this_task::loop().now();
    const auto root = [](task_group& g, int& count) -> task<> {
        co_await tandem::sleep(100ms);
        g.create_task(sleep_and_count(100ms, count));
        g.create_task(sleep_and_count(200ms, count));
    };
    co_await tandem::with_task_group([&](task_group& g) -> task<> {
        g.create_task(root(g, exits));
        co_return;
    });
    CHECK(exits == 2);
    CHECK(tandem::this_task::loop().now() - start == 300ms);
}

namespace {

task<> hydra(task_group& g, int& heads) {
    if (++heads > 1'000'000) co_return;
    co_await tandem::sleep(10ms);
    g.create_task(hydra(g, heads));
    g.create_task(hydra(g, heads));
}
task<> hercules(int& heads) {
    while (heads < 10) co_await tandem::sleep(15ms);
    throw oops();
}

}  // namespace

TANDEM_TEST("task_group: one that grows while it is cancelled ends all the same",
            "[tasks][task_group][virtual][asyncio:test_taskgroup_25]") {
    int heads = 0;
    const std::exception_ptr e = co_await error_of(tandem::with_task_group([&](task_group& g) -> task<> {
        g.create_task(hydra(g, heads));
        g.create_task(hercules(heads));
        co_return;
    }));
    CHECK(kinds(e) == "o");
    CHECK(heads >= 10);
}

TANDEM_TEST("task_group: a child has the name it was given, a number otherwise",
            "[tasks][task_group][virtual][asyncio:test_taskgroup_task_name]") {
    co_await tandem::with_task_group([](task_group& g) -> task<> {
        auto named = g.create_task(value_after(1ms, 1), "yolo");
        auto bare = g.create_task(value_after(1ms, 1));
        CHECK(named.name() == "yolo");
        CHECK(bare.name() == "task-" + std::to_string(bare.id()));
        co_await g.join();
        CHECK(named.name() == "yolo");
    });
}

TANDEM_TEST("task_group: a child inherits task_locals and keeps what it sets to itself",
            "[tasks][task_group][virtual][asyncio:test_taskgroup_task_context]") {
    static tandem::task_local<int> var(0);
    var.set(1);
    const auto child = [](int n, int& seen) -> task<> {
        seen = var.get();
        var.set(n);
        co_await tandem::this_task::checkpoint();
        CHECK(var.get() == n);
    };
    int first = 0;
    int second = 0;
    co_await tandem::with_task_group([&](task_group& g) -> task<> {
        CHECK(var.get() == 1);
        g.create_task(child(10, first));
        var.set(2);  // the body is part of the enclosing task
        g.create_task(child(20, second));
        co_return;
    });
    CHECK(first == 1);
    CHECK(second == 2);
    CHECK(var.get() == 2);
}

TANDEM_TEST("task_group: a task started while the group is being cancelled is born cancelled and never runs",
            "[tasks][task_group][virtual][asyncio:test_taskgroup_no_create_task_after_failure]"
            "[corral:nursery-cancel-enqueue]") {
    std::vector<int> log;
    tandem::task_handle<> late;
    const auto second = [](task_group& g, std::vector<int>& to, tandem::task_handle<>& h) -> task<> {
        const auto cleanup = [&]() -> task<> {
            const auto start_late = [](task_group& group, std::vector<int>& l, tandem::task_handle<>& handle) -> task<> {
                handle = group.create_task(note(l, 1));
                co_return;
            };
            return start_late(g, to, h);
        };
        co_await tandem::finally(tandem::sleep(1s), cleanup);
    };
    const std::exception_ptr e = co_await error_of(tandem::with_task_group([&](task_group& g) -> task<> {
        g.create_task(crash_after(1ms));
        g.create_task(second(g, log, late));
        co_return;
    }));
    CHECK(kinds(e) == "o");
    CHECK(late.cancelled());
    CHECK(log.empty());
}

namespace {

class starts_on_exit {
public:
    starts_on_exit(task_group& g, std::vector<int>& log) noexcept : group_(g), log_(log) {}
    starts_on_exit(const starts_on_exit&) = delete;
    starts_on_exit& operator=(const starts_on_exit&) = delete;
    ~starts_on_exit() { group_.create_task(note(log_, 1)); }

private:
    task_group& group_;
    std::vector<int>& log_;
};

}  // namespace

TANDEM_TEST("task_group: a destructor that runs while the group unwinds may start a task, which never runs",
            "[tasks][task_group][virtual]") {
    std::vector<int> log;
    const auto child = [](task_group& g, std::vector<int>& to) -> task<> {
        const starts_on_exit guard(g, to);
        co_await tandem::sleep(1h);
    };
    co_await tandem::with_task_group([&](task_group& g) -> task<> {
        g.create_task(child(g, log));
        co_await settle();
        g.cancel();
    });
    CHECK(log.empty());
}

TANDEM_TEST("task_group: the same for a local of a body that was stopped, which goes last", "[tasks][task_group][virtual]") {
    std::vector<int> log;
    const auto runner = [](std::vector<int>& to) -> task<> {
        co_await tandem::with_task_group([&](task_group& g) -> task<> {
            const starts_on_exit guard(g, to);
            g.create_task(sleep_for(1h));
            co_await tandem::sleep(1h);
        });
    };
    auto h = tandem::create_task(runner, std::ref(log));
    co_await settle();
    h.cancel();
    co_await settle();
    CHECK(h.cancelled());
    CHECK(log.empty());
}

TANDEM_TEST("task_group: its last child, cancelled through its handle, may start another as it unwinds",
            "[tasks][task_group][virtual]") {
    std::vector<int> log;
    const auto child = [](task_group& g, std::vector<int>& to) -> task<> {
        const starts_on_exit guard(g, to);
        co_await tandem::sleep(1h);
    };
    tandem::task_handle<> h;
    tandem::this_task::loop().call_later(1ms, [&h] { h.cancel(); });
    co_await tandem::with_task_group([&](task_group& g) -> task<> {
        h = g.create_task(child(g, log));
        co_return;
    });
    CHECK(h.cancelled());
    CHECK(log == std::vector<int>({1}));  // the group was not being cancelled, so it runs
}

TANDEM_TEST("task_group: a task started in a group that has ended is an error", "[tasks][task_group][virtual]") {
    // The only moment: the last child has ended, the awaiting task has not resumed yet.
    task_group* leaked = nullptr;
    bool refused = false;
    int live = 0;
    const auto late = [&] {
        const auto keep = [](tracked) -> task<> { co_return; };
        try {
            leaked->create_task(keep(tracked(live)));
        } catch (const tandem::invalid_state_error&) {
            refused = true;
        }
    };
    const auto child = [](decltype(late)& fn) -> task<> {
        co_await tandem::sleep(5ms);
        tandem::this_task::loop().call_soon(std::ref(fn));  // runs before the group's awaiter
    };
    co_await tandem::with_task_group([&](task_group& g) -> task<> {
        leaked = &g;
        g.create_task(child(late));
        co_return;
    });
    if (!order_is_permuted()) CHECK(refused);
    CHECK(live == 0);
}

TANDEM_TEST("task_group: gives the value of its body", "[tasks][task_group][virtual]") {
    const int n = co_await tandem::with_task_group([](task_group& g) -> task<int> {
        g.create_task(sleep_for(10ms));
        co_return 5;
    });
    CHECK(n == 5);
    auto owned = co_await tandem::with_task_group([](task_group&) -> task<std::unique_ptr<int>> {
        co_await tandem::this_task::checkpoint();
        co_return std::make_unique<int>(6);
    });
    CHECK(*owned == 6);
    int target = 1;
    int& reference = co_await tandem::with_task_group([&](task_group&) -> task<int&> { co_return target; });
    CHECK(&reference == &target);
}

TANDEM_TEST("task_group: cancel ends it without an error", "[tasks][task_group][virtual][corral:nursery-sync-cancel]") {
    int exits = 0;
    bool body_went_on = false;
    co_await tandem::with_task_group([&](task_group& g) -> task<> {
        g.create_task(sleep_and_count(1h, exits));
        co_await settle();
        g.cancel();
        CHECK(exits == 0);  // nothing of the user's runs inside cancel
        CHECK(g.cancel_requested());
        body_went_on = true;
        co_await tandem::this_task::checkpoint();
        body_went_on = false;
    });
    CHECK(body_went_on);
    CHECK(exits == 1);
}

TANDEM_TEST("task_group: cancel from a child, from several, and from a callback",
            "[tasks][task_group][virtual][corral:nursery-multi-cancel][corral:nursery-cancel-from-outside]") {
    const auto cancels = [](task_group& g) -> task<> {
        co_await tandem::shield(tandem::sleep(1ms));
        g.cancel();
    };
    co_await tandem::with_task_group([&](task_group& g) -> task<> {
        for (int i = 0; i < 3; ++i) g.create_task(cancels(g));
        co_await tandem::sleep(1h);
    });
    const auto start = tandem::this_task::loop().now();
    co_await tandem::with_task_group([&](task_group& g) -> task<> {
        g.create_task(sleep_for(10ms));
        tandem::this_task::loop().call_later(1ms, [&g] { g.cancel(); });
        co_return;
    });
    CHECK(tandem::this_task::loop().now() - start == 1ms);
}

TANDEM_TEST("task_group: a body that owes a value and is stopped by cancel gives cancelled_error",
            "[tasks][task_group][virtual]") {
    const std::exception_ptr e = co_await error_of(tandem::with_task_group([](task_group& g) -> task<int> {
        g.cancel();
        co_await tandem::this_task::checkpoint();
        co_return 1;
    }));
    CHECK(is<tandem::cancelled_error>(e));
    const int n = co_await tandem::with_task_group([](task_group& g) -> task<int> {
        g.create_task(sleep_for(1h));
        g.cancel();
        co_return 2;  // not stopped: it never suspends
    });
    CHECK(n == 2);
}

TANDEM_TEST("task_group: cancel and a cancellation from outside together: the outer one survives",
            "[tasks][task_group][virtual]") {  // cpython 155433
    for (const bool group_first : {true, false}) {
        bool after = false;
        task_group* inner = nullptr;
        const auto runner = [](task_group*& to, bool& passed) -> task<> {
            co_await tandem::with_task_group([&](task_group& g) -> task<> {
                to = &g;
                g.create_task(sleep_for(1h));
                co_await tandem::sleep(1h);
            });
            passed = true;
            co_await tandem::this_task::checkpoint();
            passed = true;
        };
        auto h = tandem::create_task(runner, std::ref(inner), std::ref(after));
        co_await settle();
        if (group_first) inner->cancel();
        h.cancel();
        if (!group_first) inner->cancel();
        co_await settle();
        CHECK(h.cancelled());
        CHECK_FALSE(after);
    }
}

TANDEM_TEST("task_group: an error beats its own cancel", "[tasks][task_group][virtual][corral:nursery-cancel-exception]") {
    const auto start = tandem::this_task::loop().now();
    int ends = 0;
    const std::exception_ptr e = co_await error_of(tandem::with_task_group([&](task_group& g) -> task<> {
        g.create_task(crash_after_shielded(2ms));
        const auto slow = [](int& count) -> task<> { co_await tandem::shield(sleep_and_count(3ms, count)); };
        g.create_task(slow(ends));
        co_await settle();
        g.cancel();
    }));
    CHECK(kinds(e) == "o");
    CHECK(ends == 1);
    CHECK(tandem::this_task::loop().now() - start == 3ms);
}

TANDEM_TEST("task_group: a child cancelled before its first turn never runs; its arguments are destroyed",
            "[tasks][task_group][virtual]") {
    int live = 0;
    bool ran = false;
    const auto child = [](tracked, bool& flag) -> task<> {
        flag = true;
        co_return;
    };
    co_await tandem::with_task_group([&](task_group& g) -> task<> {
        auto h = g.create_task(child(tracked(live), ran));
        CHECK(live == 1);
        CHECK(h.cancel());
        co_await settle();
        CHECK(h.cancelled());
        CHECK(live == 0);
    });
    CHECK_FALSE(ran);
}

TANDEM_TEST("task_group: children start in order, in a later turn than create_task", "[tasks][task_group][virtual]") {
    std::vector<int> log;
    co_await tandem::with_task_group([&](task_group& g) -> task<> {
        for (int i = 0; i < 4; ++i) g.create_task(note(log, i));
        CHECK(log.empty());
        co_return;
    });
    CHECK(log.size() == 4);
    if (!order_is_permuted()) CHECK(log == std::vector<int>({0, 1, 2, 3}));
}

TANDEM_TEST("task_group: join waits for the children so far, also for those they started", "[tasks][task_group][virtual]") {
    int exits = 0;
    const auto starts_another = [](task_group& g, int& count) -> task<> {
        co_await tandem::sleep(10ms);
        g.create_task(sleep_and_count(10ms, count));
    };
    const auto start = tandem::this_task::loop().now();
    co_await tandem::with_task_group([&](task_group& g) -> task<> {
        int local = 0;  // children may refer to it: the body ends with join
        g.create_task(starts_another(g, local));
        co_await g.join();
        CHECK(local == 1);
        CHECK(tandem::this_task::loop().now() - start == 20ms);
        g.create_task(sleep_and_count(5ms, local));
        co_await g.join();
        exits = local;
    });
    CHECK(exits == 2);
    CHECK(tandem::this_task::loop().now() - start == 25ms);
}

TANDEM_TEST("task_group: join without children does not wait; with a failing child it stops the body",
            "[tasks][task_group][virtual]") {
    bool reached = false;
    const std::exception_ptr e = co_await error_of(tandem::with_task_group([&](task_group& g) -> task<> {
        co_await g.join();
        g.create_task(crash_after(1ms));
        co_await g.join();
        reached = true;
    }));
    CHECK(kinds(e) == "o");
    CHECK_FALSE(reached);
}

TANDEM_TEST("task_group: join called by a child is an error instead of a deadlock", "[tasks][task_group][virtual]") {
    const auto child = [](task_group& g) -> task<> { co_await g.join(); };
    const std::exception_ptr e = co_await error_of(tandem::with_task_group([&](task_group& g) -> task<> {
        g.create_task(child(g));
        co_return;
    }));
    CHECK(is<std::logic_error>(member(e, 0)));
}

TANDEM_TEST("task_group: a cancelled join leaves with the group", "[tasks][task_group][virtual]") {
    int exits = 0;
    const auto runner = [](int& count) -> task<> {
        co_await tandem::with_task_group([&](task_group& g) -> task<> {
            g.create_task(sleep_and_count(1h, count));
            co_await g.join();
        });
    };
    auto h = tandem::create_task(runner, std::ref(exits));
    co_await settle();
    h.cancel();
    co_await settle();
    CHECK(h.cancelled());
    CHECK(exits == 1);
}

TANDEM_TEST("task_group: the body's closure and parameters outlive the children",
            "[tasks][task_group][virtual][corral:nursery-extended-lifetime]") {
    int live = 0;
    const tracked kept(live);
    int seen = 0;
    const auto child = [](int& alive, int& to) -> task<> {
        co_await tandem::sleep(10ms);
        to = alive;
    };
    const auto body = [&seen, &live, kept, child](task_group& g) -> task<> {
        g.create_task(child(live, seen));
        co_return;
    };
    co_await tandem::with_task_group(body);  // a copy is kept
    CHECK(seen == 3);                        // kept, the closure here, the copy
    CHECK(live == 2);
}

TANDEM_TEST("task_group: create_task(fn, args...) keeps callable and arguments for as long as the child runs",
            "[tasks][task_group][virtual][corral:nursery-member-function-lifetime]") {
    int live = 0;
    std::string seen;
    co_await tandem::with_task_group([&](task_group& g) -> task<> {
        const auto by_reference = [](const std::string& s, std::string& to, const tracked&) -> task<> {
            co_await tandem::sleep(1ms);
            to = s;
        };
        g.create_task(by_reference, std::string("hello, a long enough string to be on the heap"), std::ref(seen),
                      tracked(live));
        const auto owned = [p = std::make_shared<int>(7)](std::unique_ptr<int> q) -> task<int> {
            co_await tandem::sleep(1ms);
            co_return *p + *q;
        };
        auto h = g.create_task(owned, std::make_unique<int>(1));
        co_await g.join();
        CHECK(h.result() == 8);
    });
    CHECK(seen == "hello, a long enough string to be on the heap");
    CHECK(live == 0);
}

TANDEM_TEST("task_group: a body that throws before it is a coroutine is an error of the group",
            "[tasks][task_group][virtual]") {
    const auto body = [](task_group&) -> task<> { throw oops(); };  // no coroutine
    const std::exception_ptr e = co_await error_of(tandem::with_task_group(body));
    CHECK(kinds(e) == "o");
}

TANDEM_TEST("task_group: entered by a cancelled task it runs nothing", "[tasks][task_group][virtual]") {
    bool ran = false;
    const auto runner = [](bool& flag) -> task<> {
        co_await tandem::shield(tandem::sleep(5ms));
        co_await tandem::with_task_group([&](task_group&) -> task<> {
            flag = true;
            co_return;
        });
    };
    auto h = tandem::create_task(runner, std::ref(ran));
    co_await settle();
    h.cancel();
    co_await tandem::sleep(10ms);
    CHECK(h.cancelled());
    CHECK_FALSE(ran);
}

TANDEM_TEST("task_group: cancelled when all had ended, it delivers its body's value", "[tasks][task_group][virtual]") {
    tandem::queue<int> q;
    int got = 0;
    const auto runner = [](tandem::queue<int>& from, int& to) -> task<> {
        to = co_await tandem::with_task_group([&](task_group&) -> task<int> {
            const int item = co_await from.get();
            co_return item;
        });
        co_await tandem::this_task::checkpoint();
        to = -1;
    };
    auto h = tandem::create_task(runner, std::ref(q), std::ref(got));
    co_await settle();
    q.put_nowait(3);
    h.cancel();
    co_await settle();
    CHECK(got == 3);
    CHECK(h.cancelled());
}

TANDEM_TEST("task_group: a timeout around it stops it with timeout_error, bare", "[tasks][task_group][virtual]") {
    int exits = 0;
    const std::exception_ptr e =
        co_await error_of(tandem::timeout(10ms, tandem::with_task_group([&](task_group& g) -> task<> {
                              for (int i = 0; i < 3; ++i) g.create_task(sleep_and_count(1h, exits));
                              co_return;
                          })));
    CHECK(is<tandem::timeout_error>(e));
    CHECK(exits == 3);
}

TANDEM_TEST("task_group: 1,000 nested groups are cancelled at once", "[tasks][task_group][virtual]") {
    int exits = 0;
    auto h = tandem::create_task(nest(1000, exits));
    co_await settle();
    h.cancel();
    co_await settle();
    CHECK(h.cancelled());
    CHECK(exits == 1001);
}

TANDEM_TEST("task_group: except* over what it throws", "[tasks][task_group][virtual]") {
    int handled = 0;
    bool rest = false;
    try {
        co_await tandem::with_task_group([](task_group& g) -> task<> {
            g.create_task(crash_after(1ms));
            g.create_task(throw_other());
            co_return;
        });
    } catch (tandem::exception_group& group) {
        handled += static_cast<int>(group.handle<other_oops>([](other_oops&) {}));
        handled += static_cast<int>(group.handle<oops>([](oops&) {}));
        rest = group.size() != 0;
    }
    CHECK(handled == 1);  // the other one failed at once, so crash_after was cancelled
    CHECK_FALSE(rest);
}

// ---- with_supervisor

TANDEM_TEST("supervisor: a failing child leaves the others alone; failures come in the order they happened",
            "[tasks][supervisor][virtual]") {
    tandem::task_handle<int> fine;
    const auto failures = co_await tandem::with_supervisor([&](task_group& g) -> task<> {
        g.create_task(fail_after(20ms, "second"));
        g.create_task(fail_after(10ms, "first"));
        fine = g.create_task(value_after(30ms, 1));
        co_return;
    });
    REQUIRE(failures.size() == 2);
    CHECK(text_of(failures[0]) == "first");
    CHECK(text_of(failures[1]) == "second");
    CHECK(fine.result() == 1);
}

TANDEM_TEST("supervisor: an error of its body cancels and joins the children and is rethrown bare",
            "[tasks][supervisor][virtual]") {
    int exits = 0;
    const std::exception_ptr e = co_await error_of(tandem::with_supervisor([&](task_group& g) -> task<> {
        g.create_task(fail_after(1ms, "child"));
        g.create_task(sleep_and_count(1h, exits));
        co_await tandem::sleep(5ms);
        throw other_oops("body");
    }));
    CHECK(text_of(e) == "body");
    CHECK(exits == 1);
}

TANDEM_TEST("supervisor: cancelled from outside it stops and reports what had failed", "[tasks][supervisor][virtual]") {
    std::vector<std::string> suppressed;
    collect_suppressed(suppressed);
    int exits = 0;
    const auto runner = [](int& count) -> task<> {
        co_await tandem::with_supervisor([&](task_group& g) -> task<> {
            g.create_task(fail_after(1ms, "early"));
            g.create_task(sleep_and_count(1h, count));
            co_return;
        });
    };
    auto h = tandem::create_task(runner, std::ref(exits));
    co_await tandem::sleep(10ms);
    h.cancel();
    co_await settle();
    CHECK(h.cancelled());
    CHECK(exits == 1);
    CHECK(suppressed == std::vector<std::string>({"early"}));
}

TANDEM_TEST("supervisor: group.cancel() ends it early with the failures so far", "[tasks][supervisor][virtual]") {
    int exits = 0;
    const auto failures = co_await tandem::with_supervisor([&](task_group& g) -> task<> {
        g.create_task(fail_after(1ms, "early"));
        g.create_task(sleep_and_count(1h, exits));
        co_await tandem::sleep(5ms);
        g.cancel();
        co_await tandem::sleep(1h);
    });
    CHECK(failures.size() == 1);
    CHECK(exits == 1);
}

TANDEM_TEST("supervisor: failures in one turn are all kept", "[tasks][supervisor][virtual]") {
    const auto failures = co_await tandem::with_supervisor([](task_group& g) -> task<> {
        for (int i = 0; i < 5; ++i) g.create_task(fail_after(1ms));
        co_return;
    });
    CHECK(failures.size() == 5);
}
