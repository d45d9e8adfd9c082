// tandem - time_limit: the end of a timeout, to be moved while it runs
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include <tandem/base/error.hpp>
#include <tandem/core/clock.hpp>
#include <tandem/tasks/timeout.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// A limited await as its `time_limit` sees it.
class movable_end {
public:
    virtual bool move(std::int64_t when) noexcept = 0;
    virtual std::int64_t end() noexcept = 0;
    virtual std::int64_t now() const noexcept = 0;

protected:
    ~movable_end() = default;
};

template <class T>
class limited_awaiter;

}  // namespace detail

/// When a `timeout` ends, for an end that moves: an idle limit is set anew with each sign of life.
/// Can be used again; each await begins with what was set before it.
/// Lifetime: outlives the await that it limits.
class time_limit {
public:
    /// No limit, until one is set.
    time_limit() noexcept = default;
    /// Counted from the first suspension of what it limits.
    template <class Rep, class Period>
    explicit time_limit(std::chrono::duration<Rep, Period> time) noexcept : ticks_(detail::to_ticks(time)) {}
    explicit time_limit(time_point when) noexcept : ticks_(detail::to_ticks(when)), absolute_(true) {}
    time_limit(const time_limit&) = delete;
    time_limit& operator=(const time_limit&) = delete;

    /// Moves the end, counted from now; an end that is past stops the await at once. False if it is too
    /// late: what is limited has ended, or was told to stop. Before the await: sets what it begins with.
    template <class Rep, class Period>
    bool reschedule(std::chrono::duration<Rep, Period> time) noexcept {
        const std::int64_t ticks = detail::to_ticks(time);
        return in_use_ ? in_use_->move(detail::later(in_use_->now(), ticks)) : set(ticks, false);
    }
    /// The same up to a point of the loop's clock; `time_point::max()` lifts the limit.
    bool reschedule(time_point when) noexcept {
        const std::int64_t ticks = detail::to_ticks(when);
        return in_use_ ? in_use_->move(ticks) : set(ticks, true);
    }

    /// The end; empty if there is none, or if it counts from a suspension that has yet to come.
    std::optional<time_point> when() const noexcept {
        const std::int64_t end = in_use_ ? in_use_->end() : absolute_ ? ticks_ : detail::never;
        if (end == detail::never) return std::nullopt;
        return detail::to_time_point(end);
    }
    /// True if the last await that it limited ended with its `timeout_error`.
    bool expired() const noexcept { return expired_; }

private:
    template <class T>
    friend class detail::limited_awaiter;

    bool set(std::int64_t ticks, bool absolute) noexcept {
        ticks_ = ticks;
        absolute_ = absolute;
        return true;
    }

    detail::movable_end* in_use_ = nullptr;
    std::int64_t ticks_ = detail::never;
    bool absolute_ = false;
    bool expired_ = false;
};

namespace detail {

template <class T>
class limited_awaiter final : public timeout_scope<T>, private movable_end {
    using base = timeout_scope<T>;

public:
    limited_awaiter(time_limit& limit, task<T>&& body)
        : base(limit.absolute_ ? base::from::epoch : base::from::first_suspension, limit.ticks_,
               std::move(body)),
          limit_(limit) {
        if (limit.in_use_) {
            throw invalid_state_error(
                "tandem::timeout: the time_limit limits another await already; give each its own");
        }
        limit.in_use_ = this;
        limit.expired_ = false;
    }
    ~limited_awaiter() { limit_.in_use_ = nullptr; }

    T await_resume() {
        limit_.expired_ = this->expired();
        if (limit_.expired_) throw timeout_error();
        return this->body_.promise().take();
    }

private:
    bool move(std::int64_t when) noexcept override { return this->move_end(when); }
    // Made and not yet awaited, it knows no loop and cannot be moved.
    std::int64_t end() noexcept override { return this->loop_ ? this->deadline() : never; }
    std::int64_t now() const noexcept override { return this->loop_ ? this->loop_->ticks() : 0; }

    time_limit& limit_;
};

}  // namespace detail

/// As `timeout(duration, aw)`, with an end that `limit` can move meanwhile.
/// Cancellation: cancels `aw` and waits for it; a result it delivers all the same is given.
/// Errors: `timeout_error` when the time is up, after `aw` has stopped; `invalid_state_error` if `limit`
///   limits another await.
/// Cost: as `timeout`; moving the end is an entry in the timer heap.
template <awaitable A>
[[nodiscard("co_await it")]] auto timeout(time_limit& limit, A&& aw) {
    return detail::limited_awaiter<detail::task_result_t<A>>(limit, detail::as_task<A>(std::forward<A>(aw)));
}

}  // namespace tandem::inline TANDEM_ABI
