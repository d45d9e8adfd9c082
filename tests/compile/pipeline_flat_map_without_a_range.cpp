// expect: the function of flat_map gives a range or a std::optional, or a task of one, and this one does not
// SPDX-License-Identifier: BSL-1.0
#include <tandem/pipeline/pipeline.hpp>

#include <vector>

tandem::task<int> twice(int v) { co_return 2 * v; }
tandem::task<> store(int) { co_return; }
void f(std::vector<int>& all) {
    auto line = tandem::pipeline("p", all).flat_map("f", twice).sink("s", store);
}
