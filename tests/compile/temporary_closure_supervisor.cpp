// expect: tandem: GCC before 13 destroys the captures of this temporary lambda twice
// compiler: gcc<13
// SPDX-License-Identifier: BSL-1.0
#include <memory>

#include <tandem/tasks/task_group.hpp>

tandem::task<> f(std::unique_ptr<int> p) {
    // tandem-lint: allow S2 (the form that the library refuses)
    co_await tandem::with_supervisor([q = std::move(p)](tandem::task_group&) -> tandem::task<> { co_return; });
}
