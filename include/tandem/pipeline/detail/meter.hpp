// tandem - where the time of a stage's slots goes: one of five states at any moment, summed exactly
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <tandem/base/config.hpp>
#include <tandem/cpu/executor_statistics.hpp>
#include <tandem/pipeline/stage_report.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// For how long a number was not zero.
class presence_meter {
public:
    void add(int change, std::int64_t now) noexcept {
        const int before = count_;
        count_ += change;
        if (before == 0 && count_ != 0) since_ = now;
        if (before != 0 && count_ == 0) total_ += now - since_;
    }
    bool present() const noexcept { return count_ != 0; }
    std::int64_t total(std::int64_t now) const noexcept { return total_ + (count_ != 0 ? now - since_ : 0); }
    void restart(std::int64_t now) noexcept {
        total_ = 0;
        since_ = now;
    }

private:
    int count_ = 0;
    std::int64_t since_ = 0;
    std::int64_t total_ = 0;
};

/// For how long something ran on the loop's side and on workers at the same time. The loop sees when a job
/// goes and comes back; how much of that it worked is known afterwards, and taken as spread evenly.
class overlap_meter {
public:
    void io(int change, std::int64_t now) noexcept {
        io_ += change;
        note(now);
    }
    void cpu(int change, std::int64_t now) noexcept {
        cpu_.add(change, now);
        note(now);
    }
    void worked(std::int64_t nanoseconds) noexcept { worked_ += nanoseconds; }

    std::int64_t total(std::int64_t now) const noexcept {
        const std::int64_t both = both_.total(now);
        const std::int64_t handed_over = cpu_.total(now);
        if (worked_ >= handed_over) return both;
        return static_cast<std::int64_t>(static_cast<double>(both) * static_cast<double>(worked_) /
                                         static_cast<double>(handed_over));
    }
    void restart(std::int64_t now) noexcept {
        both_.restart(now);
        cpu_.restart(now);
        worked_ = 0;
    }

private:
    void note(std::int64_t now) noexcept {
        const bool together = io_ != 0 && cpu_.present();
        if (together != both_.present()) both_.add(together ? 1 : -1, now);
    }

    int io_ = 0;
    std::int64_t worked_ = 0;
    presence_meter cpu_;
    presence_meter both_;
};

/// What one slot does, and since when.
class slot_clock {
public:
    slot_clock() noexcept = default;

private:
    friend class stage_meter;

    stage_state state_ = stage_state::blocked_up;
    std::int64_t since_ = 0;
    std::int64_t served_ = 0;  // busy with the item at hand
};

/// The slots of a stage. Every nanosecond of every slot is in exactly one sum.
/// A stage may have more lanes than slots, so that a worker finds the next chunk in line. Of them as many
/// count at any moment as there are slots: the busy ones first, those that wait for an item last.
class stage_meter {
public:
    void begin(std::size_t slots, std::size_t lanes, overlap_meter& overlap, bool on_workers,
               std::int64_t now) {
        lanes_.assign(lanes, slot_clock());
        slots_ = static_cast<std::int64_t>(slots);
        in_state_ = {};
        in_state_[place(stage_state::blocked_up)] = static_cast<std::int64_t>(lanes);
        overlap_ = &overlap;
        on_workers_ = on_workers;
        restart(now);
    }
    /// Forgets the times so far: the calibration is over.
    void restart(std::int64_t now) noexcept {
        for (slot_clock& s : lanes_) s.since_ = now;
        last_ = now;
        sums_ = {};
        worked_ = 0;
        served_ = duration_histogram();
        limited_.restart(now);
    }
    slot_clock& slot(std::size_t index) noexcept { return lanes_[index]; }

    void enter(slot_clock& s, stage_state next, std::int64_t now) noexcept {
        if (s.state_ == stage_state::busy) s.served_ += now - s.since_;
        s.since_ = now;
        if (s.state_ == next) return;
        if (now != last_) add_times(sums_, now);
        last_ = now;
        --in_state_[place(s.state_)];
        ++in_state_[place(next)];
        note(s.state_, -1, now);
        note(next, 1, now);
        s.state_ = next;
    }
    std::int64_t served_so_far(const slot_clock& s) const noexcept { return s.served_; }
    /// Since it was busy for `before` the slot has worked for `now_worked` only; it waited for a worker.
    void correct_busy(slot_clock& s, std::int64_t before, std::int64_t now_worked) noexcept {
        const std::int64_t worked = before + now_worked;
        std::int64_t waited = s.served_ - worked;
        if (waited < 0) waited = 0;
        overlap_->worked(s.served_ - waited - before);
        sums_[place(stage_state::busy)] -= waited;
        sums_[place(stage_state::limited)] += waited;
        s.served_ -= waited;
    }
    /// The item at hand is done; gives how long the slot was busy with it.
    std::int64_t item_served(slot_clock& s) noexcept {
        const std::int64_t served = s.served_;
        s.served_ = 0;
        served_.add(served);
        return served;
    }
    /// The worker took the times. What of them the chunk was not worked on, it waited for a worker, maybe
    /// while others were served; so this is settled for the stage as a whole, in `sums`.
    void chunk_served(slot_clock& s, std::int64_t worked) noexcept {
        in_chunks_ = true;
        s.served_ = 0;
        worked_ += worked;
        overlap_->worked(worked);
    }
    void add_served(std::int64_t nanoseconds) noexcept { served_.add(nanoseconds); }

