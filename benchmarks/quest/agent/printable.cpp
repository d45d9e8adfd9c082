// SPDX-License-Identifier: BSL-1.0
#include "printable.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace quest::text {
namespace {

/// The character that the text begins with, and its bytes; 0 bytes if it is no UTF-8.
std::pair<char32_t, std::size_t> first_character(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    if (byte(0) < 0x80) return {byte(0), 1};
    const std::size_t size = byte(0) >= 0xF0 ? 4 : byte(0) >= 0xE0 ? 3 : 2;
    constexpr char32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (byte(0) < 0xC0 || byte(0) > 0xF4 || text.size() < size) return {0, 0};
    char32_t code = byte(0) & (0x7F >> size);
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte(i) & 0xC0) != 0x80) return {0, 0};
        code = code << 6 | (byte(i) & 0x3F);
    }
    const bool surrogate = code >= 0xD800 && code < 0xE000;
    if (code < least[size] || code > 0x10FFFF || surrogate) return {0, 0};
    return {code, size};
}

bool is_command(char32_t code) {
    const bool control = code < 0x20 || (code >= 0x7F && code < 0xA0);
    const bool turns_direction = (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
    return control || turns_direction;
}

}  // namespace

std::string printable(std::string_view text) {
    std::string shown;
    while (!text.empty()) {
        const auto [code, size] = first_character(text);
        if (size == 0) {
            shown += "\uFFFD";
        } else if (is_command(code)) {
            shown += ' ';
        } else {
            shown += text.substr(0, size);
        }
        text.remove_prefix(std::max<std::size_t>(size, 1));
    }
    return shown;
}

}  // namespace quest::text
