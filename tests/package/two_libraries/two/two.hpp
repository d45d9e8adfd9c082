// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <tandem/core/task.hpp>

namespace two {

[[gnu::visibility("default")]] tandem::task<int> computed(int n);
[[gnu::visibility("default")]] tandem::task<> failing();

}  // namespace two
