// SPDX-License-Identifier: BSL-1.0
#include "text.hpp"

#include <algorithm>

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

namespace {

bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

}  // namespace

std::size_t characters(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(text, begins_character));
}

std::string cut(std::string_view text, std::size_t longest) {
    if (characters(text) <= longest) return std::string(text);
    std::size_t size = 0;
    for (std::size_t seen = 0; size < text.size(); ++size) {
        if (begins_character(text[size]) && ++seen == longest) break;
    }
    return std::string(text.substr(0, size)) + "\u2026";
}

}  // namespace quest::html
