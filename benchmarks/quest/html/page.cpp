// SPDX-License-Identifier: BSL-1.0
#include "page.hpp"

#include "comparison.hpp"
#include "style.hpp"
#include "swim_lanes.hpp"
#include "text.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>

namespace quest::html {
namespace {

// One pattern for the whole page: what failed is hatched, so that it shows in grey too.
constexpr std::string_view patterns = R"svg(
<svg width="0" height="0" style="position:absolute;min-width:0" aria-hidden="true"><defs>
<pattern id="hatched" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
<rect width="6" height="6" fill="var(--sheet)"/><rect width="3" height="6" fill="var(--failed)"/>
</pattern></defs></svg>
)svg";

std::string element(std::string_view tag, std::string_view text, std::string_view style = {}) {
    std::string to = '<' + std::string(tag);
    if (!style.empty()) to += " class=\"" + std::string(style) + '"';
    return to + '>' + escaped(text) + "</" + std::string(tag) + ">\n";
}

std::string time_or_dash(const std::optional<seconds>& time) { return time ? duration(*time) : "-"; }

std::string ratio(const std::optional<seconds>& slow, const std::optional<seconds>& fast) {
    return slow && fast && *fast > seconds{} ? fixed(*slow / *fast, 1) + "x" : "-";
}

std::string share_of_bound(const chapter_result& r) {
    return r.bound && r.tandem && *r.tandem > seconds{} ? fixed(100 * (*r.bound / *r.tandem), 1) + " %" : "-";
}

/// The chapter that the headline speaks of: the agent where it was run, else the one that gained most.
const section* headline_of(const std::vector<section>& chapters) {
    const section* best = nullptr;
    for (const section& s : chapters) {
        if (!s.result.sequential || !s.result.tandem || *s.result.tandem <= seconds{}) continue;
        if (s.name == "agent") return &s;
        if (!best ||
            *s.result.sequential / *s.result.tandem > *best->result.sequential / *best->result.tandem)
            best = &s;
    }
    return best;
}

std::string figure(std::string_view value, std::string_view meaning, std::string_view style = "figure") {
    return "<div class=\"" + std::string(style) + "\"><b>" + escaped(value) + "</b>" + escaped(meaning) +
           "</div>\n";
}

std::string headline(const section& s) {
    const chapter_result& r = s.result;
    std::string to = "<div class=\"figures\">\n" + figure(duration(*r.sequential), "one after the other");
    if (r.python) to += figure(duration(*r.python), "Python, here");
    to += figure(duration(*r.tandem), "tandem", "figure ours");
    to += figure(ratio(r.sequential, r.tandem), "faster", "figure ours");
    if (r.bound) to += figure(duration(*r.bound), "no program can be faster");
    return to + "</div>\n" + element("p", s.name + ": " + s.sentence, "quiet");
}

std::string closing_table(const std::vector<section>& chapters) {
    std::vector<std::vector<std::string>> rows;
    for (const section& s : chapters) {
        const chapter_result& r = s.result;
        rows.push_back({s.name, r.talk, time_or_dash(r.bound), time_or_dash(r.sequential),
                        time_or_dash(r.python), time_or_dash(r.tandem), ratio(r.sequential, r.tandem),
                        share_of_bound(r)});
    }
    return table({"chapter", "the talk", "bound", "one by one", "Python", "tandem", "ratio", "of bound"},
                 rows);
}

std::string legend() {
    const auto entry = [](std::string_view style, std::string_view word) {
        return "<span><svg viewBox=\"0 0 16 12\" aria-hidden=\"true\"><rect x=\"0.5\" y=\"0.5\" width=\"15\" "
               "height=\"11\" class=\"" +
               std::string(style) + "\"/></svg>" + std::string(word) + "</span>\n";
    };
    return "<div class=\"legend\">" + entry("waiting", "waiting") + entry("receiving", "bytes arriving") +
           entry("computing", "computing") + entry("storing", "storing") + entry("failed", "failed") +
           entry("cancelled", "cancelled") + entry("both", "waiting and computing at once") + "</div>\n";
}

std::string findings(const chapter_result& r) {
    std::string to = "<ul>\n";
    for (const std::string& sentence : r.findings) to += element("li", sentence);
    to += "</ul>\n";
    if (r.failures.empty()) return to + element("p", "Every check of this chapter holds.", "good");
    for (const std::string& sentence : r.failures) to += element("p", sentence, "bad");
    return to;
}

std::string chapter_section(const section& s) {
    std::string to = "<section id=\"" + escaped(s.name) + "\">\n" + element("h2", s.name) +
                     element("p", s.sentence, "sentence") + comparison(s.result);
    const std::string lanes = swim_lanes(s.result);
    if (!lanes.empty()) to += lanes + legend();
    for (const panel& p : s.result.panels) {
        to += element("h3", p.title) + table(p.header, p.rows);
        if (!p.note.empty()) to += element("p", p.note, "quiet");
    }
    return to + findings(s.result) + "</section>\n";
}

/// JSON inside a script element: "</" would end it.
std::string embedded(std::string_view json) {
    std::string to;
    for (std::size_t i = 0; i < json.size(); ++i) {
        to += json[i];
        if (json[i] == '<') {
            to.pop_back();
            to += "\\u003c";
        }
    }
    return to;
}

std::string data_and_downloads(const frame& around) {
    std::string to = "<script type=\"application/json\" id=\"data\">" + embedded(around.json) + "</script>\n";
    to +=
        "<p><a id=\"json\" href=\"#data\" download=\"report.json\">report.json</a>, the numbers of this page";
    if (!around.trace.empty()) {
        to += "; <a href=\"" + escaped(around.trace) + "\" download>" + escaped(around.trace) +
              "</a>, to be opened in Perfetto or chrome://tracing";
    }
    return to +
           "</p>\n<script>document.getElementById('json').href = URL.createObjectURL(new Blob("
           "[document.getElementById('data').textContent], {type: 'application/json'}));</script>\n";
}

std::string scale_sentence(const frame& around) {
    if (around.scale == 1) return "All times are the talk's own seconds.";
    return "All times are the talk's divided by " +
           fixed(around.scale, around.scale == std::floor(around.scale) ? 0 : 2) +
           "; quest --scale 1 takes its own seconds.";
}

std::string about(const frame& around) {
    std::string to = "<section>\n<h2>How this was measured</h2>\n<dl>\n";
    for (const auto& [name, value] : around.facts) to += element("dt", name) + element("dd", value);
    return to + "</dl>\n" + (around.json.empty() ? std::string() : data_and_downloads(around)) +
           "</section>\n";
}

}  // namespace

std::string page(const frame& around, const std::vector<section>& chapters) {
    std::string to =
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<title>tandem: overlap waiting with computing</title>\n<style>" +
        std::string(style) + "</style></head>\n<body>\n" + std::string(patterns) +
        "\n<header>\n<h1>Overlap waiting with computing</h1>\n" +
        element("p", scale_sentence(around), "quiet");
    if (around.interrupted)
        to += element("p", "The run was interrupted: only what was finished is shown.", "bad");
    if (const section* best = headline_of(chapters)) to += headline(*best);
    to += "</header>\n<main>\n<section>\n<h2>All chapters</h2>\n" + closing_table(chapters) + "</section>\n";
    for (const section& s : chapters) to += chapter_section(s);
    return to + about(around) + "</main>\n<footer class=\"quiet\">tandem, quest</footer>\n</body></html>\n";
}

}  // namespace quest::html
