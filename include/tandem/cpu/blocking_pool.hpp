// tandem - blocking_pool: threads for calls that block
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstddef>

#include <tandem/cpu/detail/available_cores.hpp>
#include <tandem/cpu/detail/thread_crew.hpp>
#include <tandem/cpu/executor.hpp>

namespace tandem::inline TANDEM_ABI {

/// An executor for calls that wait in the kernel: files, database drivers, name resolution of others.
/// Blocked threads cost memory, not cores, so there may be many: threads are made when all are busy, up
/// to `max_threads`; beyond that jobs wait in line. A thread without work for 10 seconds ends, the one
/// that went idle last is woken first. `blocking_pool(1)` serialises what must not run side by side, an
/// SQLite connection for one. Use it as any executor: `run_in_executor(pool, fn, args...)`.
/// Errors: `std::system_error` reaches the awaiting task if no thread can be made and none is there.
/// Lifetime: the destructor is `shutdown()` and joins the threads.
class blocking_pool final : public executor {
public:
    /// Up to `min(32, cores + 4)` threads, as asyncio's default executor.
    blocking_pool() : blocking_pool(executor_options()) {}
    explicit blocking_pool(std::size_t max_threads)
        : blocking_pool(executor_options().max_workers(max_threads)) {}
    explicit blocking_pool(const executor_options& options)
        : executor(options.max_workers_or(std::min<std::size_t>(32, available_cores() + 4)), options),
          crew_(max_workers(), options.idle_life(), name(), worker(*this)) {}
    ~blocking_pool() { close(); }

    /// Threads that exist now.
    std::size_t threads() const { return crew_.size(); }

private:
    class worker {
    public:
        explicit worker(blocking_pool& pool) noexcept : pool_(pool) {}
        void operator()() const noexcept { pool_.work(); }

    private:
        blocking_pool& pool_;
    };

    void start_pump() override { crew_.call(); }
    void pump_leaves() noexcept override { crew_.coming_back(); }

    detail::thread_crew<worker> crew_;
};

}  // namespace tandem::inline TANDEM_ABI
