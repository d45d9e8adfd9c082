// tandem - broadcast<T>: every subscriber gets every item
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

#include <tandem/base/detail/intrusive_list.hpp>
#include <tandem/base/error.hpp>
#include <tandem/core/fiber.hpp>
#include <tandem/sync/detail/waiter_queue.hpp>
#include <tandem/sync/statistics.hpp>

namespace tandem::inline TANDEM_ABI {

/// Gives every subscriber every item that is put after it subscribed. An item is stored once and
/// copied out to each; it goes when the slowest has taken it. Without subscribers it goes at once.
/// Lifetime: outlives its subscriptions and waiters.
/// Cost: taking an item looks at all subscribers when the slowest moves on.
template <class T>
class broadcast {
public:
    class subscription;
    class put_awaiter;
    class next_awaiter;

    /// `maxsize`: items that the slowest subscriber may lag behind before `put` waits; 0: unbounded.
    explicit broadcast(std::size_t maxsize = 0) : maxsize_(maxsize) {}
    broadcast(const broadcast&) = delete;
    broadcast& operator=(const broadcast&) = delete;

    /// Starts to receive what is put from now on.
    [[nodiscard("keep the subscription: dropping it ends it")]] subscription subscribe() {
        return subscription(*this);
    }

    /// Hands an item to all subscribers, waiting while the slowest lags too far behind.
    /// Cancellation: a waiter leaves the line and its item is dropped.
    /// Errors: `queue_shut_down`.
    [[nodiscard("co_await it")]] put_awaiter put(T item) { return put_awaiter(*this, std::move(item)); }

    /// False if it would have to wait, or after `shutdown`; the item is then left as it was.
    bool try_put(T&& item) {
        if (shut_down_ || full()) return false;
        accept(item);
        return true;
    }

    /// Ends the stream: subscribers get what is there, then nothing; waiting putters are sent away.
    void shutdown() noexcept;

    broadcast_statistics statistics() const noexcept {
        return {items_.size(), maxsize_, subscribers_, putters_.size()};
    }

private:
    bool full() const noexcept { return maxsize_ != 0 && items_.size() >= maxsize_; }
    void accept(T& item);
    void drop_taken() noexcept;

    std::deque<T> items_;
    std::uint64_t first_ = 0;  // sequence number of items_.front()
    std::size_t maxsize_;
    std::size_t subscribers_ = 0;
    bool shut_down_ = false;
    detail::intrusive_list<subscription> list_;
    detail::waiter_queue<put_awaiter> putters_;
};

/// One receiver of a broadcast; ends when it goes. It can be moved, into a task say, while nobody waits on
/// it; the one that was moved from receives nothing and may only go.
template <class T>
class broadcast<T>::subscription : public detail::list_links<subscription> {
public:
    explicit subscription(broadcast& from) : from_(&from), position_(from.first_ + from.items_.size()) {
        from_->list_.push_back(*this);
        ++from_->subscribers_;
    }
    subscription(subscription&& other) noexcept
        : from_(std::exchange(other.from_, nullptr)), position_(other.position_) {
        TANDEM_ASSERT(other.waiters_.empty() && other.promised_ == 0,
                      "tandem: a subscription is moved while a task waits on it; move it before");
        if (!from_) return;
        from_->list_.erase(other);
        from_->list_.push_back(*this);
    }
    subscription& operator=(subscription&&) = delete;
    ~subscription() {
        if (!from_) return;
        from_->list_.erase(*this);
        --from_->subscribers_;
        from_->drop_taken();
    }

    /// Takes the next item; empty when the broadcast is shut down and everything was taken.
    /// Cancellation: the waiter leaves; nothing is skipped, the next call gives the item.
    [[nodiscard("co_await it")]] next_awaiter next() noexcept { return next_awaiter(*this); }

    /// Items that wait for this subscriber.
    std::size_t lag() const noexcept {
        return static_cast<std::size_t>(from_->first_ + from_->items_.size() - position_);
    }

private:
    friend class broadcast;
    /// Items that no woken waiter is about to take.
    std::size_t unclaimed() const noexcept { return lag() - promised_; }

    broadcast* from_;
    std::uint64_t position_;
    std::size_t promised_ = 0;  // waiters that were woken and have not resumed yet
    detail::waiter_queue<next_awaiter> waiters_;
};

// ---- implementation

template <class T>
class broadcast<T>::next_awaiter final : public detail::line_awaiter<next_awaiter> {
public:
    explicit next_awaiter(subscription& by) noexcept : by_(by) {}
    bool await_ready() const noexcept {
        return !this->stop_pending() && (by_.unclaimed() != 0 || by_.from_->shut_down_);
    }
    void await_suspend(std::coroutine_handle<> h) noexcept { this->line_up(h, by_.waiters_); }
    std::optional<T> await_resume() {
        if (woken_) {
            --by_.promised_;
        } else if (by_.unclaimed() == 0) {
            return std::nullopt;
        }
        broadcast& from = *by_.from_;
        std::optional<T> item(
            std::as_const(from.items_[static_cast<std::size_t>(by_.position_ - from.first_)]));
        ++by_.position_;
        from.drop_taken();
        return item;
    }
    const char* kind() const noexcept override { return "broadcast::next"; }

private:
    friend class broadcast;
    subscription& by_;
    bool woken_ = false;
};

template <class T>
class broadcast<T>::put_awaiter final : public detail::line_awaiter<put_awaiter> {
public:
    put_awaiter(broadcast& to, T&& item) : to_(to), item_(std::move(item)) {}
    bool await_ready() {
        if (this->stop_pending()) return false;
        refused_ = to_.shut_down_;
        if (refused_) return true;
        if (to_.full()) return false;
        to_.accept(item_);
        return true;
    }
    void await_suspend(std::coroutine_handle<> h) noexcept { this->line_up(h, to_.putters_); }
    void await_resume() const {
        if (refused_)
            throw queue_shut_down("tandem::broadcast::put: it was shut down; put before shutdown()");
        if (lost_) throw std::bad_alloc();
    }
    const char* kind() const noexcept override { return "broadcast::put"; }

private:
    friend class broadcast;
    broadcast& to_;
    T item_;
    bool refused_ = false;
    bool lost_ = false;
};

template <class T>
void broadcast<T>::accept(T& item) {
    if (subscribers_ == 0) return;
    items_.push_back(std::move(item));
    for (subscription* s = list_.front(); s; s = list_.next(*s)) {
        next_awaiter* const waiter = s->waiters_.pop_front();
        if (!waiter) continue;
        waiter->woken_ = true;
        ++s->promised_;
        waiter->complete();
    }
}

template <class T>
void broadcast<T>::drop_taken() noexcept {
    std::uint64_t slowest = first_ + items_.size();
    for (subscription* s = list_.front(); s; s = list_.next(*s)) {
        if (s->position_ < slowest) slowest = s->position_;
    }
    for (; first_ < slowest; ++first_) items_.pop_front();
    while (!full()) {
        put_awaiter* const putter = putters_.pop_front();
        if (!putter) return;
        try {
            accept(putter->item_);
        } catch (...) {
            putter->lost_ = true;
        }
        putter->complete();
    }
}

template <class T>
void broadcast<T>::shutdown() noexcept {
    shut_down_ = true;
    while (put_awaiter* const putter = putters_.pop_front()) {
        putter->refused_ = true;
        putter->complete();
    }
    for (subscription* s = list_.front(); s; s = list_.next(*s)) {
        while (next_awaiter* const waiter = s->waiters_.pop_front()) waiter->complete();
    }
}

}  // namespace tandem::inline TANDEM_ABI
