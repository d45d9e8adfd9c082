// expect: keep the guard: dropping it releases at once
// compiler: clang
// flags: -Werror=unused-result -Werror=unused-value
// SPDX-License-Identifier: BSL-1.0
// GCC 12 does not look at what a discarded co_await gives.
#include <tandem/core/task.hpp>
#include <tandem/sync/lock.hpp>

tandem::task<> f(tandem::lock& l) { co_await l.acquire(); }
