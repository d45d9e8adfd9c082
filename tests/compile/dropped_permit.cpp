// expect: keep the permit: dropping it gives it back at once
// compiler: clang
// flags: -Werror=unused-result -Werror=unused-value
// SPDX-License-Identifier: BSL-1.0
// GCC 12 does not look at what a discarded co_await gives.
#include <tandem/core/task.hpp>
#include <tandem/sync/semaphore.hpp>

tandem::task<> f(tandem::semaphore& s) { co_await s.acquire(); }
