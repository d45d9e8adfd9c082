// expect: tandem::run_in_executor: a pool comes first and as it is: no pointer, no temporary, not const
// expect: tandem::run_in_executor: takes a function and its arguments, behind the pool if one is given
// expect: tandem::map: takes a pool, a range whose elements are reached by their number, and a function
// expect: tandem::map_unordered: takes a pool, a range whose elements are reached by their number, and two
// functions expect: tandem::parallel_for: takes a cpu_executor, two integers or random access iterators, and
// a function expect: tandem::parallel_reduce: takes a cpu_executor, a range whose elements are reached by
// their number SPDX-License-Identifier: BSL-1.0
#include <list>
#include <vector>

#include <tandem/core/task.hpp>
#include <tandem/cpu/map.hpp>
#include <tandem/cpu/map_unordered.hpp>
#include <tandem/cpu/parallel_for.hpp>
#include <tandem/cpu/parallel_reduce.hpp>
#include <tandem/cpu/run_in_executor.hpp>

int square(int x);
int add(int x, int y);

tandem::task<> f(tandem::executor& pool, std::list<int> list, std::vector<int> numbers) {
    co_await tandem::run_in_executor(&pool, square, 1);
    co_await tandem::run_in_executor(pool);
    co_await tandem::map(pool, list, square);
    co_await tandem::map_unordered(pool, numbers, square);
    co_await tandem::parallel_for(pool, 0, 10, square);
    co_await tandem::parallel_reduce(pool, numbers, 0, add, add);
}
