// expect: tandem::condition::wait: the predicate is a callable without parameters that gives bool
// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/task.hpp>
#include <tandem/sync/condition.hpp>

tandem::task<> f(tandem::condition& c) {
    co_await c.wait([](int) { return true; });
}
