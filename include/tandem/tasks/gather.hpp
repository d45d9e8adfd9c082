// tandem - gather: several awaitables at once, results in the order of the arguments
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coroutine>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <tandem/base/detail/refuse.hpp>
#include <tandem/base/outcome.hpp>
#include <tandem/tasks/detail/children.hpp>

namespace tandem::inline TANDEM_ABI {

/// First argument of `gather`: a child's error becomes its `outcome` instead of ending the others.
struct return_exceptions_t {
    explicit return_exceptions_t() = default;
};
inline constexpr return_exceptions_t return_exceptions{};

/// First argument of `gather`: at most `n` children run at a time.
/// Errors: `std::invalid_argument` for 0.
class limit {
public:
    explicit limit(std::size_t n) : n_(n) {
        if (n == 0) throw std::invalid_argument("tandem::limit: 0 at a time would never end; give 1 or more");
    }
    std::size_t value() const noexcept { return n_; }

private:
    std::size_t n_;
};

/// First argument of `gather`: when the time is up, what has not ended is cancelled and joined, and
/// its outcome says so. The time counts from the first suspension of a child.
class within {
public:
    template <class Rep, class Period>
    explicit within(std::chrono::duration<Rep, Period> time) noexcept : ticks_(detail::to_ticks(time)) {}
    template <class T>
    requires std::is_arithmetic_v<T>
    explicit within(T) = delete;  // tandem::within: a number has no unit; write within(1s)
    std::int64_t ticks() const noexcept { return ticks_; }

private:
    std::int64_t ticks_;
};

namespace detail {

/// Limits the time of children: nothing is armed before control comes back to the loop.
template <class Children>
class timed : public Children, private timer_node {
public:
    template <class... Args>
    explicit timed(std::int64_t ticks, Args&&... args)
        : Children(settle_on::all, std::forward<Args>(args)...), ticks_(ticks) {}

    std::int64_t deadline() noexcept override {
        if (end_ == never) end_ = later(this->loop_->ticks(), ticks_);
        return end_;
    }

protected:
    transfer launch(std::coroutine_handle<> h) noexcept { return Children::launch(h, true); }

private:
    std::coroutine_handle<> start_next() noexcept override {
        if (!timing_) start_clock();
        return Children::start_next();
    }
    void start_clock() noexcept {
        timing_ = true;
        if (ticks_ <= 0) {
            this->abort();
        } else if (deadline() != never && !this->loop_->arm_timer(*this, deadline())) {
            this->error_ = std::make_exception_ptr(std::bad_alloc());
            this->abort();
        }
    }
    void fire() noexcept override { this->abort(); }
    void joined() noexcept override { this->loop_->disarm_timer(*this); }

    std::int64_t ticks_;
    std::int64_t end_ = never;
    bool timing_ = false;
};

/// Awaitable of `gather`. `Children` says where the tasks come from.
template <class Children, bool Outcomes>
class gather_awaiter final : public Children {
public:
    template <class... Args>
    explicit gather_awaiter(Args&&... args) : Children(std::forward<Args>(args)...) {}

    bool await_ready() const noexcept { return this->nothing_to_do() && !this->stop_pending(); }
    transfer await_suspend(std::coroutine_handle<> h) noexcept { return this->launch(h); }
    auto await_resume() {
        if constexpr (Outcomes) {
            if (this->error_) std::rethrow_exception(this->error_);  // a child could not be made
            return this->outcomes();
        } else {
            this->throw_if_incomplete();
            return this->values();
        }
    }
    const char* kind() const noexcept override { return "gather"; }
};

template <class... A>
using tuple_children = tuple_combinator<task_result_t<A>...>;
template <class R>
using range_children = range_combinator<range_result_t<R>>;
template <class R>
using limited_children = limited_combinator<std::views::all_t<R>>;

}  // namespace detail

/// Runs all awaitables at once and gives their results as a tuple, in the order of the arguments;
/// `void` as `std::monostate`, a reference as `std::reference_wrapper`. Bind it in two statements:
/// `auto r = co_await gather(a(), b()); auto& [x, y] = r;`
/// Children start in place, in order, each up to its first suspension.
/// Cancellation: cancels and joins the children; if all had ended by then, their results are delivered.
/// Errors: the first exception cancels and joins the others and is rethrown as it is (asyncio leaves
///   them running); later ones go to the loop's `on_suppressed`.
/// Cost: no allocation beyond the children's frames.
template <awaitable... A>
[[nodiscard("co_await it")]] auto gather(A&&... children) {
    return detail::gather_awaiter<detail::tuple_children<A...>, false>(
        detail::settle_on::first_error, detail::as_task<A>(std::forward<A>(children))...);
}

TANDEM_REFUSE(
    "tandem::gather: takes what can be awaited, or one range of it: call the functions, "
    "gather(f(), g()), and move a named task, gather(std::move(t)); limit(n) goes with a range",
    gather(detail::any_argument, ...));

/// The same for a range; gives a `std::vector` in the order of the range. Tasks are moved out of it.
template <awaitable_range R>
[[nodiscard("co_await it")]] auto gather(R&& children) {
    return detail::gather_awaiter<detail::range_children<R>, false>(detail::settle_on::first_error,
                                                                    detail::collect_tasks<R>(children));
}

/// Never throws a child's error: gives an `outcome` for each, in order, after the last has ended.
/// Cancellation: cancels and joins the children, then stops.
template <awaitable... A>
[[nodiscard("co_await it")]] auto gather(return_exceptions_t, A&&... children) {
    return detail::gather_awaiter<detail::tuple_children<A...>, true>(
        detail::settle_on::all, detail::as_task<A>(std::forward<A>(children))...);
}
template <awaitable_range R>
[[nodiscard("co_await it")]] auto gather(return_exceptions_t, R&& children) {
    return detail::gather_awaiter<detail::range_children<R>, true>(detail::settle_on::all,
                                                                   detail::collect_tasks<R>(children));
}

/// At most `limit` at a time, started in order. Elements of a view are made only when their turn comes.
/// Lifetime: an lvalue range outlives the call; an rvalue one is moved in.
template <awaitable_range R>
[[nodiscard("co_await it")]] auto gather(limit at_a_time, R&& children) {
    return detail::gather_awaiter<detail::limited_children<R>, false>(
        detail::settle_on::first_error, at_a_time.value(), std::forward<R>(children));
}
template <awaitable_range R>
[[nodiscard("co_await it")]] auto gather(return_exceptions_t, limit at_a_time, R&& children) {
    return detail::gather_awaiter<detail::limited_children<R>, true>(
        detail::settle_on::all, at_a_time.value(), std::forward<R>(children));
}
template <awaitable_range R>
[[nodiscard("co_await it")]] auto gather(limit at_a_time, return_exceptions_t, R&& children) {
    return gather(return_exceptions, at_a_time, std::forward<R>(children));
}

/// As `return_exceptions`, for a limited time: what has ended by then is never lost, the rest is
/// cancelled and joined and its outcome says so.
/// Cancellation: cancels and joins the children, then stops.
template <awaitable... A>
[[nodiscard("co_await it")]] auto gather(within time, A&&... children) {
    return detail::gather_awaiter<detail::timed<detail::tuple_children<A...>>, true>(
        time.ticks(), detail::as_task<A>(std::forward<A>(children))...);
}
template <awaitable_range R>
[[nodiscard("co_await it")]] auto gather(within time, R&& children) {
    return detail::gather_awaiter<detail::timed<detail::range_children<R>>, true>(
        time.ticks(), detail::collect_tasks<R>(children));
}

}  // namespace tandem::inline TANDEM_ABI
