// tandem - race: the first to end decides; any_success: the first to succeed
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coroutine>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <tandem/base/detail/refuse.hpp>
#include <tandem/base/exception_group.hpp>
#include <tandem/tasks/detail/children.hpp>

namespace tandem::inline TANDEM_ABI {

/// What `race` gives: which one was first, and its value.
template <class Value>
class race_result {
public:
    race_result(std::size_t index, Value value) : value_(std::move(value)), index_(index) {}

    /// Position of the winner among the arguments or in the range.
    std::size_t index() const noexcept { return index_; }
    Value& value() & noexcept { return value_; }
    const Value& value() const& noexcept { return value_; }
    Value&& value() && noexcept { return std::move(value_); }

private:
    Value value_;
    std::size_t index_;
};

namespace detail {

template <class... T>
class race_awaiter final : public tuple_combinator<T...> {
    using first = std::tuple_element_t<0, std::tuple<T...>>;
    static constexpr bool same = (std::is_same_v<first, T> && ...);
    using value = std::conditional_t<same, stored_t<first>, std::variant<stored_t<T>...>>;

public:
    explicit race_awaiter(task<T>&&... tasks)
        : tuple_combinator<T...>(settle_on::first_end, std::move(tasks)...) {}

    bool await_ready() const noexcept { return false; }
    transfer await_suspend(std::coroutine_handle<> h) noexcept { return this->launch(h); }
    race_result<value> await_resume() {
        if (this->error_) std::rethrow_exception(this->error_);
        return take_winner<0>();
    }
    const char* kind() const noexcept override { return "race"; }

private:
    template <std::size_t I>
    race_result<value> take_winner() {
        if constexpr (I + 1 < sizeof...(T)) {
            if (this->winner_ != I) return take_winner<I + 1>();
        }
        using type = std::tuple_element_t<I, std::tuple<T...>>;
        auto& promise = std::get<I>(this->tasks_).promise();
        if constexpr (same) {
            return race_result<value>(I, take_stored<type>(promise));
        } else {
            return race_result<value>(I, value(std::in_place_index<I>, take_stored<type>(promise)));
        }
    }
};

template <class T>
class race_range_awaiter final : public range_combinator<T> {
public:
    explicit race_range_awaiter(std::vector<task<T>>&& tasks)
        : range_combinator<T>(settle_on::first_end, std::move(tasks)) {}

    bool await_ready() const noexcept { return false; }
    transfer await_suspend(std::coroutine_handle<> h) noexcept { return this->launch(h); }
    race_result<stored_t<T>> await_resume() {
        if (this->error_) std::rethrow_exception(this->error_);
        return race_result<stored_t<T>>(this->winner_, take_stored<T>(this->tasks_[this->winner_].promise()));
    }
    const char* kind() const noexcept override { return "race"; }
};

template <class T>
class any_success_awaiter final : public range_combinator<T> {
public:
    explicit any_success_awaiter(std::vector<task<T>>&& tasks)
        : range_combinator<T>(settle_on::first_value, std::move(tasks)) {}

    bool await_ready() const noexcept { return false; }
    transfer await_suspend(std::coroutine_handle<> h) noexcept { return this->launch(h); }
    T await_resume() {
        if (this->winner_ == none) throw exception_group(std::move(this->failures_));
        return this->tasks_[this->winner_].promise().take();
    }
    const char* kind() const noexcept override { return "any_success"; }
};

template <class R>
std::vector<task<range_result_t<R>>> collect_candidates(const char* call, std::remove_reference_t<R>& range) {
    auto tasks = collect_tasks<R>(range);
    if (tasks.empty()) {
        throw std::invalid_argument(std::string("tandem::") + call +
                                    ": the range is empty and nothing could ever win; give 1 task or more");
    }
    return tasks;
}

}  // namespace detail

/// Runs all at once; the first to end decides, with its value or its exception. The rest are
/// cancelled and joined; those that had not started by then never start.
/// `value()` has the awaitables' type, or is a `std::variant` if their types differ.
/// Cancellation: cancels and joins all; a winner's value is delivered all the same.
/// Errors: the winner's exception. A loser's error while it is cancelled goes to `on_suppressed`; a
///   loser's result is dropped, so do not race `get` of two queues whose items you need.
template <awaitable First, awaitable... Rest>
[[nodiscard("co_await it")]] auto race(First&& first, Rest&&... rest) {
    return detail::race_awaiter<detail::task_result_t<First>, detail::task_result_t<Rest>...>(
        detail::as_task<First>(std::forward<First>(first)),
        detail::as_task<Rest>(std::forward<Rest>(rest))...);
}

/// The same for a range. Errors: also `std::invalid_argument` for an empty one.
template <awaitable_range R>
[[nodiscard("co_await it")]] auto race(R&& range) {
    return detail::race_range_awaiter<detail::range_result_t<R>>(
        detail::collect_candidates<R>("race", range));
}

TANDEM_REFUSE(
    "tandem::race: takes what can be awaited, or one range of it, and one at least: call the "
    "functions, race(f(), g()), and move a named task, race(std::move(t), g())",
    race(detail::any_argument, ...));

/// Runs all at once and gives the first value; the rest are cancelled and joined.
/// Cancellation: cancels and joins all; a value that was there first is delivered.
/// Errors: if all fail, an `exception_group` with every failure, in the order they happened;
///   `std::invalid_argument` for an empty range.
template <awaitable_range R>
[[nodiscard("co_await it")]] auto any_success(R&& range) {
    return detail::any_success_awaiter<detail::range_result_t<R>>(
        detail::collect_candidates<R>("any_success", range));
}

TANDEM_REFUSE("tandem::any_success: takes one range of what can be awaited, a std::vector of tasks",
              any_success(detail::any_argument, ...));

}  // namespace tandem::inline TANDEM_ABI
