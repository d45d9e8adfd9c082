// expect: tandem: GCC before 13 destroys the captures of this temporary lambda twice
// compiler: gcc<13
// SPDX-License-Identifier: BSL-1.0
#include <string>

#include <tandem/tasks/task_group.hpp>

tandem::task<> f(std::string s) {
    auto body = [s](tandem::task_group&) -> tandem::task<> { co_return; };
    co_await tandem::with_task_group(std::move(body));
}
