// tandem - http::proxies: which requests go through a proxy, said by you or by the environment
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tandem/core/task.hpp>
#include <tandem/http/client_options.hpp>
#include <tandem/http/error.hpp>
#include <tandem/http/headers.hpp>
#include <tandem/http/impl/tunnel.hpp>
#include <tandem/http/limits.hpp>
#include <tandem/http/proxy_route.hpp>
#include <tandem/http/url.hpp>

namespace tandem::inline TANDEM_ABI {
namespace http {
namespace detail {

/// An IPv4 or IPv6 address as bytes, IPv4 mapped into IPv6; nothing for a name.
inline std::optional<std::array<std::uint8_t, 16>> address_bytes(const std::string& text) {
    if (text.find('\0') != std::string::npos) return std::nullopt;  // inet_pton would not read on
    std::array<std::uint8_t, 16> bytes{};
    if (::inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) return bytes;
    bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (::inet_pton(AF_INET, text.c_str(), bytes.data() + 12) == 1) return bytes;
    return std::nullopt;
}

/// One entry of a no_proxy list. What cannot be read covers nothing.
class proxy_exception {
public:
    explicit proxy_exception(std::string_view text) {
        const std::size_t slash = text.find('/');
        std::string_view host = take_port(text.substr(0, slash));
        if (host.starts_with("*.")) host.remove_prefix(1);
        if (host.starts_with('.')) host.remove_prefix(1);
        for (const char c : host) name_ += to_lower(c);
        address_ = address_bytes(name_);
        if (slash == std::string_view::npos) return;
        const bool v4 = name_.find(':') == std::string::npos;
        const auto bits = number(text.substr(slash + 1), v4 ? 32 : 128);
        if (address_ && bits) {
            prefix_ = *bits + (v4 ? 96 : 0);
        } else {
            name_.clear();
            address_.reset();
        }
    }

    bool covers(const url& to) const {
        if (name_ == "*") return true;
        if (port_ && *port_ != to.port()) return false;
        if (address_) return same_network(address_bytes(to.host()));
        const std::string& host = to.host();
        if (name_.empty() || !host.ends_with(name_)) return false;
        return host.size() == name_.size() || host[host.size() - name_.size() - 1] == '.';
    }

private:
    /// Notes the port of "host:port" or "[address]:port", and gives what is before it.
    std::string_view take_port(std::string_view text) noexcept {
        std::string_view host = text;
        const std::size_t bracket = text.starts_with('[') ? text.find(']') : std::string_view::npos;
        const std::size_t colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
        if (bracket != std::string_view::npos) {
            host = text.substr(1, bracket - 1);
        } else if (colon == std::string_view::npos || text.find(':', colon + 1) != std::string_view::npos) {
            return host;  // no port, or an IPv6 address without brackets
        } else {
            host = text.substr(0, colon);
        }
        if (colon != std::string_view::npos) port_ = number(text.substr(colon + 1), 65535).value_or(0);
        return host;
    }
    static std::optional<unsigned> number(std::string_view digits, unsigned most) noexcept {
        unsigned value = 0;
        const auto end = digits.data() + digits.size();
        const auto read = std::from_chars(digits.data(), end, value);
        if (read.ec != std::errc() || read.ptr != end || value > most) return std::nullopt;
        return value;
    }
    bool same_network(const std::optional<std::array<std::uint8_t, 16>>& other) const noexcept {
        if (!other) return false;
        for (unsigned bit = 0; bit < prefix_; ++bit) {
            const unsigned mask = 0x80u >> bit % 8;
            if (((*address_)[bit / 8] & mask) != ((*other)[bit / 8] & mask)) return false;
        }
        return true;
    }

    std::string name_;
    std::optional<std::array<std::uint8_t, 16>> address_;
    unsigned prefix_ = 128;
    std::optional<unsigned> port_;  // no request goes to 0, which stands for one that cannot be read
};

}  // namespace detail

/// Proxies by the scheme of a request: `client_options().proxy(http::proxies().all("http://proxy:3128"))`.
/// http requests are given to the proxy to make, https goes through it by CONNECT, so that it sees no
/// more than the host name. Credentials in the proxy's URL are sent to the proxy and to nobody else.
/// Errors: `invalid_url` for a proxy whose URL is none, or not http.
class proxies final : public proxy_route {
public:
    proxies() {}

    proxies& http(std::string_view url) { return http_ = checked(url), *this; }
    proxies& https(std::string_view url) { return https_ = checked(url), *this; }
    proxies& all(std::string_view url) { return http(url).https(url); }
    /// Hosts that are reached directly: names with all below them, "host:port", addresses, networks such
    /// as 10.0.0.0/8, "*" for all; with commas or blanks between.
    proxies& except(std::string_view list);
    /// What http_proxy, https_proxy, all_proxy and no_proxy say, else their upper-case forms. HTTP_PROXY is
    /// ignored where REQUEST_METHOD is set: there a client's "Proxy" header becomes that variable.
    static proxies from_environment();

    const url* find(const url& to) const override {
        const std::optional<url>& one = to.is_https() ? https_ : http_;
        if (!one) return nullptr;
        for (const detail::proxy_exception& e : exceptions_) {
            if (e.covers(to)) return nullptr;
        }
        return &*one;
    }

    task<> open_tunnel(byte_stream& stream, url to, url proxy, http::limits limits) const override {
        return detail::open_tunnel(stream, std::move(to), std::move(proxy), limits);
    }

private:
    static url checked(std::string_view text);
    static std::string variable(const char* lower, const char* upper);

    std::optional<url> http_;
    std::optional<url> https_;
    std::vector<detail::proxy_exception> exceptions_;
};

// ---- implementation

inline url proxies::checked(std::string_view text) {
    url one(text.find("://") == std::string_view::npos ? "http://" + std::string(text) : std::string(text));
    if (!one.is_https()) return one;
    throw error(errc::invalid_url, phase::proxy,
                detail::shown(one.redacted()) +
                    " is a proxy to be reached by https; give one with http, https requests are "
                    "encrypted to their end all the same");
}

inline proxies& proxies::except(std::string_view list) {
    for (std::size_t at = 0; at < list.size();) {
        const std::size_t end = std::min(list.find_first_of(", \t", at), list.size());
        if (end != at) exceptions_.emplace_back(list.substr(at, end - at));
        at = end + 1;
    }
    return *this;
}

inline std::string proxies::variable(const char* lower, const char* upper) {
    for (const char* const name : {lower, upper}) {
        const char* const value = name ? std::getenv(name) : nullptr;
        if (value && *value) return value;
    }
    return {};
}

inline proxies proxies::from_environment() {
    proxies found;
    const std::string for_all = variable("all_proxy", "ALL_PROXY");
    const std::string for_http =
        variable("http_proxy", std::getenv("REQUEST_METHOD") ? nullptr : "HTTP_PROXY");
    const std::string for_https = variable("https_proxy", "HTTPS_PROXY");
    if (!for_http.empty() || !for_all.empty()) found.http(for_http.empty() ? for_all : for_http);
    if (!for_https.empty() || !for_all.empty()) found.https(for_https.empty() ? for_all : for_https);
    return found.except(variable("no_proxy", "NO_PROXY"));
}

inline client_options& client_options::proxy(const http::proxies& which) {
    return proxies_ = std::make_shared<const http::proxies>(which), *this;
}

}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
