// SPDX-License-Identifier: BSL-1.0
#include "comparison.hpp"

#include "drawing.hpp"
#include "text.hpp"

#include "../numbers.hpp"
#include "../run_record.hpp"

#include <algorithm>
#include <cctype>
#include <string_view>

namespace quest::html {
namespace {

/// What the chapter measured, also where it filled in the closing table only.
std::vector<variant> measured(const chapter_result& of) {
    if (!of.variants.empty()) return of.variants;
    std::vector<variant> all;
    const auto add = [&](const char* name, const std::optional<seconds>& time) {
        if (time) all.emplace_back(name, std::vector<seconds>{*time});
    };
    add("one by one", of.sequential);
    add("Python", of.python);
    add("tandem", of.tandem);
    return all;
}

std::string time_of(const variant& v) {
    const std::string time = in_three_digits(median(v.runs));
    return v.runs.size() < 2 ? time : time + " (" + spread_of(v.runs) + ')';
}

void draw_bar(drawing& to, const chapter_result& of, const variant& v) {
    const bool ours = of.tandem && median(v.runs) == *of.tandem;  // what the closing table shows
    to.row(v.name, 22);
    to.bar(seconds{}, median(v.runs), ours ? "ours" : "theirs", v.name + ": " + time_of(v));
    to.note(median(v.runs), time_of(v));
}

/// "12", "4.5 s", "-": at most a number and its unit.
bool is_number(const std::string& cell) {
    if (cell.empty() || cell == "-") return true;
    if (!std::isdigit(static_cast<unsigned char>(cell.front()))) return false;
    return std::count(cell.begin(), cell.end(), ' ') <= 1;
}

/// A column is of numbers if every cell of it is one.
bool is_column_of_numbers(const std::vector<std::vector<std::string>>& rows, std::size_t column) {
    return std::all_of(rows.begin(), rows.end(), [column](const std::vector<std::string>& row) {
        return column < row.size() && is_number(row[column]);
    });
}

/// `scope`: what a header is the header of, "col" or "row"; empty: it is none.
std::string cell(std::string_view scope, bool number, std::string_view text) {
    const std::string name(scope.empty() ? "td" : "th");
    std::string to = '<' + name;
    if (!scope.empty()) to += " scope=\"" + std::string(scope) + '"';
    if (number) to += " class=\"number\"";
    return to + '>' + escaped(text) + "</" + name + '>';
}

}  // namespace

std::string comparison(const chapter_result& of) {
    const std::vector<variant> all = measured(of);
    seconds longest{};
    for (const variant& v : all) {
        if (v.runs.empty()) continue;
        longest = std::max({longest, median(v.runs), bound_for(of, v).value_or(seconds{})});
    }
    if (longest <= seconds{}) return {};

    drawing to(longest * 1.45);    // room for the words behind the longest bar
    std::optional<seconds> bound;  // of the rows since the last mark
    const auto mark = [&] {
        if (bound) to.mark(*bound, "bound " + in_three_digits(*bound));
    };
    for (const variant& v : all) {
        if (v.runs.empty()) continue;
        const std::optional<seconds> its = bound_for(of, v);
        if (its != bound) {
            mark();
            to.begin_mark(its.has_value());
            bound = its;
        }
        draw_bar(to, of, v);
    }
    mark();
    to.axis();
    return to.svg("times of this chapter");
}

std::string table(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows) {
    std::vector<bool> numbers;
    for (std::size_t i = 0; i < header.size(); ++i) numbers.push_back(i > 0 && is_column_of_numbers(rows, i));

    std::string to = "<div class=\"wide\" tabindex=\"0\"><table><thead><tr>";
    for (std::size_t i = 0; i < header.size(); ++i) to += cell("col", numbers[i], header[i]);
    to += "</tr></thead><tbody>\n";
    for (const std::vector<std::string>& row : rows) {
        to += "<tr>";
        for (std::size_t i = 0; i < row.size(); ++i)
            to += cell(i == 0 ? "row" : "", i < numbers.size() && numbers[i], row[i]);
        to += "</tr>\n";
    }
    return to + "</tbody></table></div>\n";
}

}  // namespace quest::html
