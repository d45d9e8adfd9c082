// tandem - where the children of a combinator come from: arguments, a range, a range bit by bit
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <iterator>
#include <optional>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <tandem/base/outcome.hpp>
#include <tandem/core/task.hpp>
#include <tandem/tasks/detail/combinator.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// What became of a child whose combinator has ended.
template <class T>
outcome<T> outcome_of(task<T>& t) {
    if (!t || !t.promise().has(fiber_flag::ended)) return outcome<T>();
    if (t.promise().ended_by == ending::error) return outcome<T>(t.promise().exception());
    return outcome<T>(std::in_place, take_stored<T>(t.promise()));
}

/// Children given as arguments. No allocation: tasks and results stay in the awaiting frame.
template <class... T>
class tuple_combinator : public combinator {
public:
    explicit tuple_combinator(settle_on policy, task<T>&&... tasks)
        : combinator(policy), tasks_(std::move(tasks)...) {
        set_count(sizeof...(T));
        collect_frames(std::index_sequence_for<T...>());
    }

protected:
    ~tuple_combinator() = default;

    bool nothing_to_do() const noexcept { return sizeof...(T) == 0; }

    std::tuple<stored_t<T>...> values() {
        return std::apply(
            [](auto&... t) { return std::tuple<stored_t<T>...>(take_stored<T>(t.promise())...); }, tasks_);
    }
    std::tuple<outcome<T>...> outcomes() {
        return std::apply([](auto&... t) { return std::tuple<outcome<T>...>(outcome_of<T>(t)...); }, tasks_);
    }

    std::tuple<task<T>...> tasks_;

private:
    template <std::size_t... I>
    void collect_frames(std::index_sequence<I...>) noexcept {
        ((frames_[I] = &std::get<I>(tasks_).promise()), ...);
    }
    frame* child_at(std::size_t index) noexcept override { return frames_[index]; }
    frame* make_child(std::size_t index) override { return frames_[index]; }
    void drop_child(std::size_t index) noexcept override {
        frames_[index] = nullptr;
        std::size_t i = 0;
        std::apply([&](auto&... t) { ((i++ == index ? static_cast<void>(t.release()) : void()), ...); },
                   tasks_);
    }

    frame* frames_[sizeof...(T) == 0 ? 1 : sizeof...(T)];
};

/// One element of a range as a task. A task in an lvalue range is moved from.
template <class Reference>
auto element_task(Reference&& element) {
    if constexpr (is_task_v<std::remove_cvref_t<Reference>>) {
        return std::remove_cvref_t<Reference>(std::move(unawaited(element)));
    } else if constexpr (std::is_lvalue_reference_v<Reference>) {
        return as_task<Reference>(element);
    } else {
        return awaited_element<std::remove_cvref_t<Reference>>(std::move(element));
    }
}

template <class R>
using range_result_t = typename decltype(element_task<std::ranges::range_reference_t<R>>(
    std::declval<std::ranges::range_reference_t<R>>()))::value_type;

/// All elements of a range as tasks. A vector of tasks that is given away is taken over as it is.
template <class R>
auto collect_tasks(std::remove_reference_t<R>& range) {
    using result = std::vector<task<range_result_t<R>>>;
    if constexpr (std::is_same_v<std::remove_cvref_t<R>, result> && !std::is_lvalue_reference_v<R>) {
        return result(std::move(range));
    } else {
        result tasks;
        if constexpr (std::ranges::sized_range<R>) tasks.reserve(std::ranges::size(range));
        for (auto&& element : range) {
            tasks.push_back(element_task<std::ranges::range_reference_t<R>>(
                static_cast<std::ranges::range_reference_t<R>&&>(element)));
        }
        return tasks;
    }
}

/// Children given as a range.
template <class T>
class range_combinator : public combinator {
public:
    range_combinator(settle_on policy, std::vector<task<T>>&& tasks)
        : combinator(policy), tasks_(std::move(tasks)) {
        set_count(tasks_.size());
    }

protected:
    explicit range_combinator(settle_on policy, std::size_t at_a_time) noexcept
        : combinator(policy, at_a_time) {}
    ~range_combinator() = default;

    bool nothing_to_do() const noexcept { return tasks_.empty(); }

    std::vector<stored_t<T>> values() {
        std::vector<stored_t<T>> results;
        results.reserve(tasks_.size());
        for (task<T>& t : tasks_) results.push_back(take_stored<T>(t.promise()));
        return results;
    }
    std::vector<outcome<T>> outcomes() {
        std::vector<outcome<T>> results;
        results.reserve(tasks_.size());
        for (task<T>& t : tasks_) results.push_back(outcome_of<T>(t));
        return results;
    }

    frame* make_child(std::size_t index) override { return &unawaited(tasks_[index]).promise(); }

    std::vector<task<T>> tasks_;

private:
    frame* child_at(std::size_t index) noexcept override {
        return tasks_[index] ? &tasks_[index].promise() : nullptr;
    }
    void drop_child(std::size_t index) noexcept override { static_cast<void>(tasks_[index].release()); }
};

/// Children made from a range one by one, as others end: a view of a million tasks holds a few.
template <class View>
class limited_combinator : public range_combinator<range_result_t<View>> {
    using base = range_combinator<range_result_t<View>>;

public:
    template <class R>
    limited_combinator(settle_on policy, std::size_t at_a_time, R&& range)
        : base(policy, at_a_time), view_(std::views::all(std::forward<R>(range))) {
        if constexpr (std::ranges::sized_range<View>) this->tasks_.reserve(std::ranges::size(view_));
    }

protected:
    ~limited_combinator() = default;

    bool nothing_to_do() const noexcept { return false; }

private:
    frame* make_child(std::size_t index) override {
        if (index == 0) {
            next_.emplace(std::ranges::begin(view_));
        } else {
            ++*next_;
        }
        if (*next_ == std::ranges::end(view_)) return nullptr;
        this->tasks_.push_back(element_task<std::ranges::range_reference_t<View>>(**next_));
        return &this->tasks_.back().promise();
    }
    // A range that can be read once is not read further for this.
    bool none_left() noexcept override {
        if constexpr (std::ranges::forward_range<View>) {
            try {
                return next_ && std::ranges::next(*next_) == std::ranges::end(view_);
            } catch (...) {
            }
        }
        return false;
    }

    View view_;
    std::optional<std::ranges::iterator_t<View>> next_;
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
