// expect: tandem: GCC before 13 destroys the captures of this temporary lambda twice
// compiler: gcc<13
// SPDX-License-Identifier: BSL-1.0
#include <string>
#include <vector>

#include <tandem/tasks/as_completed.hpp>

tandem::task<> f(std::string s, std::vector<tandem::task<int>> tasks) {
    // tandem-lint: allow S2 (the form that the library refuses)
    co_await tandem::as_completed(std::move(tasks), [s](std::size_t, tandem::outcome<int>) {});
}
