// Choosing: A answers after 1 s, B fails after 1.5 s, C would answer after 3 s. Two tools:
// gather(return_exceptions) when every answer counts on its own: 3 s, two answers and one error.
// A task group when only all of them together are of use: it ends at 1.5 s, C is cancelled, and the
// server sees that nobody waits for C any more.
// SPDX-License-Identifier: BSL-1.0
#include "chapter.hpp"

namespace quest {

using namespace std::chrono_literals;

tandem::task<chapter_result> choosing(course& with) {
    const auto a = with.scaled(1s);
    const auto b = with.scaled(1500ms);
    const auto c = with.scaled(3s);
    chapter_result result;
    result.talk = "3 s or 1.5 s";
    result.bound = b;

    co_await with.api.reset();
    stopwatch every_one;
    auto outcomes = co_await tandem::gather(tandem::return_exceptions, with.api.get("A", a),
                                            with.api.get_broken("B", b), with.api.get("C", c));
    auto& [from_a, from_b, from_c] = outcomes;
    const seconds each_on_its_own = every_one.elapsed();
    const server_statistics seen_by_gather = co_await with.api.statistics();

    co_await with.api.reset();
    stopwatch all_or_nothing;
    std::string reason;
    tandem::task_handle<std::string> handle_of_c;
    try {
        co_await tandem::with_task_group([&](tandem::task_group& group) -> tandem::task<> {
            group.create_task(with.api.get("A", a), "A");
            group.create_task(with.api.get_broken("B", b), "B");
            handle_of_c = group.create_task(with.api.get("C", c), "C");
            co_return;
        });
    } catch (tandem::exception_group& errors) {
        errors.handle<api_error>([&](const api_error& error) { reason = error.what(); });
        errors.rethrow_unhandled();
    }
    result.tandem = all_or_nothing.elapsed();
    const server_statistics seen_by_group = co_await with.api.statistics();

    result.check(from_a.has_value() && from_b.has_exception() && from_c.has_value(),
                 "gather(return_exceptions) does not give two answers and one error");
    result.check(each_on_its_own >= c, "gather(return_exceptions) did not wait for C");
    result.check(seen_by_gather.answered == 3 && seen_by_gather.abandoned == 0,
                 "the server saw a request of gather end early");
    result.check(reason == "B is down", "the task group does not give B's error");
    result.check(handle_of_c.cancelled(), "the task group did not cancel C");
    result.check(seen_by_group.answered == 2 && seen_by_group.abandoned == 1,
                 "the server did not see that C was given up");
    result.check_against_bound();
    result.found("gather(return_exceptions): A and C answered, \"B is down\", after the time of C");
    result.found("task group: \"" + reason + "\", C cancelled; the server saw " +
                 std::to_string(seen_by_group.abandoned) + " connection closed early");
    co_return result;
}

}  // namespace quest
