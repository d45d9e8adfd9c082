// expect: tandem::gather: takes what can be awaited, or one range of it: call the functions, gather\(f\(\),
// g\(\)\) expect: tandem::race: takes what can be awaited, or one range of it expect: tandem::any_success:
// takes one range of what can be awaited expect: tandem::shield: takes what can be awaited; call a function,
// shield\(f\(\)\) expect: tandem::finally: takes what can be awaited and a callable that gives the task of
// the cleanup expect: tandem::as_completed: takes one range of what can be awaited, and on_each expect:
// tandem::wait: takes a range of handles, a std::vector of what create_task gives SPDX-License-Identifier:
// BSL-1.0
#include <cstddef>
#include <vector>

#include <tandem/tasks/as_completed.hpp>
#include <tandem/tasks/finally.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/race.hpp>
#include <tandem/tasks/shield.hpp>
#include <tandem/tasks/wait.hpp>

tandem::task<int> g();
void note(std::size_t index, tandem::outcome<int> result);

tandem::task<> f(std::vector<int> numbers, std::vector<tandem::task<int>> tasks) {
    co_await tandem::gather(g, g());
    co_await tandem::race(1, 2);
    co_await tandem::any_success(g(), g());
    co_await tandem::shield(g);
    co_await tandem::finally(g, g);
    co_await tandem::as_completed(numbers, note);
    co_await tandem::wait(tasks);
}
