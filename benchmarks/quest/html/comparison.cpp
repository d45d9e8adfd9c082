// SPDX-License-Identifier: BSL-1.0
#include "comparison.hpp"

#include "drawing.hpp"
#include "text.hpp"

#include "../numbers.hpp"

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

std::string spread_of(const variant& v) {
    if (v.runs.size() < 2) return in_three_digits(median(v.runs));
    const auto [least, most] = std::minmax_element(v.runs.begin(), v.runs.end());
    return in_three_digits(median(v.runs)) + " (" + std::to_string(v.runs.size()) + " runs, " +
           in_three_digits(*least) + " to " + in_three_digits(*most) + ")";
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

std::string cell(std::string_view tag, bool number, std::string_view text) {
    const std::string name(tag);
    return '<' + name + (number ? " class=\"number\">" : ">") + escaped(text) + "</" + name + '>';
}

}  // namespace

std::string comparison(const chapter_result& of) {
    const std::vector<variant> all = measured(of);
    seconds longest = of.bound.value_or(seconds{});
    for (const variant& v : all) longest = std::max(longest, median(v.runs));
    if (all.empty() || longest <= seconds{}) return {};

    drawing to(longest * 1.45);  // room for the words behind the longest bar
    for (const variant& v : all) {
        if (v.runs.empty()) continue;
        const bool ours = of.tandem && median(v.runs) == *of.tandem;  // what the closing table shows
        to.row(v.name, 22);
        to.bar(seconds{}, median(v.runs), ours ? "ours" : "theirs", v.name + ": " + spread_of(v));
        to.note(median(v.runs), spread_of(v));
    }
    if (of.bound) to.mark(*of.bound, "bound " + in_three_digits(*of.bound));
    to.axis();
    return to.svg("times of this chapter");
}

std::string table(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows) {
    std::vector<bool> numbers;
    for (std::size_t i = 0; i < header.size(); ++i) numbers.push_back(i > 0 && is_column_of_numbers(rows, i));

    std::string to = "<div class=\"wide\"><table><thead><tr>";
    for (std::size_t i = 0; i < header.size(); ++i) to += cell("th", numbers[i], header[i]);
    to += "</tr></thead><tbody>\n";
    for (const std::vector<std::string>& row : rows) {
        to += "<tr>";
        for (std::size_t i = 0; i < row.size(); ++i)
            to += cell("td", i < numbers.size() && numbers[i], row[i]);
        to += "</tr>\n";
    }
    return to + "</tbody></table></div>\n";
}

}  // namespace quest::html
