// expect: tandem::create_task: takes a task and its name, or a function that gives a task and its arguments
// SPDX-License-Identifier: BSL-1.0
#include <tandem/tasks/create_task.hpp>

int compute();

tandem::task<> f() {
    tandem::create_task(compute);
    co_return;
}
