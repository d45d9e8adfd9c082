// tandem - order_window: results leave a stage in the order in which its items came
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <tandem/core/fiber.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// The turns: item k may leave when all before it have left or turned out to give nothing.
class turn_line {
public:
    class turn_awaiter;

    /// `window`: how many items the stage can hold. As many again can have left it without a result before
    /// their turn has come.
    void open(std::size_t window) {
        window_ = window;
        places_.assign(2 * window, place());
    }
    /// Whether an item that gives nothing may leave before its turn; `taken`: the items that have come. If
    /// not it waits, as those that follow would get into the places of the ones before.
    bool may_leave(std::uint64_t taken) const noexcept { return taken - next_ <= window_; }

    bool is_turn(std::uint64_t k) const noexcept { return k == next_; }
    [[nodiscard("co_await it")]] turn_awaiter turn(std::uint64_t k) noexcept;

    /// Item k gives nothing. True if the next one in line lies parked, and the caller is to pass it on.
    bool nothing(std::uint64_t k) noexcept {
        if (!is_turn(k)) {
            at(k).kind = fate::nothing;
            return false;
        }
        return advance();
    }
    /// The item whose turn it was has left. True if the next one lies parked.
    inline bool advance() noexcept;

protected:
    enum class fate : std::uint8_t { open, nothing, parked };
    struct place {
        fate kind = fate::open;
        turn_awaiter* waiter = nullptr;
    };
    place& at(std::uint64_t k) noexcept { return places_[static_cast<std::size_t>(k % places_.size())]; }
    std::size_t index(std::uint64_t k) const noexcept { return static_cast<std::size_t>(k % places_.size()); }
    std::uint64_t next() const noexcept { return next_; }

private:
    std::vector<place> places_;
    std::size_t window_ = 0;
    std::uint64_t next_ = 0;
};

class turn_line::turn_awaiter final : public leaf {
public:
    turn_awaiter(turn_line& line, std::uint64_t k) noexcept : line_(line), k_(k) {}

    bool await_ready() const noexcept { return !stop_pending() && line_.is_turn(k_); }
    void await_suspend(std::coroutine_handle<> h) noexcept {
        if (suspend(h)) line_.at(k_).waiter = this;
    }
    void await_resume() const noexcept {}
    const char* kind() const noexcept override { return "pipeline: waits for its turn"; }

private:
    friend class turn_line;

    detach on_cancel() noexcept override {
        line_.at(k_).waiter = nullptr;
        return detach::done;
    }

    turn_line& line_;
    std::uint64_t k_;
};

inline turn_line::turn_awaiter turn_line::turn(std::uint64_t k) noexcept { return turn_awaiter(*this, k); }

inline bool turn_line::advance() noexcept {
    for (;;) {
        ++next_;
        place& p = at(next_);
        if (p.kind == fate::parked) return true;
        if (p.kind == fate::nothing) {
            p.kind = fate::open;
            continue;
        }
        if (p.waiter) std::exchange(p.waiter, nullptr)->complete();
        return false;
    }
}

/// With room for `extra` results that wait outside their slot.
template <class Parked>
class order_window : public turn_line {
public:
    void open(std::size_t window, std::size_t extra) {
        turn_line::open(window);
        extra_ = extra;
        if (extra != 0) parked_.resize(2 * window);
    }
    bool can_park() const noexcept { return count_ < extra_; }
    bool any_parked() const noexcept { return count_ != 0; }
    void park(std::uint64_t k, Parked&& result) {
        parked_[index(k)].emplace(std::move(result));
        at(k).kind = fate::parked;
        ++count_;
    }
    /// The parked result whose turn it is.
    Parked unpark() {
        std::optional<Parked>& there = parked_[index(next())];
        Parked result(std::move(*there));
        there.reset();
        at(next()).kind = fate::open;
        --count_;
        return result;
    }
    void discard() noexcept { parked_.clear(); }

private:
    std::vector<std::optional<Parked>> parked_;
    std::size_t extra_ = 0;
    std::size_t count_ = 0;
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
