// tandem - the consumer: two tasks at once, their sum printed
// SPDX-License-Identifier: BSL-1.0
#include <cstdio>

#include <tandem/tandem.hpp>

tandem::task<int> answer(int x) { co_return x; }

tandem::task<int> amain() {
    auto results = co_await tandem::gather(answer(40), answer(2));
    auto& [a, b] = results;
    co_return a + b;
}

int main() { std::printf("%d\n", tandem::run(amain())); }
