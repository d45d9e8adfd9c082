// SPDX-License-Identifier: BSL-1.0
#include "json_report.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>

namespace quest {
namespace {

using json = nlohmann::ordered_json;

json number(const std::optional<seconds>& time) { return time ? json(time->count()) : json(); }
json number(const std::optional<double>& value) { return value ? json(*value) : json(); }

// A picture needs no more than microseconds, and they make a file half the size.
double rounded(seconds time) { return std::round(time.count() * 1e6) / 1e6; }

json to_object(const span& one) {
    json object;
    object["lane"] = one.lane;
    object["what"] = name_of(one.what);
    object["begin"] = rounded(one.begin);
    object["end"] = rounded(one.end);
    object["label"] = one.label;
    return object;
}

json to_object(const series& one) {
    json object;
    object["name"] = one.name;
    object["unit"] = one.unit;
    object["limit"] = number(one.limit);
    object["points"] = json::array();
    for (const auto& [when, value] : one.points) {
        json point = json::array();
        point.push_back(rounded(when));
        point.push_back(value);
        object["points"].push_back(std::move(point));
    }
    return object;
}

json to_object(const variant& one);
json to_object(const panel& one);
json to_object(const chapter_record& one);

template <class T>
json to_array(const std::vector<T>& many) {
    json array = json::array();
    for (const T& one : many) array.push_back(to_object(one));
    return array;
}

json to_object(const variant& one) {
    json object;
    object["name"] = one.name;
    object["runs"] = json::array();
    for (const seconds run : one.runs) object["runs"].push_back(run.count());
    object["median"] = one.runs.empty() ? json() : json(median(one.runs).count());
    object["same_work"] = one.same_work;
    object["bound"] = number(one.bound);
    object["spans"] = to_array(one.spans);
    object["curves"] = to_array(one.curves);
    return object;
}

json to_object(const panel& one) {
    json object;
    object["title"] = one.title;
    object["header"] = one.header;
    object["rows"] = one.rows;
    object["note"] = one.note;
    return object;
}

json to_object(const chapter_record& one) {
    const chapter_result& found = one.result;
    json object;
    object["name"] = one.name;
    object["sentence"] = one.sentence;
    object["took"] = one.took.count();
    object["talk"] = found.talk;
    object["bound"] = number(found.bound);
    object["sequential"] = number(found.sequential);
    object["python"] = number(found.python);
    object["tandem"] = number(found.tandem);
    object["tandem_runs"] = json::array();
    if (const variant* const ours = variant_of_tandem(found)) {
        for (const seconds run : ours->runs) object["tandem_runs"].push_back(run.count());
    }
    object["ratio"] = number(speed_up(found));
    object["of_bound"] = number(share_of_bound(found));
    object["findings"] = found.findings;
    object["failures"] = found.failures;
    object["variants"] = to_array(found.variants);
    object["panels"] = to_array(found.panels);
    return object;
}

json to_document(const run_record& run) {
    json document;
    document["command"] = run.command;
    document["scale"] = run.scale;
    document["seed"] = run.seed;
    document["interrupted"] = run.interrupted;
    document["failures"] = run.failures();
    document["facts"] = json::object();
    for (const auto& [name, value] : run.facts) document["facts"][name] = value;
    document["chapters"] = to_array(run.chapters);
    return document;
}

// What is no UTF-8 is replaced: a path or an error text may hold anything.
std::string text_of(const json& document, int indent) {
    return document.dump(indent, ' ', false, json::error_handler_t::replace);
}

/// Collects the events of a Chrome trace.
class trace_writer {
public:
    /// Appends one variant; those that follow begin after its end.
    void add(const std::string& chapter, const variant& one) {
        ++process_;
        lanes_.clear();
        name("process_name", 0, chapter + ": " + one.name);
        seconds end{0};
        for (const span& stretch : one.spans) {
            add(stretch);
            end = std::max(end, stretch.end);
        }
        for (const series& curve : one.curves) {
            add(curve);
            if (!curve.points.empty()) end = std::max(end, curve.points.back().first);
        }
        offset_ += end + end / 20;
    }
    std::string text() const {
        json document;
        document["displayTimeUnit"] = "ms";
        document["traceEvents"] = in_order();
        return text_of(document, -1);
    }

private:
    // Names first, then all events by their time: some readers take them as they come.
    json in_order() const {
        std::vector<json> sorted(events_.begin(), events_.end());
        std::ranges::stable_sort(sorted, {}, [](const json& event) { return event.value("ts", -1.0); });
        return sorted;
    }
    // Whole nanoseconds, as the clock has them.
    static double microseconds(seconds time) { return std::round(time.count() * 1e9) / 1e3; }

    json event(const char* phase, int lane) const {
        json object;
        object["ph"] = phase;
        object["pid"] = process_;
        object["tid"] = lane;
        return object;
    }
    void name(const char* what, int lane, const std::string& text) {
        json object = event("M", lane);
        object["name"] = what;
        object["args"]["name"] = text;
        events_.push_back(std::move(object));
    }
    int lane_of(const std::string& text) {
        const auto [at, is_new] = lanes_.emplace(text, static_cast<int>(lanes_.size()) + 1);
        if (is_new) name("thread_name", at->second, text);
        return at->second;
    }
    void add(const span& stretch) {
        json object = event("X", lane_of(stretch.lane));
        object["name"] = stretch.label.empty() ? name_of(stretch.what) : stretch.label;
        object["cat"] = name_of(stretch.what);
        object["ts"] = microseconds(offset_ + stretch.begin);
        object["dur"] = microseconds(stretch.end - stretch.begin);
        events_.push_back(std::move(object));
    }
    void add(const series& curve) {
        for (const auto& [when, value] : curve.points) {
            json object = event("C", 0);
            object["name"] = curve.name;
            object["ts"] = microseconds(offset_ + when);
            object["args"][curve.unit.empty() ? "value" : curve.unit] = value;
            events_.push_back(std::move(object));
        }
    }

    json events_ = json::array();
    std::map<std::string, int> lanes_;
    seconds offset_{0};
    int process_ = 0;
};

}  // namespace

std::string to_json(const run_record& run) { return text_of(to_document(run), 1) + "\n"; }

std::string numbers_as_json(const run_record& run) {
    json document = to_document(run);
    for (json& chapter : document["chapters"]) {
        for (json& one : chapter["variants"]) {
            one.erase("spans");
            one.erase("curves");
        }
    }
    return text_of(document, -1) + "\n";
}

std::string to_trace(const run_record& run) {
    trace_writer trace;
    for (const chapter_record& chapter : run.chapters) {
        for (const variant& one : chapter.result.variants) {
            if (!one.spans.empty() || !one.curves.empty()) trace.add(chapter.name, one);
        }
    }
    return trace.text() + "\n";
}

}  // namespace quest
