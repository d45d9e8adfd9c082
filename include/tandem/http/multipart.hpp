// tandem - http::multipart: forms with files, as multipart/form-data, streamed
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <sys/random.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tandem/http/body.hpp>
#include <tandem/http/client.hpp>
#include <tandem/http/impl/serializer.hpp>

namespace tandem::inline TANDEM_ABI {
namespace http {

/// A form: `client.post(url).multipart(multipart().field("title", "x").file("image", "cat.png",
/// "image/png"))`. Names and file names are escaped as browsers do it, so that none can end its line. Errors:
/// `invalid_request` for a content type that could end its line; a file that cannot be opened is
///   `std::system_error`, here.
class multipart {
public:
    static constexpr std::string_view binary = "application/octet-stream";

    multipart() : boundary_(make_boundary()) {}

    multipart& field(std::string_view name, std::string_view value) & {
        return add(name, std::nullopt, {}, std::string(value), nullptr), *this;
    }
    /// A file that is in memory already.
    multipart& file_bytes(std::string_view name, std::string_view file_name, std::string bytes,
                          std::string_view type = binary) & {
        return add(name, file_name, type, std::move(bytes), nullptr), *this;
    }
    /// A file on disk, read while it is sent; the server is told the last part of its path.
    multipart& file(std::string_view name, const std::string& path, std::string_view type = binary) & {
        return add(name, std::string_view(path).substr(path.rfind('/') + 1), type, {}, file_body(path)),
               *this;
    }
    /// A file that is made while it is sent.
    multipart& file(std::string_view name, std::string_view file_name, std::shared_ptr<body_source> source,
                    std::string_view type = binary) & {
        return add(name, file_name, type, {}, std::move(source)), *this;
    }

    multipart&& field(std::string_view name, std::string_view value) && {
        return std::move(field(name, value));
    }
    multipart&& file_bytes(std::string_view name, std::string_view file_name, std::string bytes,
                           std::string_view type = binary) && {
        return std::move(file_bytes(name, file_name, std::move(bytes), type));
    }
    multipart&& file(std::string_view name, const std::string& path, std::string_view type = binary) && {
        return std::move(file(name, path, type));
    }
    multipart&& file(std::string_view name, std::string_view file_name, std::shared_ptr<body_source> source,
                     std::string_view type = binary) && {
        return std::move(file(name, file_name, std::move(source), type));
    }

    std::string content_type() const { return "multipart/form-data; boundary=" + boundary_; }
    /// The body; for whoever sends the form in another way than through a `request_builder`.
    std::shared_ptr<body_source> source() &&;

private:
    class form_source;
    class part {
    public:
        part(std::string before, std::string content, std::shared_ptr<body_source> from)
            : head(std::move(before)), bytes(std::move(content)), source(std::move(from)) {}
        std::string head;
        std::string bytes;
        std::shared_ptr<body_source> source;
    };

    static std::string make_boundary();
    static std::string escaped(std::string_view text);
    void add(std::string_view name, std::optional<std::string_view> file_name, std::string_view type,
             std::string bytes, std::shared_ptr<body_source> source);

    std::string boundary_;
    std::vector<part> parts_;
};

// ---- implementation

/// Part after part: its head, then its bytes or what its source gives.
class multipart::form_source final : public body_source {
public:
    form_source(std::vector<part> parts, std::string end) : parts_(std::move(parts)), end_(std::move(end)) {}

    task<std::string> next() override {
        std::string piece;
        while (piece.empty() && at_ < parts_.size()) {
            part& now = parts_[at_];
            if (!std::exchange(begun_, true)) {
                piece = now.head;
                if (!now.source) piece += now.bytes;
            } else if (now.source) {
                piece = co_await now.source->next();
            }
            const bool over = !now.source || piece.empty();
            if (over) step();
        }
        if (piece.empty() && !std::exchange(ended_, true)) piece = end_;
        co_return piece;
    }
    std::optional<std::uint64_t> length() const override {
        std::uint64_t sum = end_.size();
        for (const part& p : parts_) {
            sum += p.head.size() + p.bytes.size();
            if (!p.source) continue;
            const auto more = p.source->length();
            if (!more) return std::nullopt;
            sum += *more;
        }
        return sum;
    }
    bool rewind() override {
        for (const part& p : parts_) {
            if (p.source && !p.source->rewind()) return false;
        }
        at_ = 0;
        begun_ = ended_ = false;
        return true;
    }

private:
    void step() noexcept {
        ++at_;
        begun_ = false;
    }

    std::vector<part> parts_;
    std::string end_;
    std::size_t at_ = 0;
    bool begun_ = false;
    bool ended_ = false;
};

// 128 random bits: nobody can write a part that contains it.
inline std::string multipart::make_boundary() {
    unsigned char bits[16] = {};
    if (::getrandom(bits, sizeof(bits), 0) != static_cast<ssize_t>(sizeof(bits))) {
        throw error(errc::invalid_request, phase::write,
                    "the system gives no random numbers for a multipart boundary");
    }
    std::string out = "tandem-";
    for (const unsigned char b : bits) {
        out += "0123456789abcdef"[b >> 4];
        out += "0123456789abcdef"[b & 15];
    }
    return out;
}

// As HTML's form submission says: these three and no more.
inline std::string multipart::escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '"':
                out += "%22";
                break;
            case '\r':
                out += "%0D";
                break;
            case '\n':
                out += "%0A";
                break;
            default:
                out += c;
        }
    }
    return out;
}

inline void multipart::add(std::string_view name, std::optional<std::string_view> file_name,
                           std::string_view type, std::string bytes, std::shared_ptr<body_source> source) {
    if (!detail::is_field_value(type)) {
        throw error(errc::invalid_request, phase::write,
                    "the type " + detail::shown(type) +
                        " of a part has a control character; give one such as image/png");
    }
    std::string head = parts_.empty() ? "--" : "\r\n--";
    head += boundary_ + "\r\nContent-Disposition: form-data; name=\"" + escaped(name) + "\"";
    if (file_name) head += "; filename=\"" + escaped(*file_name) + "\"";
    head += "\r\n";
    if (!type.empty()) detail::append_field(head, "Content-Type", type);
    head += "\r\n";
    parts_.push_back(part(std::move(head), std::move(bytes), std::move(source)));
}

inline std::shared_ptr<body_source> multipart::source() && {
    std::string end = parts_.empty() ? "--" : "\r\n--";
    return std::make_shared<form_source>(std::move(parts_), end + boundary_ + "--\r\n");
}

inline request_builder& request_builder::multipart(http::multipart form) & {
    request_.header("Content-Type", form.content_type()).body(std::move(form).source());
    return *this;
}
inline request_builder&& request_builder::multipart(http::multipart form) && {
    return std::move(multipart(std::move(form)));
}

}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
