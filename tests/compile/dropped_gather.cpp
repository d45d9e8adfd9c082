// expect: co_await it
// flags: -Werror=unused-result -Werror=unused-value
// SPDX-License-Identifier: BSL-1.0
#include <tandem/tasks/gather.hpp>

tandem::task<int> one();
tandem::task<> f() {
    tandem::gather(one(), one());
    co_return;
}
