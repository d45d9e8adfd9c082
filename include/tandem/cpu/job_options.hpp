// tandem - executor_options, job_options, executor_ref: how an executor and a job on it are set up
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include <tandem/core/clock.hpp>

namespace tandem::inline TANDEM_ABI {

class executor;

/// Which job of an executor starts first. Within one priority: first in, first out. Strict, but a lower
/// one is served after it was passed over 15 times. A job that has started is never interrupted.
enum class priority : std::uint8_t { high, normal, low };

/// How an executor is made.
class executor_options {
public:
    executor_options() {}

    /// The number of worker threads. Default: what suits the kind of executor.
    executor_options& max_workers(std::size_t n) {
        if (n == 0) throw std::invalid_argument("tandem::executor_options: max_workers is 0; give 1 or more");
        if (n > most_workers) {
            throw std::invalid_argument("tandem::executor_options: max_workers is " + std::to_string(n) +
                                        "; give at most " + std::to_string(most_workers));
        }
        max_workers_ = n;
        return *this;
    }
    /// For error texts and, up to 15 characters of it, for the names of its threads.
    executor_options& name(std::string text) {
        name_ = std::move(text);
        return *this;
    }
    /// Whether `cpu_executor` makes sure that its workers come, and throws if not. Default: yes.
    executor_options& self_check(bool yes) noexcept {
        self_check_ = yes;
        return *this;
    }
    /// Whether to count the processor time of the workers: a call of 1 to 2 microseconds each time a
    /// worker starts and stops. Default: no.
    executor_options& cpu_time(bool yes) noexcept {
        cpu_time_ = yes;
        return *this;
    }
    /// How long a thread of `blocking_pool` stays without work. Default: 10 s.
    template <class Rep, class Period>
    executor_options& idle_life(std::chrono::duration<Rep, Period> life) noexcept {
        idle_life_ = detail::to_ticks(life);
        return *this;
    }

    std::size_t max_workers_or(std::size_t otherwise) const noexcept {
        return max_workers_.value_or(otherwise);
    }
    const std::string& name() const noexcept { return name_; }
    bool self_check() const noexcept { return self_check_; }
    bool cpu_time() const noexcept { return cpu_time_; }
    std::int64_t idle_life() const noexcept { return idle_life_; }

private:
    static constexpr std::size_t most_workers = 65'536;  // a negative number is far beyond it

    std::optional<std::size_t> max_workers_;
    std::string name_ = "tandem";
    std::int64_t idle_life_ = 10'000'000'000;
    bool self_check_ = true;
    bool cpu_time_ = false;
};

/// How one job is run: `pool.with(job_options().priority(tandem::priority::high))`.
class job_options {
public:
    job_options() {}

    job_options& priority(tandem::priority p) noexcept {
        priority_ = p;
        return *this;
    }
    /// A job that has not started by then, on the loop's clock, is dropped: `timeout_error`. The deadline
    /// of the scopes around the call, `timeout` above all, counts anyway. Virtual time stands still while
    /// real threads work, so there it counts on `inline_executor` only.
    job_options& deadline(time_point when) noexcept {
        deadline_ = detail::to_ticks(when);
        return *this;
    }

    tandem::priority priority() const noexcept { return priority_; }
    std::int64_t deadline_ticks() const noexcept { return deadline_; }

private:
    std::int64_t deadline_ = detail::never;
    tandem::priority priority_ = tandem::priority::normal;
};

/// An executor, and how a job runs on it. Made from an executor; cheap to copy.
/// Lifetime: refers to the executor.
class executor_ref {
public:
    executor_ref(executor& pool, job_options options = job_options()) noexcept
        : pool_(&pool), options_(options) {}

    executor& pool() const noexcept { return *pool_; }
    const job_options& options() const noexcept { return options_; }

private:
    executor* pool_;
    job_options options_;
};

static_assert(!std::is_aggregate_v<job_options> && std::is_trivially_destructible_v<executor_ref>);

}  // namespace tandem::inline TANDEM_ABI
