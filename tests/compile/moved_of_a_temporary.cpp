// expect: (use of|call to) deleted function
// expect: moved
// SPDX-License-Identifier: BSL-1.0
#include <string>

#include <tandem/tasks/task_group.hpp>

tandem::task<> f(std::string s) {
    // tandem-lint: allow S2 (the form that the library refuses)
    co_await tandem::with_task_group(tandem::moved([s](tandem::task_group&) -> tandem::task<> { co_return; }));
}
