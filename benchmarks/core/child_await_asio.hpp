// tandem benchmarks - the peer of child_await.hpp
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "asio_peer.hpp"

namespace peer {

[[gnu::noinline]] inline awaitable<int> child(int i) { co_return i; }

inline awaitable<bench::sample> child_await(executor, std::size_t operations) {
    const int last = static_cast<int>(operations);
    long sum = co_await child(0);
    bench::meter meter;
    for (int i = 0; i < last; ++i) sum += co_await child(1);
    const bench::sample result = meter.wall(operations);
    bench::check(sum == last, "child await");
    co_return result;
}

[[gnu::noinline]] inline awaitable<int> nest(int depth) {
    if (depth == 0) co_return 0;
    const int below = co_await nest(depth - 1);
    co_return below + 1;
}

inline awaitable<bench::sample> deep_await(executor, std::size_t operations) {
    const std::size_t times = operations / 1000;
    std::size_t sum = static_cast<std::size_t>(co_await nest(1000));
    bench::meter meter;
    for (std::size_t i = 0; i < times; ++i) sum += static_cast<std::size_t>(co_await nest(1000));
    const bench::sample result = meter.wall(times * 1000);
    bench::check(sum == (times + 1) * 1000, "depth 1000");
    co_return result;
}

}  // namespace peer
