// expect: tandem: move the task into co_await; it is awaited once
// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/task.hpp>

tandem::task<int> one();
tandem::task<> f() {
    auto t = one();
    co_await t;
}
