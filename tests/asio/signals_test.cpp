// tandem - SIGINT and SIGTERM against every kind of waiting task
// SPDX-License-Identifier: BSL-1.0
#include <tandem/asio/signals.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <tandem/asio/from_awaitable.hpp>
#include <tandem/asio/run.hpp>
#include <tandem/asio/use_task.hpp>
#include <tandem/sync/barrier.hpp>
#include <tandem/sync/broadcast.hpp>
#include <tandem/sync/condition.hpp>
#include <tandem/sync/event.hpp>
#include <tandem/sync/lock.hpp>
#include <tandem/sync/queue.hpp>
#include <tandem/sync/semaphore.hpp>
#include <tandem/tasks/as_completed.hpp>
#include <tandem/tasks/create_task.hpp>
#include <tandem/tasks/finally.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/race.hpp>
#include <tandem/tasks/shield.hpp>
#include <tandem/tasks/task_group.hpp>
#include <tandem/tasks/timeout.hpp>
#include <tandem/tasks/wait.hpp>

#include "support/net.hpp"
#include "support/probes.hpp"
#include "support/tandem_test.hpp"

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace tandem_test;
using tandem::task;
using tandem::use_task;

namespace {

void raise_in(milliseconds delay, int number) {
    tandem::this_task::loop().call_later(delay, [number] { ::raise(number); });
}

// One for each kind of thing to wait for. None would ever end.
task<> in_sleep() { co_await tandem::sleep(1h); }
task<> in_checkpoint() {
    for (;;) co_await tandem::this_task::checkpoint();
}
task<> in_sleep_zero() {
    for (;;) co_await tandem::sleep(0ms);
}
task<> in_event() {
    tandem::event e;
    co_await e.wait();
}
task<> in_lock() {
    tandem::lock l;
    const auto mine = co_await l.acquire();
    const auto again = co_await l.acquire();
}
task<> in_semaphore() {
    tandem::semaphore s(0);
    const auto permit = co_await s.acquire();
}
task<> in_condition() {
    tandem::lock l;
    tandem::condition c(l);
    const auto mine = co_await l.acquire();
    co_await c.wait();
}
task<> in_condition_with_predicate() {
    tandem::lock l;
    tandem::condition c(l);
    const auto mine = co_await l.acquire();
    const auto never = [] { return false; };
    co_await c.wait(never);
}
task<> in_barrier() {
    tandem::barrier b(2);
    co_await b.wait();
}
task<> in_queue_get() {
    tandem::queue<int> q;
    co_await q.get();
}
task<> in_queue_next() {
    tandem::queue<int> q;
    co_await q.next();
}
task<> in_queue_put() {
    tandem::queue<int> q(1);
    co_await q.put(1);
    co_await q.put(2);
}
task<> in_queue_join() {
    tandem::queue<int> q;
    q.put_nowait(1);
    co_await q.join();
}
task<> in_broadcast() {
    tandem::broadcast<int> b;
    auto mine = b.subscribe();
    co_await mine.next();
}
task<> in_broadcast_put() {
    tandem::broadcast<int> b(1);
    auto mine = b.subscribe();
    co_await b.put(1);
    co_await b.put(2);
}
task<> in_handle() {
    auto h = tandem::create_task(in_sleep());
    co_await h;
}
task<> in_wait() {
    std::vector<tandem::task_handle<>> hs;
    hs.push_back(tandem::create_task(in_sleep()));
    co_await tandem::wait(hs);
}
task<> in_gather() { co_await tandem::gather(in_sleep(), in_event(), in_queue_get()); }
task<> in_gather_outcomes() { co_await tandem::gather(tandem::return_exceptions, in_sleep(), in_event()); }
task<> in_gather_within() { co_await tandem::gather(tandem::within(1h), in_sleep(), in_event()); }
task<> in_race() { co_await tandem::race(in_sleep(), in_semaphore()); }
task<> in_as_completed() {
    std::vector<task<>> tasks;
    tasks.push_back(in_sleep());
    tasks.push_back(in_event());
    co_await tandem::as_completed(std::move(tasks), [](std::size_t, tandem::outcome<void>) {});
}
task<> in_group() {
    co_await tandem::with_task_group([](tandem::task_group& g) -> task<> {
        g.create_task(in_sleep());
        co_await g.join();
    });
}
task<> in_group_end() {
    co_await tandem::with_task_group([](tandem::task_group& g) -> task<> {
        g.create_task(in_event());
        co_return;
    });
}
task<> in_supervisor() {
    co_await tandem::with_supervisor([](tandem::task_group& g) -> task<> {
        g.create_task(in_event());
        co_await in_sleep();
    });
}
task<> in_timeout() { co_await tandem::timeout(1h, in_sleep()); }
task<> in_move_on() { co_await tandem::move_on_after(1h, in_event()); }
task<> in_deadline() { co_await tandem::deadline(tandem::this_task::loop().now() + 1h, in_event()); }
task<> in_finally() {
    const auto cleanup = []() -> task<> { return sleep_for(milliseconds(1)); };
    co_await tandem::finally(in_sleep(), cleanup);
}
task<> in_accept() {
    tcp::acceptor acceptor(context(), tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    auto s = co_await acceptor.async_accept(use_task);
}
task<> in_read() {
    tcp::socket a(context());
    tcp::socket b(context());
    connect_pair(a, b);
    std::array<char, 8> buffer;
    co_await b.async_read_some(asio::buffer(buffer), use_task);
}
task<> in_asio_timer() {
    asio::steady_timer timer(context(), 1h);
    co_await timer.async_wait(use_task);
}
task<> in_awaitable() {
    const auto waits = []() -> asio::awaitable<void> {
        asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::hours(1));
        co_await timer.async_wait(asio::use_awaitable);
    };
    co_await waits();
}

class leaf_case {
public:
    leaf_case(const char* of, task<> (*begin)()) : name(of), start(begin) {}
    const char* name;
    task<> (*start)();
};
const std::vector<leaf_case>& leaves() {
    static const std::vector<leaf_case> all = [] {
        std::vector<leaf_case> l;
        l.emplace_back("sleep", in_sleep);
        l.emplace_back("checkpoint", in_checkpoint);
        l.emplace_back("sleep(0)", in_sleep_zero);
        l.emplace_back("event", in_event);
        l.emplace_back("lock", in_lock);
        l.emplace_back("semaphore", in_semaphore);
        l.emplace_back("condition", in_condition);
        l.emplace_back("condition, predicate", in_condition_with_predicate);
        l.emplace_back("barrier", in_barrier);
        l.emplace_back("queue::get", in_queue_get);
        l.emplace_back("queue::next", in_queue_next);
        l.emplace_back("queue::put", in_queue_put);
        l.emplace_back("queue::join", in_queue_join);
        l.emplace_back("broadcast::next", in_broadcast);
        l.emplace_back("broadcast::put", in_broadcast_put);
        l.emplace_back("handle", in_handle);
        l.emplace_back("wait", in_wait);
        l.emplace_back("gather", in_gather);
        l.emplace_back("gather, outcomes", in_gather_outcomes);
        l.emplace_back("gather, within", in_gather_within);
        l.emplace_back("race", in_race);
        l.emplace_back("as_completed", in_as_completed);
        l.emplace_back("group", in_group);
        l.emplace_back("group, after its body", in_group_end);
        l.emplace_back("supervisor", in_supervisor);
        l.emplace_back("timeout", in_timeout);
        l.emplace_back("move_on_after", in_move_on);
        l.emplace_back("deadline", in_deadline);
        l.emplace_back("finally", in_finally);
        l.emplace_back("accept", in_accept);
        l.emplace_back("read", in_read);
        l.emplace_back("asio timer", in_asio_timer);
        l.emplace_back("awaitable", in_awaitable);
        return l;
    }();
    return all;
}

task<> interrupted(task<> (*start)(), int number) {
    raise_in(1ms, number);
    co_await start();
}
/// The first SIGINT cancels the sleep; its cleanup raises the second, then takes its time.
task<> interrupted_twice(milliseconds lingers) {
    const auto cleanup = [lingers]() -> task<> {
        ::raise(SIGINT);
        return sleep_for(lingers);
    };
    raise_in(1ms, SIGINT);
    co_await tandem::finally(tandem::sleep(1h), cleanup);
}
int signal_that_ended(task<> main) {
    try {
        tandem::run(std::move(main));
    } catch (const tandem::interrupted_error& e) {
        return e.signal();
    }
    return 0;
}

}  // namespace

