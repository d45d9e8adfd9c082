// Parallel: the same work in small pieces, mapped over a cpu_executor with 1, 2, .. workers. Where the
// pieces are many and equal, n workers take an n-th of the time: the bound is the work over the cores.
// SPDX-License-Identifier: BSL-1.0
#include "chapter.hpp"
#include "cpu_work.hpp"
#include "loop_watch.hpp"
#include "python.hpp"
#include "run_record.hpp"

#include <algorithm>

namespace quest {
namespace {

using namespace std::chrono_literals;

/// 1, 2, 4, .. and all cores.
std::vector<std::size_t> counts_of_workers() {
    const std::size_t cores = tandem::available_cores();
    std::vector<std::size_t> counts;
    for (std::size_t n = 1; n < cores; n *= 2) counts.push_back(n);
    counts.push_back(cores);
    return counts;
}

/// What so many workers did: the times of all runs, and the pieces of the last one.
class measurement {
public:
    explicit measurement(std::size_t n) : workers(n) {}

    std::size_t workers;
    std::vector<seconds> times;
    seconds core_seconds{0};  ///< the least of the runs
    tandem::time_point begin;
    std::vector<cpu_run> pieces;

    std::string name() const { return std::to_string(workers) + (workers == 1 ? " worker" : " workers"); }
    /// The share of the workers' time in which they had a piece, also while the system had put them aside.
    double occupied() const {
        seconds sum{0};
        for (const cpu_run& piece : pieces) sum += piece.end - piece.begin;
        return sum / (times.back() * static_cast<double>(workers));
    }
};

tandem::task<measurement> measure(course& with, const cpu_work& work, std::size_t workers) {
    const std::vector<cpu_piece> pieces = work.split(std::max<std::size_t>(256, 32 * workers));
    tandem::cpu_executor pool(workers);
    measurement result(workers);
    do {
        result.begin = tandem::this_task::loop().now();
        result.pieces = co_await tandem::map(pool, pieces, run_piece, tandem::map_options().chunk(1));
        result.times.push_back(tandem::this_task::loop().now() - result.begin);
        const seconds took = cpu_time_of(result.pieces);
        result.core_seconds = result.times.size() == 1 ? took : std::min(result.core_seconds, took);
    } while (std::ssize(result.times) < with.runs_of(result.times.front()));
    co_return result;
}

/// Python's pools, on as much work as takes one core of Python the same time: many fewer squares.
tandem::task<> measure_pools(course& with, chapter_result& result) {
    std::vector<std::string> arguments;
    arguments.push_back("--workers=" + std::to_string(tandem::available_cores()));
    arguments.push_back("--runs=" + std::to_string(with.runs_of(*result.bound)));
    arguments.push_back("--interpreters=0");
    co_await measure_python(with, result, "parallel", arguments);

    arguments.back() = "--interpreters=1";
    co_await measure_python_beside(with, result, "parallel", std::move(arguments));  // from Python 3.14 on
}

}  // namespace

tandem::task<chapter_result> parallel(course& with) {
    const auto cores = static_cast<double>(tandem::available_cores());
    const cpu_work work(4 * with.scaled(2s));
    chapter_result result;
    result.talk = "8 s / cores";
    panel table("The same work with more workers",
                std::vector<std::string>{"workers", "time", "speed-up", "efficiency", "workers occupied",
                                         "core-seconds"});
    table.note =
        "Efficiency: the speed-up, over the workers. Occupied: the share of the time in which the workers "
        "had something to compute. Where the core-seconds grow with the workers, the cores share something.";

    for (const std::size_t workers : counts_of_workers()) {
        measurement seen = co_await measure(with, work, workers);
        if (workers == 1) result.sequential = median(seen.times);
        // The work as the fastest run had it: the same squares, but the cores are not always the same.
        result.bound = std::min(result.bound.value_or(seconds::max()), seen.core_seconds / cores);
        result.tandem = median(seen.times);
        const double speed_up = *result.sequential / *result.tandem;
        const std::string efficiency = in_percent(speed_up / static_cast<double>(workers));

        result.check(work.done_by(seen.pieces), seen.name() + ": the sum is not what the formula gives");
        // Not the efficiency: other programs may have the cores. 20 ms are for the beginning and the end.
        result.check(seen.occupied() >= 0.8 * (1 - 20ms / std::max<seconds>(seen.times.back(), 20ms)),
                     seen.name() + ": occupied for less than 80 % of the time");
        result.found(seen.name() + ": " + in_seconds(*result.tandem) + ", speed-up " +
                     with_decimals(speed_up, 2) + "x, efficiency " + efficiency + "; occupied for " +
                     in_percent(seen.occupied()) + " of the time");
        table.rows.push_back({std::to_string(workers), in_seconds(*result.tandem),
                              with_decimals(speed_up, 2) + "x", efficiency, in_percent(seen.occupied()),
                              in_seconds(cpu_time_of(seen.pieces))});
        variant& drawn = result.variants.emplace_back(seen.name(), seen.times);
        draw(drawn, seen.pieces, seen.begin);
    }
    result.panels.push_back(std::move(table));
    co_await measure_pools(with, result);
    co_return result;
}

}  // namespace quest
