// tandem - sleep, sleep_until
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coroutine>
#include <new>

#include <tandem/base/detail/refuse.hpp>
#include <tandem/core/fiber.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// Awaitable of `sleep` and `sleep_until`.
class sleep_awaiter final : public leaf, private timer_node {
public:
    enum class from { now, epoch };

    sleep_awaiter(from origin, std::int64_t ticks) noexcept : ticks_(ticks), origin_(origin) {}

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) noexcept {
        if (!suspend(h)) return;
        if (gives_turn()) return give_turn();
        const std::int64_t when = origin_ == from::now ? later(loop().ticks(), ticks_) : ticks_;
        armed_ = loop().arm_timer(*this, when);
        if (!armed_) complete();
    }
    void await_resume() const {
        if (gives_turn()) return turn_came();
        if (!armed_) throw std::bad_alloc();
    }
    const char* kind() const noexcept override { return "sleep"; }

private:
    void fire() noexcept override { complete(); }
    bool gives_turn() const noexcept { return origin_ == from::now && ticks_ <= 0; }
    detach on_cancel() noexcept override {
        if (gives_turn()) {
            stop_in_turn();
            return detach::later;
        }
        loop().disarm_timer(*this);
        return detach::done;
    }

    std::int64_t ticks_;
    from origin_;
    bool armed_ = true;
};

}  // namespace detail

/// Suspends the task for `delay`; zero or less still lets others run.
/// Cancellation: the timer is disarmed, nothing else.
/// Cost: one entry in the loop's timer heap; no allocation once the heap has grown.
template <class Rep, class Period>
[[nodiscard("co_await it")]] detail::sleep_awaiter sleep(std::chrono::duration<Rep, Period> delay) noexcept {
    return detail::sleep_awaiter(detail::sleep_awaiter::from::now, detail::to_ticks(delay));
}

TANDEM_REFUSE(
    "tandem::sleep: takes a duration, and a number has no unit; write sleep(1s) or sleep(500ms); "
    "sleep_until takes a time_point",
    sleep(detail::any_argument));

/// Suspends the task until `when` on the loop's clock; a time that is past still lets others run.
/// Cancellation: the timer is disarmed, nothing else.
[[nodiscard("co_await it")]] inline detail::sleep_awaiter sleep_until(time_point when) noexcept {
    return detail::sleep_awaiter(detail::sleep_awaiter::from::epoch, detail::to_ticks(when));
}

template <class T>
requires(!std::is_convertible_v<T, time_point>) TANDEM_REFUSE(
    "tandem::sleep_until: takes a time_point of the loop clock, this_task::loop().now() + 1s; "
    "sleep takes a duration",
    sleep_until(T&&));

}  // namespace tandem::inline TANDEM_ABI
