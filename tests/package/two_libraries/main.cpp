// SPDX-License-Identifier: BSL-1.0
// Tasks of two libraries on the loop of a third: prints 42 if there is one loop, and one type of each error.
#include <tandem/tandem.hpp>

#include <iostream>

#define PART one
#include "library.hpp"
#undef PART
#define PART two
#include "library.hpp"

static tandem::task<int> caught(tandem::task<> from) {
    try {
        co_await std::move(from);
    } catch (const tandem::invalid_state_error&) {
        co_return 1;
    }
    co_return 0;
}

static tandem::task<int> amain() {
    auto both = co_await tandem::gather(one::computed(10), two::computed(10));
    auto& [first, second] = both;
    const int of_one = co_await caught(one::failing());
    const int of_two = co_await caught(two::failing());
    co_return first + second + of_one + of_two;
}

int main() { std::cout << tandem::run(amain()) << '\n'; }
