// tandem - undoes gzip and deflate, piece by piece, within limits
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include <tandem/http/extension.hpp>
#include <tandem/http/headers.hpp>
#include <tandem/http/limits.hpp>

namespace tandem::inline TANDEM_ABI {
namespace http {
namespace detail {

enum class coding { gzip, deflate };

/// gzip or deflate.
class inflater final : public content_decoder {
public:
    static constexpr std::size_t buffer_size = 32 * 1024;

    explicit inflater(coding kind) : kind_(kind), out_(buffer_size) {}
    inflater(const inflater&) = delete;
    inflater& operator=(const inflater&) = delete;
    ~inflater() override {
        if (open_) inflateEnd(&z_);
    }

    void give(std::string_view input) noexcept override {
        in_ = input;
        if (!input.empty()) touched_ = true;
    }
    std::string_view take() override;
    // No input at all is fine.
    bool complete() const noexcept override {
        return !touched_ || state_ == state::between || state_ == state::garbage;
    }

private:
    enum class state { start, inside, between, garbage };

    void open(int window_bits) {
        z_ = z_stream();
        if (inflateInit2(&z_, window_bits) != Z_OK) throw std::bad_alloc();
        open_ = true;
    }
    bool begin();
    [[noreturn]] static void damaged(const char* why) {
        throw error(errc::decode, phase::body, std::string("zlib says: ") + (why ? why : "damaged data"));
    }

    coding kind_;
    state state_ = state::start;
    std::vector<char> out_;
    std::string_view in_;
    z_stream z_{};
    std::string prefix_;  // of a deflate body, until it is known which kind it is
    std::size_t members_ = 0;
    bool open_ = false;
    bool touched_ = false;
    bool full_ = false;  // the last call filled the buffer: there may be more without new input
};

/// The codings of one body, undone in the order opposite to that in which they were applied.
class decoder {
public:
    using codings = std::vector<std::shared_ptr<content_coding>>;

    explicit decoder(const http::limits& limits) : limits_(limits) {}

    /// False if one of the codings is not known, neither here nor in `more`; the body is then left as it is.
    bool use(std::string_view content_encoding, bool gzip_transfer, const codings& more = codings());
    bool active() const noexcept { return !chain_.empty(); }

    /// `piece` must stay where it is until `take` has given an empty view.
    void give(std::string_view piece) noexcept {
        received_ += piece.size();
        chain_.front()->give(piece);
    }
    std::string_view take() { return pull(chain_.size() - 1); }
    void finish() const {
        for (const auto& stage : chain_) {
            if (!stage->complete()) {
                throw error(errc::decode, phase::body, "the compressed data ends too early");
            }
        }
    }

private:
    // Each stage is held to the ratio: what is blown up in the middle may come to nothing in the end.
    void count(std::size_t stage, std::size_t bytes) {
        const std::uint64_t made = produced_[stage] += bytes;
        constexpr std::uint64_t harmless = 1024 * 1024;
        if (made <= harmless || made / limits_.decode_ratio() <= received_) return;
        throw error(errc::body_too_large, phase::body,
                    std::to_string(received_) + " bytes became " + std::to_string(made) +
                        "; raise limits::decode_ratio if you trust the server");
    }
    std::string_view pull(std::size_t stage) {
        for (;;) {
            const std::string_view out = chain_[stage]->take();
            count(stage, out.size());
            if (!out.empty() || stage == 0) return out;
            const std::string_view input = pull(stage - 1);
            if (input.empty()) return {};
            chain_[stage]->give(input);
        }
    }

