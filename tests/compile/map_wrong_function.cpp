// expect: tandem::map: fn cannot be called with \(element\) nor with \(std::stop_token, element\)
// expect: tandem::map_unordered: fn cannot be called with \(element\) nor with \(std::stop_token, element\)
// SPDX-License-Identifier: BSL-1.0
#include <cstddef>
#include <string>
#include <vector>

#include <tandem/core/task.hpp>
#include <tandem/cpu/map.hpp>
#include <tandem/cpu/map_unordered.hpp>

int square(int x);
void append(std::string& text);
void note(std::size_t index, int result);

tandem::task<> f(tandem::executor& pool, std::vector<std::string> texts) {
    co_await tandem::map(pool, texts, append);
    co_await tandem::map_unordered(pool, texts, square, note);
}
