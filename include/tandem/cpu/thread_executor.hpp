// tandem - thread_executor: an executor on std::thread, without oneTBB
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>

#include <tandem/cpu/detail/available_cores.hpp>
#include <tandem/cpu/detail/thread_crew.hpp>
#include <tandem/cpu/executor.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// The cores less the one that the loop needs.
inline std::size_t default_workers() {
    const std::size_t cores = available_cores();
    return cores > 1 ? cores - 1 : 1;
}

}  // namespace detail

/// The twin of `cpu_executor` on plain threads: the same line, the same behaviour. ThreadSanitizer sees
/// through it, and it needs no oneTBB.
/// Errors: `std::system_error` if the threads cannot be made.
/// Lifetime: the destructor is `shutdown()` and joins the threads.
class thread_executor final : public executor {
public:
    /// As many workers as there are cores for, less the loop's, at least one.
    thread_executor() : thread_executor(executor_options()) {}
    explicit thread_executor(std::size_t max_workers)
        : thread_executor(executor_options().max_workers(max_workers)) {}
    explicit thread_executor(const executor_options& options)
        : executor(options.max_workers_or(detail::default_workers()), options, available_cores()),
          crew_(max_workers(), detail::never, name(), worker(*this)) {
        crew_.assemble();
    }
    ~thread_executor() { close(); }

private:
    class worker {
    public:
        explicit worker(thread_executor& pool) noexcept : pool_(pool) {}
        void operator()() const noexcept { pool_.work(); }

    private:
        thread_executor& pool_;
    };

    void start_pump() override { crew_.call(); }

    detail::thread_crew<worker> crew_;
};

}  // namespace tandem::inline TANDEM_ABI
