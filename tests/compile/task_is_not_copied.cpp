// expect: (use of|call to) (implicitly-)?deleted
// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/task.hpp>

tandem::task<int> one();
void f() {
    auto t = one();
    auto u = t;
}
