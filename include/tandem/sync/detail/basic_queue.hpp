// tandem - what queue, priority_queue and lifo_queue share
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coroutine>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include <tandem/base/error.hpp>
#include <tandem/core/fiber.hpp>
#include <tandem/sync/detail/waiter_queue.hpp>
#include <tandem/sync/statistics.hpp>

namespace tandem::inline TANDEM_ABI {

/// What the three queues share; `Store` says in which order items leave. Waiting putters and getters
/// are served first come, first served; an item is handed over directly, so none is lost in between.
/// Lifetime: outlives its waiters.
template <class T, class Store>
class basic_queue {
public:
    class put_awaiter;
    class get_awaiter;
    class next_awaiter;
    class join_awaiter;

    /// `maxsize` 0: unbounded.
    explicit basic_queue(std::size_t maxsize = 0) : maxsize_(maxsize) {}
    basic_queue(const basic_queue&) = delete;
    basic_queue& operator=(const basic_queue&) = delete;
    /// Puts an item, waiting while the queue is full.
    /// Cancellation: a waiter leaves the line and its item is dropped; an item that was taken is in.
    /// Errors: `queue_shut_down`.
    [[nodiscard("co_await it")]] put_awaiter put(T item) { return put_awaiter(*this, std::move(item)); }

    /// Takes the next item, waiting while the queue is empty.
    /// Cancellation: a waiter leaves the line and loses nothing; an item that was handed over is
    ///   delivered, the stop lands at the next suspension.
    /// Errors: `queue_shut_down` when the queue is shut down and empty.
    [[nodiscard("co_await it")]] get_awaiter get() noexcept { return get_awaiter(*this); }

    /// As `get`, but gives an empty optional when the queue is shut down and empty: for loops.
    [[nodiscard("co_await it")]] next_awaiter next() noexcept { return next_awaiter(*this); }

    /// Errors: `queue_full`, `queue_shut_down`.
    void put_nowait(T item);
    /// Errors: `queue_empty`, `queue_shut_down`.
    T get_nowait();
    /// False if the queue is full or shut down; the item is then left as it was.
    bool try_put(T&& item) { return !shut_down_ && !full() && (accept(item), true); }
    bool try_put(const T& item) { return !shut_down_ && !full() && try_put(T(item)); }
    std::optional<T> try_get() { return empty() ? std::nullopt : std::optional<T>(take()); }

    std::size_t size() const noexcept { return items_.size(); }
    std::size_t maxsize() const noexcept { return maxsize_; }
    bool empty() const noexcept { return items_.empty(); }
    bool full() const noexcept { return maxsize_ != 0 && items_.size() >= maxsize_; }

    /// Reports that an item that was taken has been dealt with.
    /// Errors: `invalid_state_error` if called more often than items were put.
    void task_done();
    /// Waits until `task_done` was called for every item that was put.
    /// Cancellation: the waiter leaves.
    [[nodiscard("co_await it")]] join_awaiter join() noexcept { return join_awaiter(*this); }

    /// Ends the queue: `put` throws from now on, `get` once it is empty, waiting putters are sent away.
    /// `immediate`: what is inside is dropped and counted as done, waiting getters are sent away too.
    void shutdown(bool immediate = false) noexcept;
    bool is_shut_down() const noexcept { return shut_down_; }

    queue_statistics statistics() const noexcept {
        return {items_.size(), maxsize_, unfinished_, putters_.size(), getters_.size(), joiners_.size()};
    }

private:
    class taker;

    void accept(T& item);
    T take();
    void finish(std::size_t count) noexcept;

    Store items_;
    std::size_t maxsize_;
    std::size_t unfinished_ = 0;
    bool shut_down_ = false;
    detail::waiter_queue<taker> getters_;
    detail::waiter_queue<put_awaiter> putters_;
    detail::waiter_queue<join_awaiter> joiners_;
};

// ---- implementation

template <class T, class Store>
class basic_queue<T, Store>::put_awaiter final : public detail::line_awaiter<put_awaiter> {
public:
    put_awaiter(basic_queue& q, T&& item) : queue_(q), item_(std::move(item)) {}
    bool await_ready() {
        if (this->stop_pending()) return false;
        refused_ = queue_.shut_down_;
        if (!refused_ && queue_.full()) return false;
        if (!refused_) queue_.accept(item_);
        return true;
    }
    void await_suspend(std::coroutine_handle<> h) noexcept { this->line_up(h, queue_.putters_); }
    void await_resume() const {
        if (refused_)
            throw queue_shut_down("tandem::queue::put: the queue was shut down; put before shutdown()");
    }
    const char* kind() const noexcept override { return "queue::put"; }

private:
    friend class basic_queue;
    basic_queue& queue_;
    T item_;
    bool refused_ = false;
};

/// Waits for an item: what `get` and `next` share.
template <class T, class Store>
class basic_queue<T, Store>::taker : public detail::line_awaiter<taker> {
public:
    explicit taker(basic_queue& q) noexcept : queue_(q) {}

