// tandem - co_spawn: start a task from Asio code, with any completion token
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/is_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/query.hpp>
#include <boost/system/system_error.hpp>

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include <tandem/asio/event_loop.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// The completion handler of a spawned task. It is called once, from its own executor: with the
/// result, or, when the task is destroyed without one, with `operation_aborted`.
template <class Handler, class... Value>
class spawn_completion {
    using executor = boost::asio::associated_executor_t<Handler, boost::asio::io_context::executor_type>;

public:
    spawn_completion(Handler&& handler, event_loop& loop)
        : handler_(std::move(handler)),
          work_(boost::asio::get_associated_executor(*handler_, loop.get_executor())) {}
    spawn_completion(spawn_completion&& other) noexcept
        : handler_(std::exchange(other.handler_, std::nullopt)), work_(std::move(other.work_)) {}
    spawn_completion& operator=(spawn_completion&&) = delete;
    ~spawn_completion() {
        if (!handler_) return;
        complete(std::make_exception_ptr(boost::system::system_error(boost::asio::error::operation_aborted)),
                 Value()...);
    }

    auto slot() const noexcept { return boost::asio::get_associated_cancellation_slot(*handler_); }

    void complete(std::exception_ptr e, Value... value) noexcept {
        auto cancellation = slot();
        if (cancellation.is_connected()) cancellation.clear();
        Handler handler(std::move(*handler_));
        handler_.reset();
        const auto allocator = boost::asio::get_associated_allocator(handler);
        boost::asio::post(work_.get_executor(),
                          boost::asio::bind_allocator(allocator, [h = std::move(handler), e = std::move(e),
                                                                  ... v = std::move(value)]() mutable {
                              std::move(h)(std::move(e), std::move(v)...);
                          }));
    }

private:
    std::optional<Handler> handler_;
    boost::asio::executor_work_guard<executor> work_;
};

template <class T, class Completion>
task<> run_spawned(task<T> body, Completion completion) {
    std::exception_ptr error;
    try {
        if constexpr (std::is_void_v<T>) {
            co_await std::move(body);
            completion.complete(nullptr);
        } else {
            T value = co_await std::move(body);
            completion.complete(nullptr, std::move(value));
        }
    } catch (...) {
        error = std::current_exception();
    }
    if (!error) co_return;
    if constexpr (std::is_void_v<T>) {
        completion.complete(std::move(error));
    } else {
        completion.complete(std::move(error), T());
    }
}

/// Cancels a spawned task when its handler's slot is signalled, on the loop's thread.
class spawn_canceller {
public:
    spawn_canceller(event_loop& loop, fiber& f) noexcept : loop_(&loop), fiber_(&f) {}
    void operator()(boost::asio::cancellation_type) const noexcept {
        const current_loop_scope here(*loop_);
        request_stop(*fiber_);
    }

private:
    event_loop* loop_;
    fiber* fiber_;
};

template <class T, class Handler>
void spawn(event_loop& loop, task<T> body, Handler handler) {
    const current_loop_scope here(loop);
    auto slot = boost::asio::get_associated_cancellation_slot(handler);
    const auto start = [&](auto completion) {
        task<> spawned = run_spawned<T>(std::move(body), std::move(completion));
        fiber& f = spawned.promise();
        loop.tasks().create_task(std::move(spawned), {}, std::source_location());
        if (slot.is_connected()) slot.template emplace<spawn_canceller>(loop, f);
    };
    if constexpr (std::is_void_v<T>) {
        start(spawn_completion<Handler>(std::move(handler), loop));
    } else {
        start(spawn_completion<Handler, T>(std::move(handler), loop));
    }
}

template <class T>
struct spawn_signature {
    using type = void(std::exception_ptr, T);
};
template <>
struct spawn_signature<void> {
    using type = void(std::exception_ptr);
};

inline event_loop& require_attached_loop(boost::asio::execution_context& context) {
    if (event_loop* const loop = event_loop::attached_to(context)) return *loop;
    throw invalid_state_error(
        "tandem::co_spawn: no event_loop is attached to this execution context; make one first: "
        "tandem::event_loop loop(io_context)");
}

}  // namespace detail

/// Starts a task from Asio code. `token` is any completion token; its handler is called with
/// `(std::exception_ptr)` or `(std::exception_ptr, T)`, on its associated executor.
/// Cancellation: the handler's cancellation slot cancels the task, whatever type of cancellation it is
///   signalled; the task then completes with `operation_aborted`, unless it delivers a result all the same.
/// Errors: what the task throws is the handler's `exception_ptr`; `T` is then value-initialised.
/// Threads: call it, and signal the slot, on the loop's thread.
/// Lifetime: the loop owns the task; its end cancels and joins it.
template <class T, class Token>
auto co_spawn(event_loop& loop, task<T> body, Token&& token) {
    static_assert(
        std::is_void_v<T> || (std::is_object_v<T> && std::is_default_constructible_v<T>),
        "tandem::co_spawn: a completion handler needs some value also when the task fails; return a "
        "default-constructible type, or wrap it in std::optional");
    return boost::asio::async_initiate<Token, typename detail::spawn_signature<T>::type>(
        [&loop](auto handler, task<T> t) { detail::spawn<T>(loop, std::move(t), std::move(handler)); }, token,
        std::move(body));
}

/// The same on the loop attached to an executor's context.
/// Errors: also `invalid_state_error` if there is none.
template <class Executor, class T, class Token>
requires(boost::asio::is_executor<Executor>::value ||
         boost::asio::execution::is_executor<Executor>::value) auto co_spawn(const Executor& executor,
                                                                             task<T> body, Token&& token) {
    event_loop& loop =
        detail::require_attached_loop(boost::asio::query(executor, boost::asio::execution::context));
    return tandem::co_spawn(loop, std::move(body), std::forward<Token>(token));
}
template <class T, class Token>
auto co_spawn(boost::asio::io_context& context, task<T> body, Token&& token) {
    return tandem::co_spawn(detail::require_attached_loop(context), std::move(body),
                            std::forward<Token>(token));
}

}  // namespace tandem::inline TANDEM_ABI
