// tandem benchmarks - Boost.Asio's coroutines as the peers use them: concrete executor, hint 1
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <exception>

#include <support/check.hpp>
#include <support/meter.hpp>

namespace peer {

namespace asio = boost::asio;
using boost::system::error_code;

using executor = asio::io_context::executor_type;
template <class T>
using awaitable = asio::awaitable<T, executor>;
inline constexpr asio::use_awaitable_t<executor> use_awaitable;

template <class... Item>
using channel = asio::experimental::basic_channel<executor, asio::experimental::channel_traits<>,
                                                  void(error_code, Item...)>;
using timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, executor>;

/// Runs a measurement on an io_context of its own and gives what it returns.
inline bench::sample run(awaitable<bench::sample> (*main)(executor, std::size_t), std::size_t operations) {
    asio::io_context context(1);
    bench::sample result;
    std::exception_ptr failure;
    asio::co_spawn(context, main(context.get_executor(), operations),
                   [&](std::exception_ptr e, bench::sample measured) {
                       failure = e;
                       result = measured;
                   });
    context.run();
    if (failure) std::rethrow_exception(failure);
    return result;
}

template <awaitable<bench::sample> (*Main)(executor, std::size_t)>
bench::sample contender(std::size_t operations) {
    return run(Main, operations);
}

/// Joins a number of coroutines that were spawned: a count, and a channel for the one who waits.
class countdown {
public:
    countdown(executor ex, std::size_t count) : left_(count), done_(ex, 1) {}

    /// The completion handler of each.
    auto one() {
        return [this](std::exception_ptr e) {
            bench::check(!e, "a coroutine failed");
            if (--left_ == 0) done_.try_send(error_code());
        };
    }
    awaitable<void> wait() { co_await done_.async_receive(use_awaitable); }

private:
    std::size_t left_;
    channel<> done_;
};

}  // namespace peer
