// Agent: three sources answer after 2, 1.5 and 3 s, and each answer takes 2 s of a core to read.
// One after the other: 12.5 s. All at once, then the work: the talk's 5 s, with three cores or more.
// tandem begins the work on each text when it is there, in parts that all cores share: on two cores 4.5 s,
// which is the bound. Then six sources, each with a shape and a fault of its own.
// SPDX-License-Identifier: BSL-1.0
#include "agent/picture.hpp"
#include "agent/scenario.hpp"
#include "chapter.hpp"
#include "loop_watch.hpp"
#include "python.hpp"
#include "run_record.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

namespace quest {
namespace {

using namespace std::chrono_literals;

/// What the runs of this chapter share.
class desk {
public:
    desk(course& c, chapter_result& into) : with(c), result(into), pool(tandem::available_cores()) {}

    course& with;
    chapter_result& result;
    tandem::cpu_executor pool;  // all cores: while the agent computes its loop has nothing to do

    agent_limits limits() const {
        // A small scale is no reason to give up on a server that the system has put aside for a moment.
        return agent_limits()
            .call(std::max<tandem::duration>(with.scaled(5s), 1s))
            .budget(std::max<tandem::duration>(with.scaled(15s), 3s));
    }
    web_options patience() const {
        return web_options()
            .retry_base(with.scaled(100ms))
            .hedge_after(with.scaled(300ms))
            .limit(60, with.scaled(6s));
    }
    web_tools tools(const std::vector<scripted_source>& sources, const text::corpus& texts,
                    const char* prefix) {
        return web_tools(pool, texts.question, addresses(sources, with.api.base_url(), prefix), patience());
    }
};

tandem::task<> keep(course& with, const std::vector<scripted_source>& sources, const text::corpus& texts,
                    std::string prefix) {
    for (std::size_t i = 0; i < sources.size(); ++i) {
        co_await with.api.keep_document(prefix + sources[i].name, texts.documents[i]);
    }
}

/// The times of some runs with the same schedule, and the last of them.
class measured {
public:
    explicit measured(std::string title) : name(std::move(title)) {}

