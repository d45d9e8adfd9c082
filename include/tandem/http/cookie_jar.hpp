// tandem - http::cookie_jar: keeps the cookies of servers and sends them back, by RFC 6265
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tandem/http/extension.hpp>
#include <tandem/http/impl/http_date.hpp>
#include <tandem/http/url.hpp>

namespace tandem::inline TANDEM_ABI {
namespace http {

/// One cookie, as a jar keeps it.
class cookie {
public:
    static constexpr std::int64_t session = std::numeric_limits<std::int64_t>::max();

    cookie() {}

    std::string name;
    std::string value;
    std::string domain;  ///< lower case, without a dot in front
    std::string path = "/";
    std::int64_t expires = session;  ///< seconds since 1970; `session`: with the jar
    std::int64_t created = 0;
    bool host_only = true;   ///< for `domain` alone; else for the hosts below it, too
    bool secure = false;     ///< for https alone
    bool http_only = false;  ///< not for scripts; there are none here
};

/// A jar for `client_options::cookies`: `auto jar = std::make_shared<cookie_jar>();`. Each request, and each
/// hop of a redirect, gets the cookies that its own URL may have and no others. A Cookie header that the
/// request has itself is sent instead. What it does not know is which domains are public suffixes: beyond
/// refusing those of one label ("com"), it believes a server of a.co.uk that sets a cookie for co.uk, unless
/// `public_suffix` says no. Threads: one loop at a time. Cost: a linear walk over the cookies, of which there
/// are 3000 at most, 180 for
///   one domain; the oldest go first.
class cookie_jar final : public cookie_store {
public:
    using clock = std::int64_t (*)();

    /// `now`: seconds since 1970; the system's time unless a test has its own.
    explicit cookie_jar(clock now = [] { return static_cast<std::int64_t>(std::time(nullptr)); }) noexcept
        : now_(now) {}

    /// Asked about each Domain attribute: true if it is a public suffix, under which anybody can register.
    cookie_jar& public_suffix(bool (*is_one)(std::string_view domain)) noexcept {
        return public_suffix_ = is_one, *this;
    }

    std::string cookies_for(const url& to) override;
    void received(const url& from, const headers& fields) override;

    /// Puts a cookie in, replacing the one of that name, domain and path; one that has expired removes it.
    void set(cookie c);
    /// All that have not expired.
    std::vector<cookie> cookies();
    void clear() noexcept { kept_.clear(); }
    std::size_t size() const noexcept { return kept_.size(); }

private:
    static constexpr std::size_t most = 3000;
    static constexpr std::size_t most_of_domain = 180;
    static constexpr std::size_t longest = 4096;
    static constexpr std::size_t longest_attribute = 1024;

    /// What a Set-Cookie line says beside the cookie itself; of each attribute the last one counts.
    class attributes {
    public:
        attributes() {}
        std::optional<std::string_view> domain;
        bool path = false;
        bool max_age = false;
    };

    void receive(const url& from, std::string_view line);
    void read_attribute(std::string_view name, std::string_view value, const url& from, cookie& c,
                        attributes& read) const;
    bool take_domain(std::string_view value, const url& from, cookie& c) const;
    bool hides_secure(const cookie& c);
    void drop_expired();
    void drop_oldest(std::string_view domain);