TEST_CASE("signals: SIGINT and SIGTERM end run, whatever its main task waits for; every frame is destroyed",
          "[asio][signals][asyncio:test_interrupt_call_soon][asyncio:test_interrupt_wait]") {
    for (const leaf_case& one : leaves()) {
        for (const int number : {SIGINT, SIGTERM}) {
            INFO(one.name << ", signal " << number);
            const auto frames = tandem::detail::live_frames;
            CHECK(signal_that_ended(interrupted(one.start, number)) == number);
            CHECK(tandem::detail::live_frames == frames);
        }
    }
}

TEST_CASE("signals: a task of create_task that waits for anything is cancelled and joined, too",
          "[asio][signals]") {
    for (const leaf_case& one : leaves()) {
        INFO(one.name);
        const auto frames = tandem::detail::live_frames;
        const auto main = [](task<> (*start)()) -> task<> {
            tandem::create_task(start());
            co_await interrupted(in_sleep, SIGINT);
        };
        CHECK(signal_that_ended(main(one.start)) == SIGINT);
        CHECK(tandem::detail::live_frames == frames);
    }
}

TEST_CASE("signals: what is shielded, and a cleanup, run to their ends first", "[asio][signals]") {
    std::vector<int> log;
    const auto main = [](std::vector<int>& to) -> task<> {
        const auto slow = [](std::vector<int>& l, int what) -> task<> {
            co_await tandem::sleep(3ms);
            l.push_back(what);
        };
        const auto cleanup = [&to, slow]() -> task<> { return slow(to, 2); };
        raise_in(1ms, SIGINT);
        co_await tandem::finally(tandem::shield(slow(to, 1)), cleanup);
        co_await tandem::this_task::checkpoint();
        to.push_back(3);
    };
    CHECK(signal_that_ended(main(log)) == SIGINT);
    CHECK(log == std::vector<int>({1, 2}));
}

