// SPDX-License-Identifier: BSL-1.0
#include "page.hpp"

#include "comparison.hpp"
#include "style.hpp"
#include "swim_lanes.hpp"
#include "text.hpp"

#include "../numbers.hpp"

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

std::string time_or_dash(const std::optional<seconds>& time) { return time ? in_three_digits(*time) : "-"; }

std::string ratio(const chapter_result& r) {
    const std::optional<double> faster = speed_up(r);
    return faster ? with_decimals(*faster, 1) + "x" : "-";
}

std::string of_bound(const chapter_result& r) {
    const std::optional<double> share = share_of_bound(r);
    return share ? in_percent(*share) : "-";
}

std::string spread(const chapter_result& r) {
    const variant* const ours = variant_of_tandem(r);
    return ours ? spread_of(ours->runs) : "-";
}

/// The chapter that the headline speaks of: the agent where it was run, else the one that gained most.
const chapter_record* headline_of(const std::vector<chapter_record>& chapters) {
    const chapter_record* best = nullptr;
    for (const chapter_record& s : chapters) {
        const std::optional<double> gain = speed_up(s.result);
        if (!gain) continue;
        if (s.name == "agent") return &s;
        if (!best || *gain > *speed_up(best->result)) best = &s;
    }
    return best;
}

std::string figure(std::string_view value, std::string_view meaning, std::string_view style = "figure") {
    return "<div class=\"" + std::string(style) + "\"><b>" + escaped(value) + "</b>" + escaped(meaning) +
           "</div>\n";
}

std::string headline(const chapter_record& s) {
    const chapter_result& r = s.result;
    std::string to =
        "<div class=\"figures\">\n" + figure(in_three_digits(*r.sequential), "one after the other");
    if (r.python) to += figure(in_three_digits(*r.python), "Python, here");
    to += figure(in_three_digits(*r.tandem), "tandem", "figure ours");
    to += figure(ratio(r), "faster", "figure ours");
    if (r.bound) to += figure(in_three_digits(*r.bound), "no program can be faster");
    return to + "</div>\n" + element("p", s.name + ": " + s.sentence, "quiet");
}

std::string closing_table(const std::vector<chapter_record>& chapters) {
    std::vector<std::vector<std::string>> rows;
    for (const chapter_record& s : chapters) {
        const chapter_result& r = s.result;
        rows.push_back({s.name, time_or_dash(r.tandem), time_or_dash(r.sequential), ratio(r),
                        time_or_dash(r.python), time_or_dash(r.bound), of_bound(r), r.talk, spread(r)});
    }
    // What matters most stands first: a narrow screen shows no more without being moved.
    return table({"chapter", "tandem", "one by one", "ratio", "Python", "bound", "of bound", "the talk",
                  "tandem's runs"},
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
           entry("cancelled", "cancelled") + entry("both", "waiting and computing at once") +
           "<span><svg viewBox=\"0 0 16 12\" aria-hidden=\"true\"><line x1=\"8\" y1=\"0\" x2=\"8\" y2=\"12\" "
           "class=\"bound\"/></svg>the bound: no program can be faster</span>\n</div>\n";
}

std::string findings(const chapter_result& r) {
    std::string to = "<ul>\n";
    for (const std::string& sentence : r.findings) to += element("li", sentence);
    to += "</ul>\n";
    if (r.failures.empty()) return to + element("p", "Every check of this chapter holds.", "good");
    for (const std::string& sentence : r.failures) to += element("p", sentence, "bad");
    return to;
}

std::string chapter_section(const chapter_record& s) {
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

std::string data_and_downloads(std::string_view json, std::string_view trace) {
    std::string to = "<script type=\"application/json\" id=\"data\">" + embedded(json) + "</script>\n";
    to +=
        "<p><a id=\"json\" href=\"#data\" download=\"report.json\">report.json</a>, the numbers of this page";
    if (!trace.empty()) {
        to += "; <a href=\"" + escaped(trace) + "\" download>" + escaped(trace) +
              "</a>, to be opened in Perfetto or chrome://tracing";
    }
    return to +
           "</p>\n<script>document.getElementById('json').href = URL.createObjectURL(new Blob("
           "[document.getElementById('data').textContent], {type: 'application/json'}));</script>\n";
}

std::string scale_sentence(const run_record& run) {
    if (run.scale == 1) return "All times are the talk's own seconds.";
    return "All times are the talk's divided by " +
           with_decimals(run.scale, run.scale == std::floor(run.scale) ? 0 : 2) +
           "; quest --scale 1 takes its own seconds.";
}

std::string about(const run_record& run) {
    std::string to = "<h2>How this was measured</h2>\n<dl>\n";
    for (const auto& [name, value] : run.facts) to += element("dt", name) + element("dd", value);
    to += element("dt", "seed") + element("dd", std::to_string(run.seed));
    return to + element("dt", "command") + element("dd", run.command) + "</dl>\n";
}

}  // namespace

std::string page(const run_record& run, std::string_view json, std::string_view trace) {
    std::string to =
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<title>tandem: overlap waiting with computing</title>\n<style>" +
        std::string(style) + "</style></head>\n<body>\n" + std::string(patterns) +
        "\n<header>\n<h1>Overlap waiting with computing</h1>\n" + element("p", scale_sentence(run), "quiet");
    if (run.interrupted)
        to += element("p", "The run was interrupted: only what was finished is shown.", "bad");
    if (const chapter_record* best = headline_of(run.chapters)) to += headline(*best);
    to += "</header>\n<main>\n<section>\n<h2>All chapters</h2>\n" + closing_table(run.chapters) +
          "</section>\n";
    for (const chapter_record& s : run.chapters) to += chapter_section(s);
    to += "<section>\n" + about(run) + data_and_downloads(json, trace) + "</section>\n";
    return to + "</main>\n<footer class=\"quiet\">tandem, quest</footer>\n</body></html>\n";
}

}  // namespace quest::html
