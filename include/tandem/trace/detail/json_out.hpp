// tandem - text of a trace on its way to a file or a string
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include <tandem/base/config.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// The length of the UTF-8 sequence at the start of `text`; 0 if there is none.
inline std::size_t utf8_length(std::string_view text) noexcept {
    const auto at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
    const auto continues = [&](std::size_t i) { return (at(i) & 0xc0u) == 0x80u; };
    const unsigned lead = at(0);
    if (lead < 0x80u) return 1;
    if (lead >= 0xc2u && lead < 0xe0u) return continues(1) ? 2 : 0;
    if (lead >= 0xe0u && lead < 0xf0u) {
        const bool too_small = lead == 0xe0u && at(1) < 0xa0u;
        const bool surrogate = lead == 0xedu && at(1) > 0x9fu;
        return continues(1) && continues(2) && !too_small && !surrogate ? 3 : 0;
    }
    if (lead >= 0xf0u && lead < 0xf5u) {
        const bool too_small = lead == 0xf0u && at(1) < 0x90u;
        const bool too_big = lead == 0xf4u && at(1) > 0x8fu;
        return continues(1) && continues(2) && continues(3) && !too_small && !too_big ? 4 : 0;
    }
    return 0;
}

/// Collects text; with a file it is written as it comes, without one it stays in memory.
class json_out {
public:
    explicit json_out(std::FILE* file = nullptr) noexcept : file_(file) {}

    json_out& operator<<(std::string_view text) {
        text_ += text;
        if (file_ && text_.size() >= block) flush();
        return *this;
    }
    json_out& operator<<(std::uint64_t number) { return print(number); }
    json_out& operator<<(std::int64_t number) { return print(number); }
    json_out& operator<<(double number) {
        if (number - number != 0) return *this << "null";  // JSON has no infinity
        return print(number);
    }

    /// A string in quotes. What is no UTF-8 becomes U+FFFD.
    json_out& quoted(std::string_view text) {
        text_ += '"';
        while (!text.empty()) {
            const std::size_t length = utf8_length(text);
            if (length == 1) {
                put_ascii(text.front());
            } else if (length == 0) {
                text_ += "\\ufffd";
            } else {
                text_ += text.substr(0, length);
            }
            text.remove_prefix(length == 0 ? 1 : length);
        }
        text_ += '"';
        return *this;
    }

    /// Nanoseconds as microseconds with three decimals.
    json_out& microseconds(std::int64_t nanoseconds) {
        print(nanoseconds / 1000);
        const auto rest = static_cast<int>(nanoseconds % 1000);
        const char decimals[] = {'.', digit(rest / 100), digit(rest / 10 % 10), digit(rest % 10)};
        return *this << std::string_view(decimals, sizeof decimals);
    }

    /// Writes the rest. 0, or the `errno` of the first write that failed.
    int finish() noexcept {
        flush();
        if (file_ && error_ == 0 && std::fflush(file_) != 0) error_ = errno;
        return error_;
    }
    const std::string& text() const noexcept { return text_; }

private:
    static constexpr std::size_t block = 1 << 16;

    static char digit(int n) noexcept { return static_cast<char>('0' + n); }

    template <class Number>
    json_out& print(Number number) {
        char digits[32];
        const auto end = std::to_chars(digits, digits + sizeof digits, number);
        return *this << std::string_view(digits, static_cast<std::size_t>(end.ptr - digits));
    }

    void put_ascii(char c) {
        static constexpr char hex[] = "0123456789abcdef";
        if (c == '"' || c == '\\') {
            text_ += '\\';
            text_ += c;
        } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
            text_ += "\\u00";
            text_ += hex[static_cast<unsigned char>(c) >> 4];
            text_ += hex[static_cast<unsigned char>(c) & 15];
        } else {
            text_ += c;
        }
    }

    void flush() noexcept {
        if (!file_) return;
        if (error_ == 0 && std::fwrite(text_.data(), 1, text_.size(), file_) != text_.size()) {
            error_ = errno != 0 ? errno : EIO;
        }
        text_.clear();
    }

    std::FILE* file_;
    std::string text_;
    int error_ = 0;
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
