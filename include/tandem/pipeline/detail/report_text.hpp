// tandem - the report of a pipeline as a table, as JSON, and as advice
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include <tandem/base/config.hpp>
#include <tandem/pipeline/stage_report.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

inline std::string fixed(double value, int digits = 1) {
    char text[64];
    std::snprintf(text, sizeof text, "%.*f", digits, value);
    return text;
}
inline std::string percent(double share) { return fixed(100 * share); }

/// 1.234 ms, 12.3 us: four figures in the unit that fits.
inline std::string time_text(std::chrono::nanoseconds time) {
    const auto ns = static_cast<double>(time.count());
    if (ns >= 1e9) return fixed(ns / 1e9, 3) + " s";
    if (ns >= 1e6) return fixed(ns / 1e6, 3) + " ms";
    if (ns >= 1e3) return fixed(ns / 1e3, 2) + " us";
    return fixed(ns, 0) + " ns";
}

inline void pad(std::string& line, const std::string& cell, std::size_t width, bool left = false) {
    const std::size_t blanks = cell.size() < width ? width - cell.size() : 0;
    if (!left) line.append(blanks, ' ');
    line += cell;
    if (left) line.append(blanks, ' ');
    line += "  ";
}

/// Writes JSON without an intermediate tree.
class json_writer {
public:
    json_writer& open(char bracket) {
        comma();
        text_ += bracket;
        first_ = true;
        return *this;
    }
    json_writer& close(char bracket) {
        text_ += bracket;
        first_ = false;
        return *this;
    }
    json_writer& key(std::string_view name) {
        string(name);
        text_ += ':';
        first_ = true;
        return *this;
    }
    json_writer& string(std::string_view value) {
        comma();
        text_ += '"';
        for (const char c : value) escape(c);
        text_ += '"';
        return *this;
    }
    json_writer& number(std::uint64_t value) { return raw(std::to_string(value)); }
    json_writer& number(std::int64_t value) { return raw(std::to_string(value)); }
    json_writer& number(double value) {
        char text[64];
        std::snprintf(text, sizeof text, "%.9g", value);
        return raw(text);
    }
    json_writer& boolean(bool value) { return raw(value ? "true" : "false"); }
    std::string take() { return std::move(text_); }

private:
    json_writer& raw(std::string_view value) {
        comma();
        text_ += value;
        return *this;
    }
    void comma() {
        if (!first_) text_ += ',';
        first_ = false;
    }
    void escape(char c) {
        if (c == '"' || c == '\\') text_ += '\\';
        if (static_cast<unsigned char>(c) >= 0x20) {
            text_ += c;
            return;
        }
        char code[8];
        std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(c)));
        text_ += code;
    }

    std::string text_;
    bool first_ = true;
};

inline constexpr const char* state_names[] = {"busy", "limited", "backoff", "blocked_up", "blocked_down"};

inline std::string stage_line(const stage_report& s) {
    std::string line;
    pad(line, s.name, 14, true);
    pad(line, std::string(s.kind) + " x" + std::to_string(s.concurrency), 13, true);
    pad(line, std::to_string(s.items), 8);
    pad(line, std::to_string(s.errors), 6);
    pad(line, fixed(s.throughput()), 9);
    pad(line, time_text(s.service_time()), 10);
    pad(line, time_text(s.service.percentile(0.5)), 10);
    pad(line, time_text(s.service.percentile(0.9)), 10);
    pad(line, time_text(s.service.percentile(0.99)), 10);
    for (std::size_t i = 0; i < s.times.size(); ++i) pad(line, percent(s.share(stage_state(i))), 7);
    pad(line,
        s.queue_capacity == 0 ? std::string("-")
                              : fixed(s.queue_mean) + "/" + std::to_string(s.queue_peak) + "/" +
                                    std::to_string(s.queue_capacity),
        12);
    while (!line.empty() && line.back() == ' ') line.pop_back();
    return line + "\n";
}

