// expect: tandem::sleep: takes a duration, and a number has no unit; write sleep\(1s\) or sleep\(500ms\)
// expect: tandem::sleep_until: takes a time_point of the loop clock
// SPDX-License-Identifier: BSL-1.0
#include <chrono>

#include <tandem/core/sleep.hpp>
#include <tandem/core/task.hpp>

tandem::task<> f() {
    co_await tandem::sleep(0.5);
    co_await tandem::sleep_until(std::chrono::seconds(1));
}
