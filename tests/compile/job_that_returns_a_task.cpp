// expect: tandem::run_in_executor: fn returns a task or the like, which runs on the loop and not on another
// thread SPDX-License-Identifier: BSL-1.0
#include <tandem/core/task.hpp>
#include <tandem/cpu/run_in_executor.hpp>

tandem::task<int> fetch(int page);

tandem::task<> f(tandem::executor& pool) { co_await tandem::run_in_executor(pool, fetch, 1); }
