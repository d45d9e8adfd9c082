// tandem - http::url: parses, resolves and prints http and https URLs
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <arpa/inet.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <tandem/http/error.hpp>
#include <tandem/http/headers.hpp>

namespace tandem::inline TANDEM_ABI {
namespace http {

/// Encodes everything but letters, digits and `-._~` as %XX: for one name, value or path segment.
std::string percent_encode(std::string_view text);
/// Decodes %XX; what is no valid escape stays as it is.
std::string percent_decode(std::string_view text);

/// An absolute http or https URL in normal form: scheme and host in lower case, no "." or ".." in the
/// path, an empty path as "/", no default port; spaces and bytes beyond ASCII in path and query encoded.
/// Errors: `invalid_url`, saying which part; a host beyond ASCII too, IDNA is left to you.
class url {
public:
    url(std::string_view text);
    url(const char* text) : url(std::string_view(text)) {}
    url(const std::string& text) : url(std::string_view(text)) {}

    /// "http" or "https".
    const std::string& scheme() const noexcept { return scheme_; }
    bool is_https() const noexcept { return scheme_ == "https"; }
    /// Lower case; an IPv6 address without its brackets.
    const std::string& host() const noexcept { return host_; }
    bool host_is_ipv6() const noexcept { return ipv6_; }
    /// The port to connect to, that of the scheme if none is given.
    std::uint16_t port() const noexcept { return port_ != 0 ? port_ : default_port(); }
    bool has_default_port() const noexcept { return port_ == 0; }
    /// "user:password" as written, encoded; empty if there is none.
    const std::string& credentials() const noexcept { return credentials_; }
    /// Begins with "/"; encoded.
    const std::string& path() const noexcept { return path_; }
    /// Without "?"; empty optional if there is none.
    const std::optional<std::string>& query() const noexcept { return query_; }
    /// Without "#"; never sent.
    const std::optional<std::string>& fragment() const noexcept { return fragment_; }

    /// Path and query: what a request line asks for.
    std::string target() const { return query_ ? path_ + "?" + *query_ : path_; }
    /// Host and port as the Host header has them: brackets, no default port.
    std::string authority() const;
    /// Scheme, host and port: what must be equal for two URLs to be of one origin.
    std::string origin() const { return scheme_ + "://" + authority(); }
    bool same_origin(const url& other) const noexcept {
        return scheme_ == other.scheme_ && host_ == other.host_ && port() == other.port();
    }
    /// The whole URL; `redacted` leaves out credentials and fragment, for logs and errors.
    std::string to_string() const;
    std::string redacted() const { return origin() + target(); }

    /// Resolves a reference against this URL as RFC 3986, section 5.2, says (strictly).
    url resolve(std::string_view reference) const;

    /// Appends a name and a value to the query, both encoded.
    url& add_query(std::string_view name, std::string_view value);
    url& set_credentials(std::string encoded) noexcept { return credentials_ = std::move(encoded), *this; }
    url& set_fragment(std::optional<std::string> fragment) noexcept {
        return fragment_ = std::move(fragment), *this;
    }

    bool operator==(const url& other) const noexcept {
        return same_origin(other) && credentials_ == other.credentials_ && path_ == other.path_ &&
               query_ == other.query_ && fragment_ == other.fragment_;
    }

private:
    class parts;

    url() {}
    std::uint16_t default_port() const noexcept { return is_https() ? 443 : 80; }
    void take_scheme(std::string_view scheme, std::string_view whole);
    void take_authority(std::string_view authority, std::string_view whole);
    void take_host(std::string_view host, std::string_view whole);
    [[noreturn]] static void refuse(std::string_view whole, const std::string& why);
    static std::string normal(std::string_view part, std::string_view whole, bool is_path);
    static std::string without_dots(std::string_view path);

