// tandem - the line of tasks before a rate limiter, and the one timer that serves its head
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string>

#include <tandem/base/detail/intrusive_list.hpp>
#include <tandem/base/error.hpp>
#include <tandem/core/fiber.hpp>
#include <tandem/core/this_task.hpp>
#include <tandem/resilience/detail/rate_meter.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

class limiter_line;
class limiter_waiter;

/// Nothing was spent and nothing called: what a pipeline reports as refused, not as timed out.
class limiter_too_late final : public timeout_error {
public:
    explicit limiter_too_late(std::int64_t by)
        : timeout_error("tandem::rate_limiter::acquire: the grant would come " +
                        std::to_string(by / 1'000'000) +
                        " ms after the deadline; allow more time, or ask for less") {}
};

/// A place in the line of one limiter.
struct limiter_entry : list_links<limiter_entry> {
    limiter_line* line = nullptr;
    limiter_waiter* waiter = nullptr;
    std::size_t cost = 0;
    line_end expected{};  // holds while nobody ahead leaves and nothing is charged
};

/// Who waits in the lines of one limiter or of several; owns nothing until all of them grant.
class limiter_waiter : public leaf {
public:
    bool await_ready();
    void await_suspend(std::coroutine_handle<> h) noexcept;
    void await_resume() const;
    const char* kind() const noexcept override { return "rate_limiter::acquire"; }

protected:
    limiter_waiter(limiter_entry* entries, std::size_t count) noexcept : entries_(entries), count_(count) {}
    ~limiter_waiter() = default;

private:
    friend class limiter_line;

    bool first_everywhere() const noexcept;
    std::int64_t earliest() const noexcept;
    std::int64_t expected() const;
    void leave_lines() noexcept;
    void grant(std::int64_t now) noexcept;
    void serve_lines(const limiter_line* except) noexcept;
    inline detach on_cancel() noexcept override;

    limiter_entry* entries_;
    std::size_t count_;
    std::int64_t refused_by_ = 0;  // how long after the deadline the grant would come
    bool refused_ = false;
    bool out_of_memory_ = false;
};

/// FIFO; nobody overtakes, so a head that needs much holds up those behind it.
class limiter_line final : private timer_node {
public:
    explicit limiter_line(rate_meter meter) : meter_(std::move(meter)) {}
    ~limiter_line() {
        TANDEM_ASSERT(line_.empty(),
                      "tandem: a rate_limiter is destroyed while tasks wait for it; let it outlive them");
    }

    bool empty() const noexcept { return line_.empty(); }
    std::size_t size() const noexcept {
        std::size_t count = 0;
        for (const limiter_entry* e = line_.front(); e; e = line_.next(*e)) ++count;
        return count;
    }

    /// When `cost` may be granted to the head of the line.
    std::int64_t earliest(std::size_t cost) const noexcept { return std::max(hold_, meter_.earliest(cost)); }
    /// When it is granted to somebody who joins now.
    std::int64_t expected(std::int64_t now, std::size_t cost) {
        refresh(now);
        return expected_after(end_, cost);
    }

    void take(std::int64_t now, std::size_t cost) noexcept { meter_.take(now, cost); }
    /// What the line is in for has changed from outside.
    void changed() noexcept {
        stale_ = true;
        serve();
    }
    void hold_until(std::int64_t when) noexcept {
        if (when <= hold_) return;
        hold_ = when;
        changed();
    }
    bool fresh(std::int64_t now) const noexcept { return line_.empty() && hold_ <= now && meter_.fresh(now); }

    /// Gets in line; `when` is what `expected` has just said.
    void join(limiter_entry& e, std::int64_t when) noexcept {
        end_ = e.expected = meter_.line_after(end_, when, e.cost);
        line_.push_back(e);
        if (!scout_) scout_ = &e;
        advance_scout();
    }
    void leave(limiter_entry& e) noexcept {
        if (scout_ == &e) scout_ = line_.next(e);
        line_.erase(e);
    }
    void mark_stale() noexcept { stale_ = true; }
    bool is_first(const limiter_entry& e) const noexcept { return line_.front() == &e; }

    /// Grants what can be granted now and sets the timer for who is first then.
    void serve() noexcept {
        again_ = true;
        if (serving_) return;  // a waiter of two lines makes each of them serve the other
        serving_ = true;
        while (again_) {
            again_ = false;
            serve_head();
        }
        serving_ = false;
    }

    rate_meter& meter() noexcept { return meter_; }
    const rate_meter& meter() const noexcept { return meter_; }

    std::uint64_t waited = 0;   // grants that had to wait
    std::uint64_t refused = 0;  // requests that could not have been granted in time

private:
    void fire() noexcept override { serve(); }

    void serve_head() noexcept {
        while (limiter_entry* const head = line_.front()) {
            limiter_waiter& w = *head->waiter;
            if (!w.first_everywhere()) break;  // the line it still waits in serves it
            loop_core& loop = w.loop();
            const std::int64_t now = loop.ticks();
            const std::int64_t when = w.earliest();
            if (when <= now) {
                w.grant(now);
                w.serve_lines(this);
            } else if (set_timer(loop, when)) {
                return;
            } else {
                w.out_of_memory_ = true;
                w.leave_lines();
                w.complete();
                w.serve_lines(this);
            }
        }
        if (armed()) loop_->disarm_timer(*this);
    }

