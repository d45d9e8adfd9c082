// expect: tandem::parallel_reduce: fn is called with \(sum, element\), as const, and gives the next sum
// expect: tandem::parallel_reduce: join is called with \(sum, sum\), as const, and gives their sum
// SPDX-License-Identifier: BSL-1.0
#include <string>
#include <vector>

#include <tandem/core/task.hpp>
#include <tandem/cpu/parallel_reduce.hpp>

int add(int x, int y);
int add_length(int sum, const std::string& text);
int one_only(int x);

tandem::task<> f(tandem::cpu_executor& pool, std::vector<std::string> texts) {
    co_await tandem::parallel_reduce(pool, texts, 0, add, add);
    co_await tandem::parallel_reduce(pool, texts, 0, add_length, one_only);
}
