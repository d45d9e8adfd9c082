// tandem - tests of the timer heap, against a sorted list
// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/detail/timer_heap.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "support/catch.hpp"

using tandem::detail::never;
using tandem::detail::timer_heap;

namespace {

class timer final : public tandem::detail::timer_node {
public:
    timer(int id, std::vector<int>& fired) : id_(id), fired_(fired) {}

private:
    void fire() noexcept override { fired_.push_back(id_); }

    int id_;
    std::vector<int>& fired_;
};

class timers {
public:
    explicit timers(int count) {
        for (int i = 0; i < count; ++i) all.push_back(std::make_unique<timer>(i, fired));
    }
    timer& operator[](int i) { return *all[static_cast<std::size_t>(i)]; }

    timer_heap heap;
    std::vector<int> fired;
    std::vector<std::unique_ptr<timer>> all;
};

// What the heap must do, done the slow way.
class oracle {
public:
    void add(int id, std::int64_t when) { entries_.push_back({when, id}); }
    void remove(int id) {
        entries_.erase(std::find_if(entries_.begin(), entries_.end(), [id](const auto& e) { return e.second == id; }));
    }
    std::int64_t earliest() const {
        std::int64_t least = never;
        for (const auto& e : entries_) least = std::min(least, e.first);
        return least;
    }
    void fire_until(std::int64_t now, std::vector<int>& fired) {
        std::vector<std::pair<std::int64_t, int>> due;
        std::vector<std::pair<std::int64_t, int>> rest;
        for (const auto& e : entries_) (e.first <= now ? due : rest).push_back(e);
        std::stable_sort(due.begin(), due.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
        for (const auto& e : due) fired.push_back(e.second);
        entries_ = rest;
    }
    std::size_t size() const { return entries_.size(); }

private:
    std::vector<std::pair<std::int64_t, int>> entries_;  // in order of insertion
};

}  // namespace

TEST_CASE("timer_heap: an empty one has no deadline", "[core][timer_heap][virtual]") {
    timer_heap heap;
    CHECK(heap.empty());
    CHECK(heap.size() == 0);
    CHECK(heap.earliest() == never);
    heap.fire_until(1000);
}

TEST_CASE("timer_heap: equal deadlines fire in the order of insertion", "[core][timer_heap][virtual]") {
    timers t(500);
    for (int i = 0; i < 500; ++i) CHECK(t.heap.add(t[i], i % 3));
    t.heap.fire_until(2);
    std::vector<int> expected;
    for (int group = 0; group < 3; ++group) {
        for (int i = group; i < 500; i += 3) expected.push_back(i);
    }
    CHECK(t.fired == expected);
    CHECK(t.heap.empty());
}

TEST_CASE("timer_heap: fires what is due and nothing else", "[core][timer_heap][virtual]") {
    timers t(10);
    for (int i = 9; i >= 0; --i) t.heap.add(t[i], i * 10);
    t.heap.fire_until(-1);
    CHECK(t.fired.empty());
    t.heap.fire_until(35);
    CHECK(t.fired == std::vector<int>{0, 1, 2, 3});
    CHECK(t.heap.earliest() == 40);
    CHECK(t[4].armed());
    CHECK_FALSE(t[3].armed());
    CHECK(t[4].when() == 40);
}

TEST_CASE("timer_heap: cancelled in order, in reverse, and every other one", "[core][timer_heap][virtual]") {
    for (int pattern = 0; pattern < 3; ++pattern) {
        timers t(1000);
        for (int i = 0; i < 1000; ++i) t.heap.add(t[i], (i * 7919) % 1000);
        std::size_t left = 1000;
        for (int i = 0; i < 1000; ++i) {
            const int id = pattern == 1 ? 999 - i : i;
            if (pattern == 2 && i % 2 == 0) continue;
            t.heap.remove(t[id]);
            CHECK_FALSE(t[id].armed());
            CHECK(t.heap.size() == --left);
        }
        t.heap.fire_until(1000);
        CHECK(t.fired.size() == left);
        CHECK(std::is_sorted(t.fired.begin(), t.fired.end(),
                             [](int a, int b) { return (a * 7919) % 1000 < (b * 7919) % 1000; }));
        CHECK(t.heap.earliest() == never);
    }
}

TEST_CASE("timer_heap: a timer can be armed again after it fired or was cancelled", "[core][timer_heap][virtual]") {
    timers t(1);
    for (int round = 0; round < 300; ++round) {
        t.heap.add(t[0], round);
        if (round % 2 == 0) {
            t.heap.remove(t[0]);
        } else {
            t.heap.fire_until(round);
        }
        CHECK(t.heap.empty());
        CHECK(t.heap.earliest() == never);
    }
    CHECK(t.fired.size() == 150);
}

TEST_CASE("timer_heap: the extremes of time", "[core][timer_heap][virtual]") {
    timers t(3);
    t.heap.add(t[0], never);
    t.heap.add(t[1], -never);
    t.heap.add(t[2], never - 1);
    CHECK(t.heap.earliest() == -never);
    t.heap.fire_until(0);
    CHECK(t.fired == std::vector<int>{1});
    t.heap.fire_until(never - 1);
    CHECK(t.fired == std::vector<int>{1, 2});
    CHECK(t.heap.size() == 1);
    t.heap.remove(t[0]);
}

TEST_CASE("timer_heap: agrees with a sorted list over random operations", "[core][timer_heap][virtual]") {
    for (unsigned seed = 1; seed <= 20; ++seed) {
        std::mt19937 random(seed);
        const int count = 300;
        timers t(count);
        oracle slow;
        std::vector<int> expected;
        std::int64_t now = 0;
        const unsigned shape = seed % 4;  // how often it cancels, how far deadlines spread
        bool agrees = true;
        for (int step = 0; step < 3000; ++step) {
            const int id = static_cast<int>(random() % static_cast<unsigned>(count));
            const auto choice = random() % 10;
            if (choice < 5) {
                if (t[id].armed()) continue;
                const std::int64_t when = now + static_cast<std::int64_t>(random() % (shape == 0 ? 4 : 1000));
                t.heap.add(t[id], when);
                slow.add(id, when);
            } else if (choice < 5 + 1 + shape) {
                if (!t[id].armed()) continue;
                t.heap.remove(t[id]);
                slow.remove(id);
            } else if (choice == 9) {
                now += static_cast<std::int64_t>(random() % 50);
                t.heap.fire_until(now);
                slow.fire_until(now, expected);
            }
            agrees = agrees && t.heap.size() == slow.size() && t.heap.empty() == (slow.size() == 0);
            if (step % 7 == 0) agrees = agrees && t.heap.earliest() == slow.earliest();
            agrees = agrees && t.fired == expected;
            if (!agrees) {
                FAIL("seed " << seed << ", step " << step);
            }
        }
        t.heap.fire_until(never);
        slow.fire_until(never, expected);
        CHECK(t.fired == expected);
    }
}