/// What the slowest of the other stages could do, in items per second; 0 if nothing else takes time.
template <class Report>
double capacity_beside(const Report& r, const stage_report& bound) {
    double least = 0;
    for (const stage_report& s : r.stages) {
        const double c = &s == &bound ? 0 : s.capacity();
        if (c > 0 && (least <= 0 || c < least)) least = c;
    }
    return least;
}

template <class Report>
std::string advice_at_the_bound(const Report& r, const stage_report& bound) {
    const std::string begin = bound.name + " bounds the run: ";
    if (bound.kind == std::string("cpu")) return begin + "more workers, or less work in it, is what helps";
    const double beside = capacity_beside(r, bound);
    const double seconds = static_cast<double>(bound.service_time().count()) / 1e9;
    const double most = 4 * static_cast<double>(bound.concurrency);  // a step at a time, then look again
    const auto wanted = static_cast<std::size_t>(std::min(most, 1.3 * beside * seconds + 0.999));
    if (wanted <= bound.concurrency) return begin + "the other stages are hardly faster";
    return begin + "raise its concurrency from " + std::to_string(bound.concurrency) + " to " +
           std::to_string(wanted) + ", if what it waits for allows it; the others could do " + fixed(beside) +
           " per s";
}

template <class Report>
std::string advice_of(const Report& r) {
    constexpr std::uint64_t few = 50;
    const auto bound = std::find_if(r.stages.begin(), r.stages.end(),
                                    [&](const stage_report& s) { return s.name == r.bottleneck(); });
    if (r.resources.empty()) return "nothing was measured";
    if (bound == r.stages.end()) {
        return r.bottleneck() + " bounds the run: it is in use " + percent(r.share_of_bound()) +
               " % of the time";
    }
    if (r.share_of_bound() >= 0.9) return advice_at_the_bound(r, *bound);
    if (bound->measured < few) {
        return "only " + std::to_string(bound->measured) +
               " items: filling and emptying the pipeline took a good part of the time";
    }
    const double up = bound->share(stage_state::blocked_up);
    const double down = bound->share(stage_state::blocked_down);
    const double limited = bound->share(stage_state::limited) + bound->share(stage_state::backoff);
    if (limited >= up && limited >= down) {
        return bound->name + " is limited " + percent(limited) +
               " %: the limit, the waits of its retries or the workers bound it, not its concurrency";
    }
    if (down > up) {
        return bound->name + " is blocked_down " + percent(down) +
               " %: give the stage after it a longer queue, or let it be unordered";
    }
    return bound->name + " is blocked_up " + percent(up) +
           " %: what comes before it is slow at times; a longer queue before it evens that out";
}

template <class Report>
std::string text_of(const Report& r) {
    std::string out = "pipeline \"" + r.name + "\": " + std::to_string(r.stored) + " of " +
                      std::to_string(r.taken) + " items stored in " + time_text(r.elapsed);
    if (r.skipped != 0) out += ", " + std::to_string(r.skipped) + " skipped";
    if (r.dead != 0) out += ", " + std::to_string(r.dead) + " dead";
    if (r.abandoned != 0) out += ", " + std::to_string(r.abandoned) + " abandoned";
    if (r.resumed != 0) out += ", " + std::to_string(r.resumed) + " done before";
    out += "\n";
    std::string head;
    pad(head, "stage", 14, true);
    pad(head, "kind", 13, true);
    pad(head, "items", 8);
    pad(head, "errors", 6);
    pad(head, "per s", 9);
    for (const char* const name : {"S", "p50", "p90", "p99"}) pad(head, name, 10);
    for (const char* const name : {"busy%", "limit%", "back%", "up%", "down%"}) pad(head, name, 7);
    pad(head, "queue m/p/c", 12);
    while (head.back() == ' ') head.pop_back();
    out += head + "\n";
    for (const stage_report& s : r.stages) out += stage_line(s);
    for (const stage_report& s : r.stages) {
        if (s.isolated.count() == 0) continue;
        out += s.name + ": S " + time_text(s.service_time()) + " in the run, " + time_text(s.isolated) +
               " in isolation\n";
    }
    const double elapsed = static_cast<double>(std::max<std::int64_t>(1, r.elapsed.count()));
    out += "live " + std::to_string(r.peak_live) + " of at most " + std::to_string(r.max_live) +
           ", loop and workers overlap " + percent(static_cast<double>(r.overlap.count()) / elapsed) + " %\n";
    out += r.advice() + "\n";
    out += percent(r.share_of_bound()) + " % of bound, ";
    if (r.honest_share() != r.share_of_bound()) out += "honest " + percent(r.honest_share()) + " %, ";
    return out + "bottleneck = " + r.bottleneck() + "\n";
}

