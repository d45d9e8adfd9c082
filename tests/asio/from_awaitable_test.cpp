// tandem - behaviour of co_await on an asio::awaitable
// SPDX-License-Identifier: BSL-1.0
#include <tandem/asio/from_awaitable.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <memory>
#include <string>

#include <tandem/asio/co_spawn.hpp>
#include <tandem/asio/run.hpp>
#include <tandem/tasks/create_task.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/race.hpp>
#include <tandem/tasks/shield.hpp>
#include <tandem/tasks/timeout.hpp>

#include "support/net.hpp"
#include "support/probes.hpp"
#include "support/tandem_test.hpp"

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace tandem_test;
using boost::system::system_error;
using tandem::task;

namespace {

asio::awaitable<void> asio_sleep(std::chrono::steady_clock::duration time, int& exits) {
    const counts_exit left(exits);
    asio::steady_timer timer(co_await asio::this_coro::executor, time);
    co_await timer.async_wait(asio::use_awaitable);
}
asio::awaitable<std::string> asio_text(std::string text) {
    int ignored = 0;
    co_await asio_sleep(std::chrono::milliseconds(1), ignored);
    co_return text + "!";
}
asio::awaitable<int> asio_now(int n) { co_return n; }
asio::awaitable<std::unique_ptr<int>> asio_owned(int n) { co_return std::make_unique<int>(n); }
asio::awaitable<int> asio_fails(std::string text) {
    int ignored = 0;
    co_await asio_sleep(std::chrono::milliseconds(1), ignored);
    throw oops(text);
}
/// Has a value in spite of the cancel.
asio::awaitable<int> asio_stubborn(bool& was_told) {
    asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::hours(1));
    boost::system::error_code ec;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
    was_told = ec == asio::error::operation_aborted;
    co_return 11;
}

/// Runs the task that `make()` gives and checks that no frame is left behind.
template <class F>
void run_it(F make) {
    const auto frames = tandem::detail::live_frames;
    tandem::run(make());
    CHECK(tandem::detail::live_frames == frames);
}

}  // namespace

TEST_CASE("from_awaitable: gives the value of an asio::awaitable", "[asio][from_awaitable]") {
    const auto main = []() -> task<> {
        const std::string text = co_await asio_text("hello");
        CHECK(text == "hello!");
        const int n = co_await asio_now(4);
        CHECK(n == 4);
        const std::unique_ptr<int> p = co_await asio_owned(5);
        CHECK(*p == 5);
        int exits = 0;
        co_await asio_sleep(1ms, exits);
        CHECK(exits == 1);
    };
    run_it(main);
}

TEST_CASE("from_awaitable: an exception passes", "[asio][from_awaitable]") {
    const auto main = []() -> task<> {
        const std::exception_ptr e = co_await error_of(asio_fails("from asio"));
        CHECK(text_of(e) == "from asio");
    };
    run_it(main);
}

TEST_CASE("from_awaitable: a cancel reaches what the awaitable waits for", "[asio][from_awaitable]") {
    const auto main = []() -> task<> {
        int exits = 0;
        const auto body = [](int& count) -> task<> { co_await asio_sleep(1h, count); };
        auto h = tandem::create_task(body(exits));
        co_await tandem::sleep(1ms);
        CHECK(exits == 0);
        h.cancel();
        const std::exception_ptr e = co_await error_of(h);
        CHECK(is<tandem::cancelled_error>(e));
        CHECK(exits == 1);
    };
    run_it(main);
}

TEST_CASE("from_awaitable: a value that comes in spite of the cancel is delivered", "[asio][from_awaitable]") {
    const auto main = []() -> task<> {
        bool was_told = false;
        int got = 0;
        const auto body = [](bool& told, int& to) -> task<> {
            to = co_await asio_stubborn(told);
            co_await tandem::this_task::checkpoint();
            to = -1;
        };
        auto h = tandem::create_task(body(was_told, got));
        co_await tandem::sleep(1ms);
        h.cancel();
        const std::exception_ptr e = co_await error_of(h);
        CHECK(is<tandem::cancelled_error>(e));
        CHECK(was_told);
        CHECK(got == 11);
    };
    run_it(main);
}

