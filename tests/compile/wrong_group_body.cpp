// expect: tandem::with_task_group: the body is a callable that takes tandem::task_group& and returns a tandem::task; write
// SPDX-License-Identifier: BSL-1.0
#include <tandem/tasks/task_group.hpp>

tandem::task<> f() {
    co_await tandem::with_task_group([](int) -> tandem::task<> { co_return; });
}
