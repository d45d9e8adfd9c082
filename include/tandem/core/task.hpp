// tandem - task<T>: a lazy coroutine, awaited once
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <new>
#include <type_traits>
#include <utility>

#include <tandem/base/outcome.hpp>
#include <tandem/core/concepts.hpp>
#include <tandem/core/drain.hpp>
#include <tandem/core/fiber.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// Where control goes when a coroutine ends: to the frame that awaits it, or back to the loop.
class final_awaiter {
public:
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    transfer await_suspend(std::coroutine_handle<Promise> h) const noexcept {
        frame& ended = h.promise();
        if (ended.chain_root != &ended) {
            return transfer_to(ended.chain.continuation);
        }
        ended.end_fiber();
        return stay_suspended();
    }
    void await_resume() const noexcept {}
};

/// The parts of a task's promise that do not depend on its result.
class task_promise : public frame {
public:
    std::suspend_always initial_suspend() const noexcept { return {}; }
    final_awaiter final_suspend() const noexcept { return {}; }
    void unhandled_exception() noexcept { store_exception(); }

    template <class A>
    auto await_transform(A&& operand);
};

/// Owns a value that has its own place on the heap.
template <class T>
class box {
public:
    template <class U>
    box(std::in_place_t, U&& value) : value_(new T(std::forward<U>(value))) {}
    box(const box&) = delete;
    box& operator=(const box&) = delete;
    ~box() { delete value_; }
    T& operator*() const noexcept { return *value_; }

private:
    T* value_;
};

/// A result is kept as a pointer if it is a reference, and boxed if its alignment would move the
/// promise to where `from_promise` does not look (GCC 12 misplaces such a promise anyway).
template <class T>
class result_promise : public task_promise {
    using value = std::remove_reference_t<T>;
    static constexpr bool boxed =
        !std::is_reference_v<T> && alignof(value) > __STDCPP_DEFAULT_NEW_ALIGNMENT__;
    using storage =
        std::conditional_t<std::is_reference_v<T>, value*, std::conditional_t<boxed, box<value>, value>>;

public:
    result_promise() noexcept {}
    ~result_promise() {
        if (has(fiber_flag::has_value)) stored_.~storage();
    }

    template <class U = T>
    requires std::is_convertible_v<U&&, T>
    void return_value(U&& result) noexcept(std::is_nothrow_constructible_v<storage, U&&>) {
        if constexpr (std::is_reference_v<T>) {
            T bound = static_cast<T>(result);
            ::new (static_cast<void*>(&stored_)) storage(std::addressof(bound));
        } else if constexpr (boxed) {
            ::new (static_cast<void*>(&stored_)) storage(std::in_place, std::forward<U>(result));
        } else {
            ::new (static_cast<void*>(&stored_)) storage(std::forward<U>(result));
        }
        flags |= fiber_flag::has_value;
    }

    /// Gives the result or throws what the task threw. Once: the result is moved out.
    T take() {
        if (ended_by == ending::error) std::rethrow_exception(exception());
        if constexpr (std::is_reference_v<T>) {
            return static_cast<T>(*stored_);
        } else if constexpr (boxed) {
            return std::move(*stored_);
        } else {
            return std::move(stored_);
        }
    }

private:
    union {
        storage stored_;
    };
};

template <>
class result_promise<void> : public task_promise {
public:
    void return_void() noexcept {}
    void take() {
        if (ended_by == ending::error) std::rethrow_exception(exception());
    }
};

}  // namespace detail

/// A lazy coroutine with a result of type `T`: a value, a reference, or `void`. It runs when it is
/// awaited, or handed to a combinator, a group or `run`; once. Dropped before that, its arguments
/// are destroyed and nothing runs.
/// Cancellation: the stop reaches what the task waits for; then its frames are destroyed, innermost
///   first. No `catch` sees it.
/// Errors: an exception that leaves the coroutine is rethrown where the task is awaited.
/// Cost: one frame, recycled; the promise has 80 bytes plus a result of more than 4.
template <class T = void>
class [[nodiscard("co_await it: a task that is not awaited never runs")]] task {
    static_assert(!std::is_rvalue_reference_v<T>, "tandem: task<T&&> dangles; return the value");

public:
    class promise_type : public detail::result_promise<T> {
    public:
        task get_return_object() noexcept {
            return task(std::coroutine_handle<promise_type>::from_promise(*this));
        }
    };
    using value_type = T;

    task() noexcept = default;
    task(const task&) = delete;  // tandem: a task is awaited once, so it is moved: std::move(t)
    task(task && other) noexcept : frame_(std::exchange(other.frame_, {})) {}
    task& operator=(task&& other) noexcept {
        task(std::move(other)).swap(*this);
        return *this;
    }
    ~task() {
        if (frame_) frame_.destroy();
    }

    /// False once the task was moved from or awaited.
    explicit operator bool() const noexcept { return static_cast<bool>(frame_); }
    void swap(task & other) noexcept { std::swap(frame_, other.frame_); }

    // ---- for combinators

    promise_type& promise() const noexcept { return frame_.promise(); }
    std::coroutine_handle<promise_type> release() noexcept { return std::exchange(frame_, {}); }

private:
    explicit task(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}

