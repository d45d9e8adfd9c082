// SPDX-License-Identifier: BSL-1.0
#include "scenario.hpp"

#include <chrono>

namespace quest {
namespace {

std::string milliseconds(double in_the_talk, double scale) {
    return std::to_string(
        std::chrono::round<std::chrono::milliseconds>(seconds(in_the_talk / scale)).count());
}

std::string decimal_seconds(double in_the_talk, double scale) {
    const std::string ms = milliseconds(in_the_talk, scale);
    const std::string digits = std::string(ms.size() < 4 ? 4 - ms.size() : 0, '0') + ms;
    return digits.substr(0, digits.size() - 3) + "." + digits.substr(digits.size() - 3);
}

}  // namespace

std::vector<scripted_source> three_sources(double scale) {
    return {scripted_source("weather", "ms=" + milliseconds(2.0, scale), seconds(2.0 / scale)),
            scripted_source("news", "ms=" + milliseconds(1.5, scale), seconds(1.5 / scale)),
            scripted_source("knowledge_base", "ms=" + milliseconds(3.0, scale), seconds(3.0 / scale))};
}

std::vector<scripted_source> six_sources(double scale) {
    const auto ms = [scale](double t) { return "ms=" + milliseconds(t, scale); };
    std::vector<scripted_source> all;
    all.emplace_back("wiki", ms(0.6), seconds(0.6 / scale));
    all.emplace_back("papers", ms(0.7) + "&chunked=1&piece=8192&pause=" + milliseconds(0.02, scale),
                     seconds(0.9 / scale));
    all.emplace_back("news", ms(1.2) + "&as=sse", seconds(1.2 / scale));
    all.back().shape = web_source::shape::events;
    // The first replica is a straggler: the hedge starts after 0.3 s.
    all.emplace_back("code", ms(6.0), seconds(1.5 / scale));
    all.back().replica = ms(1.2);
    all.emplace_back("forum", ms(0.8) + "&status=429&times=1&retry_after=" + decimal_seconds(0.2, scale),
                     seconds(1.8 / scale));
    all.emplace_back("archive", "body_ms=" + milliseconds(1.5, scale), seconds(1.5 / scale));
    return all;
}

std::vector<scripted_source> six_faulty_sources(double scale) {
    const auto ms = [scale](double t) { return "ms=" + milliseconds(t, scale); };
    std::vector<scripted_source> all;
    all.emplace_back("wiki", ms(0.6) + "&status=503&times=2", seconds(0));
    all.emplace_back("papers", ms(0.5) + "&chunked=1&piece=4096&cut=9000", seconds(0));
    all.emplace_back("news", ms(1.2) + "&as=sse&cut=6000", seconds(0));
    all.back().shape = web_source::shape::events;
    all.emplace_back("code", ms(60.0), seconds(0));
    all.back().replica = ms(1.2);
    all.emplace_back("forum", ms(0.8) + "&status=429&retry_after=300", seconds(0));
    all.emplace_back("archive", "piece=1&pause=" + milliseconds(0.1, scale), seconds(0));
    return all;
}

std::vector<web_source> addresses(const std::vector<scripted_source>& sources, const std::string& base_url,
                                  const std::string& prefix) {
    std::vector<web_source> all;
    for (const scripted_source& s : sources) {
        const std::string document =
            base_url + "/documents/" + tandem::http::percent_encode(prefix + s.name) + "?";
        std::vector<std::string> urls{document + s.options};
        if (!s.replica.empty()) urls.push_back(document + s.replica);
        all.emplace_back(s.name, std::move(urls), s.shape);
    }
    return all;
}

}  // namespace quest
