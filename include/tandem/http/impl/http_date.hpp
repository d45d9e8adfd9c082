// tandem - dates as HTTP and cookies write them
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include <tandem/http/headers.hpp>

namespace tandem::inline TANDEM_ABI {
namespace http {
namespace detail {

/// The parts of a date as they are found, in any order.
class date_parts {
public:
    date_parts() {}

    /// RFC 6265, section 5.1.1: the first token of each kind counts, what is no kind is skipped.
    void take(std::string_view token) noexcept {
        if (!time_found_ && take_time(token)) return;
        if (day_ == 0 && take_number(token, 1, 2, day_)) return;
        if (month_ == 0 && take_month(token)) return;
        if (!year_found_) year_found_ = take_number(token, 2, 4, year_);
    }
    /// Seconds since 1970, if this is a date.
    std::optional<std::int64_t> seconds() const noexcept {
        namespace c = std::chrono;
        if (!time_found_ || day_ == 0 || month_ == 0 || !year_found_) return std::nullopt;
        const int year = year_ < 70 ? year_ + 2000 : year_ < 100 ? year_ + 1900 : year_;
        const c::year_month_day date(c::year(year), c::month(static_cast<unsigned>(month_)),
                                     c::day(static_cast<unsigned>(day_)));
        if (year < 1601 || !date.ok() || hour_ > 23 || minute_ > 59 || second_ > 60) return std::nullopt;
        const std::int64_t days = c::sys_days(date).time_since_epoch().count();
        return ((days * 24 + hour_) * 60 + minute_) * 60 + second_;
    }

private:
    // As many digits as there are, at least `least` and at most `most`; what is behind them does not count.
    static bool take_number(std::string_view& text, std::size_t least, std::size_t most, int& to,
                            bool cut = false) noexcept {
        std::size_t digits = 0;
        int value = 0;
        while (digits < text.size() && is_digit(text[digits])) {
            if (++digits > most) return false;
            value = value * 10 + (text[digits - 1] - '0');
        }
        if (digits < least) return false;
        if (cut) text.remove_prefix(digits);
        to = value;
        return true;
    }
    bool take_time(std::string_view text) noexcept {
        int parts[3] = {};
        for (int i = 0; i < 3; ++i) {
            if (i != 0) {
                if (text.empty() || text.front() != ':') return false;
                text.remove_prefix(1);
            }
            if (!take_number(text, 1, 2, parts[i], true)) return false;
        }
        hour_ = parts[0];
        minute_ = parts[1];
        second_ = parts[2];
        return time_found_ = true;
    }
    bool take_month(std::string_view text) noexcept {
        constexpr std::string_view names = "janfebmaraprmayjunjulaugsepoctnovdec";
        for (int i = 0; i < 12 && text.size() >= 3; ++i) {
            if (!equal_ignoring_case(text.substr(0, 3), names.substr(static_cast<std::size_t>(i) * 3, 3)))
                continue;
            month_ = i + 1;
            return true;
        }
        return false;
    }

    int day_ = 0, month_ = 0, year_ = 0, hour_ = 0, minute_ = 0, second_ = 0;
    bool time_found_ = false;
    bool year_found_ = false;
};

/// Seconds since 1970 of any of the three forms of an HTTP date, and of what cookies have instead.
inline std::optional<std::int64_t> parse_date(std::string_view text) noexcept {
    const auto part_of_token = [](char c) {
        return is_digit(c) || is_alpha(c) || c == ':' || static_cast<unsigned char>(c) >= 0x80;
    };
    date_parts parts;
    for (std::size_t at = 0; at < text.size();) {
        std::size_t end = at;
        while (end < text.size() && part_of_token(text[end])) ++end;
        if (end != at) parts.take(text.substr(at, end - at));
        at = end + 1;
    }
    return parts.seconds();
}

}  // namespace detail
}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
