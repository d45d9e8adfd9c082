// SPDX-License-Identifier: BSL-1.0
// What either library has, in its own namespace: PART is its name.
#include <tandem/core/task.hpp>

namespace PART {

[[gnu::visibility("default")]] tandem::task<int> computed(int n);
[[gnu::visibility("default")]] tandem::task<> failing();

}  // namespace PART
