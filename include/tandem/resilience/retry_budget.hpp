// tandem - retry_budget: keeps retries and hedges from multiplying the load of a server that is down
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <type_traits>

#include <tandem/core/clock.hpp>
#include <tandem/core/loop_core.hpp>

namespace tandem::inline TANDEM_ABI {

/// How a `retry_budget` fills. Defaults: starts with 3, 0.1 for each first attempt up to 10, and one
/// every 10 s up to 3.
class retry_budget_options {
public:
    retry_budget_options() {}

    /// What each first attempt adds: the share of extra calls that is allowed in the long run.
    retry_budget_options& ratio(double share) {
        require(share >= 0, "ratio");
        ratio_ = share;
        return *this;
    }
    /// The most that can be saved up.
    retry_budget_options& cap(double balance) {
        require(balance >= 0, "cap");
        cap_ = balance;
        return *this;
    }
    /// What it starts with, and what it is filled up to by time alone.
    retry_budget_options& reserve(double balance) {
        require(balance >= 0, "reserve");
        reserve_ = balance;
        return *this;
    }
    /// How long it takes time alone to add one.
    retry_budget_options& trickle(duration each) {
        require(each > duration::zero(), "trickle");
        trickle_ = each;
        return *this;
    }

    double ratio() const noexcept { return ratio_; }
    double cap() const noexcept { return cap_; }
    double reserve() const noexcept { return reserve_; }
    duration trickle() const noexcept { return trickle_; }

private:
    static void require(bool right, const char* what) {
        if (!right)
            throw std::invalid_argument(std::string("tandem::retry_budget_options::") + what +
                                        ": negative or zero; give a positive value");
    }

    double ratio_ = 0.1;
    double cap_ = 10;
    double reserve_ = 3;
    duration trickle_ = std::chrono::seconds(10);
};

struct retry_budget_statistics {
    double balance = 0;
    std::uint64_t first_attempts = 0;
    std::uint64_t spent = 0;    ///< retries and hedges made
    std::uint64_t refused = 0;  ///< retries and hedges not made
};

/// What retries and hedges of one dependency may cost together. Share one among all calls that go
/// to the same server: with everything failing, n calls in a time t make at most
/// n * (1 + ratio) + 3 + t/10 s attempts.
/// Threads: tasks of one loop. Lifetime: outlives the policies that name it.
class retry_budget {
public:
    explicit retry_budget(retry_budget_options options = retry_budget_options())
        : options_(options), balance_(std::min(options.reserve(), options.cap())) {}
    retry_budget(const retry_budget&) = delete;
    retry_budget& operator=(const retry_budget&) = delete;

    /// A first attempt is made.
    void deposit() noexcept {
        trickle();
        ++first_attempts_;
        balance_ = std::min(options_.cap(), balance_ + options_.ratio());
    }

    /// Pays for one retry or hedge; false if there is not enough left, and it is not to be made.
    [[nodiscard]] bool try_spend() noexcept {
        trickle();
        if (balance_ < 1 - rounding) {
            ++refused_;
            return false;
        }
        balance_ = std::max(0.0, balance_ - 1);
        ++spent_;
        return true;
    }

    retry_budget_statistics statistics() noexcept {
        trickle();
        return {balance_, first_attempts_, spent_, refused_};
    }

private:
    static constexpr double rounding = 1e-9;  // ten times 0.1 is a whole retry

    void trickle() noexcept {
        const loop_core* const loop = loop_core::current();
        if (!loop) return;
        const std::int64_t now = loop->ticks();
        const std::int64_t before = started_ ? last_ : now;
        started_ = true;
        last_ = now;
        const double most = std::min(options_.reserve(), options_.cap());
        if (balance_ >= most || now <= before) return;
        const double added =
            static_cast<double>(now - before) / static_cast<double>(detail::to_ticks(options_.trickle()));
        balance_ = std::min(most, balance_ + added);
    }

    retry_budget_options options_;
    double balance_;
    std::int64_t last_ = 0;
    bool started_ = false;
    std::uint64_t first_attempts_ = 0;
    std::uint64_t spent_ = 0;
    std::uint64_t refused_ = 0;
};

static_assert(!std::is_aggregate_v<retry_budget_options>);

}  // namespace tandem::inline TANDEM_ABI
