// SPDX-License-Identifier: BSL-1.0
#include "server/target.hpp"

#include <algorithm>
#include <cctype>

namespace quest_server {
namespace {

int hex(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const int letter = std::tolower(static_cast<unsigned char>(c));
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

std::string decoded(std::string_view text) {
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
            result += static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
            i += 2;
        } else {
            result += text[i] == '+' ? ' ' : text[i];
        }
    }
    return result;
}

std::string_view cut_front(std::string_view& text, char separator) {
    const std::size_t end = std::min(text.find(separator), text.size());
    const std::string_view front = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return front;
}

}  // namespace

target::target(std::string_view text) {
    path_ = decoded(cut_front(text, '?'));
    while (!text.empty()) {
        std::string_view value = cut_front(text, '&');
        const std::string name = decoded(cut_front(value, '='));
        options_[name] = decoded(value);
    }
}

std::string target::route() const {
    const std::size_t end = path_.find('/', 1);
    return path_.substr(std::min<std::size_t>(1, path_.size()), end == std::string::npos ? end : end - 1);
}

std::string target::name() const {
    const std::size_t end = path_.find('/', 1);
    return end == std::string::npos ? std::string() : path_.substr(end + 1);
}

std::string target::text(const std::string& option) const {
    const auto found = options_.find(option);
    return found == options_.end() ? std::string() : found->second;
}

long target::number(const std::string& option, long otherwise) const {
    if (!has(option)) return otherwise;
    const std::string digits = text(option);
    const bool good = !digits.empty() && digits.size() <= 9 &&
                      std::ranges::all_of(digits, [](unsigned char c) { return std::isdigit(c) != 0; });
    if (!good) throw bad_request(option + " wants a whole number, not \"" + digits + "\"");
    return std::stol(digits);
}

}  // namespace quest_server
