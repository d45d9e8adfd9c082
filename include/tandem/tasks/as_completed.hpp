// tandem - as_completed: results in the order in which they arrive
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>
#include <vector>

#include <tandem/base/callable.hpp>
#include <tandem/base/detail/refuse.hpp>
#include <tandem/base/outcome.hpp>
#include <tandem/tasks/detail/children.hpp>
#include <tandem/tasks/task_group.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// Finished children, in order of arrival, and the one task that takes them.
template <class T>
class arrivals {
public:
    struct item {
        std::size_t index;
        outcome<T> result;
    };

    explicit arrivals(std::size_t expected) { items_.reserve(expected); }

    void arrive(std::size_t index, outcome<T> result) {
        items_.push_back(item{index, std::move(result)});
        if (next_* const waiting = std::exchange(waiting_, nullptr)) waiting->arrived();
    }

    class next_ final : public leaf {
    public:
        explicit next_(arrivals& from) noexcept : from_(from) {}
        bool await_ready() const noexcept { return !stop_pending() && from_.taken_ < from_.items_.size(); }
        void await_suspend(std::coroutine_handle<> h) noexcept {
            if (suspend(h)) from_.waiting_ = this;
        }
        item await_resume() { return std::move(from_.items_[from_.taken_++]); }
        const char* kind() const noexcept override { return "as_completed"; }
        void arrived() noexcept { complete(); }

    private:
        detach on_cancel() noexcept override {
            from_.waiting_ = nullptr;
            return detach::done;
        }
        arrivals& from_;
    };
    next_ next() noexcept { return next_(*this); }

private:
    std::vector<item> items_;
    std::size_t taken_ = 0;
    next_* waiting_ = nullptr;
};

template <class T>
task<> arrive_with_outcome(task<T> child, std::size_t index, arrivals<T>& to) {
    std::exception_ptr error;
    try {
        if constexpr (std::is_void_v<T>) {
            co_await std::move(child);
            to.arrive(index, outcome<T>(std::in_place, std::monostate()));
        } else {
            decltype(auto) value = co_await std::move(child);
            to.arrive(index, outcome<T>(std::in_place, stored_t<T>(static_cast<T&&>(value))));
        }
    } catch (...) {
        error = std::current_exception();
    }
    if (error) to.arrive(index, outcome<T>(std::move(error)));
}

/// True unless the callback asks to end early by returning false.
template <class Fn, class Item>
task<bool> tell(Fn& on_each, Item arrived) {
    using result = decltype(on_each(arrived.index, std::move(arrived.result)));
    if constexpr (is_task_v<result>) {
        if constexpr (std::is_same_v<result, task<bool>>) {
            const bool go_on = co_await on_each(arrived.index, std::move(arrived.result));
            co_return go_on;
        } else {
            co_await on_each(arrived.index, std::move(arrived.result));
            co_return true;
        }
    } else if constexpr (std::is_same_v<result, bool>) {
        co_return on_each(arrived.index, std::move(arrived.result));
    } else {
        on_each(arrived.index, std::move(arrived.result));
        co_return true;
    }
}

template <class T, class Fn>
task<> deliver_as_completed(std::vector<task<T>> children, Fn on_each) {
    arrivals<T> done(children.size());
    co_await with_supervisor([&](task_group& group) -> task<> {
        const std::size_t count = children.size();
        for (std::size_t i = 0; i < count; ++i) {
            group.create_task(arrive_with_outcome<T>(std::move(children[i]), i, done));
        }
        for (std::size_t i = 0; i < count; ++i) {
            auto arrived = co_await done.next();
            const bool go_on = co_await tell(on_each, std::move(arrived));
            if (!go_on) break;
        }
        group.cancel();
    });
}

}  // namespace detail

/// Starts all and calls `on_each(index, outcome<T>)` for each result, one after the other, in the
/// order in which they arrive. `on_each` may return a task, which is awaited, and may return (or its
/// task give) false to end early: the rest are cancelled and joined.
/// Cancellation: cancels and joins the children and a running `on_each`.
/// Errors: a child's error is in its outcome; what `on_each` throws cancels and joins the children
///   and is rethrown.
/// Lifetime: `on_each` is kept until the end.
template <awaitable_range R, class F>
[[nodiscard("co_await it")]] task<> as_completed(R&& range, F&& on_each) {
    TANDEM_REQUIRE_SAFE_CALLABLE(F);
    using result = detail::range_result_t<R>;
    static_assert(
        std::is_invocable_v<detail::callable_t<F>&, std::size_t, outcome<result>>,
        "tandem::as_completed: on_each is called with (std::size_t index, tandem::outcome<T> result)");
    return detail::deliver_as_completed<result, detail::callable_t<F>>(detail::collect_tasks<R>(range),
                                                                       detail::forward_callable<F>(on_each));
}

TANDEM_REFUSE(
    "tandem::as_completed: takes one range of what can be awaited, and on_each(std::size_t index, "
    "tandem::outcome<T> result)",
    as_completed(detail::any_argument, ...));

}  // namespace tandem::inline TANDEM_ABI
