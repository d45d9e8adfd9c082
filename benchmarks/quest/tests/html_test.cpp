// SPDX-License-Identifier: BSL-1.0
#include <html/comparison.hpp>
#include <html/page.hpp>
#include <html/swim_lanes.hpp>
#include <html/text.hpp>
#include <numbers.hpp>

#include <string>
#include <string_view>
#include <vector>

#include <support/catch.hpp>

using quest::activity;
using quest::chapter_record;
using quest::chapter_result;
using quest::run_record;
using quest::seconds;
using quest::series;
using quest::span;
using quest::variant;
namespace html = quest::html;

namespace {

std::size_t count(std::string_view text, std::string_view what) {
    std::size_t n = 0;
    for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at + what.size())) ++n;
    return n;
}

/// What is wrong with the nesting of the page's elements; empty if nothing is.
std::string nesting_error(std::string_view page) {
    std::vector<std::string> open;
    std::size_t at = 0;
    while ((at = page.find('<', at)) != page.npos) {
        const std::size_t end = page.find('>', at);
        if (end == page.npos) return "a tag is not closed";
        const std::string_view tag = page.substr(at + 1, end - at - 1);
        at = end + 1;
        const std::string name(tag.substr(0, tag.find_first_of(" \n")));
        if (name == "!doctype" || name == "meta" || tag.back() == '/') continue;
        if (name.front() == '/') {
            if (open.empty() || '/' + open.back() != name)
                return "<" + name + "> does not close <" + open.back() + ">";
            open.pop_back();
            continue;
        }
        open.push_back(name);
        // Their content is not markup.
        if (name == "style" || name == "script") at = page.find("</" + name, at);
    }
    return open.empty() ? "" : "<" + open.back() + "> stays open";
}

chapter_result three_sources() {
    chapter_result r;
    r.talk = "12.5 s -> 5 s";
    r.bound = seconds(4.5);
    r.sequential = seconds(12.5);
    r.tandem = seconds(4.6);
    variant ours("tandem", std::vector<seconds>{seconds(4.6), seconds(4.5), seconds(4.9)});
    ours.spans.emplace_back("weather", activity::waiting, seconds(0), seconds(2));
    ours.spans.emplace_back("news", activity::failed, seconds(0), seconds(1), "503");
    ours.spans.emplace_back("core 1", activity::computing, seconds(1), seconds(4));
    ours.curves.emplace_back("requests in flight", "");
    ours.curves.back().points.emplace_back(seconds(0), 2);
    r.variants.push_back(ours);
    return r;
}

std::string page_of(std::vector<chapter_record> chapters) {
    run_record run;
    run.command = "quest --scale 4";
    run.chapters = std::move(chapters);
    return html::page(run, R"({"text": "</script><b>"})", "trace.json");
}

chapter_record one_chapter(std::string name, std::string sentence, chapter_result found) {
    return chapter_record(std::move(name), std::move(sentence), seconds(1), std::move(found));
}

}  // namespace

TEST_CASE("html: a page with no chapters, one, a hundred is well formed", "[quest]") {
    const std::size_t many = GENERATE(0u, 1u, 100u);
    const std::vector<chapter_record> chapters(many, one_chapter("agent", "three sources", three_sources()));
    const std::string page = page_of(chapters);
    CHECK(nesting_error(page) == "");
    CHECK(count(page, "<section id=") == many);
}

TEST_CASE("html: a chapter that found nothing still renders", "[quest]") {
    const std::vector<chapter_record> chapters{
        one_chapter("empty", "nothing was measured", chapter_result())};
    const std::string page = page_of(chapters);
    CHECK(nesting_error(page) == "");
    CHECK(html::comparison(chapter_result()).empty());
    CHECK(html::swim_lanes(chapter_result()).empty());
}

