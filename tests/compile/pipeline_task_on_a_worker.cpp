// expect: worker_with_a_task<stage, result>: the function returns a task, which no worker can await; use io\(\) for a coroutine
// SPDX-License-Identifier: BSL-1.0
#include <vector>

#include <tandem/cpu/thread_executor.hpp>
#include <tandem/pipeline/pipeline.hpp>

tandem::task<int> fetch(int v);
tandem::task<> store(int v);

void f(tandem::thread_executor& pool, std::vector<int>& numbers) {
    auto line = tandem::pipeline("p", numbers).cpu("fetch", pool, fetch).sink("store", store);
}
