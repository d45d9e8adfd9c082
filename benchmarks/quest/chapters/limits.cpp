// Limits: a hundred requests of 1 s, but the API allows ten at a time. The bound is 100 / 10 * 1 s.
// limit(10) starts the next request in the moment in which one ends; the server's own count says
// whether it ever saw an eleventh.
// SPDX-License-Identifier: BSL-1.0
#include "chapter.hpp"

namespace quest {

using namespace std::chrono_literals;

tandem::task<chapter_result> limits(course& with) {
    constexpr int requests = 100;
    constexpr int at_a_time = 10;
    const auto latency = with.scaled(1s);
    chapter_result result;
    result.talk = "10 at a time";
    result.bound = latency * requests / at_a_time;

    co_await with.api.reset();
    stopwatch limited;
    std::vector<tandem::task<std::string>> pages;
    for (int n = 1; n <= requests; ++n) pages.push_back(with.api.get("page-" + std::to_string(n), latency));
    const std::vector<std::string> texts =
        co_await tandem::gather(tandem::limit(at_a_time), std::move(pages));
    result.tandem = limited.elapsed();
    const server_statistics seen = co_await with.api.statistics();

    result.check(texts.size() == requests && texts.back() == "page-100",
                 "an answer is missing or out of order");
    result.check(seen.peak == at_a_time, "the server's peak is not 10");
    result.check(seen.answered == requests, "the server did not answer all");
    // Each round pays for a connection; at a small scale that is more than the usual 2 %.
    const seconds connections = std::chrono::milliseconds(2) * requests / at_a_time;
    result.check(*result.tandem <= *result.bound * 1.02 + connections + seconds(0.05),
                 "tandem is more than 2 % + 2 ms a round + 50 ms above the bound");
    result.found("the server answered " + std::to_string(seen.answered) + " and never saw more than " +
                 std::to_string(seen.peak) + " at a time");
    co_return result;
}

}  // namespace quest