TEST_CASE("signals: a main task that ends with a value in spite of the signal gives that value",
          "[asio][signals][asyncio:test_interrupt_cancelled_task]") {
    const auto main = []() -> task<int> {
        raise_in(1ms, SIGINT);
        co_return co_await tandem::shield(value_after(milliseconds(3), 5));
    };
    CHECK(tandem::run(main()) == 5);
}

TEST_CASE("signals: the error says which signal it was, and is a cancelled_error", "[asio][signals]") {
    try {
        tandem::run(interrupted(in_sleep, SIGTERM));
        FAIL_CHECK("no error");
    } catch (const tandem::cancelled_error& e) {
        CHECK(e.reason().find(std::to_string(SIGTERM)) != std::string::npos);
    }
}

TEST_CASE("signals: the handlers of before are in force again after run, and after a signal",
          "[asio][signals]") {
    static volatile std::sig_atomic_t mine = 0;
    struct sigaction own {};
    struct sigaction before {};
    own.sa_handler = [](int) { mine = mine + 1; };
    ::sigaction(SIGINT, &own, &before);
    const auto in_force = [] {
        struct sigaction now {};
        ::sigaction(SIGINT, nullptr, &now);
        return now.sa_handler;
    };
    const auto main = [](decltype(in_force) now, void (*handler)(int)) -> task<> {
        CHECK(now() != handler);
        co_await tandem::sleep(1ms);
    };
    tandem::run(main(in_force, own.sa_handler));
    CHECK(in_force() == own.sa_handler);
    CHECK(signal_that_ended(interrupted(in_sleep, SIGINT)) == SIGINT);
    CHECK(in_force() == own.sa_handler);
    CHECK(mine == 0);
    // Once the first signal is being dealt with, a second one is the old handler's.
    CHECK(signal_that_ended(interrupted_twice(0ms)) == SIGINT);
    CHECK(mine == 1);
    ::sigaction(SIGINT, &before, nullptr);
}

TEST_CASE("signals: switched off, they are not tandem's", "[asio][signals]") {
    static volatile std::sig_atomic_t mine = 0;
    struct sigaction own {};
    struct sigaction before {};
    own.sa_handler = [](int) { mine = mine + 1; };
    ::sigaction(SIGTERM, &own, &before);
    const auto main = []() -> task<int> {
        raise_in(1ms, SIGTERM);
        co_await tandem::sleep(3ms);
        co_return 1;
    };
    CHECK(tandem::run(main(), tandem::run_options().handle_signals(false)) == 1);
    CHECK(mine == 1);
    ::sigaction(SIGTERM, &before, nullptr);
}

