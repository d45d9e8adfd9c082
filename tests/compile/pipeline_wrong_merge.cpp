// expect: tandem::merge: each source is a range, a tandem::queue, or a callable that gives a task of
// std::optional SPDX-License-Identifier: BSL-1.0
#include <tandem/pipeline/pipeline.hpp>

#include <vector>

void f(std::vector<int>& all) { auto line = tandem::pipeline("p", tandem::merge(all, 5)); }
