// tandem - one call of a client on its way: what is left of its time, its hops, what has come of the answer
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <tandem/core/clock.hpp>
#include <tandem/core/loop_core.hpp>
#include <tandem/http/impl/exchange.hpp>
#include <tandem/http/limits.hpp>
#include <tandem/http/response.hpp>

namespace tandem::inline TANDEM_ABI {
namespace http {
namespace detail {

/// One call on its way.
class journey {
public:
    journey(std::int64_t now, timeouts::duration total, bool body_too)
        : began(now),
          end(total == timeouts::none ? tandem::detail::never : tandem::detail::later(now, total.count())),
          in_memory(body_too) {}

    /// The least of a phase's limit and what is left of the call.
    timeouts::duration within(timeouts::duration limit, std::int64_t now) const noexcept {
        if (end == tandem::detail::never) return limit;
        const timeouts::duration left(end > now ? end - now : 0);
        return left < limit ? left : limit;
    }
    duration since(const loop_core& loop) const noexcept { return at(loop.ticks()); }
    duration at(std::int64_t ticks) const noexcept {
        return std::chrono::nanoseconds(ticks == 0 ? 0 : ticks - began);
    }

    std::unique_ptr<exchange> last;
    std::vector<hop> history;
    std::string body;
    http::timing times;
    std::int64_t began;
    std::int64_t end;
    bool in_memory;
};

}  // namespace detail
}  // namespace http
}  // namespace tandem::inline TANDEM_ABI
