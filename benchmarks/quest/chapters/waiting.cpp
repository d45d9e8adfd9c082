// Waiting: ten APIs take 2 s each. One after the other that is 20 s, in which this program does nothing
// but wait. gather waits for all of them at once: 2 s, the time of the slowest.
// SPDX-License-Identifier: BSL-1.0
#include "chapter.hpp"

namespace quest {

using namespace std::chrono_literals;

tandem::task<chapter_result> waiting(course& with) {
    constexpr int apis = 10;
    const auto latency = with.scaled(2s);
    chapter_result result;
    result.talk = "20 s -> 2 s";
    result.bound = latency;

    // One after the other: each co_await ends before the next request is sent.
    co_await with.api.reset();
    stopwatch one_by_one;
    std::vector<std::string> expected;
    for (int n = 1; n <= apis; ++n) {
        expected.push_back(co_await with.api.get("api-" + std::to_string(n), latency));
    }
    result.sequential = one_by_one.elapsed();
    const server_statistics before = co_await with.api.statistics();

    // At once: a task does nothing until it is awaited, so first make them, then await all.
    co_await with.api.reset();
    stopwatch at_once;
    std::vector<tandem::task<std::string>> requests;
    for (int n = 1; n <= apis; ++n) requests.push_back(with.api.get("api-" + std::to_string(n), latency));
    const std::vector<std::string> answers = co_await tandem::gather(std::move(requests));
    result.tandem = at_once.elapsed();
    const server_statistics after = co_await with.api.statistics();

    result.found("the server saw at most " + std::to_string(before.peak) + " request at a time, then " +
                 std::to_string(after.peak));
    result.check(answers == expected, "gather gives other answers than one after the other");
    result.check(before.peak == 1 && before.answered == apis,
                 "one after the other is not what the server saw");
    result.check(after.peak == apis && after.answered == apis, "the server did not see ten requests at once");
    result.check_against_bound();
    co_return result;
}

}  // namespace quest
