// expect: co_await it
// flags: -Werror=unused-result -Werror=unused-value
// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/task.hpp>
#include <tandem/cpu/run_in_executor.hpp>

tandem::task<> f(tandem::executor& pool) {
    tandem::run_in_executor(pool, [] {});
    co_return;
}
