// tandem - tests of awaitables that users derive from leaf, and of await_adapter
// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/fiber.hpp>

#include <chrono>
#include <coroutine>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

#include <tandem/core/sleep.hpp>
#include <tandem/core/task.hpp>
#include <tandem/sync/detail/waiter_queue.hpp>
#include <tandem/tasks/create_task.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/race.hpp>
#include <tandem/tasks/shield.hpp>
#include <tandem/tasks/timeout.hpp>
#include <tandem/testing/sweep.hpp>
#include <tandem/trace/dump_tasks.hpp>

#include "support/tandem_test.hpp"

using namespace std::chrono_literals;
using tandem::task;

namespace {

// A slot that one task fills and one waits for; the example of how an awaitable is written.
class slot {
public:
    class take_awaiter final : public tandem::leaf {
    public:
        explicit take_awaiter(slot& from) noexcept : from_(from) {}

        bool await_ready() noexcept { return !stop_pending() && from_.value_.has_value(); }
        void await_suspend(std::coroutine_handle<> h) noexcept {
            if (suspend(h)) from_.waiting_ = this;
        }
        int await_resume() { return *std::exchange(from_.value_, std::nullopt); }
        const char* kind() const noexcept override { return "slot::take"; }

    private:
        friend class slot;
        tandem::detach on_cancel() noexcept override {
            from_.waiting_ = nullptr;
            return tandem::detach::done;
        }
        slot& from_;
    };
    [[nodiscard("co_await it")]] take_awaiter take() noexcept { return take_awaiter(*this); }

    void fill(int v) noexcept {
        value_ = v;
        if (!waiting_) return;
        ++handed_over_;
        std::exchange(waiting_, nullptr)->complete();
    }
    int handed_over() const noexcept { return handed_over_; }
    bool filled() const noexcept { return value_.has_value(); }
    bool waited_for() const noexcept { return waiting_ != nullptr; }

private:
    std::optional<int> value_;
    take_awaiter* waiting_ = nullptr;
    int handed_over_ = 0;
};

// An operation that cannot be cut short: a stop waits for its completion, as with an I/O handler.
class slow_operation final : public tandem::leaf {
public:
    slow_operation(std::chrono::nanoseconds time, bool result_in_spite_of_stop) noexcept
        : time_(time), delivers_(result_in_spite_of_stop) {}

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) {
        if (!suspend(h)) return;
        loop().call_later(time_, [this] {
            if (asked_to_stop_ && !delivers_) {
                stop();
            } else {
                complete();
            }
        });
    }
    bool await_resume() const noexcept { return asked_to_stop_; }
    const char* kind() const noexcept override { return "slow operation"; }

private:
    tandem::detach on_cancel() noexcept override {
        asked_to_stop_ = true;
        return tandem::detach::later;
    }
    std::chrono::nanoseconds time_;
    bool delivers_;
    bool asked_to_stop_ = false;
};
[[nodiscard("co_await it")]] slow_operation operate(std::chrono::nanoseconds time, bool delivers) noexcept {
    return slow_operation(time, delivers);
}

// A type of somebody else's that gets its awaiter through an adapter.
class foreign_number {
public:
    explicit foreign_number(int v) noexcept : value(v) {}
    int value;
};
class number_leaf final : public tandem::leaf {
public:
    explicit number_leaf(int v) noexcept : value_(v) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) noexcept {
        if (suspend(h)) complete();
    }
    int await_resume() const noexcept { return value_; }
    const char* kind() const noexcept override { return "number"; }

private:
    tandem::detach on_cancel() noexcept override { return tandem::detach::later; }
    int value_;
};

}  // namespace

template <>
struct tandem::await_adapter<foreign_number> {
    static auto adapt(const foreign_number& n, tandem::detail::fiber& f) {
        return tandem::detail::leaf_holder<number_leaf>(f, n.value);
    }
};

namespace {

task<int> takes(slot& s) {
    const int v = co_await s.take();
    co_return v;
}
task<> fills(slot& s, int v) {
    co_await tandem::sleep(1s);
    s.fill(v);
}

}  // namespace

TANDEM_TEST("leaf: a user's awaitable waits and is woken", "[core][leaf][virtual]") {
    slot s;
    auto r = co_await tandem::gather(takes(s), fills(s, 5));
    auto& [v, none] = r;
    static_cast<void>(none);
    CHECK(v == 5);
    s.fill(6);
    const int at_once = co_await s.take();
    CHECK(at_once == 6);
    CHECK_FALSE(s.filled());
}

