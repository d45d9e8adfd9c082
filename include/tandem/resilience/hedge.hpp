// tandem - hedge: a second call when the first is slow; the first success wins
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <tuple>
#include <type_traits>
#include <utility>

#include <tandem/base/callable.hpp>
#include <tandem/core/task.hpp>
#include <tandem/core/this_task.hpp>
#include <tandem/resilience/detail/attempt.hpp>
#include <tandem/resilience/hedge_policy.hpp>

namespace tandem::inline TANDEM_ABI {

/// Says that calling twice does no harm. Made by `idempotent(fn)`.
template <class F>
class idempotent_call {
public:
    template <class G>
    explicit idempotent_call(std::in_place_t, G&& fn) : fn_(detail::forward_callable<G>(fn)) {}
    F& get() & noexcept { return fn_; }
    F&& get() && noexcept { return std::move(fn_); }

private:
    F fn_;
};

/// Declares that `fn` may be called several times for one result: reads, and writes with a key.
template <class F>
[[nodiscard]] auto idempotent(F&& fn) {
    TANDEM_REQUIRE_SAFE_CALLABLE(F);
    return idempotent_call<detail::callable_t<F>>(std::in_place, std::forward<F>(fn));
}

namespace detail {

template <class F>
constexpr bool is_idempotent_v = false;
template <class F>
constexpr bool is_idempotent_v<idempotent_call<F>> = true;

/// Becomes a std::size_t and nothing that a std::size_t could become.
struct exactly_a_number {
    template <class T>
    requires std::is_same_v<T, std::size_t>
    operator T() const noexcept;
};

/// One that could be called either way is meant to be told only if it says std::size_t: in
/// `[](int id, int limit = 5)` the number would be taken for the id.
template <class Fn, class... Args>
constexpr bool takes_number() noexcept {
    if constexpr (std::is_invocable_v<Fn&, std::size_t, Args...> && std::is_invocable_v<Fn&, Args...>) {
        return std::is_invocable_v<Fn&, exactly_a_number, Args...>;
    } else {
        return std::is_invocable_v<Fn&, std::size_t, Args...>;
    }
}

/// As what a call sees an argument that was passed to `hedge`.
template <class Arg>
using seen_argument_t = typename kept_argument<std::unwrap_ref_decay_t<Arg>>::type;

template <class Fn, class... Args>
using numbered_result_t =
    typename std::conditional_t<takes_number<Fn, Args...>(), std::invoke_result<Fn&, std::size_t, Args...>,
                                std::invoke_result<Fn&, Args...>>::type;

/// A callable that takes it gets the number of the attempt, from 0, before its arguments. The number, and
/// what the arguments are converted into, live until the call has ended.
template <class T, class Fn, class... Args, std::size_t... I>
task<T> numbered_call(Fn& fn, std::size_t number, const std::tuple<Args...>& args,
                      std::index_sequence<I...>) {
    if constexpr (takes_number<Fn, typename kept_argument<Args>::type...>()) {
        co_return co_await fn(number, std::get<I>(args)...);
    } else {
        co_return co_await fn(std::get<I>(args)...);
    }
}

/// Owns the attempts. The winner's result stays in its frame while the losers are cancelled.
/// `MakesTask`: a plain call of `fn` makes the task of an attempt.
template <class T, class Fn, class Kept, bool MakesTask>
class hedge_awaiter final : public boundary, private timer_node {
public:
    hedge_awaiter(const hedge_policy& policy, Fn&& fn, Kept&& args)
        : policy_(policy), fn_(std::move(fn)), args_(std::move(args)) {}

    bool await_ready() const noexcept { return false; }
    transfer await_suspend(std::coroutine_handle<> h) noexcept {
        if (!begin(h)) return stay_suspended();
        start_ = loop_->ticks();
        if (policy_.budget()) policy_.budget()->deposit();
        if (!make_attempt()) {
            complete();
            return stay_suspended();
        }
        loop_->push_start(*this);
        frame& first = attempts_[0].promise();
        const std::coroutine_handle<> entered = enter_child(first);
        set_number(first, 0);
        return transfer_to(entered);
    }
    T await_resume() {
        if (winner_ != nobody) return attempts_[winner_].promise().take();
        if (make_error_) std::rethrow_exception(make_error_);
        return attempts_[0].promise().take();  // throws what the first attempt threw
    }
    void cancel_children() noexcept override {
        closed_ = true;
        loop_->disarm_timer(*this);
        for (std::size_t i = 0; i < made_; ++i) {
            if (attempts_[i]) request_stop(attempts_[i].promise());
        }
    }
    void each_child(void (*visit)(void*, detail::fiber&), void* with) override {
        for (std::size_t i = 0; i < made_; ++i) {
            if (attempts_[i] && !attempts_[i].promise().has(fiber_flag::ended))
                visit(with, attempts_[i].promise());
        }
    }
    const char* kind() const noexcept override { return "hedge"; }

private:
    static constexpr std::size_t nobody = hedge_policy::limit + 1;

    static void set_number(frame& attempt, std::size_t number) noexcept {
        attempt.root.previous = reinterpret_cast<detail::fiber*>(number);
    }

    task<T> call_in_task() {
        return numbered_call<T>(fn_, made_, args_, std::make_index_sequence<std::tuple_size_v<Kept>>());
    }

