// SPDX-License-Identifier: BSL-1.0
#include "drawing.hpp"

#include "text.hpp"

#include "../numbers.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace quest::html {
namespace {

constexpr double width = 960;
constexpr double labels = 190;  // the column left of the plot
constexpr double margin = 24;   // right of it, for the last number of the axis
constexpr double line = 20;     // of text
constexpr double label_line = 14;

std::string coordinate(double value) { return with_decimals(value, 1); }

std::string text_at(double x, double y, std::string_view style, std::string_view anchor,
                    std::string_view text) {
    return "<text x=\"" + coordinate(x) + "\" y=\"" + coordinate(y) + "\" class=\"" + std::string(style) +
           "\" text-anchor=\"" + std::string(anchor) + "\">" + escaped(text) + "</text>\n";
}

std::string line_from(double x1, double y1, double x2, double y2, std::string_view style) {
    return "<line x1=\"" + coordinate(x1) + "\" y1=\"" + coordinate(y1) + "\" x2=\"" + coordinate(x2) +
           "\" y2=\"" + coordinate(y2) + "\" class=\"" + std::string(style) + "\"/>\n";
}

/// 1, 2 or 5 times a power of ten, so that about eight fit.
double tick_step(double until) {
    const double raw = until / 8;
    const double power = std::pow(10, std::floor(std::log10(raw)));
    for (const double factor : {1.0, 2.0, 5.0}) {
        if (factor * power >= raw) return factor * power;
    }
    return 10 * power;
}

/// Breaks a label between words so that it fits its column; a word that does not fit is cut.
std::vector<std::string> in_lines(std::string_view label) {
    constexpr std::size_t longest = 27;
    std::vector<std::string> lines;
    while (!label.empty()) {
        const std::string_view word = label.substr(0, label.find(' '));
        label.remove_prefix(std::min(word.size() + 1, label.size()));
        if (!lines.empty() && characters(lines.back()) + 1 + characters(word) <= longest) {
            lines.back().append(" ").append(word);
        } else {
            lines.push_back(cut(word, longest));
        }
    }
    return lines;
}

}  // namespace

drawing::drawing(seconds until) : until_(std::max(until, seconds(1e-6))) {}

double drawing::x(seconds at) const {
    const double share = std::clamp(at / until_, 0.0, 1.0);
    return labels + share * (width - labels - margin);
}

void drawing::heading(std::string_view left, std::string_view right) {
    bottom_ += line;
    body_ += text_at(0, bottom_ - 6, "title", "start", left);
    body_ += text_at(width - margin, bottom_ - 6, "title", "end", right);
}

void drawing::row(std::string_view label, double height) {
    top_ = bottom_;
    height_ = height;
    bottom_ += height;
    const std::vector<std::string> lines = in_lines(label);
    const double needed = label_line * static_cast<double>(lines.size()) + 2;
    if (needed > height && lines.size() > 1) {
        bottom_ = top_ + needed;
        top_ += (needed - height) / 2;
    }
    double base = top_ + height / 2 + 4 - label_line * static_cast<double>(lines.size() - 1) / 2;
    for (const std::string& shown : lines) {
        body_ += text_at(labels - 8, base, "label", "end", shown);
        base += label_line;
    }
}

void drawing::bar(seconds begin, seconds end, std::string_view style, std::string_view hint,
                  std::string_view text) {
    const double left = x(begin);
    const double wide = std::max(x(end) - left, 0.6);  // what is short is still seen
    const double inset = height_ > 8 ? 1.5 : 0.3;
    body_ += "<rect x=\"" + coordinate(left) + "\" y=\"" + coordinate(top_ + inset) + "\" width=\"" +
             coordinate(wide) + "\" height=\"" + coordinate(height_ - 2 * inset) + "\" class=\"" +
             std::string(style) + "\"><title>" + escaped(hint) + "</title></rect>\n";
    constexpr double letter = 6.2;
    const bool on_colour = style != "waiting" && style != "cancelled";
    if (!text.empty() && height_ >= 14 && letter * static_cast<double>(characters(text)) + 6 < wide) {
        body_ += text_at(left + wide / 2, top_ + height_ / 2 + 4, on_colour ? "inside" : "on-grey", "middle",
                         text);
    }
}

void drawing::note(seconds at, std::string_view text) {
    body_ += text_at(x(at) + 6, top_ + height_ / 2 + 4, "small", "start", text);
}

void drawing::shade(seconds begin, seconds end) {
    body_ += "<rect x=\"" + coordinate(x(begin)) + "\" y=\"" + coordinate(top_) + "\" width=\"" +
             coordinate(x(end) - x(begin)) + "\" height=\"" + coordinate(height_) + "\" class=\"both\"/>\n";
}

void drawing::steps(const std::vector<std::pair<seconds, double>>& points, seconds until, double top) {
    if (points.empty()) return;
    const double floor = top_ + height_;
    const auto y = [&](double value) { return floor - std::clamp(value / top, 0.0, 1.0) * (height_ - 4); };
    std::string path = "M" + coordinate(x(points.front().first)) + ' ' + coordinate(floor);
    for (const auto& [at, value] : points) path += 'H' + coordinate(x(at)) + 'V' + coordinate(y(value));
    path += 'H' + coordinate(x(until)) + 'V' + coordinate(floor) + 'Z';
    body_ += "<path d=\"" + path + "\" class=\"area\"/>\n";
}

void drawing::level(double value, double top, std::string_view text) {
    const double y = top_ + height_ - std::clamp(value / top, 0.0, 1.0) * (height_ - 4);
    body_ += line_from(labels, y, width - margin, y, "bound");
    body_ += text_at(width - margin, y - 3, "small", "end", text);
}

void drawing::begin_mark(bool with_text) {
    if (with_text) bottom_ += 16;
    mark_ = bottom_;
}

void drawing::mark(seconds at, std::string_view text) {
    const double where = x(at);
    body_ += line_from(where, mark_, where, bottom_, "bound");
    if (!text.empty())
        body_ += text_at(where, mark_ - 4, "small", where > width * 0.8 ? "end" : "middle", text);
}

void drawing::axis() {
    const double step = tick_step(until_.count());
    const int decimals = step >= 1 ? 0 : step >= 0.1 ? 1 : step >= 0.01 ? 2 : 3;
    body_ += line_from(labels, bottom_, width - margin, bottom_, "axis");
    for (int i = 0; i * step <= until_.count() * 1.0001; ++i) {
        const double where = x(seconds(i * step));
        body_ += line_from(where, bottom_, where, bottom_ + 4, "axis");
        body_ += text_at(where, bottom_ + 16, "small", "middle",
                         with_decimals(i * step, decimals) + (i == 0 ? "" : " s"));
    }
    bottom_ += line;
}

std::string drawing::svg(std::string_view description) const {
    return "<div class=\"wide\"><svg viewBox=\"0 0 " + coordinate(width) + ' ' + coordinate(bottom_ + 4) +
           "\" role=\"img\"><title>" + escaped(description) + "</title>\n" + body_ + "</svg></div>\n";
}

}  // namespace quest::html