    const http::limits& limits_;
    std::vector<std::unique_ptr<content_decoder>> chain_;
    std::uint64_t received_ = 0;
    std::vector<std::uint64_t> produced_;  // by each stage
};

// ---- implementation

// Two bytes tell a zlib header from raw deflate, which some servers send under the same name.
inline bool inflater::begin() {
    if (kind_ == coding::gzip) {
        if (!open_) open(15 + 16);
        state_ = state::inside;
        return true;
    }
    while (prefix_.size() < 2) {
        if (in_.empty()) return false;
        prefix_ += in_.front();
        in_.remove_prefix(1);
    }
    const auto first = static_cast<unsigned char>(prefix_[0]);
    const auto second = static_cast<unsigned char>(prefix_[1]);
    open((first & 15) == 8 && (first * 256 + second) % 31 == 0 ? 15 : -15);
    state_ = state::inside;
    return true;
}

inline std::string_view inflater::take() {
    for (;;) {
        if (state_ == state::garbage) {
            in_ = {};
            return {};
        }
        if (state_ == state::between) {  // after a member: another one, or bytes without meaning
            if (in_.empty()) return {};
            if (kind_ == coding::deflate || static_cast<unsigned char>(in_.front()) != 0x1f) {
                state_ = state::garbage;
                continue;
            }
            inflateReset(&z_);
            state_ = state::inside;
        }
        if (state_ == state::start && !begin()) return {};
        if (in_.empty() && prefix_.empty() && !full_) return {};

        std::string_view source = prefix_.empty() ? in_ : std::string_view(prefix_);
        z_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(source.data()));
        z_.avail_in = static_cast<uInt>(source.size());
        z_.next_out = reinterpret_cast<Bytef*>(out_.data());
        z_.avail_out = static_cast<uInt>(out_.size());
        const int result = inflate(&z_, Z_NO_FLUSH);
        const std::size_t used = source.size() - z_.avail_in;
        const std::size_t made = out_.size() - z_.avail_out;
        (prefix_.empty() ? in_.remove_prefix(used) : static_cast<void>(prefix_.erase(0, used)));
        full_ = z_.avail_out == 0;
        if (result == Z_STREAM_END) {
            ++members_;
            full_ = false;
            state_ = state::between;
        } else if (result == Z_NEED_DICT) {
            damaged("a dictionary is needed");
        } else if (result == Z_MEM_ERROR) {
            throw std::bad_alloc();
        } else if (result != Z_OK && result != Z_BUF_ERROR) {
            if (members_ == 0 || z_.total_out != 0) damaged(z_.msg);
            state_ = state::garbage;
        }
        if (made != 0) return std::string_view(out_.data(), made);
        if (result == Z_BUF_ERROR) full_ = false;
    }
}

TANDEM_COLD inline bool decoder::use(std::string_view content_encoding, bool gzip_transfer,
                                     const codings& more) {
    std::vector<std::unique_ptr<content_decoder>> applied;
    std::size_t named = 0;
    each_element(content_encoding, [&](std::string_view name) {
        if (equal_ignoring_case(name, "identity") || ++named > limits_.codings()) return;
        if (equal_ignoring_case(name, "gzip") || equal_ignoring_case(name, "x-gzip")) {
            applied.push_back(std::make_unique<inflater>(coding::gzip));
        } else if (equal_ignoring_case(name, "deflate")) {
            applied.push_back(std::make_unique<inflater>(coding::deflate));
        } else {
            for (const auto& other : more) {
                if (equal_ignoring_case(name, other->name())) return applied.push_back(other->make());
            }
        }
    });
    const std::size_t known = applied.size();
    if (named + (gzip_transfer ? 1 : 0) > limits_.codings()) {
        throw error(errc::decode, phase::header,
                    std::to_string(named) + " codings on top of each other; at most " +
                        std::to_string(limits_.codings()) + " are undone, see limits::codings");
    }
    if (known != named) applied.clear();
    if (gzip_transfer) chain_.push_back(std::make_unique<inflater>(coding::gzip));
    while (!applied.empty()) {
        chain_.push_back(std::move(applied.back()));
        applied.pop_back();
    }
    produced_.assign(chain_.size(), 0);
    return known == named;
}

}  // namespace detail
}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
