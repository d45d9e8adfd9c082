// Pipeline: thirty items, each fetched in 50 ms, worked on for 100 ms of a core, stored in 20 ms: one after
// the other 170 ms each. In batches the stages wait for each other; in a pipeline they overlap, and what is
// left is the slowest stage, filling and emptying. No schedule is faster than
//     fetch + waves * process + last wave * store,
// where a wave is as many items as there are cores. Then real documents: fetched, cut into words, counted,
// stored in batches; there the waiting is the bound, and the report says so.
// SPDX-License-Identifier: BSL-1.0
#include "chapter.hpp"
#include "cpu_work.hpp"
#include "loop_watch.hpp"
#include "pictures.hpp"
#include "python.hpp"

#include "agent/corpus.hpp"
#include "agent/text.hpp"

#include "../examples/support/sqlite.hpp"

#include <algorithm>
#include <functional>
#include <thread>
#include <unordered_set>

namespace quest {

// What goes from stage to stage. Not in an unnamed namespace: GCC would warn of frames with a member of it.
namespace pipeline_items {

class processed {
public:
    processed(int n, cpu_run r) : number(n), run(std::move(r)) {}
    int number;
    cpu_run run;
};

class counted {
public:
    counted(std::string n, const text::document& of) : name(std::move(n)), words(of.tokens().size()) {
        std::unordered_set<text::word> seen;
        for (const text::token& t : of.tokens()) seen.insert(t.normal);
        different = seen.size();
    }
    std::string name;
    std::size_t words;
    std::size_t different = 0;
};

class fetched {
public:
    fetched(std::string n, std::string t) : name(std::move(n)), text(std::move(t)) {}
    std::string name;
    std::string text;
};

}  // namespace pipeline_items

namespace {

using namespace pipeline_items;

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr int items = 30;
constexpr int at_a_time = 4;  // fetches
constexpr int batch_size = 10;

std::string percent(double share) { return with_decimals(100 * share, 1) + " %"; }

/// The talk's times at this scale.
class stage_times {
public:
    explicit stage_times(const course& with)
        : fetch(with.scaled(50ms)),
          process(seconds(0.1) / with.scale()),
          store(seconds(0.02) / with.scale()) {}

    milliseconds fetch;
    seconds process;
    seconds store;
    int workers = static_cast<int>(tandem::available_cores());

    // What no run can do without: the fetches in their rounds, or the processing in its rounds and the rows
    // of the last one, or the rows one by one; each with what must come before and after.
    seconds bound(seconds one_process) const {
        const auto rounds = [](int at_once) { return (items + at_once - 1) / at_once; };
        const int in_the_last = items - workers * (rounds(workers) - 1);
        return std::max({rounds(at_a_time) * fetch + one_process + store,
                         fetch + rounds(workers) * one_process + in_the_last * store,
                         fetch + one_process + items * store});
    }
};

/// The three stages, and what they did in one run.
class desk {
public:
    explicit desk(course& with)
        : times(with), work(times.process), pool(tandem::available_cores()), api_(with.api), rows_("") {
        rows_.execute("create table results (number integer, sum integer)");
    }

    const stage_times times;
    const cpu_work work;
    tandem::cpu_executor pool;
    std::vector<cpu_run> runs;
    std::vector<std::pair<tandem::time_point, tandem::time_point>> stores;

    void begin() {
        runs.clear();
        stores.clear();
        rows_.execute("delete from results");
    }
    bool complete() {
        const bool right = std::ranges::all_of(runs, [&](const cpu_run& r) { return work.done_by(r.sum); });
        return right && rows_.number("select count(distinct number) from results") == items &&
               rows_.number("select count(*) from results") == items;
    }

    tandem::task<int> fetch(int number) {
        std::string name = "item-" + std::to_string(number);
        co_await api_.get(std::move(name), times.fetch);
        co_return number;
    }
    processed process(int number) const { return processed(number, run_piece(work.split(1).front())); }
    tandem::task<> store(processed item) {
        co_await tandem::run_in_executor(disk_, &desk::insert, this, item.number, item.run.sum);
        runs.push_back(std::move(item.run));
    }

private:
    // On the thread of the disk; it waits out what is left of a slower disk's time.
    void insert(int number, std::uint64_t sum) {
        const auto begin = tandem::time_point::clock::now();
        rows_.run("insert into results values (?, ?)", number, static_cast<long long>(sum));
        std::this_thread::sleep_until(begin + std::chrono::duration_cast<tandem::duration>(times.store));
        stores.emplace_back(begin, tandem::time_point::clock::now());
    }

