// tandem - compile time: hello on the Asio loop
// SPDX-License-Identifier: BSL-1.0
#include <cstdio>

#include <tandem/asio/run.hpp>

tandem::task<int> amain() {
    std::puts("hello");
    co_return 0;
}

int main() { return tandem::run(amain()); }
