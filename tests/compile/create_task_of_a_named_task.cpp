// expect: (use of|call to) deleted
// expect: tandem: a task is awaited once, so it is moved: std::move\(t\)
// SPDX-License-Identifier: BSL-1.0
#include <tandem/tasks/create_task.hpp>

void f(tandem::task<int> t) { tandem::create_task(t); }
