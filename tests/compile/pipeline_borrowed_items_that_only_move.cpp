// expect: and these cannot be copied; hand the range over with std::move
// SPDX-License-Identifier: BSL-1.0
#include <tandem/pipeline/pipeline.hpp>

#include <memory>
#include <vector>

void f(std::vector<std::unique_ptr<int>>& all) { auto line = tandem::pipeline("p", all); }
