// expect: tandem: this awaitable knows nothing of tasks and could not be cancelled
// SPDX-License-Identifier: BSL-1.0
#include <coroutine>

#include <tandem/core/task.hpp>

tandem::task<> f() { co_await std::suspend_always(); }