TEST_CASE("from_awaitable: operation_aborted without a cancel of the task is an error like any other",
          "[asio][from_awaitable]") {
    const auto main = []() -> task<> {
        const auto aborts = []() -> asio::awaitable<void> {
            throw system_error(asio::error::operation_aborted);
            co_return;
        };
        const std::exception_ptr e = co_await error_of(aborts());
        CHECK(is<system_error>(e));
    };
    run_it(main);
}

TEST_CASE("from_awaitable: in gather, race, timeout and shield", "[asio][from_awaitable]") {
    const auto main = []() -> task<> {
        auto r = co_await tandem::gather(asio_text("a"), asio_now(2));
        CHECK(std::get<0>(r) == "a!");
        CHECK(std::get<1>(r) == 2);
        int exits = 0;
        const auto won = co_await tandem::race(asio_sleep(1h, exits), tandem::sleep(1ms));
        CHECK(won.index() == 1);
        CHECK(exits == 1);
        const std::exception_ptr e = co_await error_of(tandem::timeout(1ms, asio_sleep(1h, exits)));
        CHECK(is<tandem::timeout_error>(e));
        CHECK(exits == 2);
        const int n = co_await tandem::shield(asio_now(3));
        CHECK(n == 3);
        auto h = tandem::create_task([](int& count) -> task<> { co_await asio_sleep(1ms, count); }, std::ref(exits));
        co_await h;
        CHECK(exits == 3);
    };
    run_it(main);
}

TEST_CASE("from_awaitable: a task that was cancelled before does not start it", "[asio][from_awaitable]") {
    const auto main = []() -> task<> {
        bool ran = false;
        const auto marks = [](bool& flag) -> asio::awaitable<void> {
            flag = true;
            co_return;
        };
        const auto body = [](auto make, bool& flag) -> task<> {
            while (!tandem::this_task::stop_requested()) co_await tandem::shield(tandem::this_task::checkpoint());
            co_await make(flag);
        };
        auto h = tandem::create_task(body(marks, ran));
        co_await tandem::this_task::checkpoint();
        h.cancel();
        const std::exception_ptr e = co_await error_of(h);
        CHECK(is<tandem::cancelled_error>(e));
        CHECK_FALSE(ran);
    };
    run_it(main);
}

TEST_CASE("from_awaitable: one that awaits a task that awaits one", "[asio][from_awaitable]") {
    const auto main = []() -> task<> {
        const auto middle = [](int n) -> asio::awaitable<int> {
            const auto inner = [](int k) -> task<int> { const int m = co_await asio_now(k);
                co_return m + 1; };
            const int m = co_await tandem::co_spawn(tandem::event_loop::running(), inner(n), asio::use_awaitable);
            co_return m * 10;
        };
        const int n = co_await middle(4);
        CHECK(n == 50);
    };
    run_it(main);
}

TEST_CASE("from_awaitable: dropped unawaited, nothing runs and it is freed", "[asio][from_awaitable]") {
    const auto main = []() -> task<> {
        int exits = 0;
        { [[maybe_unused]] auto dropped = asio_sleep(1h, exits); }
        CHECK(exits == 0);
        co_return;
    };
    run_it(main);
}

TEST_CASE("from_awaitable: 1,000 cancelled at once", "[asio][from_awaitable]") {
    const auto main = []() -> task<> {
        int exits = 0;
        std::vector<tandem::task_handle<>> hs;
        const auto body = [](int& count) -> task<> { co_await asio_sleep(1h, count); };
        for (int i = 0; i < 1000; ++i) hs.push_back(tandem::create_task(body(exits)));
        co_await tandem::sleep(1ms);
        for (const auto& h : hs) h.cancel();
        for (const auto& h : hs) co_await error_of(h);
        CHECK(exits == 1000);
    };
    run_it(main);
}
