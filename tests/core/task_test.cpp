// tandem - tests of task<T>
// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/task.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <tandem/core/context.hpp>
#include <tandem/core/sleep.hpp>
#include <tandem/tasks/create_task.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/timeout.hpp>

#include "support/tandem_test.hpp"

using namespace std::chrono_literals;
using tandem::task;

namespace {

// Counts how often it was made and destroyed; moved-from objects count as well.
class witness {
public:
    witness(int& made, int& destroyed) noexcept : made_(made), destroyed_(destroyed) { ++made_; }
    witness(const witness& other) noexcept : made_(other.made_), destroyed_(other.destroyed_) { ++made_; }
    witness(witness&& other) noexcept : made_(other.made_), destroyed_(other.destroyed_) { ++made_; }
    witness& operator=(const witness&) = delete;
    ~witness() { ++destroyed_; }

private:
    int& made_;
    int& destroyed_;
};

class alignas(64) wide {
public:
    explicit wide(int v) noexcept : value(v) {}
    int value;
};

class alignas(64) probe {
public:
    explicit probe(bool& good) noexcept : good_(good) {}
    void operator()() const noexcept { good_ = good_ && reinterpret_cast<std::uintptr_t>(this) % 64 == 0; }

private:
    bool& good_;
};

class throws_when_moved {
public:
    throws_when_moved() = default;
    throws_when_moved(throws_when_moved&&) { throw std::runtime_error("moved"); }
};

class fixed {
public:
    explicit fixed(int v) : value(v) {}
    fixed& operator=(const fixed&) = delete;
    fixed(const fixed&) = default;
    const int value;
};

class notes {
public:
    notes(std::vector<int>& to, int id) : to_(to), id_(id) {}
    notes(const notes&) = delete;
    notes& operator=(const notes&) = delete;
    ~notes() { to_.push_back(id_); }

private:
    std::vector<int>& to_;
    int id_;
};

task<> returns_nothing() { co_return; }
task<int> returns(int v) { co_return v; }
task<int&> returns_reference(int& x) { co_return x; }
task<const std::string&> returns_const_reference(const std::string& x) { co_return x; }
task<std::unique_ptr<int>> returns_owner(int v) { co_return std::make_unique<int>(v); }
task<wide> returns_wide(int v) { co_return wide(v); }
task<std::string> throws() {
    throw std::out_of_range("thrown");
    co_return "never";
}
task<> keeps(witness) { co_return; }
task<> appends(std::vector<int>& log, int id, task<> before) {
    if (before) co_await std::move(before);
    log.push_back(id);
}

bool is_aligned(const void* p, std::size_t to) { return reinterpret_cast<std::uintptr_t>(p) % to == 0; }

}  // namespace

TEST_CASE("task: is move-only and small", "[core][task][virtual]") {
    STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<task<int>>);
    STATIC_REQUIRE(std::is_nothrow_move_constructible_v<task<int>>);
    STATIC_REQUIRE(std::is_nothrow_move_assignable_v<task<int>>);
    STATIC_REQUIRE(sizeof(task<int>) == sizeof(void*));
    STATIC_REQUIRE(sizeof(task<>::promise_type) == 80);
    STATIC_REQUIRE(sizeof(task<int>::promise_type) <= 88);
}

TANDEM_TEST("task: void, value, reference and move-only results", "[core][task][virtual]") {
    co_await returns_nothing();
    const int v = co_await returns(3);
    CHECK(v == 3);
    int x = 1;
    int& same = co_await returns_reference(x);
    same = 9;
    CHECK(x == 9);
    const std::string text = "a text that is long enough not to be small";
    const std::string& seen = co_await returns_const_reference(text);
    CHECK(&seen == &text);
    const std::unique_ptr<int> p = co_await returns_owner(4);
    CHECK(*p == 4);
}

// Compilers do not align coroutine frames beyond the default, so the results are looked at elsewhere.
TEST_CASE("task: an over-aligned result is where its alignment says", "[core][task][virtual]") {
    const auto frames = tandem::detail::live_frames;
    for (int i = 0; i < 20; ++i) {
        const wide w = tandem::testing::run_virtual(returns_wide(i));
        CHECK(w.value == i);
        CHECK(is_aligned(&w, alignof(wide)));
        tandem::task_handle<wide> handle;
        const auto starts = [](tandem::task_handle<wide>& h, int v) -> task<> {
            h = tandem::create_task(returns_wide(v));
            co_await tandem::sleep(1s);
        };
        tandem::testing::run_virtual(starts(handle, i));
        CHECK(is_aligned(&handle.result(), alignof(wide)));
        CHECK(handle.result().value == i);
    }
    CHECK(tandem::detail::live_frames == frames);
}

