// tandem - use_task: the completion token that makes an Asio operation awaitable in tasks
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/system_error.hpp>

#include <coroutine>
#include <exception>
#include <tuple>
#include <type_traits>
#include <utility>

#include <tandem/asio/detail/io_leaf.hpp>

namespace tandem::inline TANDEM_ABI {

/// Makes an Asio operation awaitable: `co_await socket.async_read_some(buffer, use_task)`.
/// Cancellation: cancels the operation (terminal) and waits for its completion. What it completes
///   with in spite of that, bytes read for example, is delivered.
/// Errors: `boost::system::system_error` for an `error_code`, a rethrow for an `exception_ptr`. With
///   `asio::as_tuple(use_task)` and `asio::redirect_error(use_task, ec)` nothing is thrown, unless the
///   operation is destroyed before it completes, with its io_context: `operation_aborted` then.
/// Threads: resumes on the loop's thread, also for objects of another io_context and with an executor
///   bound to the token, which runs the steps of a composed operation.
/// Cost: no allocation; the handler lives in the awaiting frame.
class use_task_t {
public:
    constexpr use_task_t() noexcept {}

    /// An executor whose I/O objects take `use_task` as their default token.
    template <class Executor>
    struct executor_with_default : Executor {
        using default_completion_token_type = use_task_t;

        template <class Other>
        requires(!std::is_same_v<Other, executor_with_default> &&
                 std::is_convertible_v<const Other&, Executor>) executor_with_default(const Other& ex)
        noexcept : Executor(ex) {}
    };

    /// The type of an I/O object with this default token.
    template <class T>
    using as_default_on_t =
        typename T::template rebind_executor<executor_with_default<typename T::executor_type>>::other;

    /// Gives the object the default token: `auto socket = use_task.as_default_on(tcp::socket(context));`
    template <class T>
    static as_default_on_t<std::decay_t<T>> as_default_on(T&& object) {
        return as_default_on_t<std::decay_t<T>>(std::forward<T>(object));
    }
};
inline constexpr use_task_t use_task;

namespace detail {

template <class First>
constexpr bool is_error_v =
    std::is_same_v<First, boost::system::error_code> || std::is_same_v<First, std::exception_ptr>;

inline void throw_if(const boost::system::error_code& ec) {
    if (ec) throw boost::system::system_error(ec);
}
inline void throw_if(const std::exception_ptr& e) {
    if (e) std::rethrow_exception(e);
}

/// What a completion with these results gives: errors are thrown, nothing, one value, or a tuple.
inline void result_of(std::tuple<>&) {}
template <class First, class... Rest>
auto result_of(std::tuple<First, Rest...>& results) {
    return std::apply(
        [](auto& first, auto&... rest) {
            if constexpr (is_error_v<First>) {
                throw_if(first);
                if constexpr (sizeof...(Rest) == 1) {
                    return (std::move(rest), ...);
                } else if constexpr (sizeof...(Rest) > 1) {
                    return std::tuple<Rest...>(std::move(rest)...);
                }
            } else if constexpr (sizeof...(Rest) == 0) {
                return First(std::move(first));
            } else {
                return std::tuple<First, Rest...>(std::move(first), std::move(rest)...);
            }
        },
        results);
}

/// An Asio operation that has yet to be started.
template <class Initiation, class Arguments, class... Results>
class io_operation : public io_result_leaf<Results...> {
public:
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) noexcept {
        this->start(h, [this] {
            std::apply(
                [this](auto&... a) {
                    std::move(initiation_)(sole_io_handler<Results...>(*this), std::move(a)...);
                },
                arguments_);
        });
    }

protected:
    template <class I, class... A>
    explicit io_operation(I&& initiation, A&&... arguments)
        : initiation_(std::forward<I>(initiation)), arguments_(std::forward<A>(arguments)...) {}
    ~io_operation() = default;

private:
    Initiation initiation_;
    Arguments arguments_;
};

/// Awaitable of an operation started with `use_task`.
template <class Initiation, class Arguments, class... Results>
class io_awaiter final : public io_operation<Initiation, Arguments, Results...> {
public:
    template <class I, class... A>
    explicit io_awaiter(I&& initiation, A&&... arguments)
        : io_operation<Initiation, Arguments, Results...>(std::forward<I>(initiation),
                                                          std::forward<A>(arguments)...) {}

    auto await_resume() {
        this->rethrow_failure();
        return result_of(*this->results_);
    }
};

/// Awaitable of an operation started with `redirect_error(use_task, ec)`. A class of its own, because
/// Asio's adapter wants a return type that does not depend on the operation, and hides the error.
template <class Initiation, class Arguments, class... Results>
class redirected_awaiter final
    : public io_operation<Initiation, Arguments, boost::system::error_code, Results...> {
    using base = io_operation<Initiation, Arguments, boost::system::error_code, Results...>;

public:
    template <class I, class... A>
    explicit redirected_awaiter(boost::system::error_code& to, I&& initiation, A&&... arguments)
        : base(std::forward<I>(initiation), std::forward<A>(arguments)...), to_(to) {}

    auto await_resume() {
        this->rethrow_failure();
        to_ = std::exchange(std::get<0>(*this->results_), boost::system::error_code());
        return result_of(*this->results_);
    }

private:
    boost::system::error_code& to_;
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI

template <class... Results>
struct boost::asio::async_result<tandem::use_task_t, void(Results...)> {
    using return_type = void;  // bind_allocator and bind_cancellation_slot want the name

    // Not `auto`: GCC before 13 rejects a deduced return type here for operations such as async_accept.
    template <class Initiation, class... Arguments>
    static tandem::detail::io_awaiter<std::decay_t<Initiation>, std::tuple<std::decay_t<Arguments>...>,
                                      std::decay_t<Results>...>
    initiate(Initiation&& initiation, tandem::use_task_t, Arguments&&... arguments) {
        return tandem::detail::io_awaiter<std::decay_t<Initiation>, std::tuple<std::decay_t<Arguments>...>,
                                          std::decay_t<Results>...>(std::forward<Initiation>(initiation),
                                                                    std::forward<Arguments>(arguments)...);
    }
};

template <class... Results>
struct boost::asio::async_result<boost::asio::redirect_error_t<tandem::use_task_t>,
                                 void(boost::system::error_code, Results...)> {
    using return_type = void;

    template <class Initiation, class Token, class... Arguments>
    static tandem::detail::redirected_awaiter<
        std::decay_t<Initiation>, std::tuple<std::decay_t<Arguments>...>, std::decay_t<Results>...>
    initiate(Initiation&& initiation, Token&& token, Arguments&&... arguments) {
        return tandem::detail::redirected_awaiter<
            std::decay_t<Initiation>, std::tuple<std::decay_t<Arguments>...>, std::decay_t<Results>...>(
            token.ec_, std::forward<Initiation>(initiation), std::forward<Arguments>(arguments)...);
    }
};
