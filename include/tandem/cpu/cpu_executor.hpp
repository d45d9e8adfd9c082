// tandem - cpu_executor: an executor whose workers are those of a oneTBB arena
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/info.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>

#include <tandem/cpu/executor.hpp>
#include <tandem/cpu/thread_executor.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// oneTBB starts one worker less than there are cores, because it expects whoever submits to compute as
/// well; our loop never does. A `global_control` raises that limit, but of several the smallest counts.
/// So all executors of the process share one, of what they need together and what was there before.
class worker_limit {
public:
    TANDEM_PROCESS_WIDE static worker_limit& shared() {
        static worker_limit limit;
        return limit;
    }
    void add(std::size_t workers) {
        const std::lock_guard<std::mutex> hold(mutex_);
        renew(workers_ + workers);
    }
    void remove(std::size_t workers) noexcept {
        const std::lock_guard<std::mutex> hold(mutex_);
        renew(workers_ - workers);
    }
    static std::size_t value() {
        return tbb::global_control::active_value(tbb::global_control::max_allowed_parallelism);
    }

private:
    void renew(std::size_t workers) {
        control_.reset();
        workers_ = workers;
        if (workers_ == 0) return;
        // At least one worker for arenas of others, also on one core: ours would never leave us for them.
        const std::size_t others =
            std::max<std::size_t>(2, static_cast<std::size_t>(tbb::info::default_concurrency()));
        control_ = std::make_unique<tbb::global_control>(tbb::global_control::max_allowed_parallelism,
                                                         workers_ + others);
    }

    std::mutex mutex_;
    std::size_t workers_ = 0;
    std::unique_ptr<tbb::global_control> control_;
};

/// Holds the share of one executor.
class worker_claim {
public:
    explicit worker_claim(std::size_t workers) : workers_(workers) { worker_limit::shared().add(workers); }
    worker_claim(const worker_claim&) = delete;
    worker_claim& operator=(const worker_claim&) = delete;
    ~worker_claim() { worker_limit::shared().remove(workers_); }

private:
    std::size_t workers_;
};

/// Where workers meet to show that they are there. Kept alive by those who come late.
class roll_call {
public:
    /// A worker answers, and stays until the call is over.
    void answer(std::size_t expected) {
        std::unique_lock<std::mutex> held(mutex_);
        if (++present_ >= expected) over_ = true;
        change_.notify_all();
        change_.wait(held, [this] { return over_; });
    }
    std::size_t count(std::chrono::milliseconds at_most) {
        std::unique_lock<std::mutex> held(mutex_);
        change_.wait_for(held, at_most, [this] { return over_; });
        over_ = true;
        change_.notify_all();
        return present_;
    }
    /// Ends it: those who have come may go.
    void call_off() noexcept { static_cast<void>(count(std::chrono::milliseconds(0))); }

private:
    std::mutex mutex_;
    std::condition_variable change_;
    std::size_t present_ = 0;
    bool over_ = false;
};

}  // namespace detail

/// Runs jobs on a oneTBB arena that really has `max_workers()` workers: oneTBB alone would give an arena
/// of two on a machine with two cores one worker, silently. Inside its jobs `tbb::parallel_for` and its
/// like use the idle workers of the same arena.
/// Several executors, and other users of oneTBB in the process, do not take workers from each other; a
/// smaller `tbb::global_control` of somebody else does, and is found by the constructor.
/// Errors: `executor_error` if not all workers came within two seconds, unless
///   `executor_options().self_check(false)`.
/// Lifetime: the destructor is `shutdown()` and waits until the workers have left.
/// Cost: oneTBB's workers spin for a while before they sleep: quicker hand-over than plain threads, and
///   more processor time in programs that hand over now and then. The constructor waits for the threads,
///   about 100 us: make executors before `run`, or once.
class cpu_executor final : public executor {
public:
    /// As many workers as there are cores for (`available_cores`, which knows of quotas), less the loop's,
    /// at least one.
    cpu_executor() : cpu_executor(executor_options()) {}
    explicit cpu_executor(std::size_t max_workers)
        : cpu_executor(executor_options().max_workers(max_workers)) {}
    explicit cpu_executor(const executor_options& options)
        : executor(options.max_workers_or(detail::default_workers()), options, available_cores()),
          claim_(max_workers()),
          arena_(static_cast<int>(max_workers()), 0) {
        arena_.initialize();
        if (options.self_check()) check_workers();
    }
    ~cpu_executor() { close(); }

    /// The arena, for oneTBB code of your own. Its `execute` computes on the calling thread: not for a loop.
    tbb::task_arena& arena() noexcept { return arena_; }

private:
    // Other arenas get a turn of the worker after this much.
    static constexpr detail::work_limit slice{64, 1'000'000};

    void start_pump() override {
        arena_.enqueue([this] { pump(); });
    }
    void pump() noexcept {
        while (work(slice)) {
            try {
                return start_pump();
            } catch (...) {  // no memory to ask for a turn: goes on
            }
        }
    }

    void check_workers() {
        const std::size_t limit = detail::worker_limit::value();
        if (limit <= max_workers())
            fail(limit - 1, "a tbb::global_control in this process, or oneTBB itself, allows " +
                                std::to_string(limit) + " threads; remove it, or ask for fewer");
        const auto call = std::make_shared<detail::roll_call>();
        try {
            for (std::size_t i = 0; i < max_workers(); ++i) {
                arena_.enqueue([call, expected = max_workers()] { call->answer(expected); });
            }
        } catch (const std::runtime_error& e) {  // oneTBB's word for a thread that cannot be started
            call->call_off();
            throw executor_error("tandem::cpu_executor: oneTBB cannot start the workers of \"" + name() +
                                 "\" (" + e.what() +
                                 "); raise the limit (ulimit -u, pids.max), or ask for fewer");
        }
        const std::size_t present = call->count(std::chrono::seconds(2));
        if (present < max_workers()) {
            fail(present,
                 "look for a tbb::global_control, other arenas that are busy, a limit of threads "
                 "(ulimit -u), or switch executor_options().self_check(false)");
        }
    }
    [[noreturn]] void fail(std::size_t came, const std::string& advice) const {
        throw executor_error("tandem::cpu_executor: oneTBB gives \"" + name() + "\" " + std::to_string(came) +
                             " of " + std::to_string(max_workers()) + " workers; " + advice);
    }

    detail::worker_claim claim_;
    tbb::task_arena arena_;
};

}  // namespace tandem::inline TANDEM_ABI
