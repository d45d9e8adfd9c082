// SPDX-License-Identifier: BSL-1.0
#include <tandem/tandem.hpp>

#include "library.hpp"

namespace PART {

static int twice(int n) { return 2 * n; }

tandem::task<int> computed(int n) {
    co_await tandem::sleep(std::chrono::milliseconds(1));
    co_return co_await tandem::run_in_executor(twice, n);
}

tandem::task<> failing() {
    co_await tandem::sleep(std::chrono::milliseconds(1));
    throw tandem::invalid_state_error("part");
}

}  // namespace PART
