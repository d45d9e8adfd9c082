// SPDX-License-Identifier: BSL-1.0
#include "text.hpp"

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

}  // namespace quest::html
