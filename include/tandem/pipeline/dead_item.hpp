// tandem - dead_item: an item that a stage of a pipeline gave up, and why
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include <tandem/core/clock.hpp>
#include <tandem/resilience/retry.hpp>

namespace tandem::inline TANDEM_ABI {

/// Why an item was given up.
enum class dead_reason : std::uint8_t {
    error,     ///< the function threw
    timeout,   ///< with a `timeout_error` of its own
    rejected,  ///< refused before it was called: an open breaker, a limiter that would be too late
    deadline,  ///< older than `item_deadline` allows
};

constexpr const char* to_string(dead_reason reason) noexcept {
    constexpr const char* names[] = {"error", "timeout", "rejected", "deadline"};
    return names[static_cast<std::size_t>(reason)];
}

/// What `stage_options().dead_letter(queue)` puts into its queue.
template <class In>
class dead_item {
public:
    dead_item(std::string stage, In item, dead_reason reason, std::exception_ptr error,
              std::vector<retry_record> history, std::size_t attempts, time_point first_seen,
              duration elapsed)
        : stage_(std::move(stage)),
          item_(std::move(item)),
          error_(std::move(error)),
          history_(std::move(history)),
          attempts_(attempts),
          first_seen_(first_seen),
          elapsed_(elapsed),
          reason_(reason) {}

    const std::string& stage() const noexcept { return stage_; }
    In& item() & noexcept { return item_; }
    const In& item() const& noexcept { return item_; }
    In&& item() && noexcept { return std::move(item_); }
    dead_reason reason() const noexcept { return reason_; }
    std::exception_ptr error() const noexcept { return error_; }
    std::string message() const { return error_ ? detail::message_of(error_) : std::string(); }
    /// How often the function was called for it.
    std::size_t attempts() const noexcept { return attempts_; }
    /// The attempts one by one; empty for a stage without `retry`.
    const std::vector<retry_record>& history() const noexcept { return history_; }
    /// When it came from the source.
    time_point first_seen() const noexcept { return first_seen_; }
    /// Its age when it was given up.
    duration elapsed() const noexcept { return elapsed_; }

private:
    std::string stage_;
    In item_;
    std::exception_ptr error_;
    std::vector<retry_record> history_;
    std::size_t attempts_;
    time_point first_seen_;
    duration elapsed_;
    dead_reason reason_;
};

}  // namespace tandem::inline TANDEM_ABI