TANDEM_TEST("leaf: a user's awaitable is cancelled and loses nothing", "[core][leaf][virtual]") {
    slot s;
    const auto none = co_await tandem::move_on_after(1s, s.take());
    CHECK_FALSE(none.has_value());
    CHECK_FALSE(s.waited_for());
    s.fill(3);
    const auto some = co_await tandem::move_on_after(1s, s.take());
    CHECK(some == 3);
}

TANDEM_TEST("leaf: works in every combinator without being a task", "[core][leaf][virtual]") {
    slot s;
    s.fill(4);
    auto r = co_await tandem::gather(s.take(), tandem::sleep(1s));
    auto& [v, none] = r;
    static_cast<void>(none);
    CHECK(v == 4);
    auto first = co_await tandem::race(s.take(), operate(1s, false));
    CHECK(first.index() == 1);
    s.fill(8);
    const int shielded = co_await tandem::shield(s.take());
    CHECK(shielded == 8);
}

TEST_CASE("leaf: a completed leaf that has not resumed ignores a cancel", "[core][leaf][sweep][virtual]") {
    std::optional<slot> s;
    int taken = 0;
    const auto scenario = [](slot& from, int& count) -> task<> {
        const auto take = [](slot& x, int& n) -> task<> {
            co_await x.take();
            ++n;
            co_await tandem::this_task::checkpoint();
        };
        co_await tandem::gather(take(from, count), fills(from, 1));
    };
    const auto report = tandem::testing::sweep_cancel(
        [&] {
            s.emplace();
            taken = 0;
            return scenario(*s, taken);
        },
        // What was handed to a waiter was taken by it, cancelled or not.
        [&] { return !s->waited_for() && s->handed_over() == taken; }, tandem::testing::sweep_options().seeds(20));
    CHECK(report.stopped() > 20);
}

TANDEM_TEST("leaf: detach::later keeps the frames until the completion comes", "[core][leaf][virtual]") {
    const auto start = tandem::this_task::loop().now();
    const auto none = co_await tandem::move_on_after(1s, operate(10s, false));
    CHECK_FALSE(none.has_value());
    CHECK(tandem::this_task::loop().now() - start == 10s);
    const auto delivered = co_await tandem::move_on_after(1s, operate(10s, true));
    CHECK(delivered == true);  // what was committed is delivered, even late
}

TANDEM_TEST("leaf: the task dump names its kind", "[core][leaf][virtual]") {
    slot s;
    auto waiting = tandem::create_task(takes(s), "taker");
    co_await tandem::this_task::checkpoint();
    std::ostringstream out;
    tandem::dump_tasks(out);
    CHECK(out.str().find("taker, waits for slot::take") != std::string::npos);
    waiting.cancel();
}

TANDEM_TEST("await_adapter: makes a foreign type awaitable, as lvalue and rvalue", "[core][leaf][virtual]") {
    const foreign_number n(7);
    const int a = co_await n;
    const int b = co_await foreign_number(8);
    CHECK(a + b == 15);
    auto r = co_await tandem::gather(foreign_number(1), foreign_number(2));
    auto& [x, y] = r;
    CHECK(x + y == 3);
}

TEST_CASE("awaitable: says what may be awaited", "[core][concepts][virtual]") {
    STATIC_REQUIRE(tandem::awaitable<task<int>>);
    STATIC_REQUIRE_FALSE(tandem::awaitable<task<int>&>);
    STATIC_REQUIRE(tandem::awaitable<slot::take_awaiter>);
    STATIC_REQUIRE(tandem::awaitable<foreign_number>);
    STATIC_REQUIRE(tandem::awaitable<tandem::task_handle<int>&>);
    STATIC_REQUIRE_FALSE(tandem::awaitable<int>);
    STATIC_REQUIRE_FALSE(tandem::awaitable<std::suspend_always>);
    STATIC_REQUIRE(std::is_same_v<tandem::await_result_t<slot::take_awaiter>, int>);
    STATIC_REQUIRE(std::is_same_v<tandem::await_result_t<task<int&>>, int&>);
    STATIC_REQUIRE(tandem::awaitable_range<std::vector<task<int>>&>);
    STATIC_REQUIRE_FALSE(tandem::awaitable_range<std::vector<int>>);
}
