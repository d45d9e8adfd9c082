// SPDX-License-Identifier: BSL-1.0
#include "report.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <iostream>

namespace quest {
namespace {

std::string number(double value, const char* unit, int decimals) {
    std::array<char, 40> text;
    std::snprintf(text.data(), text.size(), "%.*f%s", decimals, value, unit);
    return text.data();
}

std::string time(const std::optional<seconds>& t) { return t ? number(t->count(), " s", 3) : "-"; }

using row = std::array<std::string, 7>;

void print_row(const row& cells, const std::array<std::size_t, 7>& widths) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const std::string padding(widths[i] - cells[i].size(), ' ');
        line += i < 2 ? cells[i] + padding : padding + cells[i];  // words to the left, numbers to the right
        if (i + 1 < cells.size()) line += "  ";
    }
    std::cout << line << '\n';
}

}  // namespace

void report::clear_line() const {
    if (on_terminal_) std::cout << "\r\033[K";
}

void report::begin(const chapter& which, double scale) {
    std::cout << which.name << ": " << which.sentence;
    std::cout << " (about " << number(std::max(0.1, which.talk_seconds / scale), " s", 1) << ")" << std::endl;
}

void report::progress(const chapter&, seconds elapsed, seconds expected) {
    clear_line();
    const seconds left = std::max(seconds(0), expected - elapsed);
    std::cout << "  " << number(elapsed.count(), " s", 1) << ", about " << number(left.count(), " s", 1)
              << " left" << std::flush;
}

void report::end(const chapter& which, chapter_result result) {
    clear_line();
    for (const std::string& sentence : result.findings) std::cout << "  " << sentence << '\n';
    for (const std::string& sentence : result.failures) std::cout << "  CHECK FAILED: " << sentence << '\n';
    std::cout << std::flush;
    failures_ += result.failures.size();
    rows_.emplace_back(which, std::move(result));
}

void report::print_table(double scale) const {
    std::vector<row> table{{"chapter", "the talk", "bound", "one by one", "tandem", "ratio", "of bound"}};
    for (const auto& [which, r] : rows_) {
        const std::string ratio = r.sequential && r.tandem ? number(*r.sequential / *r.tandem, "x", 1) : "-";
        const std::string share = r.bound && r.tandem ? number(100 * (*r.bound / *r.tandem), " %", 1) : "-";
        table.push_back(
            {which.name, r.talk, time(r.bound), time(r.sequential), time(r.tandem), ratio, share});
    }
    std::array<std::size_t, 7> widths{};
    for (const row& cells : table) {
        for (std::size_t i = 0; i < cells.size(); ++i) widths[i] = std::max(widths[i], cells[i].size());
    }
    std::cout << '\n';
    for (const row& cells : table) print_row(cells, widths);
    std::cout << '\n'
              << (all_checks_hold() ? "Every check holds" : std::to_string(failures_) + " checks failed");
    if (scale == 1) {
        std::cout << "; these are the talk's own seconds.\n";
    } else {
        std::cout << "; all times are the talk's divided by "
                  << number(scale, "", scale == static_cast<int>(scale) ? 0 : 2)
                  << " (--scale 1 takes its own seconds).\n";
    }
    std::cout << std::flush;
}

}  // namespace quest
