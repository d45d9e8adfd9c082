// tandem - JSON bodies: response.json<T>() and request_builder.json(value), by nlohmann/json
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <type_traits>
#include <utility>

#include <tandem/http/client.hpp>

namespace tandem::inline TANDEM_ABI {
namespace http {

// ---- implementation

template <class T>
auto response::json() const {
    using type = std::conditional_t<std::is_same_v<T, detail::json_document>, nlohmann::json, T>;
    try {
        return nlohmann::json::parse(text()).template get<type>();
    } catch (const nlohmann::json::exception& e) {
        const std::string kind(headers().get("Content-Type").value_or("no Content-Type"));
        throw error(error(errc::decode, phase::body,
                          std::string(e.what()) + " (status " + std::to_string(status()) + ", " + kind + "): " +
                              detail::shown(text().substr(0, 200))),
                    url().redacted(), 1);
    }
}

template <class T>
request_builder& request_builder::json(const T& value) & {
    request_.header("Content-Type", "application/json").body(nlohmann::json(value).dump());
    if (!request_.headers().contains("Accept")) request_.header("Accept", "application/json");
    return *this;
}

}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
