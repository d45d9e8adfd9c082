// expect: tandem: co_await of a range; co_await gather\(range\) awaits what is in it
// SPDX-License-Identifier: BSL-1.0
#include <vector>

#include <tandem/core/task.hpp>

tandem::task<> f(std::vector<tandem::task<int>> tasks) { co_await tasks; }
