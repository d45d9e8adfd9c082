// Several waits at once, and the four things that can be done about failures.
// SPDX-License-Identifier: BSL-1.0
// expect: ^in time: 2 of 3$
#include <tandem/tandem.hpp>

#include <chrono>
#include <cstddef>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "check.hpp"

using namespace std::chrono_literals;

int requests_open = 0;

// Destructors run however a coroutine ends: with a value, by an exception, or because it is cancelled.
class open_request {
public:
    open_request() { ++requests_open; }
    ~open_request() { --requests_open; }
};

tandem::task<std::string> fetch(std::string source, std::chrono::milliseconds delay) {
    open_request counted;
    co_await tandem::sleep(delay);
    co_return source + " is here";
}

tandem::task<std::string> fetch_broken(std::string source) {
    open_request counted;
    co_await tandem::sleep(10ms);
    throw std::runtime_error(source + " is down");
}

// All succeed: the results come in the order of the arguments, after the time of the slowest.
tandem::task<> all_succeed() {
    const auto start = tandem::this_task::loop().now();
    auto answers = co_await tandem::gather(fetch("weather", 40ms), fetch("news", 30ms), fetch("wiki", 20ms));
    auto& [weather, news, wiki] = answers;  // in a second statement: see docs/explain/compilers.md
    const auto took = tandem::this_task::loop().now() - start;

    check(weather == "weather is here" && news == "news is here" && wiki == "wiki is here",
          "results stand in the order of the arguments");
    check(took < 90ms, "three waits at once take the time of the longest, not the sum");
    std::cout << "all three: " << weather << ", " << news << ", " << wiki << '\n';
}

// One fails: the others are cancelled and waited for, then the exception is rethrown as it is.
tandem::task<> first_failure_ends_it() {
    std::string problem;
    try {
        co_await tandem::gather(fetch("weather", 10s), fetch_broken("news"));
    } catch (const std::runtime_error& error) {  // not wrapped in anything
        problem = error.what();
    }
    check(problem == "news is down", "the exception of the child arrives unchanged");
    check(requests_open == 0, "the slow request was cancelled and has ended");
    std::cout << "failed: " << problem << ", requests still open: " << requests_open << '\n';
}

// Failures as values: each child has an outcome, and nobody is cancelled because another one failed.
tandem::task<> failures_as_values() {
    auto outcomes =
        co_await tandem::gather(tandem::return_exceptions, fetch("weather", 20ms), fetch_broken("news"));
    auto& [weather, news] = outcomes;
    check(weather.has_value() && news.has_exception(), "the failure of one leaves the other alone");
    std::cout << "outcomes: " << weather.value() << ", " << news.value_or("no news") << '\n';
}

// A vector of tasks works as well, and limit(n) lets no more than n of them run at a time.
tandem::task<> a_whole_list() {
    std::vector<tandem::task<std::string>> pages;
    for (int page = 1; page <= 6; ++page) pages.push_back(fetch("page " + std::to_string(page), 5ms));
    std::vector<std::string> texts = co_await tandem::gather(tandem::limit(2), std::move(pages));
    check(texts.size() == 6 && texts[5] == "page 6 is here", "a vector gives a vector, in its order");
    std::cout << "a list: " << texts.size() << " pages, the last: " << texts.back() << '\n';
}

// A limited time for all: what has arrived by then is kept, the rest is cancelled.
tandem::task<> what_is_there_in_time() {
    std::vector<tandem::task<std::string>> sources;
    sources.push_back(fetch("weather", 10ms));
    sources.push_back(fetch("news", 20ms));
    sources.push_back(fetch("archive", 10s));
    auto outcomes = co_await tandem::gather(tandem::within(100ms), std::move(sources));

    std::size_t arrived = 0;
    for (const auto& outcome : outcomes) arrived += outcome.has_value() ? 1 : 0;
    check(arrived == 2 && outcomes[2].was_cancelled(),
          "two arrive in time, the third says that it was cancelled");
    check(requests_open == 0, "nothing runs on after gather has returned");
    std::cout << "in time: " << arrived << " of " << outcomes.size() << '\n';
}

tandem::task<> amain() {
    co_await all_succeed();
    co_await first_failure_ends_it();
    co_await failures_as_values();
    co_await a_whole_list();
    co_await what_is_there_in_time();
}

int main() { tandem::run(amain()); }
