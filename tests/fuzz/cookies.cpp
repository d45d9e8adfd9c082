// tandem - fuzzing of http::cookie_jar: no cookie goes where it may not, none can end a line
// SPDX-License-Identifier: BSL-1.0
#include <tandem/http/cookie_jar.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz.hpp"

namespace http = tandem::http;

namespace {

std::int64_t now() { return 1'000'000'000; }

bool of_one_line(std::string_view text) { return http::detail::is_field_value(text); }

void check_jar(http::cookie_jar& jar, const http::url& from) {
    for (const http::cookie& c : jar.cookies()) {
        fuzz::check(!c.name.empty() && of_one_line(c.name) && of_one_line(c.value),
                    "a cookie fits into a line");
        fuzz::check(c.path.starts_with('/'), "a path begins with /");
        fuzz::check(c.expires > now(), "what has expired is gone");
        fuzz::check(http::detail::domain_matches(from.host(), c.domain), "only its own domain can be set");
        fuzz::check(c.domain == from.host() || c.domain.find('.') != std::string::npos,
                    "no top level domain");
    }
}

}  // namespace

// Each line is a Set-Cookie field of one answer, which comes from http or https as the first byte says.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    static const http::url origins[] = {"http://www.a.test/dir/page", "https://www.a.test/dir/page",
                                        "http://10.0.0.1/", "https://[::1]/x"};
    const http::url& from = origins[data[0] % 4];
    std::string_view lines(reinterpret_cast<const char*>(data) + 1, size - 1);
    http::headers fields;
    while (!lines.empty()) {
        const std::size_t end = lines.find('\n');
        fields.append("Set-Cookie", http::detail::trim(lines.substr(0, end)));
        lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 1);
    }
    http::cookie_jar jar(&now);
    jar.received(from, fields);
    check_jar(jar, from);
    fuzz::check(of_one_line(jar.cookies_for(from)), "what is sent fits into a line");
    fuzz::check(jar.cookies_for("http://www.other.test/dir/page").empty(), "none goes to another site");
    fuzz::check(jar.cookies_for("http://xwww.a.test.evil.test/").empty(),
                "none to one that only looks alike");
    const std::size_t before = jar.size();
    jar.received(from, fields);
    fuzz::check(jar.size() == before, "the same again changes nothing");
    return 0;
}

std::vector<std::string> fuzz::seeds() {
    return {"0id=1; Path=/; Domain=a.test; Max-Age=60; HttpOnly",
            "1id=1; Secure; Expires=Sun, 06 Nov 2094 08:49:37 GMT\nid=2; Path=/dir",
            "1__Host-a=b; Secure; Path=/\n__Secure-a=b; Secure\n__host-c=d; Domain=a.test",
            "0a=b; Domain=.test\nc=d; Domain=www.a.test.\n=x\ny",
            "2a=b; Domain=0.0.1\nc=d; Domain=10.0.0.1",
            "3a=b; Domain=::1; Max-Age=99999999999999999999\nc=d; Max-Age=-1; Expires=Thursday, 01-Jan-70 "
            "00:00:00 GMT"};
}
