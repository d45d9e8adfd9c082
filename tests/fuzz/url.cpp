// tandem - fuzzing of http::url: what it takes it prints in a form that it takes again, unchanged
// SPDX-License-Identifier: BSL-1.0
#include <tandem/http/url.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz.hpp"

namespace http = tandem::http;

namespace {

bool clean(std::string_view text) {
    for (const char c : text) {
        if (static_cast<unsigned char>(c) <= ' ' || static_cast<unsigned char>(c) >= 0x7f) return false;
    }
    return true;
}

void check_url(const http::url& one) {
    const std::string text = one.to_string();
    const http::url again(text);
    fuzz::same(text, again.to_string(), "printed and parsed");
    fuzz::check(again == one, "equal after a round trip");
    fuzz::check(clean(one.target()) && clean(one.authority()), "nothing in it could end a line");
    fuzz::check(!one.path().empty() && one.path().front() == '/', "a path begins with /");
    fuzz::check(!one.host().empty() && one.port() != 0, "there is somebody to connect to");
    fuzz::check(one.same_origin(http::url(one.origin())), "the origin is an URL of the same origin");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    try {
        check_url(http::url(text));
    } catch (const http::error& e) {
        fuzz::check(e.code() == http::errc::invalid_url, "a bad URL is called one");
    }
    static const http::url base("http://user:pw@a.test:81/b/c/d;p?q#f");
    try {
        check_url(base.resolve(text));
    } catch (const http::error& e) {
        fuzz::check(e.code() == http::errc::invalid_url, "a bad reference is called one");
    }
    fuzz::same(std::string(text), http::percent_decode(http::percent_encode(text)), "encoded and decoded");
    return 0;
}

std::vector<std::string> fuzz::seeds() {
    return {"http://example.org/",
            "https://User:p%40w@[::1]:8443/a/../b?c=d#e",
            "http://127.0.0.1:80",
            std::string("http://[::1\0x]:80/", 19),
            "../../g;x=1/./y",
            "//other.test/x",
            "?query",
            "http://a.test/%zz/\xc3\xa9",
            "HTTP://A.TEST:65535/ b"};
}
