// tandem - tests of decoding: gzip, deflate, their limits and their damage
// SPDX-License-Identifier: BSL-1.0
#include <tandem/http/impl/inflate.hpp>

#include <string>
#include <string_view>

#include "catch.hpp"

namespace http = tandem::http;

namespace {

std::string compressed(std::string_view text, int window_bits) {
    z_stream z{};
    REQUIRE(deflateInit2(&z, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    std::string out(deflateBound(&z, static_cast<uLong>(text.size())) + 64, '\0');
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    z.avail_in = static_cast<uInt>(text.size());
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = static_cast<uInt>(out.size());
    REQUIRE(deflate(&z, Z_FINISH) == Z_STREAM_END);
    out.resize(z.total_out);
    deflateEnd(&z);
    return out;
}
std::string gzip(std::string_view text) { return compressed(text, 15 + 16); }

std::string decoded(std::string_view wire, std::string_view encoding, std::size_t piece,
                    const http::limits& limits = http::limits(), bool transfer = false) {
    std::string out;
    try {
        http::detail::decoder d(limits);
        if (!d.use(encoding, transfer) && !d.active()) return "not known";
        for (std::size_t at = 0; at < wire.size(); at += piece) {
            d.give(wire.substr(at, piece));
            for (std::string_view made = d.take(); !made.empty(); made = d.take()) out += made;
        }
        d.finish();
    } catch (const http::error& e) {
        return http::to_string(e.code());
    }
    return out;
}

/// In one piece and byte by byte.
std::string both_ways(std::string_view wire, std::string_view encoding,
                      const http::limits& limits = http::limits()) {
    const std::string whole = decoded(wire, encoding, wire.size() + 1, limits);
    CHECK(decoded(wire, encoding, 1, limits) == whole);
    CHECK(decoded(wire, encoding, 7, limits) == whole);
    return whole;
}

std::string long_text() {
    std::string text;
    for (int i = 0; i < 20'000; ++i) text += "line " + std::to_string(i * 7919 % 10'007) + "\n";
    return text;
}

}  // namespace

TEST_CASE("decode: gzip and both kinds of deflate", "[http][decode]") {
    const std::string text = long_text();
    CHECK(both_ways(gzip(text), "gzip") == text);
    CHECK(both_ways(gzip(text), "X-GZIP") == text);
    CHECK(both_ways(compressed(text, 15), "deflate") == text);
    CHECK(both_ways(compressed(text, -15), "deflate") == text);
    CHECK(both_ways(gzip(""), "gzip").empty());
    CHECK(both_ways(gzip("x"), "gzip") == "x");
}
TEST_CASE("decode: an empty body is empty in any coding", "[http][decode]") {
    CHECK(both_ways("", "gzip").empty());
    CHECK(both_ways("", "deflate").empty());
}
TEST_CASE("decode: members follow each other, garbage after them is ignored", "[http][decode]") {
    CHECK(both_ways(gzip("one ") + gzip("two"), "gzip") == "one two");
    CHECK(both_ways(gzip("one") + "garbage", "gzip") == "one");
    CHECK(both_ways(gzip("one") + std::string(10, '\0'), "gzip") == "one");
    CHECK(both_ways(gzip("one") + "\x1f\x42 no member", "gzip") == "one");
    CHECK(both_ways(compressed("one", 15) + "garbage", "deflate") == "one");
}
TEST_CASE("decode: damage is an error", "[http][decode]") {
    const std::string damage = "the body is damaged";
    const std::string wire = gzip(long_text());
    CHECK(both_ways("this is no gzip", "gzip") == damage);
    CHECK(both_ways(wire.substr(0, wire.size() / 2), "gzip") == damage);
    CHECK(both_ways(wire.substr(0, wire.size() - 1), "gzip") == damage);
    CHECK(both_ways(wire.substr(0, 5), "gzip") == damage);
    CHECK(both_ways("\x78", "deflate") == damage);
    std::string flipped = wire;
    flipped[wire.size() - 6] = static_cast<char>(flipped[wire.size() - 6] ^ 1);  // in the checksum
    CHECK(both_ways(flipped, "gzip") == damage);
}
TEST_CASE("decode: codings are undone in the opposite order", "[http][decode]") {
    const std::string text = long_text();
    CHECK(both_ways(gzip(compressed(text, 15)), "deflate, gzip") == text);
    CHECK(both_ways(gzip(gzip(text)), "gzip, identity, gzip") == text);
    CHECK(decoded(gzip(gzip(text)), "gzip", 100, http::limits(), true) == text);
    CHECK(decoded(gzip(text), "identity", 100, http::limits(), true) == text);
}
TEST_CASE("decode: what is not known is left alone", "[http][decode]") {
    CHECK(both_ways("x", "br") == "not known");
    CHECK(both_ways("x", "gzip, zstd") == "not known");
}
TEST_CASE("decode: six codings are too many", "[http][decode]") {
    CHECK(both_ways("x", "gzip,gzip,gzip,gzip,gzip,gzip") == "the body is damaged");
}
TEST_CASE("decode: a bomb is stopped once it has become a thousand times larger", "[http][decode]") {
    const std::string zeros(50'000'000, '\0');
    CHECK(both_ways(gzip(gzip(zeros)), "gzip, gzip") == "the body is too large");
    http::limits strict;
    strict.decode_ratio(10);
    CHECK(both_ways(gzip(std::string(4'000'000, 'a')), "gzip", strict) == "the body is too large");
    CHECK(both_ways(gzip(std::string(1'000'000, 'a')), "gzip", strict).size() == 1'000'000);
}

TEST_CASE("decode: a bomb that comes to nothing in the end is stopped, too", "[http][decode]") {
    std::string nothing = gzip("").substr(0, 10);  // a member whose stored blocks are all empty
    for (int i = 0; i < 4'000'000; ++i) nothing.append("\0\0\0\xff\xff", 5);
    nothing += gzip("").substr(10);
    http::limits strict;
    strict.decode_ratio(100);
    CHECK(both_ways(gzip(nothing), "gzip, gzip", strict) == "the body is too large");
    CHECK(both_ways(nothing, "gzip", strict).empty());
}