inline void write_stage(json_writer& out, const stage_report& s) {
    out.open('{').key("name").string(s.name).key("kind").string(s.kind);
    const auto count = [&out](const char* name, std::uint64_t value) { out.key(name).number(value); };
    count("concurrency", s.concurrency);
    count("taken", s.taken);
    count("items", s.items);
    count("emitted", s.emitted);
    count("filtered", s.filtered);
    count("errors", s.errors);
    count("retries", s.retries);
    count("skipped", s.skipped);
    count("dead", s.dead);
    count("late", s.late);
    count("abandoned", s.abandoned);
    const auto time = [&out](const char* name, std::chrono::nanoseconds value) {
        out.key(name).number(static_cast<std::int64_t>(value.count()));
    };
    for (std::size_t i = 0; i < s.times.size(); ++i) {
        time((std::string(state_names[i]) + "_ns").c_str(), s.times[i]);
    }
    time("service_ns", s.service_time());
    time("isolated_ns", s.isolated);
    time("p50_ns", s.service.percentile(0.5));
    time("p90_ns", s.service.percentile(0.9));
    time("p99_ns", s.service.percentile(0.99));
    out.key("per_second").number(s.throughput()).key("utilisation").number(s.utilisation());
    out.key("honest_utilisation").number(s.honest_utilisation());
    out.key("queue").open('{');
    count("capacity", s.queue_capacity);
    count("peak", s.queue_peak);
    out.key("mean").number(s.queue_mean);
    time("stretch_ns", s.queue_stretch);
    out.key("depth").open('[');
    for (const double depth : s.queue_depth) out.number(depth);
    out.close(']').close('}').key("messages").open('[');
    for (const std::string& message : s.messages) out.string(message);
    out.close(']').close('}');
}

template <class Report>
std::string json_of(const Report& r) {
    json_writer out;
    out.open('{').key("pipeline").string(r.name);
    out.key("elapsed_ns").number(static_cast<std::int64_t>(r.elapsed.count()));
    const auto count = [&out](const char* name, std::uint64_t value) { out.key(name).number(value); };
    count("taken", r.taken);
    out.key("added").number(r.added);
    count("stored", r.stored);
    count("filtered", r.filtered);
    count("skipped", r.skipped);
    count("dead", r.dead);
    count("abandoned", r.abandoned);
    count("resumed", r.resumed);
    count("live", r.live);
    count("peak_live", r.peak_live);
    count("max_live", r.max_live);
    out.key("drained").boolean(r.drained).key("finished").boolean(r.finished);
    out.key("overlap_ns").number(static_cast<std::int64_t>(r.overlap.count()));
    out.key("share_of_bound").number(r.share_of_bound()).key("honest_share").number(r.honest_share());
    out.key("bottleneck").string(r.bottleneck()).key("advice").string(r.advice());
    out.key("resources").open('[');
    for (const auto& each : r.resources) {
        out.open('{').key("name").string(each.name).key("utilisation").number(each.utilisation).close('}');
    }
    out.close(']').key("stages").open('[');
    for (const stage_report& s : r.stages) write_stage(out, s);
    return out.close(']').close('}').take();
}

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
