// The bridge: the loop goes on serving while the cores compute. The same jobs four times: none, for
// comparison; handed over with run_in_executor to an arena that leaves the loop its core, which is the
// default; to one that takes all cores; and on the loop itself, where nobody is served until they end.
// SPDX-License-Identifier: BSL-1.0
#include "chapter.hpp"
#include "cpu_work.hpp"
#include "loop_watch.hpp"

#include <algorithm>

namespace quest {
namespace {

using namespace std::chrono_literals;

tandem::task<cpu_run> handed_over(tandem::executor& pool, cpu_piece piece) {
    co_return co_await tandem::run_in_executor(pool, run_piece, piece);
}

tandem::task<> all_handed_over(tandem::executor& pool, const std::vector<cpu_piece>& pieces,
                               std::vector<cpu_run>& runs) {
    std::vector<tandem::task<cpu_run>> jobs;
    for (const cpu_piece& piece : pieces) jobs.push_back(handed_over(pool, piece));
    runs = co_await tandem::gather(std::move(jobs));
}

tandem::task<> all_on_the_loop(const std::vector<cpu_piece>& pieces, std::vector<cpu_run>& runs) {
    std::vector<tandem::task<cpu_run>> jobs;
    for (const cpu_piece& piece : pieces) jobs.push_back(on_the_loop(piece));
    runs = co_await tandem::gather(std::move(jobs));
}

tandem::task<> nothing(std::chrono::milliseconds how_long) { co_await tandem::sleep(how_long); }

std::string workers_text(std::size_t n) {
    return std::to_string(n) + (n == 1 ? " worker" : " workers") + " of " +
           std::to_string(tandem::available_cores()) + " cores";
}

double rate(const loop_watch& watched) { return watched.served() / watched.elapsed().count(); }

std::string lag_text(const loop_watch& watched) {
    return in_milliseconds(watched.lag(0.5)) + ", p99 " + in_milliseconds(watched.lag(0.99)) + "; " +
           with_decimals(rate(watched), 0) + " fetches a second";
}

}  // namespace

tandem::task<chapter_result> bridge(course& with) {
    const std::size_t cores = tandem::available_cores();
    // Where the jobs are over in an instant there is nothing to be served meanwhile.
    const cpu_work work(std::max<seconds>(4 * with.scaled(2s), 400ms));
    const std::vector<cpu_piece> pieces = work.split(std::max<std::size_t>(64, 16 * cores));
    chapter_result result;
    result.talk = "the loop stays free";
    panel table = watch_panel("Fetches while the cores compute");

    loop_watch idle(with.api);
    co_await idle.during(nothing(with.scaled(2s)));
    table.rows.push_back(watch_row("no jobs", idle));

    loop_watch behind(with.api);
    std::vector<cpu_run> loop_runs;
    co_await behind.during(all_on_the_loop(pieces, loop_runs));
    result.check(work.done_by(loop_runs), "on the loop: the sum is not what the formula gives");
    result.sequential = behind.elapsed();
    result.bound = cpu_time_of(loop_runs) / static_cast<double>(cores);
    result.found("no jobs: loop late p50 " + lag_text(idle));

    std::vector<std::size_t> counts;
    if (cores > 1) counts.push_back(cores - 1);
    counts.push_back(cores);
    for (const std::size_t workers : counts) {
        tandem::cpu_executor pool(workers);
        loop_watch beside(with.api);
        std::vector<cpu_run> runs;
        co_await beside.during(all_handed_over(pool, pieces, runs));
        result.tandem = beside.elapsed();
        result.bound = std::min(*result.bound, cpu_time_of(runs) / static_cast<double>(cores));

        const std::string name = workers_text(workers);
        result.check(work.done_by(runs), name + ": the sum is not what the formula gives");
        result.check(beside.lag(0.5) < behind.lag(0.5) / 2,
                     name + ": the loop was as late as with the jobs on it");
        result.check(rate(beside) > 2 * rate(behind),
                     name + ": hardly more fetches served than behind the jobs");
        result.found(name + ": jobs done in " + in_seconds(beside.elapsed()) + ", loop late p50 " +
                     lag_text(beside));
        table.rows.push_back(watch_row(name, beside));
        result.variants.push_back(beside.as_variant(name));
        draw(result.variants.back(), runs, beside.begin());
    }

    result.found("jobs on the loop: done in " + in_seconds(behind.elapsed()) + ", loop late p50 " +
                 lag_text(behind));
    table.rows.push_back(watch_row("jobs on the loop", behind));
    result.variants.push_back(behind.as_variant("jobs on the loop"));
    draw(result.variants.back(), loop_runs, behind.begin(), "loop");
    result.panels.push_back(std::move(table));
    co_return result;
}

}  // namespace quest
