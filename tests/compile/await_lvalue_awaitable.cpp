// expect: tandem: co_await it where you make it; an awaitable is awaited once
// SPDX-License-Identifier: BSL-1.0
#include <chrono>

#include <tandem/core/sleep.hpp>
#include <tandem/core/task.hpp>

tandem::task<> f() {
    auto s = tandem::sleep(std::chrono::seconds(1));
    co_await s;
}
