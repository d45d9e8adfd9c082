// expect-ok
// flags: -Wall -Wextra -Werror
// SPDX-License-Identifier: BSL-1.0
#include <chrono>
#include <string>
#include <vector>

#include <tandem/core/sleep.hpp>
#include <tandem/sync/condition.hpp>
#include <tandem/tasks/as_completed.hpp>
#include <tandem/tasks/finally.hpp>
#include <tandem/tasks/task_group.hpp>

tandem::task<> f(tandem::condition& c, std::string s, std::vector<tandem::task<int>> tasks) {
    const auto named = [s](tandem::task_group&) -> tandem::task<> { co_return; };
    co_await tandem::with_task_group(named);
    auto given = [s](tandem::task_group&) -> tandem::task<> { co_return; };
    co_await tandem::with_task_group(tandem::moved(given));
    co_await tandem::with_task_group([&](tandem::task_group& group) -> tandem::task<> {
        group.create_task([](std::string) -> tandem::task<> { co_return; }, s);
        co_return;
    });
    co_await tandem::finally(tandem::sleep(std::chrono::seconds(1)), [&]() -> tandem::task<> { co_return; });
    co_await c.wait([&] { return !s.empty(); });
    co_await tandem::as_completed(std::move(tasks), [&](std::size_t, tandem::outcome<int>) { return s.empty(); });
}
