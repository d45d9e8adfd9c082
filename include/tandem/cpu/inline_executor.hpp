// tandem - inline_executor: an executor without threads, whose jobs run as steps of the loop
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <utility>

#include <tandem/core/callback.hpp>
#include <tandem/core/loop_core.hpp>
#include <tandem/cpu/executor.hpp>

namespace tandem::inline TANDEM_ABI {

/// Runs each job on the loop's own thread, as a step of its own: for tests, which become deterministic
/// and may run on virtual time, and for programs that must not have threads. Order, priorities,
/// cancellation and deadlines are those of the other executors; a job is run whole, so a running one is
/// never seen by a task.
/// Threads: serves one loop at a time, on whose thread it is used.
class inline_executor final : public executor {
public:
    inline_executor() : executor(1, executor_options().name("inline")) {}
    ~inline_executor() {
        next_.cancel();
        close();
    }

    bool shares_clock_with(const loop_core&) const noexcept override { return true; }

private:
    /// The queued step. If it is dropped instead, at the end of the loop, the executor hears of it.
    class queued_step {
    public:
        explicit queued_step(inline_executor& pool) noexcept : pool_(&pool) {}
        queued_step(queued_step&& other) noexcept : pool_(std::exchange(other.pool_, nullptr)) {}
        queued_step& operator=(queued_step&&) = delete;
        ~queued_step() {
            if (pool_) pool_->forget_pump();
        }
        void disarm() noexcept { pool_ = nullptr; }
        void operator()() { std::exchange(pool_, nullptr)->step(); }

    private:
        inline_executor* pool_;
    };

    // call_soon throws before it takes the step over, or not at all.
    void start_pump() override {
        queued_step next(*this);
        try {
            next_ = loop_core::current()->call_soon(std::move(next));
        } catch (...) {
            next.disarm();
            throw;
        }
    }
    void step() {
        while (work(detail::work_limit{1, detail::never})) {
            try {
                return start_pump();
            } catch (...) {  // no memory for a step: goes on in this one
            }
        }
    }
    std::int64_t now() const noexcept override {
        const loop_core* const loop = loop_core::current();
        return loop ? loop->ticks() : 0;
    }

    call_handle next_;
};

}  // namespace tandem::inline TANDEM_ABI
