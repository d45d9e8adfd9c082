// tandem - run_coroutine_threadsafe: hand a task to a loop from another thread
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exception>
#include <future>
#include <memory>
#include <utility>

#include <tandem/asio/event_loop.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// A promise that says `cancelled_error` when it goes without having been kept.
template <class T>
class threadsafe_promise {
public:
    threadsafe_promise() : promise_(std::in_place) {}
    threadsafe_promise(threadsafe_promise&& other) noexcept
        : promise_(std::exchange(other.promise_, std::nullopt)) {}
    threadsafe_promise& operator=(threadsafe_promise&&) = delete;
    ~threadsafe_promise() {
        if (promise_)
            fail(std::make_exception_ptr(cancelled_error("the loop ended, or the task was cancelled")));
    }

    std::future<T> get_future() { return promise_->get_future(); }
    void fail(std::exception_ptr e) noexcept {
        promise_->set_exception(std::move(e));
        promise_.reset();
    }
    template <class... Value>
    void keep(Value&&... value) {
        promise_->set_value(std::forward<Value>(value)...);
        promise_.reset();
    }

private:
    std::optional<std::promise<T>> promise_;
};

template <class T>
task<> keep_promise(task<T> body, threadsafe_promise<T> promise) {
    try {
        if constexpr (std::is_void_v<T>) {
            co_await std::move(body);
            promise.keep();
        } else {
            decltype(auto) value = co_await std::move(body);
            promise.keep(static_cast<T&&>(value));
        }
    } catch (...) {
        promise.fail(std::current_exception());
    }
}

/// Carries the task to the loop. A loop that ends before it gets there drops it.
class threadsafe_start final : public call_node {
public:
    explicit threadsafe_start(task<> t) noexcept
        : call_node(&threadsafe_start::arrive), task_(std::move(t)) {}

private:
    static void arrive(call_node& node, loop_core* loop) noexcept {
        const std::unique_ptr<threadsafe_start> self(static_cast<threadsafe_start*>(&node));
        if (!loop) return;
        static_cast<event_loop*>(loop)->tasks().create_task(
            std::move(self->task_), "run_coroutine_threadsafe", std::source_location());
    }

    task<> task_;
};

}  // namespace detail

/// Hands a task to a loop from another thread and gives a future of its result.
/// Errors: the future gets what the task throws, and `cancelled_error` if the task is cancelled or the
///   loop ends first.
/// Threads: any but the loop's own, which would wait for itself in `future.get()`.
/// Lifetime: the loop outlives the call; it owns the task.
template <class T>
std::future<T> run_coroutine_threadsafe(event_loop& loop, task<T> body) {
    detail::threadsafe_promise<T> promise;
    std::future<T> result = promise.get_future();
    auto start = std::make_unique<detail::threadsafe_start>(
        detail::keep_promise<T>(std::move(body), std::move(promise)));
    loop.ready_from_thread(*start.release(), detail::step::call);
    return result;
}

}  // namespace tandem::inline TANDEM_ABI
