// tandem - fuzzing of small texts: no_proxy lists, dates, Retry-After, the names in a multipart form
// SPDX-License-Identifier: BSL-1.0
#include <tandem/http/multipart.hpp>
#include <tandem/http/proxy.hpp>
#include <tandem/http/retry.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz.hpp"

namespace http = tandem::http;

namespace {

bool covers(std::string_view entry, const char* to) {
    return http::detail::proxy_exception(entry).covers(to);
}

// An entry that is no network covers hosts of one kind: a name, or an address.
void no_proxy(std::string_view text) {
    static_cast<void>(http::proxies().all("http://p:1").except(text).find("http://www.a.test:81/x"));
    if (text == "*" || text.find_first_of("*/") != std::string_view::npos) return;
    const bool name = covers(text, "http://www.a.test/");
    const bool v4 = covers(text, "http://10.0.0.1/");
    const bool v6 = covers(text, "http://[fd00::1]/");
    fuzz::check(name + v4 + v6 <= 1, "one entry covers one kind");
    if (name) fuzz::check(!covers(text, "http://www.b.invalid/"), "a name covers no other");
}

void dates(std::string_view text) {
    const auto when = http::detail::parse_date(text);
    if (when)
        fuzz::check(*when >= -11'644'473'600 && *when < 253'402'300'801,
                    "a date is of the years 1601 to 9999");
    http::headers fields;
    fields.append("Retry-After", text);
    const auto wait = http::retry_after(fields, 1'000'000'000);
    if (wait) fuzz::check(wait->count() >= 0, "no wait is negative");
    if (wait) fuzz::check(*wait <= std::chrono::hours(24 * 366) || when.has_value(), "seconds are bounded");
}

void form(std::string_view text) {
    http::multipart one;
    try {
        one.file_bytes(text, text, "x", text);
    } catch (const http::error& e) {
        fuzz::check(e.code() == http::errc::invalid_request, "a bad type is called one");
    }
    one.field(text, "y");
    const auto length = std::move(one).source()->length();
    fuzz::check(length.has_value() && *length > text.size(), "the length is known");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    no_proxy(text);
    dates(text);
    form(text);
    return 0;
}

std::vector<std::string> fuzz::seeds() {
    return {"a.test, .b.test,*.c.test 10.0.0.0/8",
            "www.a.test:81",
            "[fd00::]/8",
            "[::1]:80,fd00::1",
            std::string("10.0.0.1\0x", 10),
            "10.0.0.0/4294967295",
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "120",
            "99999999999999999999",
            "name\"\r\nX: y"};
}
