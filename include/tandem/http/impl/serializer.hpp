// tandem - writes the head of a request, and the frame of a chunk
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <charconv>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <tandem/http/message.hpp>

namespace tandem::inline TANDEM_ABI {
namespace http {
namespace detail {

inline void append_field(std::string& to, std::string_view name, std::string_view value) {
    to.append(name).append(": ").append(value).append("\r\n");
}

inline std::string base64(std::string_view bytes) {
    constexpr char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        unsigned group = 0;
        for (std::size_t k = 0; k < 3; ++k) {
            group = group << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u);
        }
        for (std::size_t k = 0; k < 4; ++k) {
            out += i + k > bytes.size() ? '=' : letters[group >> (18 - 6 * k) & 63];
        }
    }
    return out;
}

/// What a URL's credentials are in an Authorization field. One without a password has an empty one.
inline std::string basic_credentials(const url& of) {
    std::string plain = percent_decode(of.credentials());
    if (of.credentials().find(':') == std::string::npos) plain += ':';
    return "Basic " + base64(plain);
}

/// How long the server says that it keeps an idle connection; -1 if it does not.
inline int keep_alive_seconds(const headers& fields) {
    const std::string_view kept = fields.get("Keep-Alive").value_or("");
    int seconds = -1;
    const std::size_t at = kept.find("timeout=");
    if (at != std::string_view::npos)
        std::from_chars(kept.data() + at + 8, kept.data() + kept.size(), seconds);
    return seconds;
}

/// Whether to ask for codings and to undo them. A part of a coded body could not be undone.
inline bool wants_codings(const request& r) {
    return r.decompress() && !r.headers().contains("Accept-Encoding") && !r.headers().contains("Range");
}

/// Whether the body is sent only when the server says so. A server of 1.0 would not, and no body needs no
/// leave.
inline bool waits_for_continue(const request& r) {
    return r.expect_continue() && r.version() == version::http_1_1 && (r.source() || !r.body().empty());
}

/// What a client adds to its requests, unless they say otherwise.
class head_defaults {
public:
    head_defaults(std::string_view agent, std::string_view codings, std::string_view cookie) noexcept
        : user_agent(agent), accept_encoding(codings), cookies(cookie) {}
    /// The proxy that is asked to make the request; null if it is the server that is asked.
    void ask(const http::url* by) noexcept { proxy = by; }

    std::string_view user_agent;
    std::string_view accept_encoding;
    std::string_view cookies;
    const http::url* proxy = nullptr;
};

/// Appends request line and headers. What is in `r` was checked when it was set, so nothing in it can
/// end a line; what the user gave replaces what is written by default.
inline void write_head(const request& r, const head_defaults& defaults, std::string& to) {
    const http::url& url = r.url();
    const http::headers& given = r.headers();
    to.append(r.method()).append(" ");
    if (defaults.proxy) to.append(url.origin());
    to.append(url.path());
    if (url.query()) to.append("?").append(*url.query());
    const bool old = r.version() == version::http_1_0;
    to.append(old ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n");
    if (!given.contains("Host")) append_field(to, "Host", url.authority());
    if (!given.contains("User-Agent")) append_field(to, "User-Agent", defaults.user_agent);
    if (!given.contains("Accept")) to.append("Accept: */*\r\n");
    if (wants_codings(r)) append_field(to, "Accept-Encoding", defaults.accept_encoding);
    if (!defaults.cookies.empty() && !given.contains("Cookie")) append_field(to, "Cookie", defaults.cookies);
    if (!url.credentials().empty() && !given.contains("Authorization")) {
        append_field(to, "Authorization", basic_credentials(url));
    }
    if (defaults.proxy && !defaults.proxy->credentials().empty() && !given.contains("Proxy-Authorization")) {
        append_field(to, "Proxy-Authorization", basic_credentials(*defaults.proxy));
    }
    for (const header_view field : given) append_field(to, field.name(), field.value());
    if (!r.has_body()) {
        if (r.method() == "POST" || r.method() == "PUT" || r.method() == "PATCH")
            to.append("Content-Length: 0\r\n");
    } else {
        if (waits_for_continue(r) && !given.contains("Expect")) to.append("Expect: 100-continue\r\n");
        std::optional<std::uint64_t> length = r.body().size();
        if (r.source()) length = r.source()->length();
        if (length) {
            append_field(to, "Content-Length", std::to_string(*length));
        } else if (old) {
            throw error(errc::invalid_request, phase::write,
                        "HTTP/1.0 has no chunks; give the body a length(), or send it as 1.1");
        } else {
            to.append("Transfer-Encoding: chunked\r\n");
        }
    }
    to.append("\r\n");
}

inline std::string chunk_header(std::size_t size) {
    char digits[2 * sizeof(size)];
    const auto end = std::to_chars(digits, digits + sizeof(digits), size, 16).ptr;
    return std::string(digits, end).append("\r\n");
}

}  // namespace detail
}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