    std::string name;
    std::vector<seconds> times;
    double best_share = 0;  ///< of the bound for the very times that a run's own requests and work took
    agent_report last;
};

// The bound for what a run met: when its texts came, and how long each part had a worker, also while the
// system had put that worker aside for other programs.
seconds occupied_bound(const agent_report& run) {
    std::vector<arriving_work> all;
    for (const source_slot& s : run.slots) all.emplace_back(s.received, s.occupied);
    return least_time(all, run.workers);
}

tandem::task<measured> measure(desk& d, std::string name, schedule how,
                               const std::vector<scripted_source>& sources, const text::corpus& texts,
                               int runs) {
    measured m(std::move(name));
    // The other designs are measured to their end, also on a machine where that is beyond the budget.
    agent_limits limits = d.limits();
    if (how != schedule::overlapped) limits.budget(4 * limits.budget());
    for (int i = 0; i < runs; ++i) {
        web_tools tools = d.tools(sources, texts, "");
        m.last = co_await run_agent(tools, how, limits);
        m.times.push_back(m.last.elapsed);
        m.best_share = std::max(m.best_share, occupied_bound(m.last) / m.last.elapsed);
        d.result.check(!m.last.partial(), m.name + ": " + m.last.last_line());
    }
    co_return m;
}

seconds bound_of(const std::vector<scripted_source>& sources, const agent_report& work, std::size_t workers) {
    std::vector<arriving_work> all;
    for (std::size_t i = 0; i < sources.size(); ++i) all.emplace_back(sources[i].io, work.slots[i].cpu);
    return least_time(all, workers);
}

std::string of_bound(seconds time, seconds bound) {
    return in_seconds(time) + " (" + with_decimals(100 * (bound / time), 1) + " % of the bound)";
}

std::string cited(const text::answer& a) {
    std::string from;
    for (const text::citation& c : a.citations) {
        from += (from.empty() ? "" : ", ") + c.source + " [" + std::to_string(c.passage + 1) + "]";
    }
    return "\"" + a.text + "\" (" + from + ")";
}

void compare_answers(chapter_result& result, const text::corpus& texts,
                     const std::vector<const measured*>& all) {
    const text::answer& first = all.front()->last.answer;
    for (const measured* const m : all) {
        result.check(m->last.answer.hash() == first.hash(),
                     m->name + ": another answer than one after the other");
    }
    result.check(text::normalise(first.text).find(texts.answer) != std::string::npos,
                 "the answer is not the one that was planted: " + cited(first));
    result.found(texts.question + " " + cited(first) + ", " + std::to_string(first.duplicates) + " of " +
                 std::to_string(first.passages) + " passages were near-duplicates");
}

tandem::task<> ask_three(desk& d, std::size_t sentences) {
    chapter_result& result = d.result;
    const std::vector<scripted_source> sources = three_sources(d.with.scale());
    const text::corpus texts = text::make_corpus(d.with.seed(), sources.size(), sentences);
    co_await keep(d.with, sources, texts, "");
    co_await d.with.api.reset();

    measured one =
        co_await measure(d, "one after the other", schedule::one_after_the_other, sources, texts, 1);
    const std::size_t workers = d.pool.max_workers();
    const int runs = d.with.runs_of(bound_of(sources, one.last, workers));
    measured barrier = co_await measure(d, "barrier", schedule::barrier, sources, texts, runs);
    measured whole =
        co_await measure(d, "overlapped, whole texts", schedule::overlapped_whole, sources, texts, runs);
    measured split = co_await measure(d, "tandem", schedule::overlapped, sources, texts, runs);
    const server_statistics seen = co_await d.with.api.statistics();

    // The work as the fastest schedule had it: the same texts, but the cores are not always the same.
    seconds bound = seconds::max();
    for (const measured* const m : {&one, &barrier, &whole, &split})
        bound = std::min(bound, bound_of(sources, m->last, workers));
    result.bound = bound;
    result.sequential = median(one.times);
    result.tandem = median(split.times);
    compare_answers(result, texts, std::vector<const measured*>{&one, &barrier, &whole, &split});
    result.found("barrier " + in_seconds(median(barrier.times)) + ", overlapped with whole texts " +
                 in_seconds(median(whole.times)) + ", in parts " + of_bound(median(split.times), bound) +
                 "; workers used: " + std::to_string(split.last.workers_used) + " of " +
                 std::to_string(split.last.workers));
    result.found("first result after " + in_seconds(split.last.first_result) +
                 "; core-seconds: " + in_seconds(split.last.cpu) + ", the server's for all runs " +
                 with_decimals(seen.cpu_seconds, 3) + " s");
    // Held against what the run met, because other programs may have had the cores.
    const seconds allowed = whim();
    result.check(split.best_share >= 0.95 * (1 - allowed / std::max(bound, allowed)),
                 "the agent is more than 5 % + " + in_milliseconds(allowed) +
                     " above the bound of its own times: " + in_percent(split.best_share) + " of it");
    // A short text has no more parts than some machines have cores.
    result.check(split.last.workers_used >= std::min<std::size_t>(split.last.workers, 8),
                 "not all workers were used");
    result.check(seen.peak == static_cast<int>(sources.size()),
                 "the server did not see three requests at once");
    result.check(seen.abandoned == 0, "the server saw a request given up");
    for (const measured* const m : {&one, &barrier, &whole, &split}) {
        result.variants.push_back(picture_of(m->name, m->times, m->last));
    }
    result.panels.push_back(table_of("The agent's sources", split.last));
}

tandem::task<> ask_six(desk& d, const text::corpus& texts) {
    chapter_result& result = d.result;
    const std::vector<scripted_source> sources = six_sources(d.with.scale());
    co_await d.with.api.reset();
    web_tools tools = d.tools(sources, texts, "six-");
    const agent_report run = co_await run_agent(tools, schedule::overlapped, d.limits());
    const server_statistics seen = co_await d.with.api.statistics();
    const seconds bound = occupied_bound(run);

    result.found("six sources: " + run.last_line() + "; " + with_decimals(100 * (bound / run.elapsed), 1) +
                 " % of its bound, " + in_seconds(bound));
    result.check(!run.partial(), "six sources: " + run.last_line());
    result.check(text::normalise(run.answer.text).find(texts.answer) != std::string::npos,
                 "six sources: the answer is not the one that was planted: " + cited(run.answer));
    result.check(run.slots[3].note == "hedged" && seen.abandoned >= 1,
                 "six sources: the slow replica was not given up for the other one");
    result.check(run.slots[4].attempts == 2, "six sources: the forum was not asked again after its 429");
    variant& drawn =
        result.variants.emplace_back(picture_of("six sources", std::vector<seconds>{run.elapsed}, run));
    drawn.same_work = false;
    drawn.bound = bound;
    result.panels.push_back(table_of("Six sources", run));
}

tandem::task<> ask_until_three_agree(desk& d, const text::corpus& texts) {
    co_await d.with.api.reset();
    web_tools tools = d.tools(six_sources(d.with.scale()), texts, "six-");
    const agent_report run = co_await run_agent(tools, schedule::overlapped, d.limits().quorum(3));
    d.result.found("until three agree: " + in_seconds(run.elapsed) + ", " + cited(run.answer));
    d.result.check(run.answered() == 3, "quorum: " + run.last_line());
    d.result.panels.push_back(table_of("Six sources, until three agree", run));
}

tandem::task<> ask_six_faulty(desk& d, const text::corpus& texts) {
    static constexpr ending expected[] = {ending::answered, ending::error, ending::answered,
                                          ending::answered, ending::error, ending::timeout};
    chapter_result& result = d.result;
    co_await d.with.api.reset();
    web_tools tools = d.tools(six_faulty_sources(d.with.scale()), texts, "six-");
    const auto call = std::max<tandem::duration>(d.with.scaled(5s), 500ms);
    const agent_report run = co_await run_agent(tools, schedule::overlapped, d.limits().call(call));
    const tandem::http::pool_statistics left = tools.connections();
    result.found("with faults: " + run.last_line());
    for (std::size_t i = 0; i < run.slots.size(); ++i) {
        const source_slot& s = run.slots[i];
        result.check(s.how == expected[i], "faults: " + s.name + ": " + to_string(s.how) + ", " + s.error);
        const bool in_time = s.how == ending::answered || s.done <= call + 5 * whim();
        result.check(in_time, "faults: " + s.name + " was given up late, at " + in_seconds(s.done));
    }
    result.check(left.active == 0 && left.waiters == 0, "faults: a connection is still in use");
    result.variants.push_back(picture_of("six sources with faults", std::vector<seconds>{run.elapsed}, run));
    result.variants.back().same_work = false;
    result.panels.push_back(
        table_of("Failures: fails twice, cut short, cut in an event, a replica that hangs, "
                 "asks for five minutes, drips",
                 run));
}

}  // namespace

tandem::task<chapter_result> agent(course& with) {
    chapter_result result;
    result.talk = "12.5 s -> 5 s";
    desk d(with, result);
    const std::size_t sentences = co_await sentences_for(d.pool, with.scaled(2s));
    result.found(std::to_string(sentences) + " sentences a text: " + in_seconds(with.scaled(2s)) +
                 " of a core");
    co_await ask_three(d, sentences);
    std::vector<std::string> arguments{"--runs=" + std::to_string(with.runs_of(*result.bound))};
    co_await measure_python(with, result, "agent", std::move(arguments));

    // 0.83 s of a core each: the cost grows with the square of the sentences.
    const auto fewer = static_cast<std::size_t>(static_cast<double>(sentences) * std::sqrt(0.83 / 2));
    const std::vector<scripted_source> six = six_sources(with.scale());
    const text::corpus texts =
        text::make_corpus(with.seed() + 1, six.size(), std::max<std::size_t>(fewer, 64));
    co_await keep(with, six, texts, "six-");
    co_await ask_six(d, texts);
    co_await ask_until_three_agree(d, texts);
    co_await ask_six_faulty(d, texts);
    co_return result;
}

}  // namespace quest
