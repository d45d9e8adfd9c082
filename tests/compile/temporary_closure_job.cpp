// expect: tandem: GCC before 13 destroys the captures of this temporary lambda twice
// compiler: gcc<13
// SPDX-License-Identifier: BSL-1.0
#include <string>

#include <tandem/core/task.hpp>
#include <tandem/cpu/run_in_executor.hpp>

tandem::task<> f(tandem::executor& pool, std::string s) {
    // tandem-lint: allow S2 (the form that the library refuses)
    co_await tandem::run_in_executor(pool, [s] { return s.size(); });
}