    std::string scheme_;
    std::string credentials_;
    std::string host_;
    std::string path_ = "/";
    std::optional<std::string> query_;
    std::optional<std::string> fragment_;
    std::uint16_t port_ = 0;
    bool ipv6_ = false;
};

// ---- implementation

namespace detail {

constexpr int hex_value(char c) noexcept {
    if (is_digit(c)) return c - '0';
    const char lower = to_lower(c);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}
constexpr bool is_unreserved(char c) noexcept {
    return is_digit(c) || is_alpha(c) || c == '-' || c == '.' || c == '_' || c == '~';
}
inline void append_escape(std::string& to, char c) {
    constexpr char digits[] = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(c);
    to += '%';
    to += digits[byte >> 4];
    to += digits[byte & 15];
}

}  // namespace detail

inline std::string percent_encode(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (detail::is_unreserved(c)) {
            out += c;
        } else {
            detail::append_escape(out, c);
        }
    }
    return out;
}

inline std::string percent_decode(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size() && detail::hex_value(text[i + 1]) >= 0 &&
            detail::hex_value(text[i + 2]) >= 0) {
            out += static_cast<char>(detail::hex_value(text[i + 1]) * 16 + detail::hex_value(text[i + 2]));
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

/// A reference cut at its delimiters, as by the expression in RFC 3986, appendix B.
class url::parts {
public:
    explicit parts(std::string_view text) {
        const std::size_t hash = text.find('#');
        if (hash != std::string_view::npos) {
            fragment = text.substr(hash + 1);
            text = text.substr(0, hash);
        }
        const std::size_t colon = text.find_first_of(":/?");
        if (colon != std::string_view::npos && text[colon] == ':' && is_scheme(text.substr(0, colon))) {
            scheme = text.substr(0, colon);
            text.remove_prefix(colon + 1);
        }
        const std::size_t mark = text.find('?');
        if (mark != std::string_view::npos) {
            query = text.substr(mark + 1);
            text = text.substr(0, mark);
        }
        if (text.starts_with("//")) {
            text.remove_prefix(2);
            const std::size_t slash = text.find('/');
            authority = text.substr(0, slash);
            text = slash == std::string_view::npos ? std::string_view() : text.substr(slash);
        }
        path = text;
    }

    std::optional<std::string_view> scheme;
    std::optional<std::string_view> authority;
    std::string_view path;
    std::optional<std::string_view> query;
    std::optional<std::string_view> fragment;

private:
    static bool is_scheme(std::string_view text) noexcept {
        if (text.empty() || !detail::is_alpha(text.front())) return false;
        for (const char c : text) {
            if (!detail::is_alpha(c) && !detail::is_digit(c) && c != '+' && c != '-' && c != '.')
                return false;
        }
        return true;
    }
};

TANDEM_COLD inline void url::refuse(std::string_view whole, const std::string& why) {
    // Errors go to logs; a password does not.
    const std::size_t slashes = whole.find("//");
    const std::size_t begin = slashes == std::string_view::npos ? 0 : slashes + 2;
    const std::string_view authority = whole.substr(begin, whole.substr(begin).find_first_of("/?#"));
    const std::size_t at = authority.rfind('@');
    std::string text(whole);
    if (at != std::string_view::npos) text.replace(begin, at, "...");
    throw error(errc::invalid_url, phase::pool, detail::shown(text) + ": " + why);
}

inline url::url(std::string_view text) {
    const parts cut(text);
    if (!cut.scheme) refuse(text, "it has no scheme; begin it with http:// or https://");
    take_scheme(*cut.scheme, text);
    if (!cut.authority) refuse(text, "it has no host; write // after the scheme");
    take_authority(*cut.authority, text);
    path_ = without_dots(normal(cut.path, text, true));
    if (cut.query) query_ = normal(*cut.query, text, false);
    if (cut.fragment) fragment_ = normal(*cut.fragment, text, false);
}

TANDEM_COLD inline url url::resolve(std::string_view reference) const {
    const parts cut(reference);
    if (cut.scheme) return url(reference);
    url out(*this);
    out.fragment_.reset();
    if (cut.fragment) out.fragment_ = normal(*cut.fragment, reference, false);
    if (cut.authority) {
        out.take_authority(*cut.authority, reference);
        out.path_ = without_dots(normal(cut.path, reference, true));
        out.query_.reset();
    } else if (cut.path.empty()) {
        if (!cut.query) return out;
    } else {
        const std::string path = normal(cut.path, reference, true);
        out.path_ = path.front() == '/' ? without_dots(path)
                                        : without_dots(path_.substr(0, path_.rfind('/') + 1) + path);
        out.query_.reset();
    }
    if (cut.query) out.query_ = normal(*cut.query, reference, false);
    return out;
}

inline void url::take_scheme(std::string_view scheme, std::string_view whole) {
    for (const char c : scheme) scheme_ += detail::to_lower(c);
    if (scheme_ != "http" && scheme_ != "https") {
        refuse(whole, "the scheme " + detail::shown(scheme) + " is not supported; use http or https");
    }
}

inline void url::take_authority(std::string_view authority, std::string_view whole) {
    credentials_.clear();
    port_ = 0;
    if (authority.find('\\') !=
        std::string_view::npos) {  // browsers end the authority there, RFC 3986 does not
        refuse(whole, "a backslash before the path; write / for a path, %5C in a password");
    }
    const std::size_t at = authority.rfind('@');
    if (at != std::string_view::npos) {
        const std::string_view written = authority.substr(0, at);
        authority.remove_prefix(at + 1);
        for (const char c : normal(written, whole, false)) {
            if (c == '@' || c == '/' || c == '?' || c == '[' || c == ']') {
                detail::append_escape(credentials_, c);
            } else {
                credentials_ += c;
            }
        }
    }
    std::string_view host = authority;
    std::optional<std::string_view> port;
    const std::size_t bracket = authority.rfind(']');
    const std::size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
    if (colon != std::string_view::npos) {
        host = authority.substr(0, colon);
        port = authority.substr(colon + 1);
    }
    take_host(host, whole);
    if (!port || port->empty()) return;
    std::uint32_t number = 0;
    for (const char c : *port) {
        if (!detail::is_digit(c)) refuse(whole, "the port " + detail::shown(*port) + " is no number");
        number = number * 10 + static_cast<std::uint32_t>(c - '0');
        if (number > 65535) refuse(whole, "the port " + detail::shown(*port) + " is above 65535");
    }
    if (number == 0) refuse(whole, "the port is 0; give one of 1 to 65535");
    if (number != default_port()) port_ = static_cast<std::uint16_t>(number);
}

inline void url::take_host(std::string_view host, std::string_view whole) {
    if (host.empty()) refuse(whole, "the host is empty");
    host_.clear();
    ipv6_ = host.front() == '[';
    if (ipv6_) {
        if (host.size() < 2 || host.back() != ']') refuse(whole, "the IPv6 address has no closing ]");
        const std::string written(host.substr(1, host.size() - 2));
        in6_addr address;
        // inet_pton reads up to a NUL only, which would let the rest of the text pass unread
        if (written.find('\0') != std::string::npos || inet_pton(AF_INET6, written.c_str(), &address) != 1) {
            refuse(whole, "the host " + detail::shown(host) + " is no IPv6 address");
        }
        char canonical[INET6_ADDRSTRLEN];  // one text for one address (RFC 5952): one origin, one pool
        host_ = inet_ntop(AF_INET6, &address, canonical, sizeof canonical);
        return;
    }
    for (const char c : host) {
        if (static_cast<unsigned char>(c) >= 0x80) {
            refuse(whole, "the host is not ASCII; give it in its IDNA form (xn--...)");
        }
        if (!detail::is_unreserved(c)) {
            refuse(whole,
                   "the host " + detail::shown(host) +
                       " may have letters, digits, dots and hyphens only; an IPv6 address stands in []");
        }
        host_ += detail::to_lower(c);
    }
    if (host_.size() > 253)
        refuse(whole, "the host has " + std::to_string(host_.size()) + " characters, at most 253");
}

// Blanks, quotes and bytes beyond ASCII are encoded as browsers do; control characters are refused,
// because nobody writes them except to break out of the request line.
inline std::string url::normal(std::string_view part, std::string_view whole, bool is_path) {
    std::string out;
    out.reserve(part.size());
    for (std::size_t i = 0; i < part.size(); ++i) {
        const char c = part[i];
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) {
            refuse(whole, "it has a control character (" + std::to_string(byte) +
                              "); percent_encode() what you insert");
        }
        if (c == '%') {
            if (i + 2 >= part.size() || detail::hex_value(part[i + 1]) < 0 ||
                detail::hex_value(part[i + 2]) < 0) {
                refuse(whole, "% without two hex digits; write a percent sign as %25");
            }
            out += c;
        } else if (byte >= 0x80 || c == ' ' || c == '"' || c == '<' || c == '>' || c == '\\' || c == '^' ||
                   c == '`' || c == '{' || c == '|' || c == '}' || c == '#' || (is_path && c == '?')) {
            detail::append_escape(out, c);
        } else {
            out += c;
        }
    }
    return out;
}

// RFC 3986, section 5.2.4, on whole segments; an encoded dot counts as a dot, as in browsers.
inline std::string url::without_dots(std::string_view path) {
    if (path.empty()) return "/";
    std::string out;
    while (!path.empty()) {
        path.remove_prefix(path.front() == '/' ? 1 : 0);
        const std::size_t slash = path.find('/');
        const bool last = slash == std::string_view::npos;
        const std::string_view segment = path.substr(0, slash);
        std::string dots;
        if (segment.size() <= 6) dots = percent_decode(segment);
        if (dots == "..") {
            const std::size_t parent = out.rfind('/');
            out.resize(parent == std::string::npos ? 0 : parent);
            if (last) out += '/';
        } else if (dots == ".") {
            if (last) out += '/';
        } else {
            out += '/';
            out += segment;
        }
        path = last ? std::string_view() : path.substr(slash);
        if (!last && path.size() == 1) {  // a trailing slash: an empty last segment
            out += '/';
            break;
        }
    }
    return out.empty() ? "/" : out;
}

inline std::string url::authority() const {
    std::string out = ipv6_ ? "[" + host_ + "]" : host_;
    if (port_ != 0) out += ":" + std::to_string(port_);
    return out;
}

inline std::string url::to_string() const {
    std::string out = scheme_ + "://";
    if (!credentials_.empty()) out += credentials_ + "@";
    out += authority() + target();
    if (fragment_) out += "#" + *fragment_;
    return out;
}

inline url& url::add_query(std::string_view name, std::string_view value) {
    std::string& query = query_ ? *query_ : query_.emplace();
    if (!query.empty()) query += '&';
    query += percent_encode(name) + "=" + percent_encode(value);
    return *this;
}

}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