    std::vector<cookie> kept_;  // the oldest first
    clock now_;
    bool (*public_suffix_)(std::string_view) = nullptr;
};

// ---- implementation

namespace detail {

// RFC 6265, section 5.1.3; an address has no hosts below it.
inline bool domain_matches(std::string_view host, std::string_view domain) noexcept {
    if (host == domain) return true;
    if (host.size() <= domain.size() || !host.ends_with(domain)) return false;
    const std::string_view last = host.substr(host.rfind('.') + 1);  // that of a name is no number
    const bool address =
        host.find(':') != std::string_view::npos || std::all_of(last.begin(), last.end(), is_digit);
    return !address && host[host.size() - domain.size() - 1] == '.';
}

// RFC 6265, section 5.1.4.
inline bool path_matches(std::string_view path, std::string_view of_cookie) noexcept {
    if (!path.starts_with(of_cookie)) return false;
    return path.size() == of_cookie.size() || of_cookie.ends_with('/') || path[of_cookie.size()] == '/';
}
inline bool has_prefix(std::string_view name, std::string_view prefix) noexcept {
    return equal_ignoring_case(name.substr(0, prefix.size()), prefix);
}
inline std::string default_path(const url& from) {
    const std::size_t last = from.path().rfind('/');
    return last == 0 || last == std::string::npos ? "/" : from.path().substr(0, last);
}

}  // namespace detail

inline std::string cookie_jar::cookies_for(const url& to) {
    drop_expired();
    std::vector<const cookie*> sent;
    for (const cookie& c : kept_) {
        const bool domain = c.host_only ? to.host() == c.domain : detail::domain_matches(to.host(), c.domain);
        if (domain && detail::path_matches(to.path(), c.path) && (!c.secure || to.is_https()))
            sent.push_back(&c);
    }
    std::stable_sort(sent.begin(), sent.end(),
                     [](const cookie* a, const cookie* b) { return a->path.size() > b->path.size(); });
    std::string out;
    for (const cookie* const c : sent) {
        if (!out.empty()) out += "; ";
        out.append(c->name).append("=").append(c->value);
    }
    return out;
}

inline void cookie_jar::received(const url& from, const headers& fields) {
    for (const header_view field : fields) {
        if (detail::equal_ignoring_case(field.name(), "Set-Cookie")) receive(from, field.value());
    }
}

// RFC 6265, section 5.2: what cannot be understood is skipped, the cookie itself only if it has no name or
// pretends to what its origin may not say.
inline void cookie_jar::receive(const url& from, std::string_view line) {
    std::size_t end = line.find(';');
    const std::string_view pair = line.substr(0, end);
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos || pair.size() > longest || !detail::is_field_value(pair)) return;
    cookie c;
    c.name = detail::trim(pair.substr(0, equals));
    c.value = detail::trim(pair.substr(equals + 1));
    if (c.name.empty()) return;
    c.domain = from.host();
    c.path = detail::default_path(from);
    attributes read;
    while (end != std::string_view::npos) {
        line.remove_prefix(end + 1);
        end = line.find(';');
        const std::string_view attribute = line.substr(0, end);
        const std::size_t sign = attribute.find('=');
        const std::string_view value =
            sign == std::string_view::npos ? "" : detail::trim(attribute.substr(sign + 1));
        if (value.size() <= longest_attribute)
            read_attribute(detail::trim(attribute.substr(0, sign)), value, from, c, read);
    }
    if (read.domain && !take_domain(*read.domain, from, c)) return;
    if (c.secure && !from.is_https()) return;  // else a network could plant it
    if (detail::has_prefix(c.name, "__Secure-") && !c.secure) return;
    if (detail::has_prefix(c.name, "__Host-") && !(c.secure && c.host_only && read.path && c.path == "/"))
        return;
    if (!from.is_https() && hides_secure(c)) return;
    set(std::move(c));
}

// RFC 6265bis, "leave secure cookies alone": whoever sits on a plain connection must not replace what https
// has set, nor be sent along with it under the same name.
inline bool cookie_jar::hides_secure(const cookie& c) {
    drop_expired();
    for (const cookie& old : kept_) {
        if (!old.secure || old.name != c.name || !detail::path_matches(c.path, old.path)) continue;
        if (detail::domain_matches(c.domain, old.domain) || detail::domain_matches(old.domain, c.domain))
            return true;
    }
    return false;
}

inline void cookie_jar::read_attribute(std::string_view name, std::string_view value, const url& from,
                                       cookie& c, attributes& read) const {
    using detail::equal_ignoring_case;
    if (equal_ignoring_case(name, "Domain")) {
        read.domain = value;
    } else if (equal_ignoring_case(name, "Path")) {
        c.path = value.starts_with('/') ? std::string(value) : detail::default_path(from);
        read.path = true;
    } else if (equal_ignoring_case(name, "Secure")) {
        c.secure = true;
    } else if (equal_ignoring_case(name, "HttpOnly")) {
        c.http_only = true;
    } else if (equal_ignoring_case(name, "Max-Age")) {
        constexpr std::int64_t years = 400LL * 24 * 3600;  // RFC 6265bis: no cookie lives longer
        std::int64_t age = 0;
        const char* const last = value.data() + value.size();
        const auto parsed = std::from_chars(value.data(), last, age);
        if (parsed.ec == std::errc::result_out_of_range && parsed.ptr == last)
            age = value.front() == '-' ? 0 : years;
        else if (value.empty() || parsed.ec != std::errc() || parsed.ptr != last)
            return;
        c.expires = age <= 0 ? 0 : now_() + std::min(age, years);
        read.max_age = true;
    } else if (equal_ignoring_case(name, "Expires") && !read.max_age) {
        if (const auto when = detail::parse_date(value)) c.expires = *when;
    }
}

inline bool cookie_jar::take_domain(std::string_view value, const url& from, cookie& c) const {
    if (value.starts_with('.')) value.remove_prefix(1);
    if (value.empty()) return true;
    if (value.ends_with('.')) return false;  // "com." would be a suffix that does not look like one
    std::string domain;
    for (const char letter : value) domain += detail::to_lower(letter);
    if (!detail::domain_matches(from.host(), domain)) return false;
    const bool suffix = domain.find('.') == std::string::npos || (public_suffix_ && public_suffix_(domain));
    if (suffix && domain != from.host()) return false;
    if (suffix) return true;  // for that host alone
    c.domain = std::move(domain);
    c.host_only = false;
    return true;
}

inline void cookie_jar::set(cookie c) {
    const auto same = std::find_if(kept_.begin(), kept_.end(), [&c](const cookie& old) {
        return old.name == c.name && old.domain == c.domain && old.path == c.path &&
               old.host_only == c.host_only;
    });
    const std::int64_t now = now_();
    c.created = now;
    if (c.expires <= now) {
        if (same != kept_.end()) kept_.erase(same);
        return;
    }
    if (same != kept_.end()) {
        c.created = same->created;
        *same = std::move(c);
        return;
    }
    drop_expired();
    const auto of_domain =
        std::count_if(kept_.begin(), kept_.end(), [&c](const cookie& old) { return old.domain == c.domain; });
    if (static_cast<std::size_t>(of_domain) >= most_of_domain) drop_oldest(c.domain);
    if (kept_.size() >= most) kept_.erase(kept_.begin());
    kept_.push_back(std::move(c));
}

inline void cookie_jar::drop_oldest(std::string_view domain) {
    kept_.erase(
        std::find_if(kept_.begin(), kept_.end(), [domain](const cookie& c) { return c.domain == domain; }));
}

inline void cookie_jar::drop_expired() {
    const std::int64_t now = now_();
    std::erase_if(kept_, [now](const cookie& c) { return c.expires <= now; });
}

inline std::vector<cookie> cookie_jar::cookies() {
    drop_expired();
    return kept_;
}

}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