    std::array<std::int64_t, 5> sums(std::int64_t now) const noexcept {
        std::array<std::int64_t, 5> all = sums_;
        add_times(all, now);
        if (!in_chunks_) return all;
        std::int64_t worked = worked_;
        for (const slot_clock& s : lanes_) {
            if (s.state_ == stage_state::busy) worked += now - s.since_;
        }
        std::int64_t& busy = all[place(stage_state::busy)];
        const std::int64_t waited = busy > worked ? busy - worked : 0;
        busy -= waited;
        all[place(stage_state::limited)] += waited;
        return all;
    }
    const duration_histogram& served() const noexcept { return served_; }
    /// For how long at least one slot waited for a limiter.
    std::int64_t limited(std::int64_t now) const noexcept { return limited_.total(now); }

private:
    static constexpr std::array<stage_state, 5> rank = {stage_state::busy, stage_state::limited,
                                                        stage_state::backoff, stage_state::blocked_down,
                                                        stage_state::blocked_up};

    static std::size_t place(stage_state s) noexcept { return static_cast<std::size_t>(s); }

    /// The time since the last change of a state, of as many lanes as there are slots.
    void add_times(std::array<std::int64_t, 5>& sums, std::int64_t now) const noexcept {
        std::int64_t left = slots_;
        for (const stage_state s : rank) {
            const std::int64_t counted = std::min(left, in_state_[place(s)]);
            sums[place(s)] += counted * (now - last_);
            left -= counted;
        }
    }

    void note(stage_state s, int change, std::int64_t now) noexcept {
        if (s == stage_state::limited) limited_.add(change, now);
        if (s != stage_state::busy) return;
        if (on_workers_) {
            overlap_->cpu(change, now);
        } else {
            overlap_->io(change, now);
        }
    }

    std::vector<slot_clock> lanes_;
    std::int64_t slots_ = 0;
    std::array<std::int64_t, 5> in_state_{};  // how many lanes
    std::int64_t last_ = 0;                   // change of a state
    std::array<std::int64_t, 5> sums_{};      // up to then
    std::int64_t worked_ = 0;                 // in chunks that came back
    bool in_chunks_ = false;
    duration_histogram served_;
    presence_meter limited_;
    overlap_meter* overlap_ = nullptr;
    bool on_workers_ = false;
};

/// The depth of a queue over time: a fixed number of samples, each the mean over an equal stretch of
/// time. When they are full, neighbours are merged and the stretch doubles.
class depth_track {
public:
    static constexpr std::size_t samples = 64;

    void begin(std::int64_t now) noexcept {
        began_ = last_ = now;
        depth_sum_.fill(0);
        stretch_ = 1000;
        peak_ = depth_;
    }
    void change(std::size_t depth, std::int64_t now) noexcept {
        account(now);
        depth_ = depth;
        if (depth > peak_) peak_ = depth;
    }
    void account(std::int64_t now) noexcept {
        while (now - began_ > stretch_ * static_cast<std::int64_t>(samples)) merge();
        while (last_ < now) {
            const auto index = static_cast<std::size_t>((last_ - began_) / stretch_);
            const std::int64_t end = began_ + static_cast<std::int64_t>(index + 1) * stretch_;
            const std::int64_t until = end < now ? end : now;
            depth_sum_[index] += static_cast<double>(depth_) * static_cast<double>(until - last_);
            last_ = until;
        }
    }
    std::size_t peak() const noexcept { return peak_; }
    double mean(std::int64_t now) noexcept {
        account(now);
        double all = 0;
        for (const double each : depth_sum_) all += each;
        return now > began_ ? all / static_cast<double>(now - began_) : 0;
    }
    std::int64_t stretch() const noexcept { return stretch_; }
    std::vector<double> means(std::int64_t now) {
        account(now);
        std::vector<double> result;
        for (std::int64_t at = began_; at < now; at += stretch_) {
            const std::int64_t width = now - at < stretch_ ? now - at : stretch_;
            result.push_back(depth_sum_[result.size()] / static_cast<double>(width));
        }
        return result;
    }

private:
    void merge() noexcept {
        for (std::size_t i = 0; i < samples; i += 2) depth_sum_[i / 2] = depth_sum_[i] + depth_sum_[i + 1];
        for (std::size_t i = samples / 2; i < samples; ++i) depth_sum_[i] = 0;
        stretch_ *= 2;
    }

    std::array<double, samples> depth_sum_{};
    std::int64_t began_ = 0;
    std::int64_t last_ = 0;
    std::int64_t stretch_ = 1000;
    std::size_t depth_ = 0;
    std::size_t peak_ = 0;
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
