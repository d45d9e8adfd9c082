// expect: keep the permit: dropping it gives it back at once
// flags: -Werror=unused-result -Werror=unused-value
// SPDX-License-Identifier: BSL-1.0
#include <tandem/sync/semaphore.hpp>

void f(tandem::semaphore& s) { s.try_acquire(); }
