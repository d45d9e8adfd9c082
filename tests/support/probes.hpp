// tandem - what the behaviour tests share: failing tasks, counters of exits and of live objects
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <tandem/core/sleep.hpp>
#include <tandem/core/task.hpp>
#include <tandem/core/this_task.hpp>

namespace tandem_test {

/// True if TANDEM_TEST_SEED permutes the ready queue: claims about the order of starts do not hold then.
inline bool order_is_permuted() { return std::getenv("TANDEM_TEST_SEED") != nullptr; }

/// Lets everything run that can: virtual time moves only when nothing is ready.
[[nodiscard("co_await it")]] inline auto settle() noexcept { return tandem::sleep(std::chrono::milliseconds(1)); }

class oops : public std::runtime_error {
public:
    explicit oops(const std::string& text = "oops") : std::runtime_error(text) {}
};
class other_oops : public std::runtime_error {
public:
    explicit other_oops(const std::string& text = "other") : std::runtime_error(text) {}
};

/// Counts how often a scope was left, in whatever way.
class counts_exit {
public:
    explicit counts_exit(int& count) noexcept : count_(count) {}
    counts_exit(const counts_exit&) = delete;
    counts_exit& operator=(const counts_exit&) = delete;
    ~counts_exit() { ++count_; }

private:
    int& count_;
};

/// Counts how many objects of it are alive, and knows its own address.
class tracked {
public:
    explicit tracked(int& live) noexcept : live_(&live), self_(this) { ++*live_; }
    tracked(const tracked& other) noexcept : live_(other.live_), self_(this) { ++*live_; }
    tracked& operator=(const tracked&) = delete;
    ~tracked() {
        if (self_ == this) --*live_;
    }

private:
    int* live_;
    tracked* self_;
};

using milliseconds = std::chrono::milliseconds;

template <class T>
tandem::task<T> value_after(milliseconds delay, T value) {
    co_await tandem::sleep(delay);
    co_return value;
}
template <class T>
tandem::task<T> value_now(T value) {
    co_return value;
}
inline tandem::task<int> fail_after(milliseconds delay, std::string text = "oops") {
    co_await tandem::sleep(delay);
    throw oops(text);
}
inline tandem::task<int> fail_now(std::string text = "oops") {
    throw oops(text);
    co_return 0;
}
inline tandem::task<> sleep_for(milliseconds delay) { co_await tandem::sleep(delay); }
/// Sleeps, and says that it was left.
inline tandem::task<> sleep_and_count(milliseconds delay, int& exits) {
    const counts_exit left(exits);
    co_await tandem::sleep(delay);
}
inline tandem::task<> note(std::vector<int>& log, int what) {
    log.push_back(what);
    co_return;
}

/// What awaiting `aw` throws; null if it gives a value.
template <class A>
tandem::task<std::exception_ptr> error_of(A&& aw) {
    std::exception_ptr error;
    try {
        static_cast<void>(co_await std::forward<A>(aw));
    } catch (...) {
        error = std::current_exception();
    }
    co_return error;
}

template <class E>
bool is(const std::exception_ptr& e) {
    if (!e) return false;
    try {
        std::rethrow_exception(e);
    } catch (const E&) {
        return true;
    } catch (...) {
        return false;
    }
}

inline std::string text_of(const std::exception_ptr& e) {
    if (!e) return "no exception";
    try {
        std::rethrow_exception(e);
    } catch (const std::exception& known) {
        return known.what();
    } catch (...) {
        return "unknown";
    }
}

/// Collects what the running loop suppresses.
inline void collect_suppressed(std::vector<std::string>& texts) {
    tandem::this_task::loop().on_suppressed([&texts](std::exception_ptr e) { texts.push_back(text_of(e)); });
}
inline void collect_unhandled(std::vector<std::string>& texts) {
    tandem::this_task::loop().on_unhandled(
        [&texts](const tandem::unhandled_error& failure) { texts.push_back(text_of(failure.exception)); });
}

}  // namespace tandem_test
