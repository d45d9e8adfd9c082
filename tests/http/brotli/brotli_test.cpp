// tandem - tests of the brotli coding
// SPDX-License-Identifier: BSL-1.0
#include <tandem/http/brotli.hpp>

#include <brotli/encode.h>

#include <cstdint>
#include <string>

#include "http/mock_test.hpp"

namespace http = tandem::http;
using namespace std::chrono_literals;
using http::errc;
using tandem::testing::reply;
using tandem_test::code_of;
using tandem_test::over;

TANDEM_TEST("brotli: is asked for and undone when it is plugged in", "[http][brotli][virtual]") {
    const std::string text(100'000, 'x');
    std::string packed(1000, '\0');
    std::size_t size = packed.size();
    REQUIRE(::BrotliEncoderCompress(5, 22, BROTLI_MODE_TEXT, text.size(),
                                    reinterpret_cast<const std::uint8_t*>(text.data()), &size,
                                    reinterpret_cast<std::uint8_t*>(packed.data())));
    packed.resize(size);
    http::mock_transport net;
    net.on("GET", "/", reply(200, packed).header("Content-Encoding", "br").drip(1, 0s))
        .on("GET", "/cut", reply(200, packed.substr(0, size - 2)).header("Content-Encoding", "br"))
        .on("GET", "/damaged", reply(200, "\xff\xff\xff\xff\xff\xff").header("Content-Encoding", "br"));
    http::client client(over(net).coding(http::brotli()));
    const auto r = co_await client.get("http://a/");
    CHECK(r.text() == text);
    CHECK(net.log()[0].header("Accept-Encoding") == "gzip, deflate, br");
    CHECK_AWAITED(code_of(client.get("http://a/cut").send()), errc::decode);
    CHECK_AWAITED(code_of(client.get("http://a/damaged").send()), errc::decode);
    const auto small =
        co_await code_of(client.get("http://a/").limits(http::limits().body_bytes(1000)).send());
    CHECK(small == errc::body_too_large);
    http::client plain(over(net));
    const auto raw = co_await plain.get("http://a/");
    CHECK(raw.text() == packed);
    CHECK(raw.headers().get("Content-Encoding") == "br");
}
