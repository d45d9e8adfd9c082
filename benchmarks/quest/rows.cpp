// SPDX-License-Identifier: BSL-1.0
#include "rows.hpp"

#include <array>
#include <string_view>

namespace quest {
namespace {

class bar {
public:
    std::string_view chapter;
    std::string_view peer;
    double least_ratio;  // peer / tandem
};

constexpr std::string_view the_bound = "the bound";
constexpr std::string_view one_by_one = "one after the other";

// Within 2 % of the slowest API, 5 % of the agent's bound on its cores, 3 % of the pipeline's slowest stage.
constexpr std::array bars{
    bar{"waiting", the_bound, 1 / 1.02}, bar{"limits", the_bound, 1 / 1.02}, bar{"pipeline", the_bound, 0.97},
    bar{"agent", the_bound, 1 / 1.05},   bar{"agent", one_by_one, 2.6},
};

bench::spread exactly(double value) { return {value, value, value}; }

void add_row(std::vector<bench::row>& to, const chapter_record& chapter, std::string_view peer,
             const std::optional<seconds>& time) {
    if (!time || !chapter.result.tandem) return;
    bench::row row;
    row.workload = chapter.name + ": " + chapter.sentence;
    row.unit = "s";
    row.tandem = exactly(chapter.result.tandem->count());
    row.peer_name = peer;
    row.peer = exactly(time->count());
    row.ratio = exactly(*time / *chapter.result.tandem);
    for (const bar& one : bars) {
        if (one.chapter == chapter.name && one.peer == peer) row.bar = one.least_ratio;
    }
    to.push_back(row);
}

}  // namespace

std::vector<bench::row> rows_of(const run_record& run) {
    std::vector<bench::row> rows;
    for (const chapter_record& chapter : run.chapters) {
        add_row(rows, chapter, the_bound, chapter.result.bound);
        add_row(rows, chapter, one_by_one, chapter.result.sequential);
        add_row(rows, chapter, "Python", chapter.result.python);
    }
    return rows;
}

}  // namespace quest
