// tandem - what the tests of brief jobs share: executors that find every job brief
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <new>
#include <thread>
#include <utility>

#include <tandem/core/task.hpp>
#include <tandem/cpu/detail/thread_crew.hpp>
#include <tandem/cpu/executor.hpp>
#include <tandem/cpu/run_in_executor.hpp>

namespace tandem_test {

/// Its clock moves a little whenever it is read, and not otherwise. So no job takes long, and what the
/// executor does about brief jobs does not depend on the machine. Refuses to call for workers when told.
class brief_pool final : public tandem::executor {
public:
    explicit brief_pool(std::size_t workers)
        : executor(workers, tandem::executor_options().name("brief"), 64),
          crew_(workers, tandem::detail::never, "brief", worker(*this)) {}
    ~brief_pool() { close(); }

    std::atomic<bool> refuses{false};
    std::atomic<int> refused{0};

    /// Workers called for and not yet gone.
    int awake() const { return awake_; }

private:
    class worker {
    public:
        explicit worker(brief_pool& pool) noexcept : pool_(pool) {}
        void operator()() const noexcept {
            pool_.work();
            --pool_.awake_;
        }

    private:
        brief_pool& pool_;
    };

    void start_pump() override {
        if (refuses) {
            ++refused;
            throw std::bad_alloc();
        }
        ++awake_;
        crew_.call();
    }
    std::int64_t now() const noexcept override { return clock_.fetch_add(10, std::memory_order_relaxed); }

    mutable std::atomic<std::int64_t> clock_{0};
    std::atomic<int> awake_{0};
    tandem::detail::thread_crew<worker> crew_;
};

/// A job without a task.
class bare_job final : public tandem::detail::job {
public:
    explicit bare_job(std::function<void()> fn = {}, tandem::priority how = tandem::priority::normal)
        : fn_(std::move(fn)) {
        priority_ = how;
    }
    void wait() const {
        while (!over_) std::this_thread::yield();
    }

private:
    void run(const tandem::detail::job_share&) noexcept override {
        if (fn_) fn_();
    }
    void finished() noexcept override { over_ = true; }

    std::function<void()> fn_;
    std::atomic<bool> over_{false};
};

/// As many jobs as it takes until the executor finds them brief.
inline tandem::task<> brief_streak(tandem::executor& pool) {
    for (int i = 0; i < 32; ++i) co_await tandem::run_in_executor(pool, [] {});
}

}  // namespace tandem_test
