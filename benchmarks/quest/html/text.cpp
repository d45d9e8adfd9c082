// SPDX-License-Identifier: BSL-1.0
#include "text.hpp"

#include <array>
#include <cmath>
#include <cstdio>

namespace quest::html {

std::string escaped(std::string_view text) {
    std::string to;
    to.reserve(text.size());
    for (const char c : text) {
        switch (c) {
            case '&':
                to += "&amp;";
                break;
            case '<':
                to += "&lt;";
                break;
            case '>':
                to += "&gt;";
                break;
            case '"':
                to += "&quot;";
                break;
            case '\'':
                to += "&#39;";
                break;
            default:
                if (static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t') to += c;
        }
    }
    return to;
}

std::string fixed(double value, int decimals) {
    std::array<char, 64> text;
    std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
    return text.data();
}

std::string duration(seconds time) {
    const double s = time.count();
    if (!std::isfinite(s)) return "-";
    const auto three_digits = [](double value) {
        return fixed(value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0);
    };
    if (s >= 0.9995 || s <= 0) return three_digits(s) + " s";
    if (s >= 0.9995e-3) return three_digits(s * 1e3) + " ms";
    return three_digits(s * 1e6) + " us";
}

}  // namespace quest::html
