// expect: tandem::to_thread: fn returns a task or the like, which runs on the loop and not on another thread
// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/task.hpp>
#include <tandem/cpu/to_thread.hpp>

tandem::task<int> fetch(int page);

tandem::task<> f() { co_await tandem::to_thread(fetch, 1); }