    // The callable runs in a task: here, if it can, in the one that awaits, later in the hedge's own.
    bool make_attempt() noexcept {
        try {
            if constexpr (MakesTask) {
                attempts_[made_] = made_ == 0 ? call_kept(fn_, args_) : call_in_task();
            } else {
                attempts_[made_] = call_in_task();
            }
        } catch (...) {
            if (made_ == 0) make_error_ = std::current_exception();
            return false;  // no memory for a hedge: no hedge
        }
        ++made_;
        ++running_;
        return true;
    }

    std::coroutine_handle<> start_next() noexcept override {
        loop_->pop_start();
        on_stack_ = false;
        await_slowness(start_);
        return {};
    }
    void await_slowness(std::int64_t from) noexcept {
        if (closed_ || made_ > policy_.max_hedges()) return;
        loop_->arm_timer(*this, later(from, policy_.delay(loop_->ticks())));  // no memory: no hedge
    }
    void fire() noexcept override { start_hedge(); }

    void start_hedge() noexcept {
        loop_->disarm_timer(*this);
        if (closed_ || made_ > policy_.max_hedges()) return;
        const std::int64_t now = loop_->ticks();
        const std::int64_t deadline = deadline_of(fiber());
        const bool in_time = deadline == never || deadline - now > policy_.median(now);
        const bool paid = in_time && (!policy_.budget() || policy_.budget()->try_spend());
        if (!paid || !make_attempt()) {
            closed_ = true;
            return;
        }
        frame& hedge = attempts_[made_ - 1].promise();
        hedge.become_fiber(*this, &fiber(), 0);
        set_number(hedge, made_ - 1);
        loop_->ready(hedge, step::start);
        await_slowness(now);
    }

    void child_done(detail::fiber& child) noexcept override {
        const std::size_t number = reinterpret_cast<std::size_t>(child.root.previous);
        --running_;
        if (on_stack_) {  // ended without ever suspending
            loop_->pop_start();
            on_stack_ = false;
        }
        if (child.ended_by == ending::stopped) {
            stopped_ = true;
            loop_->bury(child.handle());
            static_cast<void>(attempts_[number].release());
        } else if (child.ended_by == ending::value) {
            if (winner_ == nobody) win(number);
        } else if (winner_ == nobody) {
            first_failed_ = first_failed_ || number == 0;
            if (number != 0) loop_->report_suppressed(child.exception());
            start_hedge();
        } else {
            loop_->report_suppressed(child.exception());
        }
        if (running_ != 0) return;
        loop_->disarm_timer(*this);
        finish(winner_ != nobody || !stopped_);
    }

    // When a hedge wins, the first attempt has taken at least this long: left out, slow calls would
    // vanish from the histogram and hedges start earlier and earlier.
    void win(std::size_t number) noexcept {
        winner_ = number;
        const std::int64_t now = loop_->ticks();
        if (number == 0 || !first_failed_) policy_.note(now, now - start_);
        cancel_children();
    }

    hedge_policy policy_;
    Fn fn_;
    Kept args_;
    task<T> attempts_[hedge_policy::limit + 1];
    std::exception_ptr make_error_;
    std::int64_t start_ = 0;
    std::size_t made_ = 0;
    std::size_t running_ = 0;
    std::size_t winner_ = nobody;
    bool on_stack_ = true;
    bool closed_ = false;  // no further attempt
    bool stopped_ = false;
    bool first_failed_ = false;
};

}  // namespace detail

/// Calls `fn(args...)`; when it is slow, or fails, calls it once more beside it. The first success is
/// the result; the others are cancelled and joined. A callable that takes a `std::size_t` before its
/// arguments gets the number of the attempt, from 0, and can pick another replica by it.
/// Cancellation: cancels and joins all; a result that was there first is delivered.
/// Errors: if all fail, that of the first attempt; the others go to the loop's `on_suppressed`. No
///   hedge is started that the budget does not pay, or that has less time than half of the calls need.
/// Lifetime: `fn` and `args` are kept by value and passed as `const&` to each attempt; `std::ref`
///   passes a reference that you keep alive.
/// Cost: no allocation beyond the frames of the attempts; one timer.
template <class F, class... Args>
[[nodiscard("co_await it")]] auto hedge(const hedge_policy& policy, F&& fn, Args&&... args) {
    static_assert(detail::is_idempotent_v<std::remove_cvref_t<F>>,
                  "tandem::hedge: the call may be made more than once; say that this does no harm with "
                  "hedge(policy, idempotent(fn), args...)");
    using callable = std::remove_cvref_t<decltype(fn.get())>;
    using kept = std::tuple<std::unwrap_ref_decay_t<Args>...>;
    using made = detail::numbered_result_t<callable, detail::seen_argument_t<Args>...>;
    static_assert(
        awaitable<made>,
        "tandem::hedge: fn(args...) or fn(number, args...) returns a tandem::task or another awaitable");
    constexpr bool makes_task =
        detail::is_task_v<made> && !detail::takes_number<callable, detail::seen_argument_t<Args>...>();
    return detail::hedge_awaiter<await_result_t<made>, callable, kept, makes_task>(
        policy, callable(std::forward<F>(fn).get()), kept(std::forward<Args>(args)...));
}

}  // namespace tandem::inline TANDEM_ABI
