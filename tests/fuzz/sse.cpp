// tandem - fuzzing of the SSE parser: however the bytes are cut, the same events come
// SPDX-License-Identifier: BSL-1.0
#include <tandem/http/sse.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz.hpp"

namespace http = tandem::http;

namespace {

std::string events_in(std::string_view bytes, std::size_t piece) {
    http::sse_parser parser(1000);
    std::string out;
    try {
        for (std::size_t at = 0; at < bytes.size(); at += piece) {
            parser.give(bytes.substr(at, piece));
            while (const std::optional<http::sse_event> event = parser.take()) {
                out += event->type + "|" + event->id + "|" + event->data + "\n";
                fuzz::check(!event->data.empty() || !event->type.empty(), "an event has data");
                fuzz::check(event->id.find('\0') == std::string::npos, "no id has a NUL");
            }
        }
    } catch (const http::error& e) {
        fuzz::check(e.code() == http::errc::body_too_large, "only the size is refused");
        return out + "too large";
    }
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const std::string whole = events_in(bytes, size + 1);
    for (const std::size_t piece : {1, 2, 3, 7}) fuzz::same(whole, events_in(bytes, piece), "in pieces");
    return 0;
}

std::vector<std::string> fuzz::seeds() {
    return {"data: one\n\n",
            "\xef\xbb\xbf"
            "event: add\r\ndata: 1\r\ndata: 2\r\nid: 7\r\n\r\n",
            ": comment\rdata\r\rretry: 100\rdata:x\r\r",
            "id: a\ndata: b\n\nid\ndata: c\n\n",
            std::string("id: a\0b\ndata: x\n\n", 17),
            "data: first\n\ndata: " + std::string(1200, 'x') + "\n\n",
            "data: " + std::string(1200, 'x') + "\n\n"};
}
