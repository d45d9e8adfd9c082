// tandem - run_in_executor: a call on another thread, its result back on the loop
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <functional>
#include <stop_token>
#include <tuple>
#include <type_traits>
#include <utility>

#include <tandem/base/callable.hpp>
#include <tandem/base/detail/refuse.hpp>
#include <tandem/core/concepts.hpp>
#include <tandem/core/this_task.hpp>
#include <tandem/cpu/detail/aligned_member.hpp>
#include <tandem/cpu/detail/call_result.hpp>
#include <tandem/cpu/detail/job_leaf.hpp>
#include <tandem/cpu/detail/job_result.hpp>
#include <tandem/cpu/executor.hpp>
#include <tandem/cpu/thread_executor.hpp>
#include <tandem/cpu/throw_if_stopped.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// Awaitable of `run_in_executor`: callable, arguments and result stay in the awaiting frame.
template <class Fn, class... Args>
class call_awaiter final : public job_leaf<job> {
    static constexpr bool takes_token = takes_stop_token<Fn&, Args&&...>;
    using result = std::remove_cv_t<job_result_t<Fn&, Args&&...>>;
    static_assert(!std::is_rvalue_reference_v<result>,
                  "tandem::run_in_executor: fn returns T&&; return the value");

public:
    template <class F, class... A>
    explicit call_awaiter(executor_ref pool, F&& fn, A&&... args)
        : job_leaf<job>(pool),
          fn_(std::in_place, forward_callable<F>(fn)),
          args_(std::in_place, std::forward<A>(args)...) {}

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) noexcept { launch(h); }
    result await_resume() {
        throw_if_failed();
        return result_.take();
    }
    const char* kind() const noexcept override { return "run_in_executor"; }

private:
    void run(const job_share&) noexcept override {
        try {
            result_.fill([this]() -> result { return call(); });
        } catch (const job_gave_up&) {
        } catch (...) {
            note_failure();
            result_.fail(std::current_exception());
        }
    }
    result call() {
        return std::apply(
            [this](Args&... args) -> result {
                if constexpr (takes_token) {
                    return std::invoke(fn_.get(), stop_.get()->get_token(), static_cast<Args&&>(args)...);
                } else {
                    return std::invoke(fn_.get(), static_cast<Args&&>(args)...);
                }
            },
            args_.get());
    }
    bool gave_up() const noexcept override { return result_.empty(); }
    std::stop_source* stop_source() noexcept override { return stop_.get(); }

    [[no_unique_address]] aligned_member<Fn> fn_;
    [[no_unique_address]] aligned_member<std::tuple<Args...>> args_;
    call_result<result> result_;
    [[no_unique_address]] stop_part<takes_token> stop_;
};

template <class Fn, class... Args>
using call_awaiter_t = call_awaiter<callable_t<Fn>, std::unwrap_ref_decay_t<Args>...>;

template <class Fn, class... Args>
concept runs_in_executor = takes_stop_token < callable_t<Fn>
&, std::unwrap_ref_decay_t<Args>&&... > ||
       std::is_invocable_v<callable_t<Fn>&, std::unwrap_ref_decay_t<Args>&&...>;

/// Whether `fn` leaves the work to the loop instead of doing it.
template <class Fn, class... Args>
constexpr bool gives_awaitable() noexcept {
    if constexpr (runs_in_executor<Fn, Args...>) {
        using result = job_result_t<callable_t<Fn>&, std::unwrap_ref_decay_t<Args>&&...>;
        return is_task_v<std::remove_cvref_t<result>> || leaf_type<result>;
    } else {
        return false;
    }
}

template <class T>
constexpr bool is_executor =
    std::is_base_of_v<executor, std::remove_cvref_t<std::remove_pointer_t<std::remove_cvref_t<T>>>>;

// The sentences of the calls that take `fn, args...`; macros because static_assert wants literals.
#define TANDEM_REQUIRE_JOB(call, Fn, ...)                                                                    \
    static_assert(!::tandem::detail::is_executor<Fn>,                                                        \
                  "tandem::" call ": a pool comes first and as it is: no pointer, no temporary, not const"); \
    TANDEM_REQUIRE_SAFE_CALLABLE(Fn);                                                                        \
    static_assert(::tandem::detail::is_executor<Fn> || ::tandem::detail::runs_in_executor<Fn, __VA_ARGS__>,  \
                  "tandem::" call                                                                            \
                  ": fn can be called neither with (args...) nor with (std::stop_token, "                    \
                  "args...); hand over fn and not its result; arguments are moved in, std::ref passes a "    \
                  "reference");                                                                              \
    static_assert(!::tandem::detail::gives_awaitable<Fn, __VA_ARGS__>(),                                     \
                  "tandem::" call                                                                            \
                  ": fn returns a task or the like, which runs on the loop and not on "                      \
                  "another thread; co_await it, or hand over the function that computes or blocks")

/// The pool of those who name none.
class default_pool final : public loop_owned {
public:
    thread_executor pool{executor_options().name("tandem-default")};
};

}  // namespace detail

/// Runs `fn(args...)` on a worker of `pool` and resumes here, on the loop, with its result: a value, a
/// reference or `void`. If `fn` can take a `std::stop_token` before `args`, it gets one, as with
/// `std::jthread`; see `throw_if_stopped`. `pool.with(job_options()...)` sets priority and deadline.
/// Cancellation: a job in line is taken out and never runs. A running one has its token told and is
///   waited for; what it returns or throws all the same is delivered, the stop lands at the next
///   suspension. A job whose deadline, that of a `timeout` around it or its own, passes before it starts
///   is dropped.
/// Errors: rethrows what `fn` threw; `executor_shut_down` after `shutdown()`; `timeout_error` for a job
///   that its own deadline dropped.
/// Threads: `fn` may not touch the loop, its tasks or what they share; `call_soon_threadsafe` may be called.
/// Lifetime: `fn` and `args` are copied or moved in; `std::ref` passes a reference that you keep alive.
///   They are destroyed on the loop. `pool` outlives the await.
/// Cost: no allocation, but one for a `fn` that takes a token. Microseconds there and back: worth it
///   above about 50 us of work; for many small things use `map`.
template <class Fn, class... Args>
[[nodiscard("co_await it")]] auto run_in_executor(executor_ref pool, Fn&& fn, Args&&... args) {
    TANDEM_REQUIRE_JOB("run_in_executor", Fn, Args...);
    return detail::call_awaiter_t<Fn, Args...>(pool, std::forward<Fn>(fn), std::forward<Args>(args)...);
}

/// The same in a default pool: a `thread_executor` that the loop owns, made at the first use and joined
/// when `run` ends. A `cpu_executor` of your own shares its workers with `parallel_for`.
template <class Fn, class... Args>
requires(!std::is_convertible_v<Fn, executor_ref>)
    [[nodiscard("co_await it")]] auto run_in_executor(Fn&& fn, Args&&... args) {
    TANDEM_REQUIRE_JOB("run_in_executor", Fn, Args...);
    return detail::call_awaiter_t<Fn, Args...>(this_task::loop().owned<detail::default_pool>().pool,
                                               std::forward<Fn>(fn), std::forward<Args>(args)...);
}

TANDEM_REFUSE(
    "tandem::run_in_executor: takes a function and its arguments, behind the pool if one is given: "
    "run_in_executor(pool, fn, args...)",
    run_in_executor(detail::any_argument, ...));

}  // namespace tandem::inline TANDEM_ABI
