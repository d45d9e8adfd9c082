// SPDX-License-Identifier: BSL-1.0
#include "swim_lanes.hpp"

#include "drawing.hpp"
#include "text.hpp"

#include "../numbers.hpp"
#include "../run_record.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

namespace quest::html {
namespace {

using interval = std::pair<seconds, seconds>;

bool waits(activity what) { return what == activity::waiting || what == activity::receiving; }
bool computes(activity what) { return what == activity::computing; }

/// The union of the spans that are so, as disjoint intervals in order.
template <class Is>
std::vector<interval> times_of(const variant& v, Is is) {
    std::vector<interval> all;
    for (const span& s : v.spans) {
        if (is(s.what) && s.end > s.begin) all.emplace_back(s.begin, s.end);
    }
    std::sort(all.begin(), all.end());
    std::vector<interval> merged;
    for (const interval& next : all) {
        if (merged.empty() || next.first > merged.back().second) {
            merged.push_back(next);
        } else {
            merged.back().second = std::max(merged.back().second, next.second);
        }
    }
    return merged;
}

/// What is in both; each is disjoint and in order.
std::vector<interval> both(const std::vector<interval>& a, const std::vector<interval>& b) {
    std::vector<interval> common;
    for (std::size_t i = 0, k = 0; i < a.size() && k < b.size();) {
        const interval cut(std::max(a[i].first, b[k].first), std::min(a[i].second, b[k].second));
        if (cut.second > cut.first) common.push_back(cut);
        if (a[i].second < b[k].second) {
            ++i;
        } else {
            ++k;
        }
    }
    return common;
}

std::vector<interval> overlaps(const variant& v) { return both(times_of(v, waits), times_of(v, computes)); }

seconds length(const variant& v) {
    seconds until{};
    for (const span& s : v.spans) until = std::max(until, s.end);
    return until;
}

bool is_core(const std::string& lane) { return lane.rfind("core", 0) == 0; }

/// In the order of their first span, what computes below what waits.
std::vector<std::string> lanes_of(const variant& v) {
    std::vector<std::string> lanes;
    for (const span& s : v.spans) {
        if (std::find(lanes.begin(), lanes.end(), s.lane) == lanes.end()) lanes.push_back(s.lane);
    }
    const auto cores = std::stable_partition(lanes.begin(), lanes.end(),
                                             [](const std::string& lane) { return !is_core(lane); });
    std::sort(cores, lanes.end());
    return lanes;
}

void draw_lanes(drawing& to, const variant& v) {
    const std::vector<std::string> lanes = lanes_of(v);
    const bool many = lanes.size() > 24;  // then the shape matters, not the names
    for (const std::string& lane : lanes) {
        to.row(many ? std::string() : lane, many ? 4 : 19);
        for (const span& s : v.spans) {
            if (s.lane != lane) continue;
            const std::string hint = s.lane + ": " + (s.label.empty() ? name_of(s.what) : s.label) + ", " +
                                     in_three_digits(s.begin) + " to " + in_three_digits(s.end);
            const bool legible = s.what != activity::failed;  // not on the hatching
            to.bar(s.begin, s.end, name_of(s.what), hint, legible ? s.label : std::string());
        }
    }
}

void draw_curves(drawing& to, const variant& v, seconds until) {
    for (const series& curve : v.curves) {
        double top = curve.limit.value_or(0);
        for (const auto& [at, value] : curve.points) top = std::max(top, value);
        if (top <= 0) continue;
        to.gap(6);
        to.row(curve.name, 44);
        for (const auto& [from, end] : overlaps(v)) to.shade(from, end);
        to.steps(curve.points, until, top * 1.15);
        const std::string unit = curve.unit.empty() ? std::string() : ' ' + curve.unit;
        if (curve.limit) {
            to.level(*curve.limit, top * 1.15, "limit " + with_decimals(*curve.limit, 0) + unit);
        } else {
            to.level(top, top * 1.15, "most " + with_decimals(top, 0) + unit);
        }
    }
}

/// When the last thing that is drawn of it ends.
seconds end_of(const variant& v) {
    seconds until = length(v);
    for (const series& curve : v.curves) {
        if (!curve.points.empty()) until = std::max(until, curve.points.back().first);
    }
    return until;
}

// What is drawn is the last run, of which the closing table may have the median only.
std::string title_of(const variant& v, std::optional<seconds> bound) {
    const std::optional<double> share = overlap(v);
    return (v.runs.size() > 1 ? "the last run: " : "") +
           in_three_digits(v.runs.empty() ? length(v) : v.runs.back()) +
           (bound ? ", bound " + in_three_digits(*bound) : "") +
           (share ? ", overlap " + with_decimals(100 * *share, 0) + " %" : "");
}

void draw_variant(drawing& to, const variant& v, std::optional<seconds> bound) {
    to.heading(v.name, title_of(v, bound));
    to.begin_mark(false);
    draw_lanes(to, v);
    draw_curves(to, v, end_of(v));
    if (bound) to.mark(*bound);
    to.gap(10);
}

/// The variants that do the chapter's work, or the others, on one time axis.
std::string picture(const chapter_result& of, bool same_work, std::string_view description) {
    const auto belongs = [&](const variant& v) { return v.same_work == same_work && end_of(v) > seconds{}; };
    seconds until{};
    for (const variant& v : of.variants) {
        if (belongs(v)) until = std::max({until, end_of(v), bound_for(of, v).value_or(seconds{})});
    }
    if (until <= seconds{}) return {};

    drawing to(until);
    for (const variant& v : of.variants) {
        if (belongs(v)) draw_variant(to, v, bound_for(of, v));
    }
    to.axis();
    return to.svg(description);
}

}  // namespace

std::optional<double> overlap(const variant& of) {
    if (times_of(of, waits).empty() || times_of(of, computes).empty()) return std::nullopt;
    seconds sum{};
    for (const auto& [from, end] : overlaps(of)) sum += end - from;
    return sum / length(of);
}

std::string swim_lanes(const chapter_result& of) {
    return picture(of, true, "what waited and what computed, over time") +
           picture(of, false, "the same of other work than that of the closing table");
}

}  // namespace quest::html
