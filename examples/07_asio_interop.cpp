// Tasks and Asio code in one program, each calling the other.
// SPDX-License-Identifier: BSL-1.0
// expect: ^both directions work$
#include <tandem/tandem.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>

#include <chrono>
#include <exception>
#include <future>
#include <iostream>
#include <string>
#include <utility>

#include "check.hpp"

namespace asio = boost::asio;
using asio::ip::tcp;
using namespace std::chrono_literals;
using tandem::use_task;

// A coroutine that an Asio program has already.
asio::awaitable<int> asio_coroutine(int number) {
    asio::steady_timer timer(co_await asio::this_coro::executor, 5ms);
    co_await timer.async_wait(asio::use_awaitable);
    co_return number + 1;
}

// A task that Asio code wants to use.
tandem::task<int> tandem_task(int number) {
    co_await tandem::sleep(5ms);
    co_return number * 2;
}

tandem::task<> wait_for_ever() {
    tandem::event never;
    co_await never.wait();
}

// ---- Asio inside tasks

tandem::task<> operations(asio::io_context& context) {
    tcp::acceptor acceptor(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    tcp::socket client(context);
    // Operations are awaited like anything else, several at once too; errors are thrown.
    auto accepted = co_await tandem::gather(acceptor.async_accept(use_task),
                                            client.async_connect(acceptor.local_endpoint(), use_task));
    tcp::socket server = std::move(std::get<0>(accepted));

    auto written = co_await asio::async_write(server, asio::buffer("hi", 2), asio::as_tuple(use_task));
    auto& [write_error, bytes] = written;
    check(!write_error && bytes == 2, "as_tuple gives the error code and the result");

    std::string text(2, ' ');
    boost::system::error_code read_error;
    co_await client.async_read_some(asio::buffer(text), asio::redirect_error(use_task, read_error));
    check(!read_error && text == "hi", "redirect_error sets its error code");
    auto reader = use_task.as_default_on(std::move(client));  // its operations need no token
    server.close();
    std::string error;
    try {
        co_await reader.async_read_some(asio::buffer(text));
    } catch (const boost::system::system_error& thrown) {
        error = thrown.code().message();
    }
    check(error == "End of file", "without as_tuple and redirect_error, an error is thrown");

    asio::steady_timer timer(context, 1h);  // a timeout cancels the operation and waits for its end
    const auto in_time = co_await tandem::move_on_after(10ms, timer.async_wait(use_task));
    check(!in_time, "the hour was cancelled");

    const int six = co_await asio_coroutine(5);  // an asio::awaitable, cancelled with its task
    check(six == 6, "an awaitable gives its value");
}

// ---- tasks inside Asio

asio::awaitable<int> asio_program(tandem::event_loop& loop) {
    co_return co_await tandem::co_spawn(loop, tandem_task(21), asio::use_awaitable);
}

int main() {
    asio::io_context context;          // the program's own, run by the program;
    tandem::event_loop loop(context);  // the loop attaches to it
    int from_callback = 0;
    tandem::co_spawn(context, tandem_task(4), [&](std::exception_ptr, int value) { from_callback = value; });
    std::future<int> from_future = tandem::co_spawn(loop, tandem_task(5), asio::use_future);
    std::future<int> from_awaitable = asio::co_spawn(context, asio_program(loop), asio::use_future);
    std::future<void> from_operations = tandem::co_spawn(loop, operations(context), asio::use_future);

    // A cancellation slot cancels the task: Asio's own way to do that.
    asio::cancellation_signal stop;
    std::exception_ptr ended_with;
    const auto note_end = [&](std::exception_ptr e) { ended_with = e; };
    tandem::co_spawn(loop, wait_for_ever(), asio::bind_cancellation_slot(stop.slot(), note_end));
    asio::steady_timer impatience(context, 10ms);
    impatience.async_wait([&](boost::system::error_code) { stop.emit(asio::cancellation_type::terminal); });

    context.run();  // ends when nothing is left to do, tasks included

    check(from_callback == 8, "a callback gets the value");
    check(from_future.get() == 10, "a future gets the value");
    check(from_awaitable.get() == 42, "an awaitable gets the value");
    check(ended_with != nullptr, "a cancelled task completes with operation_aborted");
    from_operations.get();  // throws what the task threw
    std::cout << "both directions work\n";
}
