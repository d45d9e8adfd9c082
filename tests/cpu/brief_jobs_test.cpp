// tandem - behaviour of brief jobs: left without a lock for a worker that is awake
// SPDX-License-Identifier: BSL-1.0
#include <tandem/cpu/executor.hpp>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <deque>
#include <random>
#include <thread>
#include <vector>

#include <tandem/asio/use_task.hpp>
#include <tandem/cpu/cpu_executor.hpp>
#include <tandem/cpu/run_in_executor.hpp>

#include <support/catch.hpp>
#include <support/probes.hpp>

#include "brief_pool.hpp"
#include "jobs.hpp"

using namespace tandem_test;
using namespace std::chrono_literals;

namespace {

#if TANDEM_SANITIZED
constexpr int rounds = 200;
#else
constexpr int rounds = 1'000;
#endif

/// Has the one worker that is awake wait in `g`; jobs are left for it.
task<> occupy(brief_pool& pool, gate& g, tandem::task_handle<>& holder) {
    co_await brief_streak(pool);
    holder = tandem::create_task(hold(pool, g));
    co_await tandem::this_task::checkpoint();
    g.wait_for(1);
    while (pool.awake() != 1) std::this_thread::yield();
}

}  // namespace

TEST_CASE("brief jobs: one worker takes them first in, first out, whatever way they came", "[cpu][threads]") {
    brief_pool pool(1);
    const auto main = [](brief_pool& p) -> task<> {
        gate g;
        const opens_at_exit always(g);
        tandem::task_handle<> holder;
        co_await occupy(p, g, holder);
        std::vector<int> order;
        std::deque<bare_job> jobs;
        for (int i = 0; i < 300; ++i) {
            bare_job& j = jobs.emplace_back([&order, i] { order.push_back(i); });
            if (i % 10 == 3) {
                p.submit(j);
            } else {
                REQUIRE(p.submit_briefly(j));
            }
            if (i % 50 == 7) CHECK(p.statistics().queued == static_cast<std::size_t>(i + 1));
        }
        g.open();
        for (const bare_job& j : jobs) j.wait();
        CHECK(order.size() == 300);
        CHECK(std::is_sorted(order.begin(), order.end()));
        co_await ended(holder);
    };
    tandem::run(main(pool));
}

TEST_CASE("brief jobs: higher priorities go first, lower ones are passed over at most 15 times",
          "[cpu][threads]") {
    brief_pool pool(1);
    const auto main = [](brief_pool& p) -> task<> {
        gate g;
        const opens_at_exit always(g);
        tandem::task_handle<> holder;
        co_await occupy(p, g, holder);
        std::vector<int> order;
        std::deque<bare_job> jobs;
        using enum tandem::priority;
        const auto hand_over = [&](tandem::priority how) {
            const int number = static_cast<int>(jobs.size());
            bare_job& j = jobs.emplace_back([&order, number] { order.push_back(number); }, how);
            const bool left = p.submit_briefly(j);
            CHECK(left == (how == normal));
            if (!left) p.submit(j);
        };
        hand_over(low);
        for (int i = 0; i < 40; ++i) hand_over(normal);
        hand_over(high);
        g.open();
        for (const bare_job& j : jobs) j.wait();
        const auto place = [&](int job) {
            return std::find(order.begin(), order.end(), job) - order.begin();
        };
        CHECK(place(41) == 0);
        CHECK(place(0) == 15);
        CHECK(place(1) == 1);
        CHECK(order.size() == 42);
        co_await ended(holder);
    };
    tandem::run(main(pool));
}

TEST_CASE("brief jobs: when the worker is kept, another is called before the loop sleeps", "[cpu][threads]") {
    brief_pool pool(2);
    const auto main = [](brief_pool& p) -> task<> {
        gate g;
        const opens_at_exit always(g);
        tandem::task_handle<> holder;
        co_await occupy(p, g, holder);
        const auto pumps = p.statistics().pumps;
        auto second = tandem::create_task(job_task(p, [] {}));
        co_await tandem::this_task::checkpoint();
        CHECK(p.statistics().pumps == pumps);
        CHECK(p.statistics().queued == 1);
        co_await ended(second);
        CHECK(p.statistics().pumps == pumps + 1);
        CHECK(!holder.done());
        g.open();
        co_await ended(holder);
    };
    tandem::run(main(pool));
}

TEST_CASE("brief jobs: another worker is called also if the loop never sleeps", "[cpu][threads]") {
    brief_pool pool(2);
    const auto main = [](brief_pool& p) -> task<> {
        gate g;
        const opens_at_exit always(g);
        tandem::task_handle<> holder;
        co_await occupy(p, g, holder);
        auto second = tandem::create_task(job_task(p, [] {}));
        while (!second.done()) co_await tandem::this_task::checkpoint();
        CHECK(!holder.done());
        g.open();
        co_await ended(holder);
    };
    tandem::run(main(pool));
}

