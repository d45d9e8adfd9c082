// expect: tandem: co_await of something that cannot be awaited; it takes a task, or what a call gives
// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/task.hpp>

tandem::task<> f() { co_await 1; }
