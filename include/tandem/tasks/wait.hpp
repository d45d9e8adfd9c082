// tandem - wait: until the first, the first failed, or all of some running tasks have ended
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <new>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <utility>
#include <vector>

#include <tandem/base/detail/refuse.hpp>
#include <tandem/tasks/task_handle.hpp>

namespace tandem::inline TANDEM_ABI {

/// When `wait` returns.
enum class wait_until {
    first_completed,  ///< one task has ended, in whatever way
    first_exception,  ///< one task has failed, or all have ended
    all_completed,    ///< all have ended
};
inline constexpr wait_until first_completed = wait_until::first_completed;
inline constexpr wait_until first_exception = wait_until::first_exception;
inline constexpr wait_until all_completed = wait_until::all_completed;

/// What `wait` gives: the handles, in their order, by whether their task had ended.
template <class T>
class wait_result {
public:
    wait_result(std::vector<task_handle<T>> done, std::vector<task_handle<T>> pending) noexcept
        : done_(std::move(done)), pending_(std::move(pending)) {}

    const std::vector<task_handle<T>>& done() const noexcept { return done_; }
    const std::vector<task_handle<T>>& pending() const noexcept { return pending_; }

private:
    std::vector<task_handle<T>> done_;
    std::vector<task_handle<T>> pending_;
};

namespace detail {

template <class T>
class wait_awaiter final : public leaf, private timer_node {
public:
    wait_awaiter(std::vector<task_handle<T>> handles, wait_until condition, std::optional<std::int64_t> ticks)
        : handles_(std::move(handles)), condition_(condition), ticks_(ticks) {
        if (handles_.empty()) {
            throw std::invalid_argument("tandem::wait: no handles, nothing could ever end; give 1 or more");
        }
        seats_.reserve(handles_.size());
        for (const task_handle<T>& h : handles_) seats_.emplace_back(*this, h.block("wait"));
    }

    bool await_ready() noexcept {
        pending_ = 0;
        for (const seat& s : seats_) pending_ += s.block->done() ? 0 : 1;
        return !stop_pending() && satisfied();
    }
    void await_suspend(std::coroutine_handle<> h) noexcept {
        if (!suspend(h)) return;
        for (seat& s : seats_) s.sit_down();
        if (!ticks_ || *ticks_ == never) return;
        if (*ticks_ <= 0) return end();
        if (!loop().arm_timer(*this, later(loop().ticks(), *ticks_))) {
            out_of_memory_ = true;
            end();
        }
    }
    wait_result<T> await_resume() {
        if (out_of_memory_) throw std::bad_alloc();
        std::vector<task_handle<T>> done;
        std::vector<task_handle<T>> pending;
        for (task_handle<T>& h : handles_) (h.done() ? done : pending).push_back(std::move(h));
        return wait_result<T>(std::move(done), std::move(pending));
    }
    const char* kind() const noexcept override { return "wait"; }

private:
    struct seat final : handle_waiter {
        seat(wait_awaiter& by, handle_block& of) noexcept : owner(by), block(&of) {}

        void sit_down() noexcept {
            seated = !block->done();
            if (seated) block->add_waiter(*this);
        }
        void stand_up() noexcept {
            if (seated) block->remove_waiter(*this);
            seated = false;
        }
        void target_ended() noexcept override {
            seated = false;
            --owner.pending_;
            if (owner.satisfied()) owner.end();
        }

        wait_awaiter& owner;
        handle_block* block;
        bool seated = false;
    };

    bool satisfied() const noexcept {
        if (pending_ == 0) return true;
        if (condition_ == wait_until::all_completed) return false;
        for (const seat& s : seats_) {
            if (!s.block->done()) continue;
            if (condition_ == wait_until::first_completed || s.block->ended_by() == ending::error)
                return true;
        }
        return false;
    }
    void leave() noexcept {
        for (seat& s : seats_) s.stand_up();
        loop().disarm_timer(*this);
    }
    void end() noexcept {
        leave();
        complete();
    }
    void fire() noexcept override { end(); }
    detach on_cancel() noexcept override {
        leave();
        return detach::done;
    }

    std::vector<task_handle<T>> handles_;
    std::vector<seat> seats_;
    std::size_t pending_ = 0;
    wait_until condition_;
    std::optional<std::int64_t> ticks_;
    bool out_of_memory_ = false;
};

template <class R>
auto copy_handles(R&& range) {
    std::vector<std::remove_cvref_t<std::ranges::range_reference_t<R>>> handles;
    for (const auto& h : range) handles.push_back(h);
    return handles;
}

template <class H>
struct handle_value;
template <class T>
struct handle_value<task_handle<T>> {
    using type = T;
};
template <class R>
concept handle_range = std::ranges::input_range<R> && requires {
    typename handle_value<std::remove_cvref_t<std::ranges::range_reference_t<R>>>::type;
};
template <class R>
using handle_range_value_t =
    typename handle_value<std::remove_cvref_t<std::ranges::range_reference_t<R>>>::type;

}  // namespace detail

/// Waits for some of the tasks that `handles` look at, as `condition` says, for at most `time` if
/// one is given. Cancels nothing, and throws no task's error: ask the handles.
/// Cancellation: the wait ends; the tasks go on.
/// Errors: `std::invalid_argument` for an empty range.
template <detail::handle_range R>
[[nodiscard("co_await it")]] auto wait(R&& handles, wait_until condition = all_completed) {
    return detail::wait_awaiter<detail::handle_range_value_t<R>>(detail::copy_handles(handles), condition,
                                                                 std::nullopt);
}
template <detail::handle_range R, class Rep, class Period>
[[nodiscard("co_await it")]] auto wait(R&& handles, wait_until condition,
                                       std::chrono::duration<Rep, Period> time) {
    return detail::wait_awaiter<detail::handle_range_value_t<R>>(detail::copy_handles(handles), condition,
                                                                 detail::to_ticks(time));
}

TANDEM_REFUSE(
    "tandem::wait: takes a range of handles, a std::vector of what create_task gives; gather awaits "
    "tasks, co_await awaits one handle",
    wait(detail::any_argument, ...));

}  // namespace tandem::inline TANDEM_ABI
