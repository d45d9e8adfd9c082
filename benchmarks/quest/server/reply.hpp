// quest_server - an answer as it will go over the wire, with its pauses and faults
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace quest_server {

class reply {
public:
    using milliseconds = std::chrono::milliseconds;
    static constexpr std::size_t everything = static_cast<std::size_t>(-1);

    reply(unsigned code, std::string text) : status(code), pieces{std::move(text)} {}

    unsigned status;
    std::string type = "text/plain; charset=utf-8";
    std::vector<std::pair<std::string, std::string>> fields;
    std::vector<std::string> pieces;  ///< of the body

    milliseconds delay{0};       ///< before the head
    milliseconds body_delay{0};  ///< between head and body
    milliseconds pause{0};       ///< between two pieces
    bool chunked = false;
    bool closes = false;

    std::size_t cut = everything;  ///< the answer ends after so many bytes of body
    bool resets = false;           ///< ends with a reset instead of an orderly close
    bool hangs = false;            ///< stays open without another byte

    bool control = false;  ///< asks the server about itself: not counted

    bool is_whole() const noexcept { return cut == everything && !hangs && !resets; }
};

/// Some bytes, and how long to wait before they are sent.
class wire_part {
public:
    wire_part(std::chrono::milliseconds wait, std::string text) : before(wait), bytes(std::move(text)) {}

    std::chrono::milliseconds before;
    std::string bytes;
};

/// The answer as bytes: parts that follow each other without a pause are one part, hence one write.
std::vector<wire_part> to_wire(const reply& how, bool keep_alive, bool head_only);

}  // namespace quest_server