TEST_CASE("html: a hundred lanes stay small and are drawn without names", "[quest]") {
    chapter_result r;
    r.variants.emplace_back("tandem", std::vector<seconds>{seconds(10)});
    for (int i = 0; i < 100; ++i) {
        r.variants.back().spans.emplace_back("page-" + std::to_string(i), activity::waiting, seconds(i / 10),
                                             seconds(i / 10 + 1));
    }
    const std::string lanes = html::swim_lanes(r);
    CHECK(count(lanes, "<rect") == 100);
    CHECK(count(lanes, "text-anchor=\"end\">page-") == 0);
    CHECK(page_of(std::vector<chapter_record>(1, one_chapter("limits", "", r))).size() < 300'000);
}

TEST_CASE("html: what comes from outside is escaped, in text, hints and embedded data", "[quest]") {
    chapter_result r = three_sources();
    r.variants.front().spans.emplace_back("<img src=x>", activity::waiting, seconds(0), seconds(1),
                                          "a \"quote\" & more");
    r.check(false, "<b>bold</b> failed");
    const std::string page = page_of(std::vector<chapter_record>(1, one_chapter("<i>", "x > y", r)));
    CHECK(nesting_error(page) == "");
    CHECK(count(page, "<img") == 0);
    CHECK(count(page, "<b>bold") == 0);
    CHECK(count(page, "&lt;img src=x&gt;") > 0);
    CHECK(count(page, R"({"text": "\u003c/script>\u003cb>"})") == 1);
    CHECK(html::escaped("a\x01\x02z") == "az");
}

TEST_CASE("html: overlap is the share of time with waiting and computing at once", "[quest]") {
    const chapter_result r = three_sources();
    // Waiting 0..2, computing 1..4: one of four seconds.
    CHECK(html::overlap(r.variants.front()) == Approx(0.25));
    CHECK_FALSE(html::overlap(variant("no spans", std::vector<seconds>{seconds(1)})));

    variant twice("two waits at once count once", std::vector<seconds>{});
    for (int i = 0; i < 2; ++i) twice.spans.emplace_back("w", activity::receiving, seconds(0), seconds(1));
    twice.spans.emplace_back("core 1", activity::computing, seconds(0), seconds(2));
    CHECK(html::overlap(twice) == Approx(0.5));
}

TEST_CASE("html: durations show three digits that matter", "[quest]") {
    CHECK(quest::in_three_digits(seconds(12.46)) == "12.5 s");
    CHECK(quest::in_three_digits(seconds(4.5)) == "4.50 s");
    CHECK(quest::in_three_digits(seconds(0.9999)) == "1.00 s");
    CHECK(quest::in_three_digits(seconds(0.0123)) == "12.3 ms");
    CHECK(quest::in_three_digits(seconds(0.00084)) == "840 us");
    CHECK(quest::in_three_digits(seconds(0)) == "0.00 s");
}

TEST_CASE("html: the median is the middle of the runs, or the mean of the two middle ones", "[quest]") {
    CHECK(quest::median(std::vector<seconds>{seconds(3), seconds(1), seconds(2)}) == seconds(2));
    CHECK(quest::median(std::vector<seconds>{seconds(4), seconds(1), seconds(2), seconds(3)}) ==
          seconds(2.5));
    CHECK(quest::median(std::vector<seconds>{}) == seconds(0));
}

TEST_CASE("html: columns of numbers stand to the right, words to the left", "[quest]") {
    const std::string table =
        html::table({"name", "time", "words"}, {{"a", "2.00 s", "20 s -> 2 s"}, {"b", "-", "x"}});
    CHECK(count(table, "<th scope=\"col\" class=\"number\">time</th>") == 1);
    CHECK(count(table, "<th scope=\"col\">words</th>") == 1);
    CHECK(count(table, "<th scope=\"row\">a</th>") == 1);
    CHECK(count(table, "<td class=\"number\">-</td>") == 1);
}

TEST_CASE("html: a long label stands in lines of its column, and none is lost", "[quest]") {
    chapter_result r = three_sources();
    r.variants.emplace_back("Python 3.11.2, asyncio streams and ProcessPoolExecutor, gather then work",
                            std::vector<seconds>{seconds(7)});
    const std::string bars = html::comparison(r);
    for (const char* const line :
         {">Python 3.11.2, asyncio<", ">streams and<", ">ProcessPoolExecutor, gather<", ">then work<"}) {
        CHECK(count(bars, line) == 1);
    }
}

TEST_CASE("html: a word longer than its column is cut between characters", "[quest]") {
    std::string word;
    for (int i = 0; i < 40; ++i) word += "\u00e4";
    std::string beginning;
    for (int i = 0; i < 26; ++i) beginning += "\u00e4";
    chapter_result r;
    r.variants.emplace_back(word, std::vector<seconds>{seconds(1)});
    CHECK(count(html::comparison(r), ">" + beginning + "\u2026<") == 1);
    CHECK(html::cut("three", 5) == "three");
    CHECK(html::cut("", 5).empty());
}

TEST_CASE("html: the chapter's bound is drawn through what does its work, others have their own or none",
          "[quest]") {
    chapter_result r = three_sources();
    CHECK(count(html::comparison(r), "class=\"bound\"") == 1);
    CHECK(count(html::comparison(r), ">bound 4.50 s<") == 1);

    r.variants.emplace_back("six sources", std::vector<seconds>{seconds(3.3)});
    r.variants.back().spans.emplace_back("wiki", activity::waiting, seconds(0), seconds(3.3));
    r.variants.back().same_work = false;
    const std::size_t lines = count(html::swim_lanes(r), "class=\"bound\"");
    CHECK(count(html::comparison(r), "class=\"bound\"") == 1);

    r.variants.back().bound = seconds(3.1);
    CHECK(count(html::comparison(r), "class=\"bound\"") == 2);
    CHECK(count(html::comparison(r), ">bound 3.10 s<") == 1);
    CHECK(count(html::swim_lanes(r), "class=\"bound\"") == lines + 1);
    CHECK(count(html::swim_lanes(r), "3.30 s, bound 3.10 s<") == 1);
}

TEST_CASE("html: what has curves and no lanes is drawn, too", "[quest]") {
    chapter_result r;
    r.variants.emplace_back("60 a minute", std::vector<seconds>{seconds(6)});
    r.variants.back().curves.emplace_back("accepted in the window", "requests");
    r.variants.back().curves.back().points.emplace_back(seconds(1), 60);
    r.variants.back().curves.back().points.emplace_back(seconds(6), 0);
    CHECK(count(html::swim_lanes(r), ">accepted in the window<") == 1);
    CHECK(count(html::swim_lanes(r), ">6.00 s<") == 1);
}

TEST_CASE("html: the closing table says how often tandem was run and how far apart the runs are", "[quest]") {
    const std::string page = page_of({one_chapter("agent", "three sources", three_sources())});
    CHECK(count(page, "<td>3 runs, 4.50 s to 4.90 s</td>") == 1);
    CHECK(quest::spread_of(std::vector<seconds>{seconds(1)}) == "1 run");
    CHECK(quest::spread_of({}) == "0 runs");
}
