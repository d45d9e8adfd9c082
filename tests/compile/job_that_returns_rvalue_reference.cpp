// expect: tandem::run_in_executor: fn returns T&&; return the value
// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/task.hpp>
#include <tandem/cpu/run_in_executor.hpp>

int&& steal();

tandem::task<> f(tandem::executor& pool) { co_await tandem::run_in_executor(pool, steal); }
