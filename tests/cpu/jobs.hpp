// tandem - what the tests of executors share: gates for jobs, the end of tasks
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include <tandem/asio/run.hpp>
#include <tandem/core/sleep.hpp>
#include <tandem/cpu/cpu_executor.hpp>
#include <tandem/cpu/run_in_executor.hpp>
#include <tandem/cpu/thread_executor.hpp>
#include <tandem/tasks/create_task.hpp>

namespace tandem_test {

using tandem::cpu_executor;
using tandem::executor;
using tandem::run_in_executor;
using tandem::task;
using tandem::thread_executor;

/// Jobs wait in it until somebody opens it. Opens by itself when a test fails and leaves.
class gate {
public:
    gate() = default;
    gate(const gate&) = delete;
    gate& operator=(const gate&) = delete;

    void open() {
        const std::lock_guard<std::mutex> hold(mutex_);
        open_ = true;
        change_.notify_all();
    }
    /// For jobs.
    void pass() {
        std::unique_lock<std::mutex> hold(mutex_);
        ++inside_;
        change_.notify_all();
        change_.wait(hold, [this] { return open_; });
    }
    /// Blocks until `count` jobs have come.
    void wait_for(int count) {
        std::unique_lock<std::mutex> hold(mutex_);
        change_.wait(hold, [&] { return inside_ >= count; });
    }
    int came() {
        const std::lock_guard<std::mutex> hold(mutex_);
        return inside_;
    }

private:
    std::mutex mutex_;
    std::condition_variable change_;
    bool open_ = false;
    int inside_ = 0;
};

class opens_at_exit {
public:
    explicit opens_at_exit(gate& g) noexcept : gate_(g) {}
    opens_at_exit(const opens_at_exit&) = delete;
    opens_at_exit& operator=(const opens_at_exit&) = delete;
    ~opens_at_exit() { gate_.open(); }

private:
    gate& gate_;
};

/// A job that waits in a gate.
inline tandem::task<> hold(tandem::executor_ref pool, gate& g) {
    co_await tandem::run_in_executor(pool, &gate::pass, &g);
}
template <class Fn>
tandem::task<> job_task(tandem::executor_ref pool, const Fn& fn) {
    co_await tandem::run_in_executor(pool, fn);
}

/// Counts live objects from any thread; knows its own address, so that a bitwise copy is seen.
class counted {
public:
    explicit counted(std::atomic<int>& live) noexcept : live_(&live), self_(this) { ++*live_; }
    counted(const counted& other) noexcept : live_(other.live_), self_(this) { ++*live_; }
    counted& operator=(const counted&) = delete;
    ~counted() { *live_ -= self_ == this ? 1 : 1000; }

private:
    std::atomic<int>* live_;
    counted* self_;
};

/// Waits for the end of a task, whatever it is.
template <class T>
tandem::task<> ended(tandem::task_handle<T>& h) {
    while (!h.done()) co_await tandem::sleep(std::chrono::microseconds(50));
}

/// Blocks the loop until all jobs that were handed over are done: they lie in its inbox then.
inline void block_until_done(tandem::executor& pool) {
    for (;;) {
        const tandem::executor_statistics now = pool.statistics();
        if (now.queued == 0 && now.running == 0) return;
        std::this_thread::yield();
    }
}

}  // namespace tandem_test
