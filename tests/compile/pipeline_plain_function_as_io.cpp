// expect: io_without_a_task<stage, result>: the function of an io stage or sink returns a task or another awaitable, and this one does not; use cpu\(\) or blocking\(\) for a plain function
// SPDX-License-Identifier: BSL-1.0
#include <vector>

#include <tandem/pipeline/pipeline.hpp>

int parse(int v);
tandem::task<> store(int v);

void f(std::vector<int>& numbers) {
    auto line = tandem::pipeline("p", numbers).io("parse", parse).sink("store", store);
}
