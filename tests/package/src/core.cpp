// tandem - the consumer of tandem::core: no event loop of Asio, virtual time instead
// SPDX-License-Identifier: BSL-1.0
#include <chrono>
#include <cstdio>

#include <tandem/core/sleep.hpp>
#include <tandem/core/task.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/testing/test_loop.hpp>

tandem::task<int> answer(int x) {
    co_await tandem::sleep(std::chrono::hours(1));
    co_return x;
}

tandem::task<int> amain() {
    auto results = co_await tandem::gather(answer(40), answer(2));
    auto& [a, b] = results;
    co_return a + b;
}

int main() { std::printf("%d\n", tandem::testing::run_virtual(amain())); }
