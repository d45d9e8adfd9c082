// expect: tandem::map_unordered: on_result is called with \(std::size_t index, the result of fn\)
// SPDX-License-Identifier: BSL-1.0
#include <string>
#include <vector>

#include <tandem/core/task.hpp>
#include <tandem/cpu/map_unordered.hpp>

int length(const std::string& text);
void note(int result);

tandem::task<> f(tandem::executor& pool, const std::vector<std::string>& texts) {
    co_await tandem::map_unordered(pool, texts, length, note);
}
