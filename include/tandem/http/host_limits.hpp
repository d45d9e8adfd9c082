// tandem - http::host_limits: a rate limit for each host that a client talks to
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <memory>
#include <string>
#include <utility>

#include <tandem/http/extension.hpp>
#include <tandem/http/retry.hpp>
#include <tandem/resilience/limiter_map.hpp>

namespace tandem::inline TANDEM_ABI {
namespace http {

/// A gate for `client_options::gate` with a limiter for each origin:
/// `auto limits = std::make_shared<host_limits>([] { return rate_limiter::window(60, 1min); });`
/// Each sending takes one unit of its origin's limiter, redirects and repetitions included. After 429 or 503
/// with Retry-After nothing is sent to that origin before the time that the server names.
/// Cancellation, errors: as `rate_limiter::acquire`; waiting counts for the total timeout alone.
class host_limits final : public request_gate {
public:
    /// `make()` gives the limiter of an origin; one that is idle for ten minutes is forgotten.
    template <class Make>
    explicit host_limits(Make make) : limiters_(std::move(make)) {}

    task<> enter(const request& r) override {
        rate_limiter& limiter = limiters_.at(r.url().origin());
        co_await limiter.acquire();
    }
    void answered(const url& from, int status, const headers& fields) override {
        if (status != 429 && status != 503) return;
        if (const auto wait = retry_after(fields)) limiters_.at(from.origin()).penalise(*wait);
    }

    limiter_map<std::string>& limiters() noexcept { return limiters_; }

private:
    limiter_map<std::string> limiters_;
};

}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
