// expect: stage_gives_nothing<stage>: the function returns void, so the next stage would get nothing; use sink\(\) for the last stage
// SPDX-License-Identifier: BSL-1.0
#include <vector>

#include <tandem/pipeline/pipeline.hpp>

tandem::task<> store(int v);

void f(std::vector<int>& numbers) {
    auto line = tandem::pipeline("p", numbers).io("store", store).sink("store", store);
}
