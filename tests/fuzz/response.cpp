// tandem - fuzzing of the response parser: however the bytes are cut, the same becomes of them
// SPDX-License-Identifier: BSL-1.0
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz.hpp"
#include "http/response_reading.hpp"

namespace http = tandem::http;
using tandem_test::read_in;

// The first byte chooses the kind of request and, with the second, where else the bytes are cut.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const bool head = (data[0] & 1) != 0;
    const std::string_view wire(reinterpret_cast<const char*>(data) + 2, size - 2);
    http::limits limits;
    limits.header_bytes(4096).header_fields(20);
    const std::string whole = read_in(wire, {}, head, limits);

    std::vector<std::size_t> every;
    std::vector<std::size_t> some;
    std::uint32_t random = static_cast<std::uint32_t>(data[0]) << 8 | data[1];
    for (std::size_t i = 1; i < wire.size(); ++i) {
        every.push_back(i);
        random = random * 1664525 + 1013904223;
        if (random >> 30 == 0) some.push_back(i);
    }
    fuzz::same(whole, read_in(wire, every, head, limits), "byte by byte");
    fuzz::same(whole, read_in(wire, some, head, limits), "in pieces");
    return 0;
}

std::vector<std::string> fuzz::seeds() {
    const std::string first = "\x02\x07";
    std::vector<std::string> made;
    for (const char* const text :
         {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 200 OK\r\n\r\nto the end",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
          "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\nConnection: "
          "close\r\n\r\n",
          "HTTP/1.0 301 Moved\r\nLocation: /x\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
          "HTTP/1.1 200\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
          "\r\nHTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nContent-Length: 9\r\n\r\nHTTP/1.1 200 "
          "OK\r\n\r\n"}) {
        made.push_back(first + text);
        made.push_back("\x01\x03" + std::string(text));
    }
    return made;
}
