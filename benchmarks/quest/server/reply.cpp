// SPDX-License-Identifier: BSL-1.0
#include "server/reply.hpp"

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/write.hpp>

#include <algorithm>
#include <cstdio>
#include <sstream>

namespace quest_server {
namespace {

namespace http = boost::beast::http;

std::size_t size_of(const std::vector<std::string>& pieces) {
    std::size_t size = 0;
    for (const std::string& piece : pieces) size += piece.size();
    return size;
}

std::string head(const reply& how, bool keep_alive) {
    http::response<http::empty_body> message(static_cast<http::status>(how.status), 11);
    message.set(http::field::server, "quest_server");
    message.set(http::field::content_type, how.type);
    for (const auto& [name, value] : how.fields) message.set(name, value);
    message.keep_alive(keep_alive);
    if (how.chunked) {
        message.chunked(true);
    } else {
        message.content_length(size_of(how.pieces));
    }
    std::ostringstream text;
    text << message.base();
    return text.str();
}

std::string chunk(const std::string& piece) {
    char size[20];
    std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
    return size + piece + "\r\n";
}

// Cuts the body short; the head is no part of what is counted.
void cut_body(std::vector<wire_part>& body, std::size_t left) {
    for (wire_part& part : body) {
        part.bytes.resize(std::min(part.bytes.size(), left));
        left -= part.bytes.size();
    }
    std::erase_if(body, [](const wire_part& part) { return part.bytes.empty(); });
}

}  // namespace

std::vector<wire_part> to_wire(const reply& how, bool keep_alive, bool head_only) {
    std::vector<wire_part> body;
    if (!head_only) {
        for (const std::string& piece : how.pieces) {
            if (piece.empty()) continue;
            const auto before = body.empty() ? how.body_delay : how.pause;
            body.emplace_back(before, how.chunked ? chunk(piece) : piece);
        }
        if (how.chunked) body.emplace_back(how.body_delay * body.empty(), "0\r\n\r\n");
        cut_body(body, how.cut);
    }
    std::vector<wire_part> parts{wire_part(how.delay, head(how, keep_alive))};
    for (wire_part& part : body) {
        if (part.before.count() == 0) {
            parts.back().bytes += part.bytes;
        } else {
            parts.push_back(std::move(part));
        }
    }
    return parts;
}

}  // namespace quest_server