    bool await_ready() {
        if (this->stop_pending()) return false;
        if (queue_.empty()) return queue_.shut_down_;
        item_.emplace(queue_.take());
        return true;
    }
    void await_suspend(std::coroutine_handle<> h) noexcept { this->line_up(h, queue_.getters_); }

protected:
    ~taker() = default;
    std::optional<T> item_;

private:
    friend class basic_queue;
    basic_queue& queue_;
};

template <class T, class Store>
class basic_queue<T, Store>::get_awaiter final : public taker {
public:
    using taker::taker;
    T await_resume() {
        if (!this->item_) throw queue_shut_down("tandem::queue::get: the queue was shut down and is empty");
        return std::move(*this->item_);
    }
    const char* kind() const noexcept override { return "queue::get"; }
};

template <class T, class Store>
class basic_queue<T, Store>::next_awaiter final : public taker {
public:
    using taker::taker;
    std::optional<T> await_resume() { return std::move(this->item_); }
    const char* kind() const noexcept override { return "queue::next"; }
};

template <class T, class Store>
class basic_queue<T, Store>::join_awaiter final : public detail::line_awaiter<join_awaiter> {
public:
    explicit join_awaiter(basic_queue& q) noexcept : queue_(q) {}
    bool await_ready() const noexcept { return !this->stop_pending() && queue_.unfinished_ == 0; }
    void await_suspend(std::coroutine_handle<> h) noexcept { this->line_up(h, queue_.joiners_); }
    void await_resume() const noexcept {}
    const char* kind() const noexcept override { return "queue::join"; }

private:
    friend class basic_queue;
    basic_queue& queue_;
};

// A getter waits only while the queue is empty, so its item is this one, whatever the order.
template <class T, class Store>
void basic_queue<T, Store>::accept(T& item) {
    if (taker* const getter = getters_.front()) {
        getter->item_.emplace(std::move(item));
        getters_.pop_front();
        getter->complete();
    } else {
        items_.push(std::move(item));
    }
    ++unfinished_;
}

// A putter waits only while the queue is full: the room that this makes is the head putter's.
template <class T, class Store>
T basic_queue<T, Store>::take() {
    T item = items_.pop();
    if (put_awaiter* const putter = putters_.front()) {
        items_.push(std::move(putter->item_));
        ++unfinished_;
        putters_.pop_front();
        putter->complete();
    }
    return item;
}

template <class T, class Store>
void basic_queue<T, Store>::put_nowait(T item) {
    if (shut_down_)
        throw queue_shut_down("tandem::queue::put_nowait: the queue was shut down; put before shutdown()");
    if (full()) {
        throw queue_full("tandem::queue::put_nowait: the queue is full (" + std::to_string(maxsize_) +
                         " items); co_await put(), or get something first");
    }
    accept(item);
}

template <class T, class Store>
T basic_queue<T, Store>::get_nowait() {
    if (!empty()) return take();
    if (shut_down_) throw queue_shut_down("tandem::queue::get_nowait: the queue was shut down and is empty");
    throw queue_empty("tandem::queue::get_nowait: the queue is empty; co_await get() waits for an item");
}

template <class T, class Store>
void basic_queue<T, Store>::task_done() {
    if (unfinished_ == 0) {
        throw invalid_state_error(
            "tandem::queue::task_done: called more often than items were put; call it once for each get");
    }
    finish(1);
}

template <class T, class Store>
void basic_queue<T, Store>::finish(std::size_t count) noexcept {
    unfinished_ -= count;
    while (join_awaiter* const joiner = unfinished_ == 0 ? joiners_.pop_front() : nullptr) joiner->complete();
}

template <class T, class Store>
void basic_queue<T, Store>::shutdown(bool immediate) noexcept {
    shut_down_ = true;
    while (put_awaiter* const putter = putters_.pop_front()) {
        putter->refused_ = true;
        putter->complete();
    }
    if (immediate) {
        const std::size_t dropped = items_.size();
        items_.clear();
        finish(dropped < unfinished_ ? dropped : unfinished_);
    }
    while (taker* const getter = getters_.pop_front()) getter->complete();
}

}  // namespace tandem::inline TANDEM_ABI