// Such a task does not run in a step of the loop, which may have none after it.
TEST_CASE("brief jobs: another worker is called also for a task that an I/O completion resumed",
          "[cpu][threads]") {
    brief_pool pool(2);
    const auto main = [](brief_pool& p) -> task<> {
        gate g;
        const opens_at_exit always(g);
        tandem::task_handle<> holder;
        co_await occupy(p, g, holder);
        for (int i = 0; i < 3; ++i) {
            co_await boost::asio::post(tandem::event_loop::running().get_executor(), tandem::use_task);
            co_await run_in_executor(p, [] {});
        }
        CHECK(!holder.done());
        g.open();
        co_await ended(holder);
    };
    tandem::run(main(pool));
}

TEST_CASE("brief jobs: if no other worker can be called, the one that is there runs them", "[cpu][threads]") {
    brief_pool pool(2);
    const auto main = [](brief_pool& p) -> task<> {
        gate g;
        const opens_at_exit always(g);
        tandem::task_handle<> holder;
        co_await occupy(p, g, holder);
        p.refuses = true;
        auto second = tandem::create_task(job_task(p, [] {}));
        auto third = tandem::create_task(job_task(p, [] {}));
        while (p.refused == 0) co_await tandem::sleep(50us);
        CHECK(!second.done());
        g.open();
        co_await ended(second);
        co_await ended(third);
        CHECK(!second.exception());
        CHECK(!third.exception());
        co_await ended(holder);
        p.refuses = false;
        co_await run_in_executor(p, [] {});
    };
    tandem::run(main(pool));
}

namespace {

/// Its worker comes when the test says so, or says that it does not.
class called_by_hand final : public executor {
public:
    called_by_hand() : executor(1, tandem::executor_options().name("by hand"), 64) {}
    ~called_by_hand() { close(); }
    void come() { work(); }
    void fail_to_come() { forget_pump(); }

private:
    void start_pump() override {}
    std::int64_t now() const noexcept override { return clock_ += 10; }
    mutable std::int64_t clock_ = 0;
};

}  // namespace

TEST_CASE("brief jobs: a worker that was called for and does not come leaves none of them waiting",
          "[cpu][threads]") {
    called_by_hand pool;
    const auto main = [](called_by_hand& p) -> task<> {
        for (int i = 0; i < 32; ++i) {
            auto h = tandem::create_task(job_task(p, [] {}));
            co_await tandem::this_task::checkpoint();
            p.come();
            co_await ended(h);
        }
        bool ran = false;
        const auto job = [&ran] { ran = true; };
        auto first = tandem::create_task(job_task(p, job));
        co_await tandem::this_task::checkpoint();
        bare_job left(job);
        CHECK(p.submit_briefly(left));
        auto third = tandem::create_task(job_task(p, job));
        co_await tandem::this_task::checkpoint();
        p.fail_to_come();
        left.wait();
        co_await ended(first);
        co_await ended(third);
        CHECK(!ran);
        CHECK(is<tandem::executor_shut_down>(first.exception()));
        CHECK(is<tandem::executor_shut_down>(third.exception()));

        bare_job too_late(job);
        CHECK(!p.submit_briefly(too_late));  // nobody is awake
        auto again = tandem::create_task(job_task(p, job));
        co_await tandem::this_task::checkpoint();
        p.come();
        co_await ended(again);
        CHECK(ran);
    };
    tandem::run(main(pool));
}

TEST_CASE("brief jobs: one that is cancelled while it is left for the worker never runs", "[cpu][threads]") {
    brief_pool pool(1);
    const auto main = [](brief_pool& p) -> task<> {
        gate g;
        const opens_at_exit always(g);
        tandem::task_handle<> holder;
        co_await occupy(p, g, holder);
        std::vector<int> ran;
        std::vector<tandem::task_handle<>> all;
        const auto one = [](executor& p2, std::vector<int>& to, int i) -> task<> {
            const auto job = [&to, i] { to.push_back(i); };
            co_await run_in_executor(p2, job);
        };
        for (int i = 0; i < 10; ++i) all.push_back(tandem::create_task(one(p, ran, i)));
        co_await tandem::this_task::checkpoint();
        for (std::size_t i = 0; i < 10; i += 3) all[i].cancel();
        g.open();
        for (auto& h : all) co_await ended(h);
        CHECK(ran == std::vector<int>{1, 2, 4, 5, 7, 8});
        CHECK(p.statistics().cancelled == 4);
        co_await ended(holder);
    };
    tandem::run(main(pool));
}