    std::coroutine_handle<promise_type> frame_;
};

namespace detail {

/// Awaits a task in the fiber of the one that awaits it: no leaf, no fiber, two words.
template <class T>
class task_awaiter {
    using handle = std::coroutine_handle<typename task<T>::promise_type>;

public:
    task_awaiter(handle child, fiber* f) noexcept : child_(child.address()), fiber_(f) {}
    task_awaiter(const task_awaiter&) = delete;
    task_awaiter& operator=(const task_awaiter&) = delete;
    ~task_awaiter() {
        if (child_) child().destroy();
    }

    bool await_ready() const noexcept { return false; }
    template <class Promise>
    transfer await_suspend(std::coroutine_handle<Promise> h) noexcept {
        frame& f = child().promise();
        f.chain_root = fiber_;
        f.chain = {h, &h.promise()};
        f.link = reinterpret_cast<std::uintptr_t>(&child_);
        return transfer_to(child());
    }
    T await_resume() { return child().promise().take(); }

private:
    handle child() const noexcept { return handle::from_address(child_); }

    void* child_;
    fiber* fiber_;
};

[[noreturn]] TANDEM_NEVER_INLINE inline void throw_awaited_before() {
    throw invalid_state_error(
        "tandem::task: it was moved from or awaited before; a task is awaited once, make another or share "
        "the handle that create_task gives");
}

/// A task that can still be awaited.
template <class T>
task<T>& unawaited(task<T>& t) {
    if (!t) throw_awaited_before();
    return t;
}

/// Says what is wrong with an operand of co_await that no task can await.
template <class A>
constexpr void refuse_operand() noexcept {
    using type = std::remove_cvref_t<A>;
    if constexpr (std::is_function_v<std::remove_pointer_t<type>> || std::is_invocable_v<A>) {
        static_assert(!sizeof(type*),
                      "tandem: co_await of a function; call it, co_await f(), and await what it gives");
    } else if constexpr (std::ranges::range<type>) {
        static_assert(!sizeof(type*),
                      "tandem: co_await of a range; co_await gather(range) awaits what is in it");
    } else if constexpr (
        requires(type & t) { t.await_ready(); } || requires(type & t) { operator co_await(t); } ||
        requires(type & t) { t.operator co_await(); }) {
        static_assert(!sizeof(type*),
                      "tandem: this awaitable knows nothing of tasks and could not be cancelled; pass "
                      "tandem::use_task to the Asio operation, include <tandem/asio/from_awaitable.hpp> "
                      "for asio::awaitable, or derive an awaitable from tandem::leaf");
    } else {
        static_assert(!sizeof(type*),
                      "tandem: co_await of something that cannot be awaited; it takes a task, or what a call "
                      "gives that says co_await it: sleep(1s), event.wait(), queue.get(), an Asio operation "
                      "with tandem::use_task");
    }
}

template <class A>
auto task_promise::await_transform(A&& operand) {
    using type = std::remove_cvref_t<A>;
    if constexpr (is_task_v<type>) {
        static_assert(!std::is_lvalue_reference_v<A>,
                      "tandem: move the task into co_await; it is awaited once");
        return task_awaiter<typename type::value_type>(unawaited(operand).release(), chain_root);
    } else if constexpr (adapted_type<A>) {
        return await_adapter<type>::adapt(std::forward<A>(operand), *chain_root);
    } else if constexpr (leaf_type<A>) {
        static_assert(!std::is_lvalue_reference_v<A>,
                      "tandem: co_await it where you make it; an awaitable is awaited once");
        return leaf_proxy<type>(operand, chain_root);
    } else {
        refuse_operand<A>();
        return std::suspend_never();
    }
}

template <class T>
struct kept_result {
    using type = T;
};
template <class T>
requires std::is_copy_constructible_v<T>
struct kept_result<const T&> {
    using type = T;
};

/// What a combinator keeps of an awaitable: its result, but a copy of what a handle lends.
template <class A>
using kept_result_t = typename kept_result<await_result_t<A>>::type;

/// Anything awaitable as a task, for the combinators. What stands in the co_await expression that
/// the combinator is part of lives until it has ended, so a reference is enough.
template <class A>
task<kept_result_t<A>> awaited(A&& operand) {
    co_return co_await std::forward<A>(operand);
}

/// The same for an operand that is gone when the call returns: an element that a view made.
template <class A>
task<kept_result_t<A>> awaited_element(A operand) {
    co_return co_await std::move(operand);
}

template <class A>
requires awaitable<A>
auto as_task(A&& operand) {
    if constexpr (is_task_v<std::remove_cvref_t<A>>) {
        return std::remove_cvref_t<A>(std::move(unawaited(operand)));
    } else {
        return awaited<A>(std::forward<A>(operand));
    }
}

/// The result of a finished task in its stored form.
template <class T>
stored_t<T> take_stored(typename task<T>::promise_type& promise) {
    if constexpr (std::is_void_v<T>) {
        promise.take();
        return {};
    } else {
        return stored_t<T>(promise.take());
    }
}

template <class A>
using task_result_t = typename decltype(as_task(std::declval<A>()))::value_type;

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
