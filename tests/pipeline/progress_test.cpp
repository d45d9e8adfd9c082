// SPDX-License-Identifier: BSL-1.0
#include <tandem/pipeline/progress.hpp>

#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <tandem/tasks/timeout.hpp>

#include "pipeline_probes.hpp"

using namespace tandem_test;
using tandem::progress_options;

namespace {

tandem::task<> store_100ms(int) { co_await tandem::sleep(100ms); }
tandem::task<> store_110ms(int) { co_await tandem::sleep(110ms); }
tandem::task<> fail_on_3(int v) {
    co_await tandem::sleep(100ms);
    if (v == 3) throw std::runtime_error("three");
}

std::vector<std::string> lines_of(const std::ostringstream& out) {
    std::vector<std::string> lines;
    std::istringstream in(out.str());
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

}  // namespace

TANDEM_TEST("progress: a plain line every interval says items, share, rate and the time left",
            "[pipeline][progress][virtual]") {
    std::ostringstream out;
    auto line = tandem::pipeline("crawl", numbers(40)).sink("store", store_100ms);
    const auto show = progress_options().of(40).to(out).every(1430ms);
    const tandem::pipeline_report r = co_await tandem::run_with_progress(line, show);
    CHECK(r.stored == 40);
    CHECK(r.elapsed == 4s);  // the display delays nothing
    const std::vector<std::string> lines = lines_of(out);
    REQUIRE(lines.size() == 3);
    CHECK(lines[0] == "crawl: 14 of 40 items, 35.0 %, 9.8 per s, 3 s left");
    CHECK(lines[1] == "crawl: 28 of 40 items, 70.0 %, 9.8 per s, 2 s left");
    CHECK(lines[2] == "crawl: 40 items stored in 4.000 s, 10.0 per s");
}

TANDEM_TEST("progress: the default without a terminal is a line every five seconds, without an estimate",
            "[pipeline][progress][virtual]") {
    std::ostringstream out;
    auto line = tandem::pipeline("crawl", numbers(99)).sink("store", store_110ms);
    co_await tandem::run_with_progress(line, progress_options().to(out));
    const std::vector<std::string> lines = lines_of(out);
    REQUIRE(lines.size() == 3);
    CHECK(lines[0] == "crawl: 45 items, 9.0 per s");
    CHECK(lines[1] == "crawl: 90 items, 9.0 per s");
    CHECK(lines[2] == "crawl: 99 items stored in 10.890 s, 9.1 per s");
}

TANDEM_TEST("progress: on a terminal one line is drawn again, cleared to its end, and left with a newline",
            "[pipeline][progress][virtual]") {
    std::ostringstream out;
    auto line = tandem::pipeline("crawl", numbers(5)).sink("store", store_110ms);
    co_await tandem::run_with_progress(line, progress_options().of(5).to(out).terminal(true));
    CHECK(out.str() ==
          "\rcrawl: 1 of 5 items, 20.0 %, 5.0 per s, 1 s left\x1b[K"
          "\rcrawl: 3 of 5 items, 60.0 %, 7.5 per s, 1 s left\x1b[K"
          "\rcrawl: 5 items stored in 550.000 ms, 9.1 per s\x1b[K\n");
}

TANDEM_TEST("progress: the rate is that of the last ten seconds", "[pipeline][progress][virtual]") {
    // 100 items in the first 10 s, then one a second.
    const auto slower = [](int v) -> tandem::task<> { co_await tandem::sleep(v < 100 ? 100ms : 1s); };
    std::ostringstream out;
    auto line = tandem::pipeline("crawl", numbers(120)).sink("store", slower);
    co_await tandem::run_with_progress(line, progress_options().of(120).to(out).every(25500ms));
    const std::vector<std::string> lines = lines_of(out);
    REQUIRE(lines.size() == 2);
    CHECK(lines[0] == "crawl: 115 of 120 items, 95.8 %, 4.5 per s, 2 s left");

    std::ostringstream often;
    auto again = tandem::pipeline("crawl", numbers(120)).sink("store", slower);
    co_await tandem::run_with_progress(again, progress_options().of(120).to(often).every(500ms));
    CHECK(lines_of(often)[50] == "crawl: 115 of 120 items, 95.8 %, 1.0 per s, 5 s left");
}

TANDEM_TEST("progress: what was done before and what was skipped is told, and not waited for",
            "[pipeline][progress][virtual]") {
    std::ostringstream out;
    auto begun = tandem::pipeline("crawl", numbers(10));
    auto line = begun.skip_if([](int v) { return v < 3; }).sink("store", fail_on_3, stage_options().skip());
    co_await tandem::run_with_progress(line, progress_options().of(10).to(out).every(360ms));
    const std::vector<std::string> lines = lines_of(out);
    REQUIRE(lines.size() == 2);
    CHECK(lines[0] == "crawl: 3 of 7 items, 42.9 %, 8.3 per s, 1 s left, 1 skipped, 3 done before");
    CHECK(lines[1] == "crawl: 6 items stored in 700.000 ms, 8.6 per s, 1 skipped, 3 done before");
}

TANDEM_TEST("progress: a run that fails or is cancelled ends with a last line and no timer",
            "[pipeline][progress][virtual]") {
    std::ostringstream failed;
    auto line = tandem::pipeline("crawl", numbers(10)).sink("store", fail_on_3);
    bool threw = false;
    try {
        co_await tandem::run_with_progress(line, progress_options().to(failed));
    } catch (const tandem::pipeline_error&) {
        threw = true;
    }
    CHECK(threw);
    REQUIRE(lines_of(failed).size() == 1);
    CHECK(lines_of(failed)[0].starts_with("crawl: 3 items stored in 400.000 ms, 7.5 per s"));

    std::ostringstream stopped;
    auto other = tandem::pipeline("crawl", numbers(10)).sink("store", store_100ms);
    const auto in_time = co_await tandem::move_on_after(
        250ms, tandem::run_with_progress(other, progress_options().to(stopped).every(100ms)));
    CHECK(!in_time);
    REQUIRE(lines_of(stopped).size() == 3);
    CHECK(lines_of(stopped)[2].starts_with("crawl: 2 items stored in 250.000 ms, 8.0 per s"));
}

TANDEM_TEST("progress: a stream that throws does not disturb the run", "[pipeline][progress][virtual]") {
    std::ostringstream out;
    out.setstate(std::ios::failbit);
    bool thrown = false;
    try {
        out.exceptions(std::ios::failbit);
    } catch (const std::ios::failure&) {
        thrown = true;
    }
    CHECK(thrown);
    auto line = tandem::pipeline("crawl", numbers(10)).sink("store", store_100ms);
    const tandem::pipeline_report r =
        co_await tandem::run_with_progress(line, progress_options().to(out).every(100ms));
    CHECK(r.stored == 10);
}

TEST_CASE("progress: an interval that is not positive is refused", "[pipeline][progress][virtual]") {
    CHECK_THROWS_WITH(progress_options().every(0s),
                      "tandem::progress_options::every: the interval is not positive; give 1 ms or more");
}
