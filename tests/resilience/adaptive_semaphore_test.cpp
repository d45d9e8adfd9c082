// tandem - tests of adaptive_semaphore, its limit algorithms and codel
// SPDX-License-Identifier: BSL-1.0
#include <tandem/resilience/adaptive_semaphore.hpp>

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <tandem/core/sleep.hpp>
#include <tandem/sync/semaphore.hpp>
#include <tandem/tasks/create_task.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/task_group.hpp>
#include <tandem/tasks/timeout.hpp>

#include "allocation_count.hpp"
#include "in_order.hpp"
#include "support/tandem_test.hpp"

using namespace std::chrono_literals;

namespace {

std::int64_t now() { return tandem::this_task::loop().ticks(); }

tandem::task<> hold(tandem::adaptive_semaphore& sem, tandem::duration time, int id, std::vector<int>& order) {
    const auto held = co_await sem.acquire();
    order.push_back(id);
    co_await tandem::sleep(time);
}

/// Says what it is told to.
class scripted_limit final : public tandem::limit_algorithm {
public:
    scripted_limit(double first, const double& next) : first_(first), next_(&next) {}
    double initial() const noexcept override { return first_; }
    double update(const tandem::limit_window&) noexcept override { return *next_; }

private:
    double first_;
    const double* next_;
};

tandem::task<> ten_samples(tandem::adaptive_semaphore& sem) {
    for (int i = 0; i < 10; ++i) {
        auto held = co_await sem.acquire();
        held.succeeded();
    }
}

/// A server of so many workers and a line before them; a call takes `base`, give or
/// take a fifth, once it has a worker.
class simulated_server {
public:
    explicit simulated_server(std::size_t workers, tandem::duration base)
        : workers_(workers), base_(base), count_(workers) {}

    tandem::task<> serve() {
        const auto worker = co_await workers_.acquire();
        tandem::detail::random_source& random = tandem::this_task::loop().random();
        co_await tandem::sleep(
            std::chrono::nanoseconds(random.between(base_.count() * 4 / 5, base_.count() * 6 / 5)));
        ++served;
    }
    tandem::task<> resize(std::size_t workers) {
        for (; count_ < workers; ++count_) workers_.release();
        for (; count_ > workers; --count_) {
            auto worker = co_await workers_.acquire();
            worker.detach();
        }
    }

    int served = 0;

private:
    tandem::semaphore workers_;
    tandem::duration base_;
    std::size_t count_;
};

tandem::task<> client(tandem::adaptive_semaphore& sem, simulated_server& server, std::int64_t& latency,
                      int& calls) {
    for (;;) {
        auto held = co_await sem.acquire();
        const std::int64_t start = now();
        co_await server.serve();
        latency += now() - start;
        ++calls;
        held.succeeded();
    }
}

struct phase {
    double throughput;  // share of the capacity
    double added;       // latency above the base, in multiples of it
    std::size_t least;  // limit
    std::size_t most;
};

/// Lets 100 clients run for `time` and looks at what happens in its last second.
tandem::task<phase> settle(tandem::adaptive_semaphore& sem, simulated_server& server, std::int64_t& latency,
                           int& calls, double capacity, tandem::duration time) {
    co_await tandem::sleep(time - 1s);
    const int served = server.served;
    const std::int64_t before = latency;
    const int calls_before = calls;
    std::size_t least = sem.limit();
    std::size_t most = least;
    for (int i = 0; i < 100; ++i) {
        co_await tandem::sleep(10ms);
        least = std::min(least, sem.limit());
        most = std::max(most, sem.limit());
    }
    const double mean = static_cast<double>(latency - before) / std::max(1, calls - calls_before);
    co_return phase{(server.served - served) / capacity, mean / 1e8 - 1, least, most};
}

template <class Algorithm>
tandem::task<std::vector<phase>> run_simulation(Algorithm algorithm, std::vector<std::size_t> sizes) {
    tandem::adaptive_semaphore sem(algorithm);
    simulated_server server(10, 100ms);
    std::int64_t latency = 0;
    int calls = 0;
    std::vector<phase> phases;
    co_await tandem::with_task_group([&](tandem::task_group& group) -> tandem::task<> {
        for (int i = 0; i < 100; ++i) group.create_task(client(sem, server, latency, calls));
        for (const std::size_t workers : sizes) {
            co_await server.resize(workers);
            const phase seen =
                co_await settle(sem, server, latency, calls, static_cast<double>(workers) * 10, 5s);
            phases.push_back(seen);
        }
        group.cancel();
    });
    co_return phases;
}

template <class Algorithm>
void check_simulation(const char* name, Algorithm algorithm, std::uint64_t seed,
                      std::vector<std::size_t> sizes) {
    const std::vector<phase> phases = tandem::testing::run_virtual(
        run_simulation(algorithm, std::move(sizes)), tandem::testing::virtual_options().seed(seed));
    for (const phase& p : phases) {
        INFO(name << " throughput " << p.throughput << " added " << p.added << " limit " << p.least << ".."
                  << p.most);
        CHECK(p.throughput >= 0.9);
        CHECK(p.throughput <= 1.1);
        CHECK(p.added <= 1.0);
        CHECK(static_cast<double>(p.most) <= 1.5 * static_cast<double>(p.least));  // +-20 %
    }
}

}  // namespace

