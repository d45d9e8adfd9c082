// tandem - fuzzing of chunked bodies: what is sent in chunks comes out whole, what is damaged is refused
// SPDX-License-Identifier: BSL-1.0
#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz.hpp"
#include "http/response_reading.hpp"

namespace http = tandem::http;
using tandem_test::read_in;

namespace {

const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/// `body` in chunks whose sizes come from `sizes`, with extensions here and there.
std::string in_chunks(std::string_view body, std::string_view sizes) {
    std::string wire = head;
    for (std::size_t at = 0, turn = 0; at < body.size(); ++turn) {
        const auto wanted =
            static_cast<std::size_t>(static_cast<unsigned char>(sizes[turn % sizes.size()])) + 1;
        const std::string_view piece = body.substr(at, wanted);
        char digits[16];
        wire.append(digits, std::to_chars(digits, digits + sizeof(digits), piece.size(), 16).ptr);
        if (wanted % 3 == 0) wire += ";name=\"value\"";
        wire.append("\r\n").append(piece).append("\r\n");
        at += piece.size();
    }
    return wire + "0\r\n\r\n";
}

}  // namespace

// The first eight bytes are sizes of chunks; the rest is a body to send, and a chunked body as it stands.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::size_t sizes = 8;
    if (size < sizes) return 0;
    const std::string_view all(reinterpret_cast<const char*>(data), size);
    const std::string_view body = all.substr(sizes);
    const http::limits limits;
    const std::string wire = in_chunks(body, all.substr(0, sizes));
    const std::string expected = "200 OK|Transfer-Encoding=chunked|" + std::string(body) + "|keep";
    fuzz::same(expected, read_in(wire, {}, false, limits), "chunks in one piece");
    const std::size_t near_end = wire.size() - 3;
    const std::size_t near_begin = std::min(head.size() + size % 5, near_end);
    fuzz::same(expected, read_in(wire, {near_begin, near_end}, false, limits), "chunks in three pieces");

    const std::string raw = head + std::string(body);
    std::vector<std::size_t> every;
    for (std::size_t i = head.size(); i < raw.size(); ++i) every.push_back(i);
    fuzz::same(read_in(raw, {}, false, limits), read_in(raw, every, false, limits),
               "a body as it stands, byte by byte");
    return 0;
}

std::vector<std::string> fuzz::seeds() {
    const std::string sizes = "abcdefgh";
    return {sizes + "hello",
            sizes + "5\r\nhello\r\n0\r\n\r\n",
            sizes + "5;x=\"y\"\r\nhello\r\n0\r\nA: b\r\n\r\n",
            sizes + "fffffffffffffffff\r\n",
            sizes + "0\r\n\r\nmore",
            sizes + "+5\r\nhello\r\n0\r\n\r\n"};
}
