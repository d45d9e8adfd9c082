// tandem - how a stage calls its function: awaited on the loop, or as a job on a worker
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <type_traits>
#include <utility>

#include <tandem/core/task.hpp>
#include <tandem/cpu/executor.hpp>
#include <tandem/cpu/run_in_executor.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// What a function is given: the item itself, or a look at it if the stage may need it again.
template <class In, bool Kept>
using handed_t = std::conditional_t<Kept, const In&, In&&>;

/// A coroutine, on the loop.
template <class In, class Fn, bool Kept>
class loop_call {
public:
    static constexpr bool on_workers = false;
    using awaited = std::invoke_result_t<Fn&, handed_t<In, Kept>>;
    using result = await_result_t<awaited>;

    explicit loop_call(Fn fn) : fn_(std::move(fn)) {}

    const executor* workers() const noexcept { return nullptr; }
    std::int64_t worked() const noexcept { return -1; }
    decltype(auto) operator()(In& item, std::int64_t&) {
        return std::invoke(fn_, static_cast<handed_t<In, Kept>>(item));
    }

private:
    Fn fn_;
};

/// A plain function called on the loop: for what takes no time.
template <class In, class Fn, bool Kept>
class plain_call {
public:
    static constexpr bool on_workers = false;
    using result = std::remove_cvref_t<std::invoke_result_t<Fn&, handed_t<In, Kept>>>;

    explicit plain_call(Fn fn) : fn_(std::move(fn)) {}

    const executor* workers() const noexcept { return nullptr; }
    task<result> operator()(In& item, std::int64_t&) {
        co_return std::invoke(fn_, static_cast<handed_t<In, Kept>>(item));
    }

private:
    Fn fn_;
};

/// Calls a function on a worker and takes the time.
template <class In, class Fn, bool Kept>
class timed_call {
public:
    static constexpr bool takes_token = std::is_invocable_v<const Fn&, std::stop_token, handed_t<In, Kept>>;

    timed_call(const Fn& fn, In& item, std::int64_t& worked, bool timed) noexcept
        : fn_(&fn), item_(&item), worked_(&worked), timed_(timed) {}

    decltype(auto) operator()() const requires(!takes_token) {
        const stopwatch watch(timed_ ? worked_ : nullptr);
        return std::invoke(*fn_, static_cast<handed_t<In, Kept>>(*item_));
    }
    decltype(auto) operator()(std::stop_token token) const requires(takes_token) {
        const stopwatch watch(timed_ ? worked_ : nullptr);
        return std::invoke(*fn_, std::move(token), static_cast<handed_t<In, Kept>>(*item_));
    }

private:
    class stopwatch {
    public:
        explicit stopwatch(std::int64_t* sum) noexcept : sum_(sum), begun_(sum ? steady_now() : 0) {}
        stopwatch(const stopwatch&) = delete;
        stopwatch& operator=(const stopwatch&) = delete;
        ~stopwatch() {
            if (sum_) *sum_ += steady_now() - begun_;
        }

    private:
        std::int64_t* sum_;
        std::int64_t begun_;
    };

    const Fn* fn_;
    In* item_;
    std::int64_t* worked_;
    bool timed_;  // virtual time stands still while a job runs
};

template <class Call>
struct job_value;
template <class In, class Fn, bool Kept>
struct job_value<timed_call<In, Fn, Kept>> {
    using type = typename decltype([] {
        if constexpr (timed_call<In, Fn, Kept>::takes_token) {
            return std::type_identity<std::invoke_result_t<const Fn&, std::stop_token, handed_t<In, Kept>>>();
        } else {
            return std::type_identity<std::invoke_result_t<const Fn&, handed_t<In, Kept>>>();
        }
    }())::type;
};

template <class In, class Fn, bool Kept, class Result>
class chunk_call;

/// A job. Its function is called by several workers at once, so as a constant.
template <class In, class Fn, bool Kept>
class worker_call {
public:
    static constexpr bool on_workers = true;
    using call = timed_call<In, Fn, Kept>;
    using result = std::remove_cvref_t<typename job_value<call>::type>;
    using chunk = chunk_call<In, Fn, Kept, result>;

    worker_call(executor_ref pool, Fn fn) : pool_(pool), fn_(std::move(fn)) {}

    const executor* workers() const noexcept { return &pool_.pool(); }
    executor_ref pool() const noexcept { return pool_; }
    const Fn& function() const noexcept { return fn_; }

    auto operator()(In& item, std::int64_t& worked) {
        const call job(fn_, item, worked, !loop_core::current()->has_virtual_clock());
        return run_in_executor(pool_, job);
    }

private:
    executor_ref pool_;
    Fn fn_;
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
