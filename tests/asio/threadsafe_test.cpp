// tandem - behaviour of call_soon_threadsafe and run_coroutine_threadsafe
// SPDX-License-Identifier: BSL-1.0
#include <tandem/asio/threadsafe.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <tandem/sync/event.hpp>
#include <tandem/tasks/finally.hpp>
#include <tandem/tasks/gather.hpp>

#include "support/probes.hpp"
#include "support/tandem_test.hpp"

using namespace std::chrono_literals;
using namespace tandem_test;
using tandem::task;

namespace {

/// A loop that runs in a thread of its own until it is told to end.
class loop_thread {
public:
    loop_thread() : thread_([this] { loop_.run(serve()); }) {}
    loop_thread(const loop_thread&) = delete;
    loop_thread& operator=(const loop_thread&) = delete;
    ~loop_thread() { join(); }

    tandem::event_loop& loop() noexcept { return loop_; }
    void join() {
        if (!thread_.joinable()) return;
        loop_.call_soon_threadsafe([this] { ended_.set(); });
        thread_.join();
    }

private:
    task<> serve() { co_await ended_.wait(); }

    tandem::event_loop loop_;
    tandem::event ended_;
    std::thread thread_;
};

task<std::string> name_of_thread(std::thread::id& id) {
    id = std::this_thread::get_id();
    co_await tandem::sleep(1ms);
    co_return "done";
}

}  // namespace

TEST_CASE("call_soon_threadsafe: 4 threads, 50,000 calls each: each is called once, in its thread's order",
          "[asio][threadsafe][threads]") {
    constexpr int threads = 4;
    constexpr int calls = 50'000;
    std::vector<int> next(threads, 0);
    int out_of_order = 0;
    int left = threads * calls;
    tandem::event_loop loop;
    const auto main = [](tandem::event_loop& l, std::vector<int>& expected, int& wrong, int& open) -> task<> {
        tandem::event all;
        std::vector<std::thread> ts;
        for (int t = 0; t < threads; ++t) {
            ts.emplace_back([&, t] {
                for (int i = 0; i < calls; ++i) {
                    l.call_soon_threadsafe([&, t, i] {
                        int& mine = expected[static_cast<std::size_t>(t)];
                        if (mine != i) ++wrong;
                        mine = i + 1;
                        if (--open == 0) all.set();
                    });
                }
            });
        }
        co_await all.wait();
        for (std::thread& t : ts) t.join();
    };
    loop.run(main(loop, next, out_of_order, left));
    CHECK(left == 0);
    CHECK(out_of_order == 0);
}

TEST_CASE("call_soon_threadsafe: wakes a loop that has nothing to do", "[asio][threadsafe][threads]") {
    tandem::event_loop loop;
    tandem::event woken;
    std::thread thread;
    const auto main = [](tandem::event_loop& l, tandem::event& e, std::thread& t) -> task<> {
        t = std::thread([&] { l.call_soon_threadsafe([&e] { e.set(); }); });
        co_await e.wait();
    };
    loop.run(main(loop, woken, thread));
    thread.join();
}

// The wake is queued behind the drain that takes what it was queued for; then it serves the next call.
TEST_CASE("call_soon_threadsafe: a wake that is queued while the loop drains serves a later call",
          "[asio][threadsafe]") {
    tandem::event_loop loop;
    tandem::event second;
    std::string order;
    const auto main = [](tandem::event_loop& l, tandem::event& e, std::string& said) -> task<> {
        const auto handler = [&l, &e, &said] {
            l.call_soon([&said] { said += "drain "; });
            const auto between = [&l, &e, &said] {
                said += "handler ";
                l.call_soon_threadsafe([&e, &said] {
                    said += "second ";
                    e.set();
                });
            };
            boost::asio::post(l.context(), between);
            l.call_soon_threadsafe([&said] { said += "first "; });
        };
        for (int round = 0; round < 3; ++round) {
            boost::asio::post(l.context(), handler);
            co_await e.wait();
            e.clear();
        }
    };
    loop.run(main(loop, second, order));
    CHECK(order == "drain first handler second drain first handler second drain first handler second ");
}

TEST_CASE("call_soon_threadsafe: a loop that is about to fall asleep hears of every call",
          "[asio][threadsafe][threads]") {
    constexpr int calls = 3'000;
    loop_thread t;
    std::vector<std::thread> threads;
    std::atomic<int> heard{0};
    for (int i = 0; i < 3; ++i) {
        threads.emplace_back([&t, &heard] {
            std::atomic<int> mine{0};
            for (int k = 1; k <= calls; ++k) {
                t.loop().call_soon_threadsafe([&mine] { ++mine; });
                while (mine != k) std::this_thread::yield();
            }
            heard += mine;
        });
    }
    for (std::thread& one : threads) one.join();
    CHECK(heard == 3 * calls);
}

TEST_CASE("call_soon_threadsafe: what it throws goes to on_unhandled", "[asio][threadsafe][threads]") {
    tandem::event_loop loop;
    std::string text;
    loop.on_unhandled([&](const tandem::unhandled_error& failure) { text = text_of(failure.exception); });
    loop.call_soon_threadsafe([] { throw oops("in the loop"); });
    loop.run(sleep_for(1ms));
    CHECK(text == "in the loop");
}

