// expect: tandem: co_await of a function; call it, co_await f\(\), and await what it gives
// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/task.hpp>

tandem::task<int> fetch(int page);

tandem::task<> f() { co_await fetch; }