TEST_CASE("brief jobs: race with cancellation, always one outcome", "[cpu][threads]") {
    for (const std::size_t workers : {1u, 2u}) {
        brief_pool pool(workers);
        const auto main = [](executor& p) -> task<> {
            std::mt19937 random(5);
            std::atomic<int> ran{0};
            int delivered = 0;
            int exits = 0;
            const auto body = [](executor& p2, std::atomic<int>& count, int& got, int& left) -> task<> {
                const counts_exit leaves(left);
                co_await run_in_executor(p2, [&count] { ++count; });
                ++got;
            };
            for (int i = 0; i < rounds; ++i) {
                std::vector<tandem::task_handle<>> all;
                for (int k = 0; k < 8; ++k) {
                    all.push_back(tandem::create_task(body(p, ran, delivered, exits)));
                }
                co_await tandem::this_task::checkpoint();
                for (auto spin = random() % 500; spin != 0; --spin) tandem::detail::spin_pause();
                for (auto& h : all) {
                    if (random() % 2 == 0) h.cancel();
                }
                for (auto& h : all) {
                    while (!h.done()) co_await tandem::this_task::checkpoint();
                }
            }
            CHECK(exits == 8 * rounds);
            CHECK(delivered == ran);
            const auto counts = p.statistics();
            CHECK(counts.submitted == 8u * rounds);
            CHECK(counts.done == static_cast<std::uint64_t>(ran));
            CHECK(counts.done + counts.cancelled == counts.submitted);
        };
        tandem::run(main(pool));
    }
}

TEST_CASE("brief jobs: race with shutdown, each is run or refused", "[cpu][threads]") {
    for (int round = 0; round < rounds / 10; ++round) {
        brief_pool pool(2);
        std::atomic<int> ran{0};
        const auto main = [](executor& p, std::atomic<int>& count) -> task<int> {
            int delivered = 0;
            int refused = 0;
            const auto without_end = [](executor& p2, std::atomic<int>& to, int& got, int& lost) -> task<> {
                try {
                    for (;;) {
                        co_await run_in_executor(p2, [&to] { ++to; });
                        ++got;
                    }
                } catch (const tandem::executor_shut_down&) {
                    ++lost;
                }
            };
            std::vector<tandem::task_handle<>> all;
            for (int i = 0; i < 16; ++i) {
                all.push_back(tandem::create_task(without_end(p, count, delivered, refused)));
            }
            for (auto& h : all) co_await ended(h);
            CHECK(refused == 16);
            co_return delivered;
        };
        std::thread closer([&] {
            while (pool.statistics().done < 200) std::this_thread::yield();
            pool.shutdown();
        });
        const int delivered = tandem::run(main(pool, ran), tandem::run_options().handle_signals(false));
        closer.join();
        CHECK(delivered == ran);
        CHECK(pool.statistics().done == static_cast<std::uint64_t>(delivered));
    }
}

TEMPLATE_TEST_CASE("brief jobs: the executor goes right after its last one", "[cpu][threads]",
                   thread_executor, cpu_executor, brief_pool) {
    const auto main = []() -> task<> {
        for (int round = 0; round < rounds / 5; ++round) {
            TestType pool(1);
            for (int i = 0; i < 32 + round % 8; ++i) co_await run_in_executor(pool, [] {});
        }
    };
    tandem::run(main());
}

TEST_CASE("brief jobs: the executor goes while some are left for its worker", "[cpu][threads]") {
    const auto main = []() -> task<> {
        for (int round = 0; round < rounds / 5; ++round) {
            std::atomic<int> ran{0};
            std::vector<tandem::task_handle<>> all;
            {
                brief_pool pool(1);
                co_await brief_streak(pool);
                const auto body = [](executor& p, std::atomic<int>& count) -> task<> {
                    co_await run_in_executor(p, [&count] { ++count; });
                };
                for (int i = 0; i < 8; ++i) all.push_back(tandem::create_task(body(pool, ran)));
                co_await tandem::this_task::checkpoint();
            }
            int refused = 0;
            for (auto& h : all) {
                co_await ended(h);
                if (is<tandem::executor_shut_down>(h.exception())) ++refused;
            }
            CHECK(ran + refused == 8);
        }
    };
    tandem::run(main());
}

TEST_CASE("brief jobs: loops that end while some are left and running", "[cpu][threads]") {
    brief_pool pool(2);
    tandem::run(brief_streak(pool));
    std::atomic<int> ran{0};
    int exits = 0;
    const auto main = [](executor& p, std::atomic<int>& count, int& left, int jobs) -> task<> {
        const auto body = [](executor& p2, std::atomic<int>& count2, int& left2) -> task<> {
            const counts_exit leaves(left2);
            co_await run_in_executor(p2, [&count2] { ++count2; });
        };
        for (int i = 0; i < 8; ++i) tandem::create_task(body(p, count, left));
        for (int i = 0; i < jobs; ++i) co_await tandem::this_task::checkpoint();
    };
    for (int round = 0; round < rounds; ++round) tandem::run(main(pool, ran, exits, 1 + round % 3));
    CHECK(exits == 8 * rounds);
    const auto counts = pool.statistics();
    CHECK(counts.done == 32u + static_cast<unsigned>(ran));
    CHECK(counts.done + counts.cancelled == counts.submitted);
}
