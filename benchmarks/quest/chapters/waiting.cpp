// Waiting: ten APIs take 2 s each. One after the other that is 20 s, in which this program does nothing
// but wait. gather waits for all of them at once: 2 s, the time of the slowest.
// SPDX-License-Identifier: BSL-1.0
#include "chapter.hpp"
#include "pictures.hpp"
#include "python.hpp"

namespace quest {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr int apis = 10;

std::string name_of_api(int n) { return "api-" + std::to_string(n); }

// Each co_await ends before the next request is sent.
tandem::task<std::vector<std::string>> one_after_the_other(service& api, milliseconds latency) {
    std::vector<std::string> answers;
    for (int n = 1; n <= apis; ++n) answers.push_back(co_await api.get(name_of_api(n), latency));
    co_return answers;
}

// A task does nothing until it is awaited: first make them, then await all.
tandem::task<std::vector<std::string>> all_at_once(service& api, milliseconds latency) {
    std::vector<tandem::task<std::string>> requests;
    for (int n = 1; n <= apis; ++n) requests.push_back(api.get(name_of_api(n), latency));
    co_return co_await tandem::gather(std::move(requests));
}

/// What one way of asking gave.
class way {
public:
    explicit way(std::string name) : measured(std::move(name), {}) {}

    variant measured;
    std::vector<std::string> answers;
    server_statistics seen;
};

using asking = tandem::task<std::vector<std::string>> (*)(service&, milliseconds);

tandem::task<> measure(course& with, asking ask, way& into) {
    const auto latency = with.scaled(2s);
    co_await with.api.reset();
    stopwatch run;
    into.answers = co_await ask(with.api, latency);
    into.measured.runs.push_back(run.elapsed());
    into.seen = co_await with.api.statistics();
    const std::vector<seen_request> log = co_await with.api.log();
    into.measured.spans = lanes_of(log, run.start());
    into.measured.curves.assign(1, in_flight_of(log, run.start()));
}

}  // namespace

tandem::task<chapter_result> waiting(course& with) {
    chapter_result result;
    result.talk = "20 s -> 2 s";
    result.bound = with.scaled(2s);

    way before("one after the other");
    co_await measure(with, one_after_the_other, before);
    result.sequential = median(before.measured.runs);

    way after("gather");
    for (int run = 0; run < with.runs_of(*result.bound); ++run) co_await measure(with, all_at_once, after);
    result.tandem = median(after.measured.runs);

    result.check(after.answers == before.answers, "gather gives other answers than one after the other");
    result.check(before.seen.peak == 1 && before.seen.answered == apis,
                 "one after the other is not what the server saw");
    result.check(after.seen.peak == apis && after.seen.answered == apis,
                 "the server did not see ten requests at once");
    check_against_bound(result);
    result.found("the server saw at most " + std::to_string(before.seen.peak) + " request at a time, then " +
                 std::to_string(after.seen.peak));
    result.variants.push_back(std::move(before.measured));
    result.variants.push_back(std::move(after.measured));
    std::vector<std::string> arguments{"--runs=" + std::to_string(with.runs_of(*result.bound))};
    co_await measure_python(with, result, "waiting", std::move(arguments));
    co_return result;
}

}  // namespace quest
