// expect: co_await it: a task that is not awaited never runs
// flags: -Werror=unused-result -Werror=unused-value
// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/task.hpp>

tandem::task<int> one();
tandem::task<> f() {
    one();
    co_return;
}
