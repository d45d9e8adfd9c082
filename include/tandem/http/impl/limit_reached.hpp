// tandem - the error of a call that took too long
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>

#include <tandem/base/config.hpp>
#include <tandem/http/error.hpp>
#include <tandem/http/limits.hpp>

namespace tandem::inline TANDEM_ABI {
namespace http {
namespace detail {

/// `limit` was reached, one of `all`; or that of the whole call, if `of_call`.
[[noreturn]] TANDEM_COLD inline void limit_reached(errc code, phase where, const timeouts& all,
                                                   timeouts::duration limit, bool of_call,
                                                   const std::string& what = std::string()) {
    if (of_call) {
        code = errc::total_timeout;
        limit = all.total();
    }
    throw error(code, where,
                what + "within " + std::to_string(limit.count() / 1'000'000) + " ms; see http::timeouts");
}

}  // namespace detail
}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
