// tandem benchmarks - handing permits and items from task to task
// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/this_task.hpp>
#include <tandem/sync/queue.hpp>
#include <tandem/sync/semaphore.hpp>
#include <tandem/tasks/task_group.hpp>

#include "asio_peer.hpp"
#include "groups.hpp"
#include "tandem_run.hpp"

namespace {

using bench::check;
using bench::meter;
using bench::sample;

constexpr std::size_t capacity = 64;

// ---- semaphore: held across a yield, so that every acquisition is a hand-over

tandem::task<> take_turns(tandem::semaphore& permits, std::size_t times) {
    for (std::size_t i = 0; i < times; ++i) {
        const auto permit = co_await permits.acquire();
        co_await tandem::this_task::checkpoint();
    }
}

tandem::task<> hand_over(tandem::semaphore& permits, std::size_t tasks, std::size_t times) {
    co_await tandem::with_task_group([&](tandem::task_group& group) -> tandem::task<> {
        for (std::size_t i = 0; i < tasks; ++i) group.create_task(take_turns(permits, times));
        co_return;
    });
}

template <std::size_t Permits, std::size_t Tasks>
tandem::task<sample> semaphore(std::size_t operations) {
    const std::size_t times = operations / Tasks + 1;
    tandem::semaphore permits(Permits);
    co_await hand_over(permits, Tasks, 2);
    meter m;
    co_await hand_over(permits, Tasks, times);
    const sample result = m.wall(times * Tasks);
    check(permits.value() == Permits, "semaphore");
    co_return result;
}

// ---- bounded queue

tandem::task<> put_items(tandem::queue<int>& items, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) co_await items.put(1);
}

tandem::task<> get_items(tandem::queue<int>& items, std::size_t count, std::size_t& sum) {
    for (std::size_t i = 0; i < count; ++i) sum += static_cast<std::size_t>(co_await items.get());
}

tandem::task<> move_items(tandem::queue<int>& items, std::size_t pairs, std::size_t count, std::size_t& sum) {
    co_await tandem::with_task_group([&](tandem::task_group& group) -> tandem::task<> {
        for (std::size_t i = 0; i < pairs; ++i) {
            group.create_task(put_items(items, count));
            group.create_task(get_items(items, count, sum));
        }
        co_return;
    });
}

template <std::size_t Pairs>
tandem::task<sample> queue(std::size_t operations) {
    const std::size_t count = operations / Pairs;
    tandem::queue<int> items(capacity);
    std::size_t sum = 0;
    co_await move_items(items, Pairs, 2 * capacity, sum);
    sum = 0;
    meter m;
    co_await move_items(items, Pairs, count, sum);
    const sample result = m.wall(count * Pairs);
    check(sum == count * Pairs, "queue");
    co_return result;
}

}  // namespace

// ---- the same with Boost.Asio: a channel with as many tokens as there are permits

namespace peer {
namespace {

awaitable<void> take_turns(executor ex, channel<>& permits, std::size_t times) {
    for (std::size_t i = 0; i < times; ++i) {
        co_await permits.async_receive(use_awaitable);
        co_await asio::post(ex, use_awaitable);
        co_await permits.async_send(error_code(), use_awaitable);
    }
}

awaitable<void> hand_over(executor ex, channel<>& permits, std::size_t tasks, std::size_t times) {
    countdown all(ex, tasks);
    for (std::size_t i = 0; i < tasks; ++i) asio::co_spawn(ex, take_turns(ex, permits, times), all.one());
    co_await all.wait();
}

template <std::size_t Permits, std::size_t Tasks>
awaitable<sample> semaphore(executor ex, std::size_t operations) {
    const std::size_t times = operations / Tasks + 1;
    channel<> permits(ex, Permits);
    for (std::size_t i = 0; i < Permits; ++i) permits.try_send(error_code());
    co_await hand_over(ex, permits, Tasks, 2);
    meter m;
    co_await hand_over(ex, permits, Tasks, times);
    co_return m.wall(times * Tasks);
}

using items_channel = channel<int>;

awaitable<void> put_items(items_channel& items, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) co_await items.async_send(error_code(), 1, use_awaitable);
}

awaitable<void> get_items(items_channel& items, std::size_t count, std::size_t& sum) {
    for (std::size_t i = 0; i < count; ++i) {
        sum += static_cast<std::size_t>(co_await items.async_receive(use_awaitable));
    }
}

// As one writes it who knows that a channel posts every completion: asks first, waits only if it must.
awaitable<void> try_put_items(items_channel& items, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        const bool sent = items.try_send(error_code(), 1);
        if (!sent) co_await items.async_send(error_code(), 1, use_awaitable);
    }
}

awaitable<void> try_get_items(items_channel& items, std::size_t count, std::size_t& sum) {
    for (std::size_t i = 0; i < count; ++i) {
        const bool received =
            items.try_receive([&](error_code, int item) { sum += static_cast<std::size_t>(item); });
        if (!received) sum += static_cast<std::size_t>(co_await items.async_receive(use_awaitable));
    }
}

using putter = awaitable<void> (*)(items_channel&, std::size_t);
using getter = awaitable<void> (*)(items_channel&, std::size_t, std::size_t&);

template <std::size_t Pairs, putter Put, getter Get>
awaitable<void> move_items(executor ex, items_channel& items, std::size_t count, std::size_t& sum) {
    countdown all(ex, 2 * Pairs);
    for (std::size_t i = 0; i < Pairs; ++i) {
        asio::co_spawn(ex, Put(items, count), all.one());
        asio::co_spawn(ex, Get(items, count, sum), all.one());
    }
    co_await all.wait();
}

template <std::size_t Pairs, putter Put = put_items, getter Get = get_items>
awaitable<sample> queue(executor ex, std::size_t operations) {
    const std::size_t count = operations / Pairs;
    items_channel items(ex, capacity);
    std::size_t sum = 0;
    co_await move_items<Pairs, Put, Get>(ex, items, 2 * capacity, sum);
    sum = 0;
    meter m;
    co_await move_items<Pairs, Put, Get>(ex, items, count, sum);
    const sample result = m.wall(count * Pairs);
    check(sum == count * Pairs, "queue");
    co_return result;
}

}  // namespace
}  // namespace peer

std::vector<bench::workload> sync_workloads() {
    return {
        {"semaphore hand-over, 10 tasks",
         "ns",
         200'000,
         contender<semaphore<1, 10>>,
         {{"asio channel", peer::contender<peer::semaphore<1, 10>>, 15}},
         0.0},
        {"semaphore hand-over, 1,000 tasks, 10 permits",
         "ns",
         200'000,
         contender<semaphore<10, 1000>>,
         {{"asio channel", peer::contender<peer::semaphore<10, 1000>>, {}}},
         0.0},
        {"bounded queue item, 1 putter, 1 getter",
         "ns",
         400'000,
         contender<queue<1>>,
         {{"asio channel", peer::contender<peer::queue<1>>, 20},
          {"asio channel, try_ first",
           peer::contender<peer::queue<1, peer::try_put_items, peer::try_get_items>>,
           {}}},
         0.0},
        {"bounded queue item, 4 putters, 4 getters",
         "ns",
         400'000,
         contender<queue<4>>,
         {{"asio channel", peer::contender<peer::queue<4>>, 20},
          {"asio channel, try_ first",
           peer::contender<peer::queue<4, peer::try_put_items, peer::try_get_items>>,
           {}}},
         0.0},
    };
}
