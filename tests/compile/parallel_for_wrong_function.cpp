// expect: tandem::parallel_for: fn is called with \(i\), as const
// SPDX-License-Identifier: BSL-1.0
#include <string>

#include <tandem/core/task.hpp>
#include <tandem/cpu/parallel_for.hpp>

void print(const std::string& text);

tandem::task<> f(tandem::cpu_executor& pool) { co_await tandem::parallel_for(pool, 0, 10, print); }