TEST_CASE("task_local, call_soon: over-aligned values and callables are where their alignment says",
          "[core][task_local][callback][virtual]") {
    static tandem::task_local<wide> local(wide(0));
    bool aligned = true;
    const auto body = [](bool& good) -> task<> {
        for (int i = 0; i < 20; ++i) {
            const auto child = [](bool& ok, int v) -> task<> {
                local.set(wide(v));
                ok = ok && is_aligned(&local.get(), alignof(wide)) && local.get().value == v;
                co_return;
            };
            co_await tandem::gather(child(good, i), child(good, i + 1));
            tandem::this_task::loop().call_soon(probe(good));
        }
        co_await tandem::this_task::checkpoint();
    };
    tandem::testing::run_virtual(body(aligned));
    CHECK(aligned);
}

TANDEM_TEST("task: a result without a default constructor or assignment", "[core][task][virtual]") {
    const auto make = [](int v) -> task<fixed> { co_return fixed(v); };
    const fixed f = co_await make(5);
    CHECK(f.value == 5);
}

TANDEM_TEST("task: an exception is rethrown where it is awaited, with its type", "[core][task][virtual]") {
    std::string text;
    try {
        co_await throws();
    } catch (const std::out_of_range& e) {
        text = e.what();
    }
    CHECK(text == "thrown");
}

TANDEM_TEST("task: an exception while the result is moved out reaches the awaiter", "[core][task][virtual]") {
    const auto make = []() -> task<throws_when_moved> {
        throws_when_moved x;
        co_return std::move(x);
    };
    bool caught = false;
    try {
        const throws_when_moved y = co_await make();
        static_cast<void>(y);
    } catch (const std::runtime_error&) {
        caught = true;
    }
    CHECK(caught);
}

TANDEM_TEST("task: is lazy and runs at once when awaited", "[core][task][virtual]") {
    std::vector<int> log;
    auto last = appends(log, 1, task<>());
    CHECK(log.empty());
    log.push_back(0);
    co_await std::move(last);
    CHECK(log == std::vector<int>{0, 1});
    CHECK_FALSE(static_cast<bool>(last));
}

TEST_CASE("task: dropped unawaited, its arguments are destroyed once and nothing runs", "[core][task][virtual]") {
    const auto frames = tandem::detail::live_frames;
    int made = 0;
    int destroyed = 0;
    {
        auto t = keeps(witness(made, destroyed));
        CHECK(tandem::detail::live_frames == frames + 1);
        CHECK(made - destroyed == 1);
    }
    CHECK(made == destroyed);
    CHECK(tandem::detail::live_frames == frames);
}

TEST_CASE("task: a dropped chain of tasks that own tasks is destroyed", "[core][task][virtual]") {
    const auto frames = tandem::detail::live_frames;
    std::vector<int> log;
    {
        auto t = appends(log, 1, appends(log, 2, appends(log, 3, task<>())));
        CHECK(tandem::detail::live_frames == frames + 3);
    }
    CHECK(tandem::detail::live_frames == frames);
    CHECK(log.empty());
}

TEST_CASE("task: move assignment drops what was there", "[core][task][virtual]") {
    const auto frames = tandem::detail::live_frames;
    {
        auto a = returns(1);
        auto b = returns(2);
        a = std::move(b);
        CHECK(tandem::detail::live_frames == frames + 1);
        CHECK(static_cast<bool>(a));
        CHECK_FALSE(static_cast<bool>(b));
        a = task<int>();
        CHECK_FALSE(static_cast<bool>(a));
    }
    CHECK(tandem::detail::live_frames == frames);
}

TANDEM_TEST("task: arguments live until the task has ended, the awaited frame goes at once", "[core][task][virtual]") {
    int made = 0;
    int destroyed = 0;
    co_await keeps(witness(made, destroyed));
    CHECK(made == destroyed);
}

TANDEM_TEST("task: a stop destroys frames innermost first and runs no catch", "[core][task][virtual]") {
    std::vector<int> log;
    const auto inner = [](std::vector<int>& to) -> task<> {
        const notes a(to, 3);
        const notes b(to, 2);
        try {
            co_await tandem::sleep(1h);
        } catch (...) {
            to.push_back(-1);
            throw;
        }
    };
    const auto middle = [](std::vector<int>& to, task<> child) -> task<> {
        const notes c(to, 4);
        co_await std::move(child);
        to.push_back(-2);
    };
    const auto none = co_await tandem::move_on_after(1s, middle(log, inner(log)));
    CHECK_FALSE(none.has_value());
    CHECK(log == std::vector<int>{2, 3, 4});
}

TANDEM_TEST("task: an exception in flight is kept while another await runs", "[core][task][virtual]") {
    std::exception_ptr kept;
    try {
        co_await throws();
    } catch (...) {
        kept = std::current_exception();
    }
    co_await tandem::sleep(1s);
    bool same = false;
    try {
        std::rethrow_exception(kept);
    } catch (const std::out_of_range&) {
        same = true;
    }
    CHECK(same);
}

TANDEM_TEST("task: moved between tasks before it is awaited", "[core][task][virtual]") {
    std::vector<task<int>> kept;
    for (int i = 0; i < 10; ++i) kept.push_back(returns(i));
    int sum = 0;
    for (task<int>& t : kept) sum += co_await std::move(t);
    CHECK(sum == 45);
}
