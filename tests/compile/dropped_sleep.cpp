// expect: co_await it
// flags: -Werror=unused-result -Werror=unused-value
// SPDX-License-Identifier: BSL-1.0
#include <chrono>

#include <tandem/core/sleep.hpp>
#include <tandem/core/task.hpp>

tandem::task<> f() {
    tandem::sleep(std::chrono::seconds(1));
    co_return;
}
