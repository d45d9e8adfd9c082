// tandem benchmarks - bytes of a promise and of a suspended task
// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/this_task.hpp>
#include <tandem/sync/event.hpp>
#include <tandem/tasks/task_group.hpp>

#include <string>

#include <support/fresh_process.hpp>
#include <support/resources.hpp>

#include "asio_peer.hpp"
#include "groups.hpp"
#include "tandem_run.hpp"

namespace {

using bench::sample;

template <class T>
sample promise_bytes(std::size_t) {
    return {static_cast<double>(sizeof(typename tandem::task<T>::promise_type)), 0};
}

tandem::task<> wait_for(tandem::event& signal) { co_await signal.wait(); }

tandem::task<sample> suspended_tasks(std::size_t operations) {
    tandem::event signal;
    const double before = bench::resident_bytes();
    double after = 0;
    co_await tandem::with_task_group([&](tandem::task_group& group) -> tandem::task<> {
        for (std::size_t i = 0; i < operations; ++i) group.create_task(wait_for(signal));
        co_await tandem::this_task::checkpoint();
        after = bench::resident_bytes();
        signal.set();
    });
    co_return sample{(after - before) / static_cast<double>(operations), 0};
}

}  // namespace

namespace peer {
namespace {

awaitable<void> wait_for(channel<>& signal) { co_await signal.async_receive(use_awaitable); }

/// The process ends without tidying up, and so does this.
sample suspended_coroutines(std::size_t operations) {
    auto& context = *new asio::io_context(1);
    auto& signal = *new channel<>(context.get_executor(), 0);
    const double before = bench::resident_bytes();
    for (std::size_t i = 0; i < operations; ++i) asio::co_spawn(context, wait_for(signal), asio::detached);
    for (std::size_t i = 0; i < operations; ++i) context.run_one();
    context.poll();
    return {(bench::resident_bytes() - before) / static_cast<double>(operations), 0};
}

}  // namespace
}  // namespace peer

std::vector<bench::workload> memory_workloads() {
    using bench::fresh;
    return {
        {"promise of task<void>; aim 80", "bytes", 1, promise_bytes<void>, {}, {}},
        {"promise of task<int>; aim 80", "bytes", 1, promise_bytes<int>, {}, {}},
        {"promise of task<std::string>", "bytes", 1, promise_bytes<std::string>, {}, {}},
        {"memory of a suspended task, 1,000,000 of them",
         "bytes",
         1'000'000,
         fresh<contender<suspended_tasks>>,
         {{"asio awaitable on a channel", fresh<peer::suspended_coroutines>, {}}},
         {}},
    };
}
