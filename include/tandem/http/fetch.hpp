// tandem - http::fetch: one call, with a client that belongs to the loop
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <utility>

#include <tandem/http/client.hpp>

namespace tandem::inline TANDEM_ABI {
namespace http {

namespace detail {

class fetch_client final : public loop_owned {
public:
    fetch_client() = default;
    http::client client;
};

inline task<response> fetch_with(http::url from) {
    response r = co_await this_task::loop().owned<fetch_client>().client.get(std::move(from));
    co_return r;
}

}  // namespace detail

/// GETs `from` with a client that all calls of `fetch` on this loop share; connections are kept until
/// `run` ends. See `client` for everything that can be set.
/// Cancellation, errors: as `request_builder::send`; a bad URL throws at the call.
[[nodiscard("co_await it")]] inline task<response> fetch(http::url from) { return detail::fetch_with(std::move(from)); }

}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
