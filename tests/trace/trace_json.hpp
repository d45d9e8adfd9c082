// tandem - reads a trace back and checks what holds of every one
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"

namespace trace_test {

using json = nlohmann::json;

/// The events of a trace.
class trace_json {
public:
    explicit trace_json(const std::string& text) : all_(json::parse(text)), events_(all_.at("traceEvents")) {}

    const json& events() const { return events_; }
    std::uint64_t dropped() const { return all_.at("otherData").at("dropped_events").get<std::uint64_t>(); }

    std::size_t count(const std::string& phase, const std::string& name) const {
        return with(phase, name).size();
    }
    std::vector<json> with(const std::string& phase, const std::string& name = {}) const {
        std::vector<json> found;
        for (const json& e : events_) {
            if (e.at("ph") == phase && (name.empty() || e.at("name") == name)) found.push_back(e);
        }
        return found;
    }
    /// The thread of this label; 0 if there is none.
    int thread(const std::string& label) const {
        for (const json& e : with("M", "thread_name")) {
            if (e.at("args").at("name") == label) return e.at("tid").get<int>();
        }
        return 0;
    }

    /// What holds of every trace: tracks and slices nest, flows have all their ends, times do not run back.
    void check() const {
        check_tracks();
        check_slices();
        check_flows();
    }

private:
    static std::int64_t nanoseconds(const json& microseconds) {
        return static_cast<std::int64_t>(microseconds.get<double>() * 1000 + 0.5);
    }

    void check_tracks() const {
        std::map<int, std::vector<std::string>> open;
        std::map<int, double> latest;
        for (const json& e : events_) {
            const auto phase = e.at("ph").get<std::string>();
            if (phase != "b" && phase != "e" && phase != "n") continue;
            const int id = e.at("id").get<int>();
            CHECK(e.at("ts").get<double>() >= latest[id]);
            latest[id] = e.at("ts").get<double>();
            if (phase == "b") open[id].push_back(e.at("name").get<std::string>());
            if (phase == "n") CHECK_FALSE(open[id].empty());
            if (phase != "e") continue;
            REQUIRE_FALSE(open[id].empty());
            CHECK(open[id].back() == e.at("name").get<std::string>());
            open[id].pop_back();
        }
        for (const auto& track : open) CHECK(track.second.empty());
    }

    void check_slices() const {
        std::map<int, std::vector<std::pair<std::int64_t, std::int64_t>>> slices;
        for (const json& e : with("X")) {
            const std::int64_t begin = nanoseconds(e.at("ts"));
            slices[e.at("tid").get<int>()].emplace_back(begin, begin + nanoseconds(e.at("dur")));
            CHECK(e.at("dur").get<double>() >= 0);
        }
        for (const auto& thread : slices) {
            std::vector<std::int64_t> open;  // their ends; events stand in the order of their beginnings
            std::int64_t latest = 0;
            for (const auto& [begin, end] : thread.second) {
                CHECK(begin >= latest);
                latest = begin;
                while (!open.empty() && open.back() <= begin) open.pop_back();
                if (!open.empty()) CHECK(end <= open.back());
                open.push_back(end);
            }
        }
    }

    void check_flows() const {
        std::map<std::uint64_t, std::string> flows;
        for (const char* const phase : {"s", "t", "f"}) {
            for (const json& e : with(phase)) flows[e.at("id").get<std::uint64_t>()] += phase;
        }
        for (const auto& flow : flows) {
            CHECK(flow.second.front() == 's');
            CHECK(flow.second.back() == 'f');
            CHECK(std::count(flow.second.begin(), flow.second.end(), 't') >= 1);
        }
    }

    json all_;
    const json& events_;
};

}  // namespace trace_test