TEST_CASE("run_coroutine_threadsafe: gives a future of the result; the task runs on the loop's thread",
          "[asio][threadsafe][threads][asyncio:test_run_coroutine_threadsafe]") {
    loop_thread t;
    std::thread::id id;
    std::future<std::string> f = tandem::run_coroutine_threadsafe(t.loop(), name_of_thread(id));
    CHECK(f.get() == "done");
    CHECK(id != std::this_thread::get_id());
    std::future<void> nothing = tandem::run_coroutine_threadsafe(t.loop(), sleep_for(1ms));
    nothing.get();
    const auto owned = []() -> task<std::unique_ptr<int>> { co_return std::make_unique<int>(5); };
    CHECK(*tandem::run_coroutine_threadsafe(t.loop(), owned()).get() == 5);
    static int target = 0;
    const auto refers = []() -> task<int&> { co_return target; };
    CHECK(&tandem::run_coroutine_threadsafe(t.loop(), refers()).get() == &target);
}

TEST_CASE("run_coroutine_threadsafe: an exception is the future's",
          "[asio][threadsafe][threads][asyncio:test_run_coroutine_threadsafe_with_exception]") {
    loop_thread t;
    std::future<int> late = tandem::run_coroutine_threadsafe(t.loop(), fail_after(1ms, "late"));
    std::future<int> at_once = tandem::run_coroutine_threadsafe(t.loop(), fail_now("at once"));
    CHECK_THROWS_WITH(late.get(), "late");
    CHECK_THROWS_WITH(at_once.get(), "at once");
}

TEST_CASE("run_coroutine_threadsafe: the future can be waited for with a time",
          "[asio][threadsafe][threads][asyncio:test_run_coroutine_threadsafe_with_timeout]") {
    loop_thread t;
    std::future<int> f = tandem::run_coroutine_threadsafe(t.loop(), value_after(milliseconds(3'600'000), 1));
    CHECK(f.wait_for(1ms) == std::future_status::timeout);
    t.join();  // the loop ends first: the task is cancelled
    CHECK_THROWS_AS(f.get(), tandem::cancelled_error);
}

TEST_CASE("run_coroutine_threadsafe: a task that is cancelled gives cancelled_error",
          "[asio][threadsafe][threads][asyncio:test_run_coroutine_threadsafe_task_cancelled]") {
    loop_thread t;
    int exits = 0;
    std::future<void> f =
        tandem::run_coroutine_threadsafe(t.loop(), sleep_and_count(milliseconds(3'600'000), exits));
    t.join();
    CHECK_THROWS_AS(f.get(), tandem::cancelled_error);
    CHECK(exits <= 1);
}

TEST_CASE("run_coroutine_threadsafe: a loop that never runs, or has gone, leaves no future open",
          "[asio][threadsafe][threads]") {
    std::future<int> f;
    int live = 0;
    {
        tandem::event_loop loop;
        const auto keep = [](tracked) -> task<int> { co_return 1; };
        f = tandem::run_coroutine_threadsafe(loop, keep(tracked(live)));
        CHECK(live == 1);
    }
    CHECK(live == 0);
    CHECK_THROWS_AS(f.get(), tandem::cancelled_error);
}

TEST_CASE("run_coroutine_threadsafe: a loop that ends while others hand tasks over leaves no future open",
          "[asio][threadsafe][threads]") {
    for (int round = 0; round < 20; ++round) {
        std::vector<std::future<int>> futures[2];
        tandem::event_loop loop;
        std::atomic<int> started{0};
        std::vector<std::thread> threads;
        for (auto& mine : futures) {
            threads.emplace_back([&loop, &mine, &started] {
                for (int i = 0; i < 200; ++i) {
                    mine.push_back(tandem::run_coroutine_threadsafe(loop, value_now(i)));
                    ++started;
                }
            });
        }
        const auto main = [](std::atomic<int>& count) -> task<> {
            while (count.load() < 50) co_await tandem::this_task::checkpoint();
        };
        loop.run(main(started));  // may end while tasks are still handed over
        for (std::thread& t : threads) t.join();
        loop.run(sleep_for(0ms));  // takes what came late
        int values = 0;
        int cancelled = 0;
        for (auto& mine : futures) {
            for (auto& f : mine) {
                try {
                    f.get();
                    ++values;
                } catch (const tandem::cancelled_error&) {
                    ++cancelled;
                }
            }
        }
        CHECK(values + cancelled == 400);
    }
}

TEST_CASE("run_coroutine_threadsafe: many threads, many tasks", "[asio][threadsafe][threads]") {
    loop_thread t;
    std::atomic<long> sum{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int k = 0; k < 200; ++k)
                sum += tandem::run_coroutine_threadsafe(t.loop(), value_now(k)).get();
        });
    }
    for (std::thread& one : threads) one.join();
    CHECK(sum == 4 * 19'900);
}

TEST_CASE("run_coroutine_threadsafe: works with a borrowed io_context that the user runs",
          "[asio][threadsafe][threads]") {
    boost::asio::io_context ctx;
    tandem::event_loop loop(ctx);
    std::future<int> f = tandem::run_coroutine_threadsafe(loop, value_after(1ms, 3));
    ctx.run();
    CHECK(f.get() == 3);
}
