// tandem - the boundary under gather, race and any_success: children known by index
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iterator>
#include <limits>
#include <optional>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <tandem/base/outcome.hpp>
#include <tandem/core/task.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// When the children that are left are cancelled.
enum class settle_on : std::uint8_t { first_error, all, first_end, first_value };

inline constexpr std::size_t none = std::numeric_limits<std::size_t>::max();

/// Starts its children in place and in order: the first by transfer, each further one when the loop
/// finds this boundary on top of its start stack. So nothing nests, and a child that fails before the
/// next one has started keeps it from starting.
class combinator : public boundary {
public:
    void cancel_children() noexcept override { abort(); }

    void each_child(void (*visit)(void*, detail::fiber&), void* with) override {
        for (std::size_t i = 0; i < started_; ++i) {
            frame* const child = child_at(i);
            if (child && !child->has(fiber_flag::ended)) visit(with, *child);
        }
    }

protected:
    explicit combinator(settle_on policy, std::size_t limit = none) noexcept : limit_(limit), policy_(policy) {}
    ~combinator() = default;

    /// The frame of a started child, or null if it was dropped.
    virtual frame* child_at(std::size_t index) noexcept = 0;
    /// The frame of a stopped child is gone.
    virtual void drop_child(std::size_t index) noexcept = 0;
    /// The next child to start, or null if there is none. May throw what making it throws.
    virtual frame* make_child(std::size_t index) = 0;
    /// All have ended; the last chance to disarm a timer.
    virtual void joined() noexcept {}

    transfer launch(std::coroutine_handle<> h, bool stay_on_stack = false) noexcept {
        if (!begin(h)) return stay_suspended();
        frame* const first = next_child();
        if (!first) {
            end_if_joined();
            return stay_suspended();
        }
        if (stay_on_stack || may_start()) push_start();
        return transfer_to(*loop_, enter_child(*first));
    }

    std::coroutine_handle<> start_next() noexcept override {
        frame* const child = may_start() ? next_child() : nullptr;
        if (!child || !may_start()) pop_start();
        if (child) return enter_child(*child);
        end_if_joined();
        return {};
    }

    void abort() noexcept {
        if (aborting_) return;
        aborting_ = true;
        for (std::size_t i = 0; i < started_; ++i) {
            if (frame* const child = child_at(i)) request_stop(*child);
        }
    }

    void push_start() noexcept {
        on_stack_ = true;
        loop_->push_start(*this);
    }
    void pop_start() noexcept {
        on_stack_ = false;
        loop_->pop_start();
    }

    /// All children are known beforehand.
    void set_count(std::size_t count) noexcept { exhausted_at_ = count; }

    void throw_if_incomplete() const {
        if (error_) std::rethrow_exception(error_);
        if (stopped_) throw cancelled_error();
    }

    std::size_t winner_ = none;
    std::exception_ptr error_;  // the first that decided, or that kept a child from being made
    std::vector<std::exception_ptr> failures_;

private:
    bool may_start() const noexcept { return !aborting_ && running_ < limit_ && started_ < exhausted_at_; }

    frame* next_child() noexcept {
        frame* child = nullptr;
        try {
            child = make_child(started_);
        } catch (...) {
            error_ = std::current_exception();
            abort();
            return nullptr;
        }
        if (!child) {
            exhausted_at_ = started_;
            return nullptr;
        }
        child_index_of_next_ = started_++;
        ++running_;
        return child;
    }

    std::coroutine_handle<> enter_child(frame& child) noexcept {
        const std::coroutine_handle<> h = boundary::enter_child(child);
        child.root.previous = reinterpret_cast<detail::fiber*>(child_index_of_next_);
        return h;
    }

    void child_done(detail::fiber& child) noexcept override {
        const std::size_t index = reinterpret_cast<std::size_t>(child.root.previous);
        --running_;
        if (child.ended_by == ending::stopped) {
            stopped_ = true;
            loop_->bury(child.handle());
            drop_child(index);
        } else {
            judge(child, index);
        }
        if (on_stack_) return;  // start_next goes on, or ends it
        if (may_start()) {
            push_start();
        } else {
            end_if_joined();
        }
    }

    void judge(detail::fiber& child, std::size_t index) noexcept {
        const bool failed = child.ended_by == ending::error;
        switch (policy_) {
            case settle_on::all:
                return;
            case settle_on::first_error:
                if (failed) decide(child, error_ == nullptr);
                return;
            case settle_on::first_end:
                if (winner_ == none) winner_ = index;
                if (failed) decide(child, winner_ == index);
                abort();
                return;
            case settle_on::first_value:
                if (failed) return note_failure(child.exception());
                if (winner_ == none) winner_ = index;
                abort();
                return;
        }
    }

    void decide(detail::fiber& child, bool first) noexcept {
        if (first) {
            error_ = child.exception();
            abort();
        } else {
            loop_->report_suppressed(child.exception());
        }
    }

    void note_failure(const std::exception_ptr& e) noexcept {
        try {
            failures_.push_back(e);
        } catch (...) {
            loop_->report_suppressed(e);
        }
    }

    void end_if_joined() noexcept {
        if (running_ != 0 || !(aborting_ || started_ >= exhausted_at_)) return;
        joined();
        finish(error_ != nullptr || has_result());
    }

    // A result that is complete is delivered, also to a task that was cancelled meanwhile: what the
    // children have taken from queues and sockets is not lost.
    bool has_result() const noexcept {
        switch (policy_) {
            case settle_on::first_error:
            case settle_on::all:
                return !stopped_ && started_ >= exhausted_at_;
            case settle_on::first_end:
                return winner_ != none;
            case settle_on::first_value:
                return winner_ != none || (!stopped_ && started_ >= exhausted_at_);
        }
        return false;
    }

    std::size_t limit_;
    std::size_t exhausted_at_ = none;
    std::size_t started_ = 0;
    std::size_t running_ = 0;
    std::size_t child_index_of_next_ = 0;
    settle_on policy_;
    bool aborting_ = false;
    bool on_stack_ = false;
    bool stopped_ = false;  // a child was stopped
};

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
        std::apply([&](auto&... t) { ((i++ == index ? static_cast<void>(t.release()) : void()), ...); }, tasks_);
    }

    frame* frames_[sizeof...(T) == 0 ? 1 : sizeof...(T)];
};

/// One element of a range as a task. A task in an lvalue range is moved from.
template <class Reference>
auto element_task(Reference&& element) {
    if constexpr (is_task_v<std::remove_cvref_t<Reference>>) {
        return std::remove_cvref_t<Reference>(std::move(element));
    } else if constexpr (std::is_lvalue_reference_v<Reference>) {
        return as_task<Reference>(element);
    } else {
        return awaited_element<std::remove_cvref_t<Reference>>(std::move(element));
    }
}

template <class R>
using range_result_t =
    typename decltype(element_task<std::ranges::range_reference_t<R>>(std::declval<std::ranges::range_reference_t<R>>()))::value_type;

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
    explicit range_combinator(settle_on policy, std::size_t at_a_time) noexcept : combinator(policy, at_a_time) {}

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

    frame* make_child(std::size_t index) override { return &tasks_[index].promise(); }

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

    View view_;
    std::optional<std::ranges::iterator_t<View>> next_;
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