    service& api_;
    database rows_;
    tandem::blocking_pool disk_{1};
};

// ---- three schedules

tandem::task<processed> process_one(desk& d, int number) {
    co_return co_await tandem::run_in_executor(d.pool, &desk::process, &d, number);
}

tandem::task<> one_after_the_other(desk& d) {
    for (int n = 1; n <= items; ++n) {
        co_await d.fetch(n);
        processed done = co_await process_one(d, n);
        co_await d.store(std::move(done));
    }
}

tandem::task<> in_batches(desk& d) {
    for (int first = 1; first <= items; first += batch_size) {
        std::vector<tandem::task<int>> fetches;
        for (int n = first; n < first + batch_size; ++n) fetches.push_back(d.fetch(n));
        const std::vector<int> numbers = co_await tandem::gather(std::move(fetches));
        std::vector<tandem::task<processed>> jobs;
        for (const int n : numbers) jobs.push_back(process_one(d, n));
        std::vector<processed> done = co_await tandem::gather(std::move(jobs));
        for (processed& item : done) co_await d.store(std::move(item));
    }
}

tandem::task<tandem::pipeline_report> as_pipeline(desk& d) {
    std::vector<int> numbers;
    for (int n = 1; n <= items; ++n) numbers.push_back(n);
    const auto fetch = [&d](int n) { return d.fetch(n); };
    const auto process = [&d](int n) { return d.process(n); };
    const auto store = [&d](processed item) { return d.store(std::move(item)); };
    auto line = tandem::pipeline("talk", numbers)
                    .io("fetch", fetch, tandem::stage_options().concurrency(at_a_time).queue(2 * at_a_time))
                    .cpu("process", d.pool, process)
                    .sink("store", store);
    co_return co_await line.run();
}

// ---- what they did

/// One schedule, run some times: the best run is what is judged, the last one is drawn.
class measured {
public:
    explicit measured(std::string name) : drawn(std::move(name), {}) {}
    variant drawn;
    double best_share = 0;         ///< of the bound, of the processing times that the run met
    seconds process{0};            ///< of an item, in the last run
    seconds core{seconds::max()};  ///< of an item, in core-seconds, in the run where that was least
};

seconds mean_process(const desk& d) {
    seconds sum{0};
    for (const cpu_run& run : d.runs) sum += run.end - run.begin;
    return sum / std::max<double>(1, static_cast<double>(d.runs.size()));
}

/// The stage that holds up the others, by the times that the run met: with many cores, or where others have
/// them, that is not always the one that computes. Empty if none does so clearly.
std::string slowest_stage(const desk& d, const tandem::pipeline_report& report) {
    const auto in_a_slot = [&](const char* stage) { return seconds(report.stage(stage)->service_time()); };
    std::vector<std::pair<seconds, std::string>> for_an_item{{in_a_slot("fetch") / at_a_time, "fetch"},
                                                             {mean_process(d) / d.times.workers, "process"},
                                                             {in_a_slot("store"), "store"}};
    std::ranges::sort(for_an_item, std::greater());
    return for_an_item[0].first > 1.5 * for_an_item[1].first ? for_an_item[0].second : std::string();
}

void note(measured& m, desk& d, seconds elapsed) {
    m.drawn.runs.push_back(elapsed);
    m.process = mean_process(d);
    m.core = std::min(m.core, cpu_time_of(d.runs) / std::max<double>(1, static_cast<double>(d.runs.size())));
    m.best_share = std::max(m.best_share, d.times.bound(m.process) / elapsed);
}

tandem::task<> draw_run(measured& m, desk& d, service& api, tandem::time_point start) {
    const std::vector<seen_request> log = co_await api.log();
    m.drawn.spans = slots_of(log, start);
    for (span& s : m.drawn.spans) s.lane = "fetch " + s.lane.substr(s.lane.rfind(' ') + 1);
    draw(m.drawn, d.runs, start);
    for (const auto& [from, until] : d.stores) {
        m.drawn.spans.emplace_back("store", activity::storing, from - start, until - start);
    }
    m.drawn.curves.push_back(in_flight_of(log, start));
}

series depth_of(const tandem::stage_report& stage) {
    series curve("waiting before " + stage.name, "items");
    curve.limit = static_cast<double>(stage.queue_capacity);
    for (std::size_t i = 0; i < stage.queue_depth.size(); ++i) {
        curve.points.emplace_back(stage.queue_stretch * i, stage.queue_depth[i]);
    }
    return curve;
}

panel stages_of(std::string title, const tandem::pipeline_report& report) {
    using enum tandem::stage_state;
    panel table(std::move(title), {"stage", "slots", "items", "time per item", "busy", "waits for a worker",
                                   "blocked up", "blocked down", "waiting before it"});
    for (const tandem::stage_report& s : report.stages) {
        table.rows.push_back(
            {s.name, std::to_string(s.concurrency), std::to_string(s.items),
             in_milliseconds(s.service_time()), percent(s.share(busy)), percent(s.share(limited)),
             percent(s.share(blocked_up)), percent(s.share(blocked_down)),
             s.queue_capacity == 0
                 ? "-"
                 : with_decimals(s.queue_mean, 1) + " of " + std::to_string(s.queue_capacity)});
    }
    table.note =
        "Blocked up: nothing to do, the stages before are slower. Blocked down: no room, those after "
        "are. Inside at one time: " +
        std::to_string(report.peak_live) + ", of at most " + std::to_string(report.max_live) + ". " +
        report.advice() + ".";
    return table;
}

tandem::task<measured> measure(course& with, chapter_result& result, desk& d, std::string name, int times,
                               tandem::task<> (*schedule)(desk&)) {
    measured m(name);
    for (int run = 0; run < times; ++run) {
        co_await with.api.reset();
        d.begin();
        stopwatch watch;
        co_await schedule(d);
        note(m, d, watch.elapsed());
        result.check(d.complete(), name + ": an item is missing, stored twice or wrong");
        if (run + 1 == times) co_await draw_run(m, d, with.api, watch.start());
    }
    co_return m;
}

tandem::task<measured> measure_pipeline(course& with, chapter_result& result, desk& d, int times) {
    measured m("pipeline");
    for (int run = 0; run < times; ++run) {
        co_await with.api.reset();
        d.begin();
        stopwatch watch;
        const tandem::pipeline_report report = co_await as_pipeline(d);
        note(m, d, watch.elapsed());
        result.check(d.complete() && report.balanced(),
                     "pipeline: an item is missing, stored twice or wrong");
        const std::string slowest = slowest_stage(d, report);
        result.check(slowest.empty() || report.bottleneck() == slowest,
                     "the report's bottleneck is " + report.bottleneck() + ", not " + slowest);
        result.check(report.peak_live <= report.max_live, "more items were inside than can be");
        if (run + 1 != times) continue;
        co_await draw_run(m, d, with.api, watch.start());
        for (const tandem::stage_report& s : report.stages) {
            if (s.queue_capacity != 0) m.drawn.curves.push_back(depth_of(s));
        }
        result.panels.push_back(stages_of("The stages of the pipeline", report));
        result.found("the report: " + percent(report.share_of_bound()) + " of the time of " +
                     report.bottleneck() + " is used; " + "an item is worked on for " +
                     in_milliseconds(m.process));
    }
    co_return m;
}

tandem::task<> measure_talk(course& with, chapter_result& result, desk& d) {
    const seconds bound = d.times.bound(d.times.process);
    const int times = with.runs_of(bound);
    measured one = co_await measure(with, result, d, "one after the other", 1, one_after_the_other);
    measured batches = co_await measure(with, result, d, "batches of 10", times, in_batches);
    measured line = co_await measure_pipeline(with, result, d, times);

    // With what an item takes of a core here, which is 100 ms only about.
    result.bound = d.times.bound(std::min({one.core, batches.core, line.core}));
    result.sequential = median(one.drawn.runs);
    result.tandem = median(line.drawn.runs);
    result.found("batches of 10: " + in_seconds(median(batches.drawn.runs)) +
                 "; pipeline: " + in_seconds(*result.tandem) + ", " + percent(line.best_share) +
                 " of the bound for the times it met; one after the other an item was worked on for " +
                 in_milliseconds(one.process));
    // Held against the processing times that the run met, because other programs may have had the cores;
    // what a scheduler does to 30 short items is not in them.
    const seconds allowed = 1.2 * whim();
    result.check(line.best_share >= 0.97 * (1 - allowed / std::max(bound, 2 * allowed)),
                 "the pipeline reaches " + percent(line.best_share) + " of its bound, less than 97 % and " +
                     in_milliseconds(allowed));
    result.check(line.best_share > batches.best_share || bound < 10 * allowed,
                 "the pipeline is no better than batches");
    for (measured* const m : {&one, &batches, &line}) result.variants.push_back(std::move(m->drawn));
}

// ---- real documents

constexpr std::size_t documents = 64;
constexpr int document_fetches = 8;

counted count(fetched what) { return counted(std::move(what.name), text::document(std::move(what.text))); }

tandem::task<fetched> fetch_document(service& api, std::string name, milliseconds delay) {
    std::string target = "/documents/" + name + "?ms=" + std::to_string(delay.count());
    std::string text = co_await api.fetch(std::move(target));
    co_return fetched(std::move(name), std::move(text));
}

void insert_all(database& rows, const std::vector<counted>& batch) {
    rows.execute("begin");
    for (const counted& c : batch) {
        rows.run("insert into documents values (?, ?, ?)", c.name, static_cast<long long>(c.words),
                 static_cast<long long>(c.different));
    }
    rows.execute("commit");
}

tandem::task<> store_all(tandem::executor& disk, database& rows, std::vector<counted> batch) {
    co_await tandem::run_in_executor(disk, insert_all, std::ref(rows), std::move(batch));
}

tandem::task<> measure_documents(course& with, chapter_result& result, desk& d) {
    const text::corpus texts = text::make_corpus(with.seed(), documents, 400);
    std::vector<std::string> names;
    long long words = 0;
    for (std::size_t i = 0; i < documents; ++i) {
        names.push_back("pipeline-" + std::to_string(i));
        words += static_cast<long long>(text::document(texts.documents[i]).tokens().size());
        co_await with.api.keep_document(names.back(), texts.documents[i]);
    }
    database rows("");
    rows.execute("create table documents (name text primary key, words integer, different integer)");
    tandem::blocking_pool disk(1);
    const auto delay = with.scaled(50ms);
    const auto fetch = [&](std::string name) { return fetch_document(with.api, std::move(name), delay); };
    const auto store = [&](std::vector<counted> batch) { return store_all(disk, rows, std::move(batch)); };
    auto line = tandem::pipeline("documents", names)
                    .io("fetch", fetch, tandem::stage_options().concurrency(document_fetches).unordered())
                    .cpu("count words", d.pool, count)
                    .batch("rows", 16, 20ms)
                    .sink("store", store);
    const tandem::pipeline_report report = co_await line.run();

    result.check(rows.number("select count(*) from documents") == documents && report.balanced(),
                 "documents: one is missing");
    result.check(rows.number("select sum(words) from documents") == words, "documents: words are missing");
    result.check(report.peak_live <= report.max_live, "documents: more were inside than can be");
    result.found(std::to_string(documents) + " documents of " +
                 std::to_string(texts.documents[0].size() / 1024) +
                 " KB, fetched 8 at a time, their words counted and stored: " + in_seconds(report.elapsed) +
                 ", " + percent(report.share_of_bound()) + " of the bound, which is " + report.bottleneck());
    result.panels.push_back(stages_of("Real documents", report));
    variant& drawn = result.variants.emplace_back("documents", std::vector<seconds>{report.elapsed});
    drawn.same_work = false;
    drawn.bound = report.elapsed * report.share_of_bound();
    for (const tandem::stage_report& s : report.stages) {
        if (s.queue_capacity != 0) drawn.curves.push_back(depth_of(s));
    }
}

}  // namespace

tandem::task<chapter_result> pipeline(course& with) {
    chapter_result result;
    result.talk = "stages overlap";
    desk d(with);
    co_await measure_talk(with, result, d);
    std::vector<std::string> arguments;
    arguments.push_back("--items=" + std::to_string(items));
    arguments.push_back("--fetches=" + std::to_string(at_a_time));
    arguments.push_back("--workers=" + std::to_string(d.times.workers));
    arguments.push_back("--runs=" + std::to_string(with.runs_of(*result.bound)));
    co_await measure_python(with, result, "pipeline", std::move(arguments));
    co_await measure_documents(with, result, d);
    co_return result;
}

}  // namespace quest
