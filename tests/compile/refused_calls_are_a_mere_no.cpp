// expect-ok
// SPDX-License-Identifier: BSL-1.0
// What is refused with a sentence is still a no for requires, and what is near to it a yes.
#include <chrono>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <tandem/asio/run.hpp>
#include <tandem/core/sleep.hpp>
#include <tandem/cpu/map.hpp>
#include <tandem/cpu/run_in_executor.hpp>
#include <tandem/tasks/create_task.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/race.hpp>
#include <tandem/tasks/shield.hpp>
#include <tandem/tasks/timeout.hpp>
#include <tandem/tasks/wait.hpp>

using number_task = tandem::task<int>;
using function = number_task (*)();
using seconds = std::chrono::seconds;
using coarse_point = std::chrono::time_point<std::chrono::steady_clock, std::chrono::milliseconds>;

template <class... A>
concept gathered = requires(A... a) {
    tandem::gather(std::move(a)...);
};
static_assert(gathered<> && gathered<number_task> && gathered<number_task, tandem::task<>>);
static_assert(gathered<std::vector<number_task>> && gathered<tandem::limit, std::vector<number_task>>);
static_assert(!gathered<int> && !gathered<function> && !gathered<number_task, function>);
static_assert(!gathered<tandem::limit, number_task, number_task> && !gathered<std::vector<int>>);

template <class T>
concept slept = requires(T t) {
    tandem::sleep(t);
};
static_assert(slept<seconds> && slept<std::chrono::duration<double>> && !slept<int> && !slept<double>);
template <class T>
concept slept_until = requires(T t) {
    tandem::sleep_until(t);
};
static_assert(slept_until<tandem::time_point> && slept_until<coarse_point> && !slept_until<seconds>);

template <class T, class A>
concept limited = requires(T t, A a) {
    tandem::timeout(t, std::move(a));
};
static_assert(limited<seconds, number_task> && !limited<int, number_task> && !limited<seconds, function>);
template <class T, class A>
concept limited_at = requires(T t, A a) {
    tandem::timeout_at(t, std::move(a));
};
static_assert(limited_at<coarse_point, number_task> && !limited_at<seconds, number_task>);

template <class... A>
concept created = requires(A... a) {
    tandem::create_task(std::move(a)...);
};
static_assert(created<number_task> && created<number_task, std::string> && created<function>);
static_assert(!created<int> && !created<number_task, int> && !created<function, int>);

template <class R>
concept waited_for = requires(R r) {
    tandem::wait(r);
};
static_assert(waited_for<std::vector<tandem::task_handle<int>>> && !waited_for<std::vector<number_task>>);

template <class A>
concept shielded = requires(A a) {
    tandem::shield(std::move(a));
};
static_assert(shielded<number_task> && !shielded<function>);
template <class... A>
concept raced = requires(A... a) {
    tandem::race(std::move(a)...);
};
static_assert(raced<number_task, number_task> && !raced<number_task, int>);

template <class... A>
concept run_by_a_loop = requires(A... a) {
    tandem::run(std::move(a)...);
};
static_assert(run_by_a_loop<number_task> && !run_by_a_loop<function> && !run_by_a_loop<int>);

template <class... A>
concept mapped = requires(A... a) {
    tandem::map(a...);
};
static_assert(mapped<tandem::executor&, std::vector<int>, int (*)(int)>);
static_assert(!mapped<tandem::executor&, int, int (*)(int)> && !mapped<std::vector<int>, int (*)(int)>);

static_assert(!std::is_copy_constructible_v<number_task> &&
              std::is_nothrow_move_constructible_v<number_task>);

// A function of one's own with the same name is found beside ours, and preferred, however loosely it fits.
namespace own {
long gather(number_task&&, double);
static_assert(std::is_same_v<decltype(gather(number_task(), 1)), long>);
template <class F, class G>
long race(F&&, G&&);
static_assert(std::is_same_v<decltype(race(function(), function())), long>);
}  // namespace own

// No closure: what is wrong with it is said by the call that it is passed to.
static_assert(tandem::detail::safe_callable<number_task> && tandem::detail::safe_callable<std::string>);
