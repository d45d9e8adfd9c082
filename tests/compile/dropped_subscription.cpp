// expect: keep the subscription: dropping it ends it
// flags: -Werror=unused-result -Werror=unused-value
// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/task.hpp>
#include <tandem/sync/broadcast.hpp>

void f(tandem::broadcast<int>& b) { b.subscribe(); }
