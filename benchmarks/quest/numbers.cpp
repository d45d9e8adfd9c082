// SPDX-License-Identifier: BSL-1.0
#include "numbers.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace quest {

std::string with_decimals(double value, int decimals) {
    std::array<char, 64> text;
    std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
    return text.data();
}

std::string in_seconds(seconds t) { return with_decimals(t.count(), 3) + " s"; }

std::string in_milliseconds(seconds t) {
    const double ms = t.count() * 1e3;
    return with_decimals(ms, ms < 10 ? 2 : 0) + " ms";
}

std::string in_percent(double share) { return with_decimals(100 * share, 1) + " %"; }

std::string in_three_digits(seconds t) {
    const double s = t.count();
    if (!std::isfinite(s)) return "-";
    const auto shown = [](double value) {
        return with_decimals(value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0);
    };
    if (s >= 0.9995 || s <= 0) return shown(s) + " s";
    if (s >= 0.9995e-3) return shown(s * 1e3) + " ms";
    return shown(s * 1e6) + " us";
}

std::string spread_of(const std::vector<seconds>& runs) {
    if (runs.size() < 2) return std::to_string(runs.size()) + (runs.size() == 1 ? " run" : " runs");
    const auto [least, most] = std::ranges::minmax_element(runs);
    return std::to_string(runs.size()) + " runs, " + in_three_digits(*least) + " to " +
           in_three_digits(*most);
}

}  // namespace quest
