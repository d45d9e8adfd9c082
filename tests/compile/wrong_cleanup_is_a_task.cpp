// expect: tandem::finally: the cleanup is a callable without parameters that returns a tandem::task
// SPDX-License-Identifier: BSL-1.0
#include <tandem/tasks/finally.hpp>

tandem::task<int> g();

tandem::task<> f() { co_await tandem::finally(g(), g()); }
