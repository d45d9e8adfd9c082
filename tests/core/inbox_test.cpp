// tandem - tests of the list through which other threads hand nodes to a loop
// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/detail/inbox.hpp>

#include <atomic>
#include <cstddef>
#include <deque>
#include <thread>
#include <vector>

#include "support/catch.hpp"

using tandem::detail::inbox;
using tandem::detail::ready_node;
using tandem::detail::ready_queue;
using tandem::detail::step;

namespace {

class numbered : public ready_node {
public:
    numbered(int p, int n) : producer(p), number(n) {}
    int producer;
    int number;
};

}  // namespace

TEST_CASE("ready_queue: first in, first out, with the kind of each", "[core][ready_queue][virtual]") {
    ready_queue q;
    CHECK(q.empty());
    std::deque<ready_node> nodes(8);
    for (std::size_t round = 0; round < 3; ++round) {
        for (std::size_t i = 0; i < nodes.size(); ++i) q.push(nodes[i], static_cast<step>(i % 4));
        for (std::size_t i = 0; i < nodes.size(); ++i) {
            step kind = step::call;
            CHECK(q.pop(kind) == &nodes[i]);
            CHECK(kind == static_cast<step>(i % 4));
        }
        CHECK(q.empty());
    }
}

TEST_CASE("inbox: gives what was pushed, oldest first, with its kind", "[core][inbox][virtual]") {
    inbox box;
    CHECK(box.empty());
    std::deque<ready_node> nodes(6);
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        const bool was_empty = box.push(nodes[i], static_cast<step>(i % 4));
        CHECK(was_empty == (i == 0));
    }
    ready_queue q;
    box.take_into(q);
    CHECK(box.empty());
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        step kind = step::resume;
        CHECK(q.pop(kind) == &nodes[i]);
        CHECK(kind == static_cast<step>(i % 4));
    }
    box.take_into(q);
    CHECK(q.empty());
}

TEST_CASE("inbox: from many threads nothing is lost, each producer's order is kept", "[core][inbox][threads]") {
    constexpr int producers = 4;
    constexpr int each = 20'000;
    inbox box;
    std::deque<numbered> nodes;
    for (int p = 0; p < producers; ++p) {
        for (int n = 0; n < each; ++n) nodes.emplace_back(p, n);
    }
    std::atomic<int> wakes{0};
    std::vector<std::thread> threads;
    for (int p = 0; p < producers; ++p) {
        threads.emplace_back([&, p] {
            for (int n = 0; n < each; ++n) {
                if (box.push(nodes[static_cast<std::size_t>(p * each + n)], step::call)) ++wakes;
            }
        });
    }
    std::vector<int> next(producers, 0);
    int taken = 0;
    int batches = 0;
    bool in_order = true;
    while (taken < producers * each) {
        ready_queue q;
        box.take_into(q);
        if (!q.empty()) ++batches;
        while (!q.empty()) {
            step kind = step::resume;
            const auto* const node = static_cast<numbered*>(q.pop(kind));
            in_order = in_order && kind == step::call && next[static_cast<std::size_t>(node->producer)]++ == node->number;
            ++taken;
        }
    }
    for (std::thread& t : threads) t.join();
    CHECK(in_order);
    CHECK(box.empty());
    CHECK(wakes == batches);  // one producer of a batch wakes the loop, no more and no less
}

TEST_CASE("inbox: a consumer that watches is not woken, and does not fall asleep over what has come",
          "[core][inbox][virtual]") {
    inbox box;
    ready_queue q;
    std::deque<ready_node> nodes(3);
    step kind = step::start;
    box.watch_into(q);
    CHECK(q.empty());
    CHECK(box.empty());
    CHECK_FALSE(box.push(nodes[0], step::call));
    CHECK_FALSE(box.empty());
    CHECK_FALSE(box.unwatch());
    CHECK_FALSE(box.push(nodes[1], step::resume));
    box.watch_into(q);
    CHECK(q.pop(kind) == &nodes[0]);
    CHECK(kind == step::call);
    CHECK(q.pop(kind) == &nodes[1]);
    CHECK(kind == step::resume);
    CHECK(q.empty());
    CHECK(box.unwatch());
    CHECK(box.push(nodes[2], step::call));
    box.watch_into(q);
    CHECK(q.pop(kind) == &nodes[2]);
    CHECK(box.unwatch());
}

TEST_CASE("inbox: a consumer that falls asleep again and again is woken once each time",
          "[core][inbox][threads]") {
    constexpr int producers = 3;
    constexpr int each = 20'000;
    inbox box;
    ready_queue q;
    box.watch_into(q);
    std::deque<numbered> nodes;
    for (int i = 0; i < producers * each; ++i) nodes.emplace_back(0, i);
    std::atomic<int> wakes{0};
    std::vector<std::thread> threads;
    for (int p = 0; p < producers; ++p) {
        threads.emplace_back([&, p] {
            for (int n = 0; n < each; ++n) {
                if (box.push(nodes[static_cast<std::size_t>(p * each + n)], step::call)) ++wakes;
            }
        });
    }
    int taken = 0;
    int sleeps = 0;
    while (taken < producers * each) {
        box.watch_into(q);
        for (; !q.empty(); ++taken) {
            step kind = step::resume;
            q.pop(kind);
        }
        if (taken == producers * each || !box.unwatch()) continue;
        ++sleeps;
        while (wakes < sleeps) std::this_thread::yield();
    }
    for (std::thread& t : threads) t.join();
    CHECK(wakes == sleeps);
    CHECK(box.unwatch());
}
