// expect: co_await it
// flags: -Werror=unused-result -Werror=unused-value
// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/task.hpp>
#include <tandem/sync/queue.hpp>

tandem::task<> f(tandem::queue<int>& q) {
    q.put(1);
    co_return;
}
