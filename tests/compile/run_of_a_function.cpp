// expect: tandem::run: takes a task: call the function that gives it, tandem::run\(amain\(args\)\)
// SPDX-License-Identifier: BSL-1.0
#include <tandem/asio/run.hpp>

tandem::task<int> amain(int argument);

int main() { return tandem::run(amain, 1); }
