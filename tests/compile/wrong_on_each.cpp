// expect: tandem::as_completed: on_each is called with \(std::size_t index, tandem::outcome<T> result\)
// SPDX-License-Identifier: BSL-1.0
#include <vector>

#include <tandem/tasks/as_completed.hpp>

tandem::task<> f(std::vector<tandem::task<int>> tasks) {
    co_await tandem::as_completed(std::move(tasks), [](int) {});
}
