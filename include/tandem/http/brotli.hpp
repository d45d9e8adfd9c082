// tandem - http::brotli: undoes Content-Encoding br, where Google's library is installed
// SPDX-License-Identifier: BSL-1.0
#pragma once

#if __has_include(<brotli/decode.h>)
#include <brotli/decode.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include <tandem/http/extension.hpp>

namespace tandem::inline TANDEM_ABI {
namespace http {

/// Says whether `brotli()` is there: the header is, with or without the library.
#define TANDEM_HTTP_BROTLI 1

/// The coding for `client_options().coding(http::brotli())`. Link brotlidec (Debian: libbrotli-dev).
std::shared_ptr<content_coding> brotli();

// ---- implementation

namespace detail {

class brotli_decoder final : public content_decoder {
public:
    brotli_decoder() : state_(::BrotliDecoderCreateInstance(nullptr, nullptr, nullptr)), out_(32 * 1024) {
        if (!state_) throw std::bad_alloc();
    }
    brotli_decoder(const brotli_decoder&) = delete;
    brotli_decoder& operator=(const brotli_decoder&) = delete;
    ~brotli_decoder() override { ::BrotliDecoderDestroyInstance(state_); }

    void give(std::string_view input) override {
        in_ = input;
        if (!input.empty()) touched_ = true;
    }
    std::string_view take() override {
        if (::BrotliDecoderIsFinished(state_)) in_ = {};  // bytes after the end have no meaning
        if (in_.empty() && !more_) return {};
        std::size_t given = in_.size();
        auto next_in = reinterpret_cast<const std::uint8_t*>(in_.data());
        std::size_t room = out_.size();
        auto next_out = reinterpret_cast<std::uint8_t*>(out_.data());
        const auto result =
            ::BrotliDecoderDecompressStream(state_, &given, &next_in, &room, &next_out, nullptr);
        in_.remove_prefix(in_.size() - given);
        more_ = result == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT;
        if (result == BROTLI_DECODER_RESULT_ERROR) {
            throw error(errc::decode, phase::body,
                        std::string("brotli says: ") +
                            ::BrotliDecoderErrorString(::BrotliDecoderGetErrorCode(state_)));
        }
        return std::string_view(out_.data(), out_.size() - room);
    }
    bool complete() const noexcept override { return !touched_ || ::BrotliDecoderIsFinished(state_); }

private:
    ::BrotliDecoderState* state_;
    std::vector<char> out_;
    std::string_view in_;
    bool more_ = false;
    bool touched_ = false;
};

class brotli_coding final : public content_coding {
public:
    std::string_view name() const noexcept override { return "br"; }
    std::unique_ptr<content_decoder> make() const override { return std::make_unique<brotli_decoder>(); }
};

}  // namespace detail

inline std::shared_ptr<content_coding> brotli() { return std::make_shared<detail::brotli_coding>(); }

}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
#endif
