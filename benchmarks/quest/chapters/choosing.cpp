// Choosing: A answers after 1 s, B fails after 1.5 s, C would answer after 3 s. Two tools:
// gather(return_exceptions) when every answer counts on its own: 3 s, two answers and one error.
// A task group when only all of them together are of use: it ends at 1.5 s, C is cancelled, and the
// server sees that nobody waits for C any more.
// SPDX-License-Identifier: BSL-1.0
#include "chapter.hpp"
#include "loop_watch.hpp"
#include "pictures.hpp"

#include <algorithm>

namespace quest {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

/// How long the three take.
class latencies {
public:
    explicit latencies(const course& with) : a(with.scaled(1s)), b(with.scaled(1500ms)), c(with.scaled(3s)) {}
    milliseconds a, b, c;
};

std::string described(const tandem::outcome<std::string>& outcome) {
    if (outcome.has_value()) return "answered";
    if (outcome.was_cancelled()) return "cancelled";
    try {
        std::rethrow_exception(outcome.exception());
    } catch (const std::exception& error) {
        return std::string("error: ") + error.what();
    }
}

std::string described(const tandem::task_handle<std::string>& handle) {
    if (handle.cancelled()) return "cancelled";
    return handle.exception() ? "error" : "answered";
}

/// One way to ask the three: what became of each, and what the server saw.
class way {
public:
    explicit way(std::string name) : measured(std::move(name), {}) {}

    variant measured;
    std::string a, b, c;  ///< what became of them
    std::string error;    ///< what the caller got instead of answers
    server_statistics seen;
};

tandem::task<> each_on_its_own(service& api, latencies take, way& into) {
    auto outcomes = co_await tandem::gather(tandem::return_exceptions, api.get("A", take.a),
                                            api.get_broken("B", take.b), api.get("C", take.c));
    auto& [a, b, c] = outcomes;
    into.a = described(a);
    into.b = described(b);
    into.c = described(c);
}

tandem::task<> all_or_nothing(service& api, latencies take, way& into) {
    tandem::task_handle<std::string> a;
    tandem::task_handle<std::string> b;
    tandem::task_handle<std::string> c;
    try {
        co_await tandem::with_task_group([&](tandem::task_group& group) -> tandem::task<> {
            a = group.create_task(api.get("A", take.a), "A");
            b = group.create_task(api.get_broken("B", take.b), "B");
            c = group.create_task(api.get("C", take.c), "C");
            co_return;
        });
    } catch (tandem::exception_group& errors) {
        errors.handle<api_error>([&](const api_error& error) { into.error = error.what(); });
        errors.rethrow_unhandled();
    }
    into.a = described(a);
    into.b = described(b) + ": " + into.error;
    into.c = described(c);
}

using asking = tandem::task<> (*)(service&, latencies, way&);

tandem::task<> measure(course& with, asking ask, way& into) {
    co_await with.api.reset();
    stopwatch run;
    co_await ask(with.api, latencies(with), into);
    into.measured.runs.push_back(run.elapsed());
    into.seen = co_await with.api.statistics();
    const std::vector<seen_request> log = co_await with.api.log();
    into.measured.spans = lanes_of(log, run.start());
    into.measured.curves.assign(1, in_flight_of(log, run.start()));
}

// When the server saw the end of `lane`.
seconds end_of(const way& of, const std::string& lane) {
    const auto found = std::ranges::find(of.measured.spans, lane, &span::lane);
    return found == of.measured.spans.end() ? seconds(0) : found->end;
}

panel outcomes_of(const way& gathered, const way& grouped) {
    const auto cell = [](const std::string& what, seconds when) {
        return what + " (" + in_seconds(when) + ")";
    };
    panel table("What became of each, and when the server saw its end",
                {"API", "gather(return_exceptions)", "task group"});
    table.rows.push_back(
        {"A", cell(gathered.a, end_of(gathered, "A")), cell(grouped.a, end_of(grouped, "A"))});
    table.rows.push_back(
        {"B", cell(gathered.b, end_of(gathered, "B")), cell(grouped.b, end_of(grouped, "B"))});
    table.rows.push_back(
        {"C", cell(gathered.c, end_of(gathered, "C")), cell(grouped.c, end_of(grouped, "C"))});
    table.note = "A cancelled request closes its connection: the server stops working for nobody.";
    return table;
}

void check(chapter_result& result, const way& gathered, const way& grouped, latencies take) {
    const seconds allowed = whim();
    result.check(gathered.a == "answered" && gathered.b == "error: B is down" && gathered.c == "answered",
                 "gather(return_exceptions) does not give two answers and one error");
    result.check(
        gathered.measured.runs.back() >= take.c && gathered.measured.runs.back() <= take.c * 1.02 + allowed,
        "gather(return_exceptions) did not take the time of C");
    result.check(gathered.seen.answered == 3 && gathered.seen.abandoned == 0,
                 "the server saw a request of gather end early");
    result.check(grouped.error == "B is down", "the task group does not give B's error");
    result.check(grouped.a == "answered" && grouped.c == "cancelled",
                 "the task group did not cancel C alone");
    result.check(grouped.seen.answered == 2 && grouped.seen.abandoned == 1,
                 "the server did not see that C was given up");
    const seconds b = end_of(grouped, "B");
    const seconds c = end_of(grouped, "C");
    result.check(c >= b && c <= b + allowed,
                 "the server saw C's end more than " + in_milliseconds(allowed) + " after B's");
    check_against_bound(result);
}

}  // namespace

tandem::task<chapter_result> choosing(course& with) {
    const latencies take(with);
    chapter_result result;
    result.talk = "3 s or 1.5 s";
    result.bound = take.b;

    way gathered("gather(return_exceptions)");
    co_await measure(with, each_on_its_own, gathered);
    way grouped("task group");
    for (int run = 0; run < with.runs_of(take.b); ++run) co_await measure(with, all_or_nothing, grouped);
    result.tandem = median(grouped.measured.runs);

    check(result, gathered, grouped, take);
    result.found("gather(return_exceptions): A and C answered, B failed: " +
                 in_seconds(gathered.measured.runs.back()) + ", the time of C");
    result.found("task group: \"" + grouped.error + "\" after " + in_seconds(end_of(grouped, "B")) +
                 "; the server saw C's connection close after " + in_seconds(end_of(grouped, "C")));
    result.panels.push_back(outcomes_of(gathered, grouped));
    gathered.measured.bound = take.c;
    result.variants.push_back(std::move(gathered.measured));
    result.variants.push_back(std::move(grouped.measured));
    co_return result;
}

}  // namespace quest
