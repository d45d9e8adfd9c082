// SPDX-License-Identifier: BSL-1.0
#include "report.hpp"

#include "numbers.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iostream>
#include <string_view>
#include <sys/ioctl.h>
#include <unistd.h>

namespace quest {
namespace {

std::string time(const std::optional<seconds>& t) { return t ? in_seconds(*t) : "-"; }

using row = std::array<std::string, 8>;

row row_of(const chapter_record& chapter) {
    const chapter_result& r = chapter.result;
    const std::optional<double> ratio = speed_up(r);
    const std::optional<double> share = share_of_bound(r);
    return {chapter.name,
            r.talk,
            time(r.bound),
            time(r.python),
            time(r.sequential),
            time(r.tandem),
            ratio ? with_decimals(*ratio, 1) + "x" : "-",
            share ? with_decimals(100 * *share, 1) + " %" : "-"};
}

void print_row(const row& cells, const std::array<std::size_t, 8>& widths) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const std::string padding(widths[i] - cells[i].size(), ' ');
        line += i < 2 ? cells[i] + padding : padding + cells[i];  // words to the left, numbers to the right
        if (i + 1 < cells.size()) line += "  ";
    }
    std::cout << line << '\n';
}

void print_rows(const std::vector<row>& table) {
    std::array<std::size_t, 8> widths{};
    for (const row& cells : table) {
        for (std::size_t i = 0; i < cells.size(); ++i) widths[i] = std::max(widths[i], cells[i].size());
    }
    for (const row& cells : table) print_row(cells, widths);
}

std::string verdict(std::size_t failures) {
    if (failures == 0) return "Every check holds";
    return std::to_string(failures) + (failures == 1 ? " check" : " checks") + " failed";
}

std::string roughly(seconds t) {
    const double s = t.count();
    if (s >= 99.5) return with_decimals(s / 60, 1) + " min";
    return with_decimals(s, s < 9.95 ? 1 : 0) + " s";
}

std::string about_the_scale(double scale) {
    if (scale == 1) return "these are the talk's own seconds";
    const bool whole = scale == static_cast<int>(scale);
    return "all times are the talk's divided by " + with_decimals(scale, whole ? 0 : 2) +
           " (--scale 1 takes its own seconds)";
}

}  // namespace

std::size_t progress_width() {
    const char* const terminal = std::getenv("TERM");
    if (::isatty(STDOUT_FILENO) != 1 || terminal == nullptr || std::string_view(terminal) == "dumb") return 0;
    winsize size{};
    const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return known ? size.ws_col : 80;
}

void report::clear_line() const {
    if (on_terminal()) std::cout << "\r\033[K";
}

void report::begin(const chapter& which, seconds expected, seconds all) const {
    std::cout << which.name << ": " << which.sentence << " (about " << roughly(expected);
    if (all > expected) std::cout << ", " << roughly(all) << " until all is done";
    std::cout << ')' << std::endl;
}

void report::progress(seconds elapsed, seconds expected) const {
    clear_line();
    const seconds left = expected - elapsed;
    const std::string line = "  " + with_decimals(elapsed.count(), 1) + " s, " +
                             (left >= seconds(0) ? "about " + roughly(left) + " left"
                                                 : roughly(-left) + " longer than on an idle machine");
    // A line that went on below itself could not be drawn over.
    std::cout << line.substr(0, width_ - 1) << std::flush;
}

void report::end(const chapter& which, seconds took, chapter_result result) {
    clear_line();
    for (const std::string& sentence : result.findings) std::cout << "  " << sentence << '\n';
    for (const std::string& sentence : result.failures) std::cout << "  CHECK FAILED: " << sentence << '\n';
    std::cout << std::flush;
    record_.chapters.emplace_back(which.name, which.sentence, took, std::move(result));
}

void report::print_table() const {
    std::vector<row> table{
        {"chapter", "the talk", "bound", "Python", "one by one", "tandem", "ratio", "of bound"}};
    for (const chapter_record& chapter : record_.chapters) table.push_back(row_of(chapter));
    std::cout << '\n';
    print_rows(table);
    std::cout << '\n'
              << verdict(record_.failures()) << "; " << about_the_scale(record_.scale) << ".\n"
              << std::flush;
}

}  // namespace quest