TANDEM_TEST_IN_ORDER("adaptive_semaphore: first come, first served; a permit goes to the head of the line",
                     "[resilience][adaptive_semaphore][virtual]") {
    tandem::adaptive_semaphore sem(tandem::fixed_limit(3));
    std::vector<int> order;
    std::vector<tandem::task<>> tasks;
    for (int i = 0; i < 30; ++i) tasks.push_back(hold(sem, 1s, i, order));
    co_await tandem::gather(std::move(tasks));
    CHECK(now() == 10'000'000'000);
    CHECK(order.size() == 30);
    CHECK(std::is_sorted(order.begin(), order.end()));
    CHECK(sem.statistics().in_use == 0);
    CHECK(sem.statistics().granted == 30);
}

TANDEM_TEST_IN_ORDER("adaptive_semaphore: while a woken waiter has not run, its permit is not free",
                     "[resilience][adaptive_semaphore][virtual]") {
    tandem::adaptive_semaphore sem(tandem::fixed_limit(1));
    std::vector<int> order;
    std::optional<tandem::adaptive_semaphore::permit> first = sem.try_acquire();
    CHECK(first.has_value());
    tandem::task_handle<> waiter = tandem::create_task(hold(sem, 0s, 1, order));
    co_await tandem::this_task::checkpoint();
    first.reset();
    CHECK_FALSE(sem.try_acquire().has_value());
    CHECK(order.empty());
    co_await waiter;
    CHECK(sem.try_acquire().has_value());
}

TANDEM_TEST_IN_ORDER("adaptive_semaphore: a stop leaves the line, or gives the permit back",
                     "[resilience][adaptive_semaphore][virtual]") {
    tandem::adaptive_semaphore sem(tandem::fixed_limit(1));
    std::vector<int> order;
    tandem::task_handle<> holder = tandem::create_task(hold(sem, 1h, 1, order));
    tandem::task_handle<> second = tandem::create_task(hold(sem, 1h, 2, order));
    tandem::task_handle<> third = tandem::create_task(hold(sem, 1s, 3, order));
    co_await tandem::sleep(1s);
    second.cancel();
    co_await tandem::sleep(1s);
    CHECK(sem.statistics().waiting == 1);
    holder.cancel();
    co_await third;
    CHECK(order == std::vector<int>({1, 3}));
    CHECK(now() == 3'000'000'000);
    CHECK(sem.statistics().in_use == 0);
}

TANDEM_TEST_IN_ORDER("adaptive_semaphore: max_waiting refuses a newcomer at once",
                     "[resilience][adaptive_semaphore][virtual]") {
    tandem::adaptive_semaphore sem(tandem::fixed_limit(2),
                                   tandem::adaptive_semaphore_options().max_waiting(1));
    std::vector<int> order;
    std::vector<tandem::task_handle<>> holders;
    for (int i = 0; i < 3; ++i) holders.push_back(tandem::create_task(hold(sem, 1s, i, order)));
    co_await tandem::this_task::checkpoint();
    std::string text;
    try {
        const auto permit = co_await sem.acquire();
    } catch (const tandem::overloaded& e) {
        text = e.what();
    }
    CHECK(text == "tandem::adaptive_semaphore::acquire: refused, 1 wait for 2 permits; come again later");
    CHECK(now() == 0);
    CHECK(sem.statistics().refused == 1);
    co_await tandem::gather(holders);
}

TANDEM_TEST_IN_ORDER(
    "adaptive_semaphore: a lower limit takes effect as permits come back, a higher one wakes waiters in "
    "order",
    "[resilience][adaptive_semaphore][virtual]") {
    double next = 2;
    tandem::adaptive_semaphore sem(scripted_limit(5, next));
    co_await ten_samples(sem);
    CHECK(sem.limit() == 2);
    next = 4;
    std::vector<int> order;
    std::vector<tandem::task_handle<>> tasks;
    for (int i = 0; i < 6; ++i) tasks.push_back(tandem::create_task(hold(sem, 1s, i, order)));
    co_await tandem::sleep(500ms);
    CHECK(order.size() == 2);
    co_await tandem::gather(tasks);
    order.clear();

    next = 1;
    tasks.clear();
    for (int i = 0; i < 2; ++i) tasks.push_back(tandem::create_task(hold(sem, 1s, i, order)));
    co_await tandem::sleep(500ms);
    CHECK(sem.statistics().in_use == 2);
    tandem::task_handle<> teacher = tandem::create_task(ten_samples(sem));
    for (int i = 2; i < 6; ++i) tasks.push_back(tandem::create_task(hold(sem, 1s, i, order)));
    co_await tandem::gather(tasks);
    co_await teacher;
    CHECK(sem.limit() == 1);
    CHECK(order == std::vector<int>({0, 1, 2, 3, 4, 5}));

    // Two permits are still out when the limit falls to 1: nobody gets in before both are back.
    tandem::adaptive_semaphore wide(scripted_limit(12, next));
    std::vector<tandem::adaptive_semaphore::permit> permits;
    for (int i = 0; i < 12; ++i) permits.push_back(wide.try_acquire().value());
    for (; permits.size() > 2; permits.pop_back()) permits.back().succeeded();
    CHECK(wide.limit() == 1);
    CHECK(wide.statistics().in_use == 2);
    order.clear();
    tandem::task_handle<> waiter = tandem::create_task(hold(wide, 1s, 7, order));
    co_await tandem::this_task::checkpoint();
    permits.pop_back();
    co_await tandem::sleep(1s);
    CHECK(order.empty());
    permits.pop_back();
    co_await waiter;
    CHECK(order == std::vector<int>(1, 7));
}

TANDEM_TEST(
    "adaptive_semaphore: call teaches values as success, failures as drops, stops and the caller's errors "
    "not at all",
    "[resilience][adaptive_semaphore][virtual]") {
    tandem::adaptive_semaphore sem(tandem::aimd_limit().start_at(10));
    const auto work = [](int how) -> tandem::task<int> {
        co_await tandem::sleep(10ms);
        if (how == 1) throw tandem::timeout_error();
        if (how == 2) throw std::invalid_argument("wrong");
        if (how == 3) co_await tandem::sleep(1h);
        co_return how;
    };
    int caught = 0;
    const auto fail = [&](int how) -> tandem::task<> {
        try {
            co_await tandem::timeout(1s, sem.call(work, how));
        } catch (const std::exception&) {
            ++caught;
        }
    };
    for (int i = 0; i < 20; ++i) co_await fail(2);
    for (int i = 0; i < 20; ++i) co_await fail(3);
    CHECK(caught == 40);
    CHECK(sem.limit() == 10);
    for (int i = 0; i < 10; ++i) co_await fail(1);
    CHECK(sem.limit() == 9);
    std::vector<tandem::task<int>> many;
    for (int i = 0; i < 20; ++i) many.push_back(sem.call(work, 0));
    co_await tandem::gather(std::move(many));
    CHECK(sem.limit() > 9);
    CHECK(sem.statistics().in_use == 0);
}

TANDEM_TEST("adaptive_semaphore: codel refuses who waited long once the line has stood for an interval",
            "[resilience][adaptive_semaphore][virtual]") {
    tandem::adaptive_semaphore sem(tandem::fixed_limit(1),
                                   tandem::adaptive_semaphore_options().shed(tandem::codel(5ms, 100ms)));
    int refused = 0;
    int served = 0;
    std::int64_t longest = 0;
    const auto one = [](tandem::adaptive_semaphore& s, int& good, int& bad,
                        std::int64_t& worst) -> tandem::task<> {
        const std::int64_t start = now();
        bool got = false;
        try {
            const auto held = co_await s.acquire();
            got = true;
            if (start > 500'000'000) worst = std::max(worst, now() - start);
            co_await tandem::sleep(10ms);
        } catch (const tandem::overloaded&) {
        }
        (got ? good : bad) += 1;
    };
    co_await tandem::with_task_group([&](tandem::task_group& group) -> tandem::task<> {
        for (int i = 0; i < 1000; ++i) {  // twice as many as can be served
            group.create_task(one(sem, served, refused, longest));
            co_await tandem::sleep(5ms);
        }
    });
    CHECK(served + refused == 1000);
    CHECK(served >= 450);
    CHECK(longest <= 120'000'000);  // without it: up to 2.5 s
    CHECK(sem.statistics().refused == static_cast<std::uint64_t>(refused));

    // A burst that is worked off within the interval is nobody's fault.
    co_await tandem::sleep(1s);
    const int before = refused;
    std::vector<tandem::task<>> burst;
    for (int i = 0; i < 8; ++i) burst.push_back(one(sem, served, refused, longest));
    co_await tandem::gather(std::move(burst));
    CHECK(refused == before);
}

TEST_CASE(
    "adaptive_semaphore: vegas and gradient2 find the capacity of a server in 5 s and follow a step of four",
    "[resilience][adaptive_semaphore][virtual]") {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        check_simulation("vegas", tandem::vegas_limit(), seed, {10, 40, 40, 10, 10});
        check_simulation("gradient2", tandem::gradient2_limit(), seed, {10, 40, 40, 10, 10});
    }
}

TEST_CASE("adaptive_semaphore: vegas keeps to the capacity for ten minutes, gradient2 for one",
          "[resilience][adaptive_semaphore][virtual]") {
    check_simulation("vegas", tandem::vegas_limit(), 1, std::vector<std::size_t>(120, 10));
    check_simulation("gradient2", tandem::gradient2_limit(), 1, std::vector<std::size_t>(12, 10));
}

namespace {

tandem::task<> full_server(int& inside, int& served) {
    if (inside >= 10) throw std::runtime_error("503");
    ++inside;
    co_await tandem::sleep(100ms);
    --inside;
    ++served;
}

}  // namespace

TANDEM_TEST("adaptive_semaphore: aimd stays at the limit of a server that refuses what is above it",
            "[resilience][adaptive_semaphore][virtual]") {
    tandem::adaptive_semaphore sem{tandem::aimd_limit()};
    int inside = 0;
    int served = 0;
    const auto user = [](tandem::adaptive_semaphore& s, int& in, int& out) -> tandem::task<> {
        for (;;) {
            bool again = false;
            try {
                co_await s.call(full_server, std::ref(in), std::ref(out));
            } catch (const std::runtime_error&) {
                again = true;
            }
            if (again) co_await tandem::sleep(100ms);
        }
    };
    std::vector<std::size_t> limits;
    co_await tandem::with_task_group([&](tandem::task_group& group) -> tandem::task<> {
        for (int i = 0; i < 50; ++i) group.create_task(user(sem, inside, served));
        co_await tandem::sleep(5s);
        served = 0;
        for (int i = 0; i < 1000; ++i) {
            co_await tandem::sleep(10ms);
            limits.push_back(sem.limit());
        }
        group.cancel();
    });
    const auto range = std::minmax_element(limits.begin(), limits.end());
    CHECK(*range.first >= 8);
    CHECK(*range.second <= 12);
    CHECK(served >= 950);  // of 1,000
}

TANDEM_TEST_IN_ORDER("adaptive_semaphore: nothing is allocated, with or without a wait",
                     "[resilience][adaptive_semaphore][virtual]") {
    tandem::adaptive_semaphore sem{tandem::gradient2_limit()};
    const std::size_t before = tandem_test::allocations;
    for (int i = 0; i < 1000; ++i) {
        auto held = co_await sem.acquire();
        held.succeeded();
    }
    CHECK(tandem_test::allocations == before);
}

TANDEM_TEST("adaptive_semaphore: a limit below one is refused by a sentence",
            "[resilience][adaptive_semaphore][virtual]") {
    std::string text;
    try {
        static_cast<void>(tandem::vegas_limit().min(0));
    } catch (const std::invalid_argument& e) {
        text = e.what();
    }
    CHECK(text == "tandem::limit_algorithm::min: below 1; nothing would ever run, give 1 or more");
    co_return;
}

TEST_CASE(
    "adaptive_semaphore: outside of a loop a limit that is learnt has no clock, one that is fixed needs none",
    "[resilience][adaptive_semaphore][virtual]") {
    tandem::adaptive_semaphore learning{tandem::aimd_limit()};
    std::string text = "none";
    try {
        static_cast<void>(learning.try_acquire());
    } catch (const tandem::invalid_state_error& e) {
        text = e.what();
    }
    CHECK(
        text ==
        "tandem::adaptive_semaphore::try_acquire: no loop is running here; call it from a task or a callback "
        "of the loop");
    CHECK(learning.statistics().in_use == 0);

    std::optional<tandem::adaptive_semaphore::permit> held;
    const auto take = [](tandem::adaptive_semaphore& from, auto& into) -> tandem::task<> {
        into.emplace(co_await from.acquire());
    };
    tandem::testing::run_virtual(take(learning, held));
    CHECK(learning.statistics().in_use == 1);
    held->succeeded();  // when the loop is gone
    CHECK(learning.statistics().in_use == 0);

    tandem::adaptive_semaphore fixed{tandem::fixed_limit(1)};
    auto only = fixed.try_acquire();
    REQUIRE(only.has_value());
    CHECK_FALSE(fixed.try_acquire().has_value());
    only->dropped();
    CHECK(fixed.try_acquire().has_value());
}

TANDEM_TEST("adaptive_semaphore: calls that take no time at all do not look like a queue to vegas",
            "[resilience][adaptive_semaphore][virtual]") {
    tandem::adaptive_semaphore sem{tandem::vegas_limit().start_at(60)};
    for (int i = 0; i < 30; ++i) co_await ten_samples(sem);
    CHECK(sem.limit() == 60);
}

TANDEM_TEST("adaptive_semaphore: a limit that is no number, or beyond all numbers, is still a limit",
            "[resilience][adaptive_semaphore][virtual]") {
    constexpr double infinite = std::numeric_limits<double>::infinity();
    const double next = std::numeric_limits<double>::quiet_NaN();
    tandem::adaptive_semaphore sem{scripted_limit(infinite, next)};
    CHECK(sem.limit() == 1'000'000'000);
    co_await ten_samples(sem);
    CHECK(sem.limit() == 1);
    CHECK(tandem::adaptive_semaphore(tandem::aimd_limit().start_at(infinite).max(infinite)).limit() > 1000);
}

TANDEM_TEST("adaptive_semaphore: what an argument is converted into for a parameter by reference lives on",
            "[resilience][adaptive_semaphore][virtual]") {
    tandem::adaptive_semaphore sem(tandem::fixed_limit(1));
    const auto ask = [](const std::string& whom) -> tandem::task<std::string> {
        co_await tandem::this_task::checkpoint();
        co_return whom;
    };
    const std::string answer = co_await sem.call(ask, "a name that is too long for a string's own place");
    CHECK(answer == "a name that is too long for a string's own place");
}
