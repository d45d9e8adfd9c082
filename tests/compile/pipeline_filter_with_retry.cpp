// expect: retry, limit_by and on_done have no meaning there; give them to the stage before or after
// SPDX-License-Identifier: BSL-1.0
#include <tandem/pipeline/pipeline.hpp>

#include <vector>

bool odd(const int& v) { return v % 2 == 1; }
void f(std::vector<int>& all) {
    auto line =
        tandem::pipeline("p", all).filter("f", odd, tandem::stage_options().retry(tandem::retry_policy()));
}
