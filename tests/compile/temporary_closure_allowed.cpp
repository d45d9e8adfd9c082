// expect-ok
// flags: -DTANDEM_ALLOW_TEMPORARY_CLOSURES
// SPDX-License-Identifier: BSL-1.0
#include <string>

#include <tandem/tasks/task_group.hpp>

tandem::task<> f(std::string s) {
    // tandem-lint: allow S2 (what the macro is for)
    co_await tandem::with_task_group([s](tandem::task_group&) -> tandem::task<> { co_return; });
}
