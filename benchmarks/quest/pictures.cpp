// SPDX-License-Identifier: BSL-1.0
#include "pictures.hpp"

#include <algorithm>

namespace quest {
namespace {

constexpr int too_many = 429;
constexpr std::size_t most_points = 300;  // of a curve; a picture has hardly more columns

std::string name_of(const seen_request& request) { return request.path.substr(request.path.rfind('/') + 1); }

activity activity_of(const seen_request& request) {
    if (request.abandoned) return activity::cancelled;
    return request.status >= 400 ? activity::failed : activity::waiting;
}

span to_span(const seen_request& request, tandem::time_point start, std::string lane) {
    const std::string status = request.status >= 400 ? " " + std::to_string(request.status) : "";
    return span(std::move(lane), activity_of(request), request.arrived - start, request.ended - start,
                name_of(request) + status);
}

std::vector<seen_request> by_arrival(std::vector<seen_request> log) {
    std::ranges::stable_sort(log, {}, &seen_request::arrived);
    return log;
}

/// Changes of a count at certain times.
class counting {
public:
    void change(seconds when, int by) { changes_.emplace_back(when, by); }

    series curve(std::string name, std::string unit) {
        // What ends at a moment makes room for what begins then.
        std::ranges::sort(changes_);
        series result(std::move(name), std::move(unit));
        result.points.emplace_back(seconds(0), 0);
        double value = 0;
        for (const auto& [when, by] : changes_) {
            value += by;
            if (result.points.back().first == when) {
                result.points.back().second = value;
            } else {
                result.points.emplace_back(when, value);
            }
        }
        return result;
    }

private:
    std::vector<std::pair<seconds, int>> changes_;
};

// Fewer points with the same peaks: of neighbours the highest stands for all.
void thin(series& curve) {
    const std::size_t group = (curve.points.size() + most_points - 1) / most_points;
    if (group < 2) return;
    std::vector<std::pair<seconds, double>> fewer;
    for (std::size_t at = 0; at < curve.points.size(); at += group) {
        const auto first = curve.points.begin() + static_cast<std::ptrdiff_t>(at);
        const auto last =
            curve.points.begin() + static_cast<std::ptrdiff_t>(std::min(at + group, curve.points.size()));
        const auto highest =
            std::max_element(first, last, [](const auto& a, const auto& b) { return a.second < b.second; });
        fewer.emplace_back(first->first, highest->second);
    }
    fewer.push_back(curve.points.back());
    curve.points = std::move(fewer);
}

}  // namespace

std::vector<span> lanes_of(const std::vector<seen_request>& log, tandem::time_point start) {
    std::vector<span> spans;
    for (const seen_request& request : by_arrival(log))
        spans.push_back(to_span(request, start, name_of(request)));
    return spans;
}

std::vector<span> slots_of(const std::vector<seen_request>& log, tandem::time_point start) {
    std::vector<tandem::time_point> free_from;
    std::vector<span> spans;
    for (const seen_request& request : by_arrival(log)) {
        const auto slot = std::ranges::find_if(free_from, [&](auto when) { return when <= request.arrived; });
        const auto number = slot - free_from.begin() + 1;
        if (slot == free_from.end()) {
            free_from.push_back(request.ended);
        } else {
            *slot = request.ended;
        }
        spans.push_back(to_span(request, start, "slot " + std::to_string(number)));
    }
    return spans;
}

series in_flight_of(const std::vector<seen_request>& log, tandem::time_point start) {
    counting requests;
    for (const seen_request& request : log) {
        requests.change(request.arrived - start, 1);
        requests.change(request.ended - start, -1);
    }
    series curve = requests.curve("in flight", "requests");
    thin(curve);
    return curve;
}

series window_of(const std::vector<seen_request>& log, tandem::time_point start, seconds window,
                 bool attempts) {
    counting arrivals;
    for (const seen_request& request : log) {
        if (request.status == too_many && !attempts) continue;
        arrivals.change(request.arrived - start, 1);
        arrivals.change(request.arrived - start + window, -1);
    }
    series curve = arrivals.curve(attempts ? "attempts in the window" : "accepted in the window", "requests");
    thin(curve);
    return curve;
}

double peak_of(const series& curve) {
    double peak = 0;
    for (const auto& [when, value] : curve.points) peak = std::max(peak, value);
    return peak;
}

}  // namespace quest
