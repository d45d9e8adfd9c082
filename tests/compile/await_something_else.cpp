// expect: tandem: this awaitable knows nothing of tasks
// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/task.hpp>

tandem::task<> f() { co_await 1; }
