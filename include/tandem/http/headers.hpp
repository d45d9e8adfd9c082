// tandem - http::headers: fields in their order, found without regard to case
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tandem/http/error.hpp>

namespace tandem::inline TANDEM_ABI {
namespace http {
namespace detail {

constexpr char to_lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

inline bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (to_lower(a[i]) != to_lower(b[i])) return false;
    }
    return true;
}

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_alpha(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

constexpr bool is_token_char(char c) noexcept {
    if (is_digit(c) || is_alpha(c)) return true;
    for (const char allowed : {'!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~'}) {
        if (c == allowed) return true;
    }
    return false;
}

inline bool is_token(std::string_view text) noexcept {
    for (const char c : text) {
        if (!is_token_char(c)) return false;
    }
    return !text.empty();
}

/// A field value: no control characters but tab, so that it cannot end its line.
inline bool is_field_value(std::string_view text) noexcept {
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte < 0x20 && c != '\t') || byte == 0x7f) return false;
    }
    return true;
}

inline std::string_view trim(std::string_view text) noexcept {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

/// Text of others in a message of ours: short, and without what could forge a line of a log.
inline std::string shown(std::string_view text) {
    constexpr std::size_t most = 60;
    std::string out = "\"";
    for (const char c : text.substr(0, most)) out += (c >= ' ' && c < 0x7f) ? c : '?';
    return out + (text.size() > most ? "...\"" : "\"");
}

/// Calls `fn` with each element of a comma-separated list, blanks removed, empty ones left out.
template <class Fn>
void each_element(std::string_view list, Fn&& fn) {
    while (!list.empty()) {
        const std::size_t comma = list.find(',');
        const std::string_view element = trim(list.substr(0, comma));
        if (!element.empty()) fn(element);
        if (comma == std::string_view::npos) return;
        list.remove_prefix(comma + 1);
    }
}

}  // namespace detail

/// A name and its value, as views into the `headers` that they come from.
class header_view {
public:
    header_view(std::string_view name, std::string_view value) noexcept : name_(name), value_(value) {}
    std::string_view name() const noexcept { return name_; }
    std::string_view value() const noexcept { return value_; }

private:
    std::string_view name_;
    std::string_view value_;
};

/// An ordered multimap of header fields. Names keep their spelling and are found in any.
/// Errors: `add` and `set` throw `invalid_request` for a name that is no token and for a value with
///   CR, LF, NUL or another control character: no header can smuggle in a second one.
/// Cost: two allocations for all fields together; views are valid until the next change.
class headers {
public:
    class iterator {
    public:
        using iterator_category = std::input_iterator_tag;
        using value_type = header_view;
        using difference_type = std::ptrdiff_t;
        using pointer = void;
        using reference = header_view;

        iterator() noexcept = default;
        iterator(const headers& of, std::size_t index) noexcept : of_(&of), index_(index) {}
        header_view operator*() const noexcept { return of_->at(index_); }
        iterator& operator++() noexcept { return ++index_, *this; }
        iterator operator++(int) noexcept { return iterator(*of_, index_++); }
        bool operator==(const iterator& other) const noexcept { return index_ == other.index_; }

    private:
        const headers* of_ = nullptr;
        std::size_t index_ = 0;
    };

    headers() {}

    /// Appends a field, also if there is one of that name.
    headers& add(std::string_view name, std::string_view value) {
        check(name, value);
        append(name, detail::trim(value));
        return *this;
    }
    /// Replaces all fields of that name by one, at the end.
    headers& set(std::string_view name, std::string_view value) {
        check(name, value);
        const std::string kept(detail::trim(value));  // it may be a view into this
        const std::string kept_name(name);
        erase(kept_name);
        append(kept_name, kept);
        return *this;
    }
    /// Removes all fields of that name; gives their number.
    std::size_t erase(std::string_view name) noexcept {
        const std::size_t before = entries_.size();
        std::size_t kept = 0;
        for (const entry& e : entries_) {
            if (!detail::equal_ignoring_case(name_of(e), name)) entries_[kept++] = e;
        }
        entries_.resize(kept);
        if (kept == 0) text_.clear();
        return before - kept;
    }
    void clear() noexcept {
        entries_.clear();
        text_.clear();
    }

    /// The value of the first field of that name.
    std::optional<std::string_view> get(std::string_view name) const noexcept {
        for (const entry& e : entries_) {
            if (detail::equal_ignoring_case(name_of(e), name)) return value_of(e);
        }
        return std::nullopt;
    }
    /// The values of all fields of that name, in their order.
    std::vector<std::string_view> get_all(std::string_view name) const {
        std::vector<std::string_view> values;
        for (const entry& e : entries_) {
            if (detail::equal_ignoring_case(name_of(e), name)) values.push_back(value_of(e));
        }
        return values;
    }
    bool contains(std::string_view name) const noexcept { return get(name).has_value(); }

    std::size_t size() const noexcept { return entries_.size(); }
    bool empty() const noexcept { return entries_.empty(); }
    header_view at(std::size_t index) const noexcept {
        return header_view(name_of(entries_[index]), value_of(entries_[index]));
    }
    iterator begin() const noexcept { return iterator(*this, 0); }
    iterator end() const noexcept { return iterator(*this, entries_.size()); }

    /// For what a parser has checked already.
    void append(std::string_view name, std::string_view value) {
        const std::size_t at = text_.size();
        if (entries_.empty()) {
            entries_.reserve(12);
            text_.reserve(400);
        }
        if (at + name.size() + value.size() <= text_.capacity()) {
            text_.append(name).append(value);
        } else {  // not in place: either may be a view into what would be freed
            std::string larger;
            larger.reserve(2 * (at + name.size() + value.size()));
            larger.append(text_).append(name).append(value);
            text_.swap(larger);
        }
        entries_.push_back(entry(static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(name.size()),
                                 static_cast<std::uint32_t>(value.size())));
    }

private:
    struct entry {
        entry() noexcept = default;
        entry(std::uint32_t at, std::uint32_t name, std::uint32_t value) noexcept
            : offset(at), name_size(name), value_size(value) {}
        std::uint32_t offset = 0;
        std::uint32_t name_size = 0;
        std::uint32_t value_size = 0;
    };

    std::string_view name_of(const entry& e) const noexcept {
        return std::string_view(text_).substr(e.offset, e.name_size);
    }
    std::string_view value_of(const entry& e) const noexcept {
        return std::string_view(text_).substr(e.offset + e.name_size, e.value_size);
    }

    static void check(std::string_view name, std::string_view value) {
        if (!detail::is_token(name)) {
            throw error(errc::invalid_request, phase::write,
                        "the header name " + detail::shown(name) + " is no token; use letters, digits and -");
        }
        if (!detail::is_field_value(value)) {
            throw error(errc::invalid_request, phase::write,
                        "the value of header " + detail::shown(name) +
                            " has a control character; encode it, or leave out line ends");
        }
        if (value.size() > UINT32_MAX / 2) {
            throw error(errc::invalid_request, phase::write,
                        "the value of header " + detail::shown(name) + " is too large (" +
                            std::to_string(value.size()) + " bytes); send it as the body");
        }
    }

    std::string text_;
    std::vector<entry> entries_;
};

}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
