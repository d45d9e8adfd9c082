// expect: tandem::run_in_executor: fn can be called neither with \(args...\) nor with \(std::stop_token, args...\)
// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/task.hpp>
#include <tandem/cpu/run_in_executor.hpp>

void increment(int&);

tandem::task<> f(tandem::executor& pool, int x) { co_await tandem::run_in_executor(pool, increment, x); }
