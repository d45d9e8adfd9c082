// tandem - the bodies of response_stream
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <tandem/http/impl/exchange.hpp>
#include <tandem/http/impl/separate.hpp>
#include <tandem/http/response.hpp>
#include <tandem/tasks/timeout.hpp>

namespace tandem::inline TANDEM_ABI {
namespace http {

TANDEM_HTTP_INLINE response_stream::response_stream(response_base&& base,
                                                    std::shared_ptr<detail::client_state> of,
                                                    std::unique_ptr<detail::exchange> rest)
    : response_base(std::move(base)), of_(std::move(of)), rest_(std::move(rest)) {}
TANDEM_HTTP_INLINE response_stream::response_stream(response_stream&&) noexcept = default;
TANDEM_HTTP_INLINE response_stream& response_stream::operator=(response_stream&& other) noexcept {
    rest_ = std::move(other.rest_);  // before the client to which its connection belongs
    of_ = std::move(other.of_);
    piece_ = std::exchange(other.piece_, std::string_view());
    response_base::operator=(std::move(other));
    return *this;
}
TANDEM_HTTP_INLINE response_stream::~response_stream() = default;

TANDEM_HTTP_INLINE task<std::string_view> response_stream::next_chunk() {
    const std::string_view left = std::exchange(piece_, std::string_view());
    if (!left.empty()) co_return left;
    const std::string_view piece = co_await rest().next();
    co_return piece;
}

TANDEM_HTTP_INLINE task<std::size_t> response_stream::read_some(std::span<char> into) {
    if (piece_.empty()) piece_ = co_await rest().next();
    const std::size_t size = std::min(into.size(), piece_.size());
    if (size != 0) std::memcpy(into.data(), piece_.data(), size);
    piece_.remove_prefix(size);
    co_return size;
}

TANDEM_HTTP_INLINE task<std::string> response_stream::text() {
    std::string out(std::exchange(piece_, std::string_view()));
    co_await rest().read_all(out);
    co_return out;
}

TANDEM_HTTP_INLINE task<> response_stream::drain() {
    piece_ = {};
    co_await move_on_after(std::chrono::milliseconds(50), rest().drain());
}

TANDEM_HTTP_INLINE const http::headers& response_stream::trailers() const { return rest().head().trailers; }

}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
