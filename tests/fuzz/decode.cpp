// tandem - fuzzing of Content-Encoding: whatever comes, in any pieces, it ends within the limits and alike
// SPDX-License-Identifier: BSL-1.0
#include <tandem/http/impl/inflate.hpp>

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz.hpp"

namespace http = tandem::http;

namespace {

constexpr const char* codings[] = {"gzip",         "deflate",       "gzip, gzip", "gzip, deflate",
                                   "deflate,gzip", "identity,gzip", "x-gzip",     "gzip,gzip,gzip"};
constexpr std::uint64_t allowed =
    8 * 1024 * 1024;  // of 4 KiB of input, at a ratio of 1000 and 1 MiB at least

std::string decoded(std::string_view wire, std::string_view coding, std::size_t piece, bool& ended) {
    const http::limits limits;
    std::string out;
    ended = false;
    try {
        http::detail::decoder d(limits);
        fuzz::check(d.use(coding, false), "these codings are known");
        for (std::size_t at = 0; at < wire.size(); at += piece) {
            d.give(wire.substr(at, piece));
            for (std::string_view made = d.take(); !made.empty(); made = d.take()) {
                out += made;
                fuzz::check(out.size() <= allowed, "a bomb is stopped");
            }
        }
        d.finish();
        ended = true;
    } catch (const http::error& e) {
        fuzz::check(e.code() == http::errc::decode || e.code() == http::errc::body_too_large,
                    "what is refused");
    }
    return out;
}

std::string compressed(std::string_view text, int window_bits) {
    z_stream z{};
    deflateInit2(&z, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY);
    std::string out(deflateBound(&z, static_cast<uLong>(text.size())) + 64, '\0');
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    z.avail_in = static_cast<uInt>(text.size());
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = static_cast<uInt>(out.size());
    deflate(&z, Z_FINISH);
    out.resize(z.total_out);
    deflateEnd(&z);
    return out;
}

}  // namespace

// The first byte chooses the coding; the rest is a body in it, and a text to be sent in it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    const std::string_view coding = codings[data[0] % std::size(codings)];
    const std::string_view wire(reinterpret_cast<const char*>(data) + 1, size - 1);
    bool whole_ended = false;
    bool cut_ended = false;
    const std::string whole = decoded(wire, coding, size, whole_ended);
    for (const std::size_t piece : {1, 7}) {
        const std::string cut = decoded(wire, coding, piece, cut_ended);
        if (whole_ended && cut_ended) fuzz::same(whole, cut, "in pieces");
    }
    fuzz::same(std::string(wire), decoded(compressed(wire, 15 + 16), "gzip", 3, whole_ended),
               "gzip, there and back");
    fuzz::check(whole_ended, "what was sent whole ends");
    fuzz::same(std::string(wire), decoded(compressed(wire, -15), "deflate", 3, whole_ended),
               "deflate, there and back");
    fuzz::check(whole_ended, "what was sent whole ends");
    return 0;
}

std::vector<std::string> fuzz::seeds() {
    const std::string text = "hello, hello, hello";
    const std::string zeros(1'000'000, '\0');
    const std::string gzip = compressed(text, 15 + 16);
    return {std::string(1, 0) + gzip,
            std::string(1, 0) + gzip + gzip + "garbage",
            std::string(1, 1) + compressed(text, 15),
            std::string(1, 1) + compressed(text, -15),
            std::string(1, 2) + compressed(gzip, 15 + 16),
            std::string(1, 0) + compressed(zeros, 15 + 16),
            std::string(1, 2) + compressed(compressed(zeros, 15 + 16), 15 + 16),
            std::string(1, 4) + compressed(compressed(text, 15), 15 + 16)};
}