    bool set_timer(loop_core& loop, std::int64_t when) noexcept {
        if (armed()) {
            if (timer_node::when() == when) return true;
            loop_->disarm_timer(*this);
        }
        loop_ = &loop;
        return loop.arm_timer(*this, when);
    }

    std::int64_t expected_after(const line_end& end, std::size_t cost) const {
        const std::int64_t when = meter_.earliest_after(end, cost, [this](std::int64_t serial) {
            const limiter_entry* e = scout_;
            while (e->expected.mark <= serial) e = line_.next(*e);
            return e->expected.when;
        });
        return std::max(when, hold_);
    }

    void refresh(std::int64_t now) {
        if (!stale_ && !line_.empty()) return;
        end_ = meter_.line_start(now);
        scout_ = line_.front();
        for (limiter_entry* e = line_.front(); e; e = line_.next(*e)) {
            const std::int64_t when = expected_after(end_, e->cost);
            end_ = e->expected = meter_.line_after(end_, when, e->cost);
            advance_scout();
        }
        stale_ = false;
    }

    // Nobody who joins from now on looks at a unit before this one.
    void advance_scout() noexcept {
        if (meter_.paced()) return;
        const std::int64_t least = end_.mark - static_cast<std::int64_t>(meter_.most());
        while (scout_->expected.mark <= least) scout_ = line_.next(*scout_);
    }

    rate_meter meter_;
    std::int64_t hold_ = long_ago;
    intrusive_list<limiter_entry> line_;
    line_end end_{};
    limiter_entry* scout_ = nullptr;  // the waiter that a newcomer to a window has to be a span behind
    loop_core* loop_ = nullptr;       // of the timer
    bool stale_ = false;
    bool serving_ = false;
    bool again_ = false;
};

// ---- implementation

inline bool limiter_waiter::await_ready() {
    if (stop_pending()) return false;
    const std::int64_t now = loop().ticks();
    bool line = false;
    for (std::size_t i = 0; i < count_; ++i) line = line || !entries_[i].line->empty();
    if (!line && earliest() <= now) {
        for (std::size_t i = 0; i < count_; ++i) entries_[i].line->take(now, entries_[i].cost);
        return true;
    }
    const std::int64_t deadline = deadline_of(fiber());
    if (deadline == never) return false;
    const std::int64_t when = expected();
    if (when < deadline) return false;
    refused_ = true;
    refused_by_ = when - deadline;
    for (std::size_t i = 0; i < count_; ++i) ++entries_[i].line->refused;
    return true;
}

inline void limiter_waiter::await_suspend(std::coroutine_handle<> h) noexcept {
    if (!suspend(h)) return;
    const std::int64_t when = expected();
    for (std::size_t i = 0; i < count_; ++i) {
        entries_[i].waiter = this;
        entries_[i].line->join(entries_[i], when);
    }
    if (first_everywhere()) entries_[0].line->serve();
}

inline void limiter_waiter::await_resume() const {
    if (out_of_memory_) throw std::bad_alloc();
    if (refused_) throw limiter_too_late(refused_by_);
}

inline bool limiter_waiter::first_everywhere() const noexcept {
    for (std::size_t i = 0; i < count_; ++i) {
        if (!entries_[i].line->is_first(entries_[i])) return false;
    }
    return true;
}

inline std::int64_t limiter_waiter::earliest() const noexcept {
    std::int64_t latest = long_ago;
    for (std::size_t i = 0; i < count_; ++i) {
        latest = std::max(latest, entries_[i].line->earliest(entries_[i].cost));
    }
    return latest;
}

inline std::int64_t limiter_waiter::expected() const {
    const std::int64_t now = loop().ticks();
    std::int64_t latest = now;
    for (std::size_t i = 0; i < count_; ++i) {
        latest = std::max(latest, entries_[i].line->expected(now, entries_[i].cost));
    }
    return latest;
}

inline void limiter_waiter::leave_lines() noexcept {
    for (std::size_t i = 0; i < count_; ++i) entries_[i].line->leave(entries_[i]);
}

inline void limiter_waiter::grant(std::int64_t now) noexcept {
    leave_lines();
    for (std::size_t i = 0; i < count_; ++i) {
        entries_[i].line->take(now, entries_[i].cost);
        ++entries_[i].line->waited;
    }
    complete();
}

inline void limiter_waiter::serve_lines(const limiter_line* except) noexcept {
    for (std::size_t i = 0; i < count_; ++i) {
        if (entries_[i].line != except) entries_[i].line->serve();
    }
}

inline detach limiter_waiter::on_cancel() noexcept {
    for (std::size_t i = 0; i < count_; ++i) entries_[i].line->mark_stale();
    leave_lines();
    serve_lines(nullptr);
    return detach::done;
}

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
