// expect: co_await it
// flags: -Werror=unused-result -Werror=unused-value
// SPDX-License-Identifier: BSL-1.0
#include <chrono>

#include <tandem/tasks/timeout.hpp>

tandem::task<int> one();
tandem::task<> f() {
    tandem::timeout(std::chrono::seconds(1), one());
    co_return;
}
