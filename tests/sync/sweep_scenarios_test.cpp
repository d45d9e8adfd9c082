// tandem - every awaitable of sync/, cancelled at each of its steps: permits and items are conserved
// SPDX-License-Identifier: BSL-1.0
#include <tandem/testing/sweep.hpp>

#include <chrono>
#include <string>
#include <vector>

#include <tandem/core/sleep.hpp>
#include <tandem/tasks/finally.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/shield.hpp>
#include <tandem/tasks/task_group.hpp>
#include <tandem/tasks/timeout.hpp>

#include "support/sweep_world.hpp"

using namespace std::chrono_literals;
using tandem::task;
using tandem_test::scoped;
using tandem_test::world;
using run_of = tandem::testing::sweep_run;

namespace {

task<> pause(std::chrono::nanoseconds time) { co_await tandem::sleep(time); }

// ---- event

task<> waits_for_event(world& w) {
    scoped here(w);
    co_await w.event.wait();
    ++w.tally["woken"];
    co_await w.event.wait();  // set: no suspension
}
task<> sets_event(world& w) {
    co_await tandem::sleep(1s);
    w.event.set();
    co_await tandem::this_task::checkpoint();
    w.event.clear();
    w.event.set();
}
task<> uses_event(world& w) {
    co_await tandem::gather(waits_for_event(w), waits_for_event(w), sets_event(w));
}
TANDEM_SWEEP("sweep: event", "[sync][event][sweep][virtual]", uses_event, tandem_test::no_extra)

// ---- lock

class leaves {
public:
    explicit leaves(world& in) noexcept : in_(in) {}
    leaves(const leaves&) = delete;
    leaves& operator=(const leaves&) = delete;
    ~leaves() { --in_.tally["inside"]; }

private:
    world& in_;
};
task<> locks(world& w, std::chrono::nanoseconds hold) {
    auto guard = co_await w.lock.acquire();
    scoped here(w);
    ++w.tally["inside"];
    if (w.count("inside") > 1) ++w.tally["together"];
    const leaves at_end(w);
    co_await tandem::sleep(hold);
}
task<> uses_lock(world& w) {
    co_await tandem::gather(locks(w, 1s), locks(w, 0s), locks(w, 1s));
    auto guard = co_await w.lock.acquire();
    const auto none = w.lock.try_acquire();
    CHECK_FALSE(none.has_value());
    guard.unlock();
    co_await locks(w, 1s);
}
TANDEM_SWEEP("sweep: lock", "[sync][lock][sweep][virtual]", uses_lock, [](const world& w, const run_of&) -> std::string {
    if (w.count("together") != 0) return "two tasks held the lock at once";
    return w.count("inside") == 0 ? "" : "a holder never left";
})

// ---- semaphore

template <class Semaphore>
task<> takes_a_permit(Semaphore& s, world& w) {
    auto permit = co_await s.acquire();
    scoped here(w);
    ++w.tally["granted"];
    co_await tandem::sleep(1s);
    permit.release();
    co_await tandem::this_task::checkpoint();
}
class releases_by_hand {
public:
    explicit releases_by_hand(tandem::semaphore& s) noexcept : from_(s) {}
    releases_by_hand(const releases_by_hand&) = delete;
    releases_by_hand& operator=(const releases_by_hand&) = delete;
    ~releases_by_hand() { from_.release(); }

private:
    tandem::semaphore& from_;
};
task<> detaches(world& w) {
    auto permit = co_await w.semaphore.acquire();
    const releases_by_hand at_end(w.semaphore);
    permit.detach();
    co_await tandem::sleep(1s);
}
task<> uses_semaphore(world& w) {
    co_await tandem::gather(takes_a_permit(w.semaphore, w), takes_a_permit(w.semaphore, w),
                            takes_a_permit(w.semaphore, w), detaches(w), takes_a_permit(w.semaphore, w));
    auto permit = w.semaphore.try_acquire();
    CHECK(permit.has_value());
    co_await tandem::move_on_after(500ms, takes_a_permit(w.semaphore, w));
}
TANDEM_SWEEP("sweep: semaphore", "[sync][semaphore][sweep][virtual]", uses_semaphore, tandem_test::no_extra)

task<> uses_bounded(world& w) {
    std::vector<task<>> users;
    for (int i = 0; i < 5; ++i) users.push_back(takes_a_permit(w.bounded, w));
    co_await tandem::gather(std::move(users));
}
TANDEM_SWEEP("sweep: bounded_semaphore", "[sync][semaphore][sweep][virtual]", uses_bounded, tandem_test::no_extra)

// A waiter is cancelled in the turn in which its permit is handed over.
task<> hands_over_and_cancels(world& w) {
    co_await tandem::with_task_group([&](tandem::task_group& group) -> task<> {
        auto first = co_await w.semaphore.acquire();
        auto second = co_await w.semaphore.acquire();
        auto a = group.create_task(takes_a_permit(w.semaphore, w));
        auto b = group.create_task(takes_a_permit(w.semaphore, w));
        co_await tandem::sleep(1s);
        first.release();
        a.cancel();
        co_await tandem::this_task::checkpoint();
        second.release();
        b.cancel();
        co_await group.join();
    });
    ++w.tally["end"];
}
TANDEM_SWEEP("sweep: a permit handed over in the turn of the cancel", "[sync][semaphore][sweep][virtual]",
             hands_over_and_cancels, [](const world& w, const run_of& run) -> std::string {
                 if (run.seed() || w.count("end") == 0) return {};
                 return w.count("granted") == 2 ? "" : "a granted permit was not delivered";
             })

// ---- condition

task<> waits_for_condition(world& w) {
    auto guard = co_await w.lock.acquire();
    scoped here(w);
    co_await w.condition.wait();
    CHECK(w.lock.locked());
    co_await w.condition.wait([&w] { return w.count("ready") != 0; });
    CHECK(w.lock.locked());
    co_await tandem::this_task::checkpoint();
}
task<> notifies(world& w) {
    co_await tandem::sleep(1s);
    auto guard = co_await w.lock.acquire();
    w.condition.notify(1);
    co_await tandem::sleep(1s);  // the notified wait for the lock
    w.condition.notify_all();
    guard.unlock();
    co_await tandem::sleep(1s);
    guard = co_await w.lock.acquire();
    ++w.tally["ready"];
    w.condition.notify_all();
}
task<> uses_condition(world& w) {
    co_await tandem::gather(waits_for_condition(w), waits_for_condition(w), notifies(w));
}
TANDEM_SWEEP("sweep: condition", "[sync][condition][sweep][virtual]", uses_condition, tandem_test::no_extra)

// ---- barrier

task<> arrives(world& w, std::chrono::nanoseconds after) {
    co_await tandem::sleep(after);
    scoped here(w);
    const std::size_t position = co_await w.barrier.wait();
    CHECK(position < 2);
    ++w.tally["through"];
}
task<> breaks(world& w) {
    bool broken = false;
    try {
        co_await w.barrier.wait();
    } catch (const tandem::broken_barrier_error&) {
        broken = true;
    }
    CHECK(broken);
}
task<> aborts(world& w) {
    co_await tandem::sleep(1s);
    w.barrier.abort();
    w.barrier.reset();
}
task<> uses_barrier(world& w) {
    co_await tandem::gather(arrives(w, 0s), arrives(w, 1s), arrives(w, 2s), arrives(w, 2s));
    co_await tandem::gather(breaks(w), aborts(w));
}
TANDEM_SWEEP("sweep: barrier", "[sync][barrier][sweep][virtual]", uses_barrier, tandem_test::no_extra)

// ---- queues: "put x" and "got x" are counted where the item has changed hands

template <class Queue>
task<> puts(Queue& q, world& w, std::string name, int count) {
    scoped here(w);
    for (int i = 0; i < count; ++i) {
        co_await q.put(i);
        ++w.tally["put " + name];
    }
}
template <class Queue>
task<> gets(Queue& q, world& w, std::string name, int count) {
    scoped here(w);
    try {
        for (int i = 0; i < count; ++i) {
            co_await q.get();
            ++w.tally["got " + name];
            co_await tandem::sleep(1s);
            q.task_done();
        }
    } catch (const tandem::queue_shut_down&) {
        ++w.tally["sent away"];
    }
}
template <class Queue>
task<> takes_next(Queue& q, world& w, std::string name) {
    scoped here(w);
    for (;;) {
        const auto item = co_await q.next();
        if (!item) co_return;
        ++w.tally["got " + name];
        q.task_done();
    }
}
template <class Queue>
task<> joins_then_shuts_down(Queue& q) {
    co_await tandem::sleep(0s);
    co_await q.join();
    q.shutdown();
}
template <class Queue>
task<> uses(Queue& q, world& w, std::string name) {
    co_await tandem::gather(gets(q, w, name, 2), puts(q, w, name, 7), takes_next(q, w, name), joins_then_shuts_down(q));
    CHECK(q.is_shut_down());
    bool refused = false;
    try {
        co_await q.put(1);
    } catch (const tandem::queue_shut_down&) {
        refused = true;
    }
    CHECK(refused);
}
task<> uses_queue(world& w) { co_await uses(w.queue, w, "queue"); }
task<> uses_priority_queue(world& w) { co_await uses(w.priority, w, "priority"); }
task<> uses_lifo_queue(world& w) { co_await uses(w.lifo, w, "lifo"); }
TANDEM_SWEEP("sweep: queue", "[sync][queue][sweep][virtual]", uses_queue, tandem_test::no_extra)
TANDEM_SWEEP("sweep: priority_queue", "[sync][queue][sweep][virtual]", uses_priority_queue, tandem_test::no_extra)
TANDEM_SWEEP("sweep: lifo_queue", "[sync][queue][sweep][virtual]", uses_lifo_queue, tandem_test::no_extra)

task<> putters_are_sent_away(world& w) {
    const auto refused = [](world& to) -> task<> {
        bool sent_away = false;
        try {
            for (int i = 0; i < 5; ++i) {
                co_await to.queue.put(i);
                ++to.tally["put queue"];
            }
        } catch (const tandem::queue_shut_down&) {
            sent_away = true;
        }
        CHECK(sent_away);
    };
    const auto shuts_down = [](world& to) -> task<> {
        co_await tandem::sleep(1s);
        to.tally["dropped queue"] += static_cast<int>(to.queue.size());
        to.queue.shutdown(true);
    };
    const auto drained = [](world& to) -> task<> {
        bool ended = false;
        try {
            for (;;) {
                co_await to.priority.get();
            }
        } catch (const tandem::queue_shut_down&) {
            ended = true;
        }
        CHECK(ended);
    };
    const auto shuts_other_down = [](world& to) -> task<> {
        co_await tandem::sleep(2s);
        to.priority.shutdown();
    };
    co_await tandem::gather(refused(w), refused(w), shuts_down(w), drained(w), shuts_other_down(w), pause(3s));
}
TANDEM_SWEEP("sweep: shutdown sends waiting putters and getters away", "[sync][queue][sweep][virtual]",
             putters_are_sent_away, tandem_test::no_extra)

// An item is handed to a getter that is cancelled in the same turn: it is delivered.
task<> item_and_cancel(world& w) {
    co_await tandem::with_task_group([&](tandem::task_group& group) -> task<> {
        auto getter = group.create_task(gets(w.queue, w, "queue", 3));
        co_await tandem::sleep(1s);
        w.queue.put_nowait(1);
        ++w.tally["put queue"];
        getter.cancel();
        co_await tandem::this_task::checkpoint();
        ++w.tally["seen"];
    });
}
TANDEM_SWEEP("sweep: an item handed over in the turn of the cancel", "[sync][queue][sweep][virtual]", item_and_cancel,
             tandem_test::no_extra)

// ---- broadcast

task<> listens(world& w, int limit) {
    auto subscription = w.broadcast.subscribe();
    scoped here(w);
    for (int i = 0; i < limit; ++i) {
        const auto item = co_await subscription.next();
        if (!item) co_return;
        ++w.tally["heard"];
        if (limit < 100) co_await tandem::sleep(1s);
    }
}
task<> speaks(world& w) {
    for (int i = 0; i < 6; ++i) co_await w.broadcast.put(i);
    co_await tandem::sleep(5s);
    w.broadcast.shutdown();
    bool refused = false;
    try {
        co_await w.broadcast.put(7);
    } catch (const tandem::queue_shut_down&) {
        refused = true;
    }
    CHECK(refused);
}
task<> uses_broadcast(world& w) {
    co_await tandem::gather(listens(w, 100), listens(w, 3), listens(w, 100), speaks(w));
}
TANDEM_SWEEP("sweep: broadcast", "[sync][broadcast][sweep][virtual]", uses_broadcast,
             [](const world& w, const run_of& run) -> std::string {
                 if (run.point() || w.count("heard") == 15) return {};
                 return std::to_string(w.count("heard")) + " items heard, not 15";
             })

}  // namespace

TEST_CASE("sweep: every awaitable of sync is in a scenario", "[sync][sweep][virtual]") {
    tandem_test::check_that_all_are_covered("sync", {}, 10);
}
