// SPDX-License-Identifier: BSL-1.0
#include "picture.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace quest {
namespace {

std::string number(seconds time) {
    if (time == seconds(0)) return "-";
    char text[32];
    std::snprintf(text, sizeof text, "%.3f", time.count());
    return text;
}

bool failed(const source_slot& s) {
    return s.how == ending::timeout || s.how == ending::error || s.how == ending::budget;
}

// When a worker first took up the text of a source; it may have waited for one.
seconds work_began(const agent_report& run, std::size_t source) {
    seconds first = seconds::max();
    for (const work_log::entry& e : run.work) {
        if (e.source == source) first = std::min<seconds>(first, e.begin - run.start);
    }
    return first;
}

void draw_source(variant& v, const source_slot& s, seconds began) {
    const seconds last = s.done == seconds(0) ? s.asked : s.done;
    const seconds received = s.received == seconds(0) ? last : s.received;
    const seconds head = s.head == seconds(0) ? received : std::min(s.head, received);
    v.spans.emplace_back(s.name, activity::waiting, s.asked, head);
    if (head < received) v.spans.emplace_back(s.name, activity::receiving, head, received);
    if (began < last) v.spans.emplace_back(s.name, activity::computing, began, last);
    // A failure is a moment; it gets a width that can be seen.
    const seconds mark = std::max(last * 0.01, seconds(0.001));
    if (failed(s)) v.spans.emplace_back(s.name, activity::failed, last, last + mark, s.error);
    if (s.how == ending::not_needed)
        v.spans.emplace_back(s.name, activity::cancelled, last, last + mark, s.error);
}

std::string lane_of(const work_log::entry& e) { return "core " + std::to_string(e.worker + 1); }
std::string label_of(const work_log::entry& e, const agent_report& run) {
    return e.source == work_log::no_source ? "answer" : run.slots[e.source].name;
}

// Parts that follow each other on a core without a gap that can be seen are one, if they
// are for the same source or too short to be seen.
std::vector<span> spans_of_work(const agent_report& run) {
    std::vector<work_log::entry> work = run.work;
    std::sort(work.begin(), work.end(), [](const work_log::entry& a, const work_log::entry& b) {
        return std::pair(a.worker, a.begin) < std::pair(b.worker, b.begin);
    });
    const seconds gap = run.elapsed / 500;
    std::vector<span> spans;
    for (const work_log::entry& e : work) {
        const seconds begin = e.begin - run.start;
        const seconds end = e.end - run.start;
        const std::string label = label_of(e, run);
        const bool follows =
            !spans.empty() && spans.back().lane == lane_of(e) && begin - spans.back().end < gap;
        const bool alike = follows && spans.back().label == label;
        const bool brief = follows && std::min(end - begin, spans.back().end - spans.back().begin) < gap;
        if (alike || brief) {
            spans.back().end = end;
            if (end - begin > gap) spans.back().label = label;
        } else {
            spans.emplace_back(lane_of(e), activity::computing, begin, end, label);
        }
    }
    return spans;
}

series curve_of(std::string title, std::string unit, std::vector<std::pair<seconds, int>> changes) {
    series curve(std::move(title), std::move(unit));
    std::sort(changes.begin(), changes.end());
    curve.points.emplace_back(seconds(0), 0);
    int value = 0;
    for (const auto& change : changes) {
        value += change.second;
        if (curve.points.back().first == change.first) {
            curve.points.back().second = value;
        } else {
            curve.points.emplace_back(change.first, value);
        }
    }
    return curve;
}

}  // namespace

variant picture_of(std::string name, std::vector<seconds> times, const agent_report& run) {
    variant v(std::move(name), std::move(times));
    std::vector<std::pair<seconds, int>> requests;
    for (std::size_t i = 0; i < run.slots.size(); ++i) {
        const source_slot& s = run.slots[i];
        draw_source(v, s, work_began(run, i));
        requests.emplace_back(s.asked, 1);
        requests.emplace_back(s.received == seconds(0) ? s.done : s.received, -1);
    }
    std::vector<std::pair<seconds, int>> cores;
    for (span& s : spans_of_work(run)) {
        cores.emplace_back(s.begin, 1);
        cores.emplace_back(s.end, -1);
        v.spans.push_back(std::move(s));
    }
    v.curves.push_back(curve_of("requests in flight", "requests", std::move(requests)));
    v.curves.push_back(curve_of("cores busy", "cores", std::move(cores)));
    v.curves.back().limit = static_cast<double>(run.workers);
    return v;
}

panel table_of(std::string title, const agent_report& run) {
    panel table(std::move(title),
                {"source", "outcome", "attempts", "waited for (s)", "core-seconds", "done at (s)", ""});
    for (const source_slot& s : run.slots) {
        const seconds io = (s.received == seconds(0) ? s.done : s.received) - s.asked;
        table.rows.push_back({s.name, to_string(s.how), std::to_string(s.attempts), number(io), number(s.cpu),
                              number(s.done), s.error.empty() ? s.note : s.error});
    }
    table.note = run.last_line();
    return table;
}

}  // namespace quest
