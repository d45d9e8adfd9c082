// tandem - map: a function over a range on the workers of an executor, results in order
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <iterator>
#include <memory>
#include <mutex>
#include <ranges>
#include <type_traits>
#include <utility>
#include <vector>

#include <tandem/base/callable.hpp>
#include <tandem/base/detail/refuse.hpp>
#include <tandem/base/outcome.hpp>
#include <tandem/cpu/detail/element_calls.hpp>
#include <tandem/cpu/detail/job_leaf.hpp>
#include <tandem/cpu/detail/range_job.hpp>
#include <tandem/cpu/throw_if_stopped.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// Room for results that come in any order, chunk by chunk. Which elements are there is known from the
/// few chunks that are not.
template <class V>
class result_slots {
public:
    result_slots() noexcept = default;
    result_slots(const result_slots&) = delete;
    result_slots& operator=(const result_slots&) = delete;
    ~result_slots() {
        if (room_) std::allocator<V>().deallocate(room_, size_);
    }

    void reserve(std::size_t size) {
        size_ = size;
        room_ = std::allocator<V>().allocate(size);
    }
    template <class Make>
    void emplace(std::size_t index, Make&& make) {
        ::new (static_cast<void*>(room_ + index)) V(make());
    }
    void destroy(std::size_t first, std::size_t last) noexcept { std::destroy(room_ + first, room_ + last); }

    /// A chunk of which nothing is there. From several workers at once.
    void note_hole(std::size_t first, std::size_t last) {
        if constexpr (!std::is_trivially_destructible_v<V>) {
            const std::lock_guard<std::mutex> hold(mutex_);
            holes_.emplace_back(first, last);
        }
    }
    /// Destroys what is there, up to `end`.
    void destroy_all(std::size_t end) noexcept {
        if constexpr (!std::is_trivially_destructible_v<V>) {
            std::sort(holes_.begin(), holes_.end());
            std::size_t from = 0;
            for (const auto& hole : holes_) {
                destroy(from, hole.first);
                from = hole.second;
            }
            destroy(from, end);
        }
    }
    std::vector<V> take() {
        std::vector<V> results;
        results.reserve(size_);
        std::move(room_, room_ + size_, std::back_inserter(results));
        return results;
    }

private:
    V* room_ = nullptr;
    std::size_t size_ = 0;
    std::mutex mutex_;
    std::vector<std::pair<std::size_t, std::size_t>> holes_;
};

/// Awaitable of `map`.
template <class View, class Fn>
class map_awaiter final : private element_calls<View, Fn>, public job_leaf<range_job> {
    using calls = element_calls<View, Fn>;
    using result = typename calls::result;
    using stored = stored_t<result>;
    using base = job_leaf<range_job>;

public:
    template <class R, class F>
    map_awaiter(executor_ref pool, map_options options, R&& range, F&& fn)
        : calls(std::forward<R>(range), std::forward<F>(fn)), base(pool, calls::count(), options) {
        if constexpr (!std::is_void_v<result>) {
            if (size() != 0) slots_.reserve(size());
        }
    }

    bool await_ready() const noexcept { return size() == 0 && !stop_pending(); }
    void await_suspend(std::coroutine_handle<> h) noexcept { launch(h); }
    auto await_resume() {
        throw_if_failed();
        if (error()) std::rethrow_exception(error());
        if constexpr (!std::is_void_v<result>) return std::move(results_);
    }
    const char* kind() const noexcept override { return "map"; }

private:
    void run(const job_share& share) noexcept override {
        std::size_t i = share.first;
        try {
            for (; i != share.last && !stopping(); ++i) {
                if constexpr (std::is_void_v<result>) {
                    calls::call(i);
                } else {
                    slots_.emplace(i, [&]() -> decltype(auto) { return calls::call(i); });
                }
            }
        } catch (const job_gave_up&) {
            stop_early();
        } catch (...) {
            fail(std::current_exception());
        }
        if (i == share.last) return;
        note_cut();
        if constexpr (!std::is_void_v<result>) {
            slots_.destroy(share.first, i);
            note_hole(share);
        }
    }
    void note_hole(const job_share& share) noexcept {
        try {
            slots_.note_hole(share.first, share.last);
        } catch (...) {
            fail(std::current_exception());
            leak_ = true;
        }
    }

    // On the worker that was last: the loop is not kept busy with moving a million results.
    void finished() noexcept override {
        if constexpr (!std::is_void_v<result>) {
            if (!cut() && !error() && end() == job_end::ran) {
                try {
                    results_ = slots_.take();
                } catch (...) {
                    fail(std::current_exception());
                }
            }
            if (!leak_) slots_.destroy_all(size());
        }
        send_home();
    }
    bool gave_up() const noexcept override { return cut() && !error(); }
    std::stop_source* stop_source() noexcept override { return calls::source(); }

    struct nothing {};
    [[no_unique_address]] std::conditional_t<std::is_void_v<result>, nothing, result_slots<stored>> slots_;
    [[no_unique_address]] std::conditional_t<std::is_void_v<result>, nothing, std::vector<stored>> results_;
    bool leak_ = false;
};

}  // namespace detail

/// Calls `fn(element)` for every element of `range` on the workers of `pool` and gives a `std::vector` of
/// the results in the order of the range, or nothing if `fn` returns `void`. Workers take chunks of a size
/// found by timing, so a million tiny calls cost nanoseconds each; the line is shared fairly with other
/// jobs. Range first, as in `std::ranges` (Python's `Executor.map` has the function first).
/// Cancellation: chunks that no worker has taken vanish, running ones end after the element they are at (a
///   `fn` that takes a `std::stop_token` first is told), and are waited for.
/// Errors: the first exception stops the rest and is rethrown; as `run_in_executor` otherwise.
/// Threads: `fn` is called from several workers at once, as const; so are the views that `range` consists of.
/// Lifetime: `fn` is kept, an rvalue range is moved in, an lvalue range outlives the await. Elements are
///   passed as const references.
/// Cost: room for the results twice, for a moment; no allocation per element.
template <detail::shared_out R, class F>
[[nodiscard("co_await it")]] auto map(executor_ref pool, R&& range, F&& fn,
                                      map_options options = map_options()) {
    TANDEM_REQUIRE_SAFE_CALLABLE(F);
    using view = std::views::all_t<R>;
    TANDEM_REQUIRE_ELEMENT_CALLS("map", view, detail::callable_t<F>);
    return detail::map_awaiter<view, detail::callable_t<F>>(pool, options, std::forward<R>(range),
                                                            std::forward<F>(fn));
}

TANDEM_REFUSE(
    "tandem::map: takes a pool, a range whose elements are reached by their number, and a function: "
    "map(pool, range, fn); copy another range into a std::vector, name what stands in braces",
    map(detail::any_argument, ...));

}  // namespace tandem::inline TANDEM_ABI
