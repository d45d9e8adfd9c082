// tandem - await a boost::asio::awaitable inside a task
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>

#include <coroutine>
#include <exception>
#include <type_traits>
#include <utility>

#include <tandem/asio/use_task.hpp>
#include <tandem/core/concepts.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// Awaits an `asio::awaitable` by letting Asio run it on the loop's io_context.
template <class T, class Executor, class... Results>
class awaitable_awaiter final : public io_result_leaf<Results...> {
public:
    explicit awaitable_awaiter(boost::asio::awaitable<T, Executor>&& operand)
        : operand_(std::move(operand)) {}

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) noexcept {
        this->start(h, [this] {
            boost::asio::co_spawn(this->context().get_executor(), std::move(operand_),
                                  sole_io_handler<Results...>(*this));
        });
    }
    T await_resume() {
        this->rethrow_failure();
        return result_of(*this->results_);
    }
    const char* kind() const noexcept override { return "asio::awaitable"; }

private:
    boost::asio::awaitable<T, Executor> operand_;
};

}  // namespace detail

/// `co_await` of an `asio::awaitable<T>` in a task.
/// Cancellation: emits terminal cancellation to it and waits for its end; if it ends with
///   `operation_aborted`, the task stops.
/// Errors: what it throws; `operation_aborted` if it is destroyed, with the io_context of what it waits
///   for, say.
template <class T, class Executor>
struct await_adapter<boost::asio::awaitable<T, Executor>> {
    static auto adapt(boost::asio::awaitable<T, Executor>&& operand, detail::fiber& f) {
        if constexpr (std::is_void_v<T>) {
            return detail::leaf_holder<detail::awaitable_awaiter<T, Executor, std::exception_ptr>>(
                f, std::move(operand));
        } else {
            return detail::leaf_holder<detail::awaitable_awaiter<T, Executor, std::exception_ptr, T>>(
                f, std::move(operand));
        }
    }
};

}  // namespace tandem::inline TANDEM_ABI
