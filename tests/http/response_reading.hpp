// tandem - reads a response that comes in pieces, for tests and fuzzing
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <tandem/http/impl/parser.hpp>

namespace tandem_test {

namespace http = tandem::http;

/// What became of a response, in words that can be compared.
class reading {
public:
    reading(const http::limits& limits, bool head) : reader_(limits, head) {}

    /// Gives more bytes; false once the message is complete or refused.
    bool feed(std::string_view bytes) {
        unread_ += bytes;
        if (over_) return false;
        try {
            for (;;) {
                const http::detail::read_step step = reader_.step(unread_);
                body_ += reader_.piece();
                if (step == http::detail::read_step::head && !reader_.head_done()) {
                    log_ += std::to_string(reader_.head().status) + " then ";
                }
                unread_.erase(0, reader_.consumed());
                if (step == http::detail::read_step::need_more) return true;
                if (reader_.done()) break;
            }
        } catch (const http::error& e) {
            failed(e);
        }
        over_ = true;
        return false;
    }
    std::string end() {
        if (!over_) {
            try {
                reader_.end_of_stream();
            } catch (const http::error& e) {
                failed(e);
            }
        }
        if (!error_.empty()) return log_ + error_;
        http::detail::response_head& head = reader_.head();
        std::string out = log_ + std::to_string(head.status) + " " + head.reason;
        for (const http::header_view f : head.fields)
            out += "|" + std::string(f.name()) + "=" + std::string(f.value());
        out += "|" + body_;
        for (const http::header_view f : head.trailers)
            out += "|+" + std::string(f.name()) + "=" + std::string(f.value());
        if (head.gzip_transfer) out += "|gzip";
        out += reader_.reusable() && unread_.empty() ? "|keep" : "|close";
        return out;
    }
    /// What was left when the message was complete: it makes the connection unusable.
    const std::string& left() const { return unread_; }

private:
    void failed(const http::error& e) {
        error_ = "error ";
        error_ += http::to_string(e.code());
        text_ = e.what();
    }

    http::detail::response_reader reader_;
    std::string unread_;
    std::string body_;
    std::string log_;
    std::string error_;
    std::string text_;
    bool over_ = false;
};

inline std::string read_in(std::string_view wire, const std::vector<std::size_t>& cuts, bool head,
                           const http::limits& limits) {
    reading r(limits, head);
    std::size_t from = 0;
    for (const std::size_t cut : cuts) {
        r.feed(wire.substr(from, cut - from));
        from = cut;
    }
    r.feed(wire.substr(from));
    return r.end();
}

}  // namespace tandem_test