TEST_CASE("signals: one that is ignored stays ignored", "[asio][signals]") {
    struct sigaction ignored {};
    struct sigaction before {};
    ignored.sa_handler = SIG_IGN;
    ::sigaction(SIGINT, &ignored, &before);
    const auto main = []() -> task<int> {
        raise_in(1ms, SIGINT);
        co_await tandem::sleep(3ms);
        co_return 1;
    };
    CHECK(tandem::run(main()) == 1);
    struct sigaction now {};
    ::sigaction(SIGINT, nullptr, &now);
    CHECK(now.sa_handler == SIG_IGN);
    ::sigaction(SIGINT, &before, nullptr);
}

TEST_CASE("signals: a second one ends the process at once", "[asio][signals][slow]") {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        ::signal(SIGINT, SIG_DFL);
        try {
            tandem::run(interrupted_twice(20'000ms));
        } catch (...) {
        }
        ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGINT);
}

TEST_CASE("signals: a second SIGINT ends also a process whose loop is busy; SIGTERM sent twice ends run",
          "[asio][signals][slow]") {
    const auto busy = [](int number) -> task<> {
        ::raise(number);
        ::raise(number);  // as when the step goes on for ever
        co_await tandem::sleep(1h);
    };
    for (const int number : {SIGINT, SIGTERM}) {
        INFO("signal " << number);
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            ::signal(number, SIG_DFL);
            ::_exit(signal_that_ended(busy(number)) == number ? 7 : 0);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        CHECK(WIFSIGNALED(status) == (number == SIGINT));
        CHECK(WIFEXITED(status) == (number == SIGTERM));
        if (WIFEXITED(status)) CHECK(WEXITSTATUS(status) == 7);
    }
}

TEST_CASE("signals: SIGTERM that comes again within 20 ms is the same one, wherever the loop has come to",
          "[asio][signals][slow]") {
    constexpr int survived = 7, held_up = 8;
    static bool sent_again = false;
    const auto main = []() -> task<> {
        const auto sent = std::chrono::steady_clock::now();
        ::raise(SIGTERM);
        co_await tandem::sleep(1ms);  // the loop has heard of it
        if (std::chrono::steady_clock::now() - sent > 10ms) ::_exit(held_up);
        ::raise(SIGTERM);
        sent_again = true;
        co_await tandem::sleep(1h);
    };
    int status = 0;
    do {
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            ::signal(SIGTERM, SIG_DFL);
            ::_exit(signal_that_ended(main()) == SIGTERM && sent_again ? survived : 0);
        }
        ::waitpid(child, &status, 0);
        REQUIRE(WIFEXITED(status));
    } while (WEXITSTATUS(status) == held_up);
    CHECK(WEXITSTATUS(status) == survived);
}

TEST_CASE("signals: without a handler the first one does not end the process", "[asio][signals][slow]") {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        ::signal(SIGTERM, SIG_DFL);
        ::_exit(signal_that_ended(interrupted(in_sleep, SIGTERM)) == SIGTERM ? 7 : 0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 7);
}

TEST_CASE("signals: a loop can run again after one", "[asio][signals]") {
    tandem::event_loop loop;
    for (int i = 0; i < 3; ++i) {
        CHECK_THROWS_AS(loop.run(interrupted(in_sleep, SIGINT)), tandem::interrupted_error);
        CHECK(loop.run(value_now(i)) == i);
    }
}

TEST_CASE("signals: two loops in two threads both hear of it", "[asio][signals][threads]") {
    int ended[2] = {0, 0};
    std::atomic<bool> runs{false};
    const auto waits = [](std::atomic<bool>& flag) -> task<> {
        flag = true;
        co_await in_event();
    };
    std::thread other([&] { ended[0] = signal_that_ended(waits(runs)); });
    const auto main = [](std::atomic<bool>& flag) -> task<> {
        while (!flag) co_await tandem::sleep(1ms);
        ::kill(::getpid(), SIGINT);
        co_await tandem::sleep(1h);
    };
    ended[1] = signal_that_ended(main(runs));
    other.join();
    CHECK(ended[0] == SIGINT);
    CHECK(ended[1] == SIGINT);
}

TEST_CASE("signals: of a main task that starts with the signal pending", "[asio][signals]") {
    const auto main = []() -> task<> {
        ::raise(SIGINT);
        co_await tandem::sleep(1h);
    };
    CHECK(signal_that_ended(main()) == SIGINT);
}
