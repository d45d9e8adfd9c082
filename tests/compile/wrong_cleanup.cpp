// expect: tandem::finally: the cleanup is a callable without parameters that returns a tandem::task
// SPDX-License-Identifier: BSL-1.0
#include <chrono>

#include <tandem/core/sleep.hpp>
#include <tandem/tasks/finally.hpp>

tandem::task<> f() {
    co_await tandem::finally(tandem::sleep(std::chrono::seconds(1)), [] {});
}
