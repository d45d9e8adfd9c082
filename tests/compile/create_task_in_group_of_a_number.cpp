// expect: tandem::create_task: takes a task and its name, or a function that gives a task and its arguments
// SPDX-License-Identifier: BSL-1.0
#include <tandem/tasks/task_group.hpp>

void f(tandem::task_group& group) { group.create_task(5); }
