// expect: tandem::map: fn returns a task, which runs on the loop and not on a worker; gather\(limit\(n\),
// range\) expect: tandem::map_unordered: fn returns a task expect: tandem::parallel_for: fn returns a task,
// which would never run SPDX-License-Identifier: BSL-1.0
#include <cstddef>
#include <vector>

#include <tandem/core/task.hpp>
#include <tandem/cpu/map.hpp>
#include <tandem/cpu/map_unordered.hpp>
#include <tandem/cpu/parallel_for.hpp>

tandem::task<int> fetch(int page);
void note(std::size_t index, int result);

tandem::task<> f(tandem::cpu_executor& pool, std::vector<int> pages) {
    co_await tandem::map(pool, pages, fetch);
    co_await tandem::map_unordered(pool, pages, fetch, note);
    co_await tandem::parallel_for(pool, 0, 10, fetch);
}
