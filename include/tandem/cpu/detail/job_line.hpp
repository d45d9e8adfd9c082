// tandem - job_line: the jobs of an executor, in line, paused and running, and the counts of them
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <tandem/base/detail/intrusive_list.hpp>
#include <tandem/cpu/detail/job.hpp>
#include <tandem/cpu/executor_statistics.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// What a worker does now.
struct job_call {
    detail::job* job = nullptr;
    job_share share;
    bool skip = false;   // too late: the job is ended without being run
    bool first = false;  // of its job
    std::int64_t begun = 0;
    std::int64_t ended = 0;
};

/// What became of a job that was to be withdrawn.
enum class withdrawal { gone, running, over };

/// Everything here happens under the executor's lock.
class job_line {
public:
    static constexpr std::uint8_t timed_line = 16;  // jobs in line up to which each one is timed

    bool empty() const noexcept { return queued() == 0; }
    /// Without the lock it is a hint.
    std::size_t queued() const noexcept { return queued_.load(std::memory_order_relaxed); }

    /// Calls that took next to no time, many in a row: another worker would come too late to help.
    bool brief() const noexcept { return brief_calls_.load(std::memory_order_relaxed) >= brief_streak; }

    /// A new job. While many stand in line, one in 16 is timed and stands for the others.
    bool begins_timed(job& j) noexcept {
        const bool crowded = (queued() >= timed_line || brief()) && !j.divisible_;
        j.weight_ = !crowded ? 1 : counts_.submitted % timed_line == 0 ? timed_line : 0;
        return j.weight_ != 0;
    }
    void add(job& j, std::int64_t now) noexcept {
        j.queued_at_ = now;
        ++counts_.submitted;
        link(j);
    }
    /// The same in two parts, of which one needs no lock.
    static void prepare(job& j, std::uint8_t weight, std::int64_t now) noexcept {
        j.weight_ = weight;
        j.queued_at_ = now;
        set_state(j, job_state::queued);
    }
    void add_prepared(job& j) noexcept {
        ++counts_.submitted;
        link(j);
    }
    /// Nothing stands in line that goes before a new job of normal priority.
    bool can_take_more() const noexcept {
        const job* const next = lines_[static_cast<std::size_t>(priority::normal)].front();
        return !next || next->divisible_;
    }
    /// Undoes `add`, unless a worker was faster.
    bool take_back(job& j) noexcept {
        if (state_of(j) != job_state::queued) return false;
        unlink(j);
        set_state(j, job_state::idle);
        --counts_.submitted;
        return true;
    }
    /// A paused job can be taken from again.
    bool resume(job& j) noexcept {
        if (state_of(j) != job_state::paused) return false;
        unlink(j);
        link(j);
        return true;
    }
    withdrawal withdraw(job& j) noexcept {
        if (state_of(j) == job_state::over) return withdrawal::over;
        if (state_of(j) == job_state::running) return withdrawal::running;
        unlink(j);
        j.withdraw_rest();
        if (j.active_ != 0) {
            set_running(j);
            return withdrawal::running;
        }
        ++counts_.cancelled;
        set_state(j, job_state::idle);
        return withdrawal::gone;
    }

    /// The next job that a worker is to run. `now()` is asked only where a job has a deadline.
    template <class Now>
    bool take_next(job_call& c, std::size_t workers, Now now) noexcept {
        while (job* const j = pop()) {
            c = job_call();
            c.job = j;
            c.first = !std::exchange(j->started_, true);
            if (j->deadline_ != never && j->deadline_ <= now()) {
                j->withdraw_rest();
                j->end_ = job_end::dropped;
                set_running(*j);
                if (j->active_ != 0) continue;  // the last of its shares ends it
                c.skip = true;
            } else if (!j->divisible_) {
                set_running(*j);
            } else {
                share_out(*j, c.share, workers);
            }
            ++j->active_;
            ++counts_.running;
            return true;
        }
        c.job = nullptr;
        return false;
    }

    /// Books what was run. Gives the job if that was the last of it.
    job* settle(const job_call& c) noexcept {
        job& j = *c.job;
        --j.active_;
        --counts_.running;
        if (!c.skip) {
            if (j.weight_ != 0) {
                if (c.first) counts_.queue_wait.add(c.begun - j.queued_at_, j.weight_);
                counts_.run_time.add(c.ended - c.begun, j.weight_);
                note_length(c.ended - c.begun);
            }
            if (j.divisible_) give_back(j, c);
        }
        if (j.active_ != 0 || state_of(j) != job_state::running) return nullptr;
        running_.erase(j);
        end(j);
        return &j;
    }

    /// Empties the line. Gives the jobs of which nothing runs: they are over.
    intrusive_list<job> refuse_all() noexcept {
        intrusive_list<job> refused;
        for (auto& line : lines_) {
            while (job* const j = line.front()) refuse(*j, refused);
        }
        while (job* const j = paused_.front()) refuse(*j, refused);
        return refused;
    }
    /// The same for one job that no worker will come for.
    bool refuse(job& j) noexcept {
        intrusive_list<job> refused;
        if (state_of(j) == job_state::queued) refuse(j, refused);
        return !refused.empty();
    }

    /// A running job that takes a token and was not told to stop yet.
    std::stop_source* next_to_stop() noexcept {
        for (job* j = running_.front(); j; j = intrusive_list<job>::next(*j)) {
            std::stop_source* const source = j->stop_source();
            if (source && !source->stop_requested()) return source;
        }
        return nullptr;
    }

    executor_statistics& counts() noexcept { return counts_; }
    const executor_statistics& counts() const noexcept { return counts_; }
    executor_statistics statistics() const {
        executor_statistics snapshot = counts_;
        snapshot.queued = queued();
        return snapshot;
    }

private:
    static constexpr std::size_t priorities = 3;
    static constexpr unsigned patience = 15;  // times that a lower priority is passed over
    static constexpr std::int64_t brief_call = 5'000;
    static constexpr unsigned brief_streak = 32;

    static job_state state_of(const job& j) noexcept { return j.state_.load(std::memory_order_relaxed); }
    static void set_state(job& j, job_state s) noexcept { j.state_.store(s, std::memory_order_relaxed); }

    void set_queued(std::size_t jobs) noexcept { queued_.store(jobs, std::memory_order_relaxed); }
    void note_length(std::int64_t call) noexcept {
        const unsigned calls = brief_calls_.load(std::memory_order_relaxed);
        if (call > brief_call) {
            brief_calls_.store(0, std::memory_order_relaxed);
        } else if (calls < brief_streak) {
            brief_calls_.store(calls + 1, std::memory_order_relaxed);
        }
    }

    void link(job& j) noexcept {
        lines_[static_cast<std::size_t>(j.priority_)].push_back(j);
        set_state(j, job_state::queued);
        set_queued(queued() + 1);
    }
    void unlink(job& j) noexcept {
        if (state_of(j) == job_state::paused) return paused_.erase(j);
        lines_[static_cast<std::size_t>(j.priority_)].erase(j);
        set_queued(queued() - 1);
    }
    void set_running(job& j) noexcept {
        running_.push_back(j);
        set_state(j, job_state::running);
    }

    job* pop() noexcept {
        if (empty()) return nullptr;
        std::size_t from = 0;
        while (lines_[from].empty()) ++from;
        for (std::size_t low = priorities - 1; low > from; --low) {
            if (!lines_[low].empty() && passed_over_[low] >= patience) from = low;
        }
        for (std::size_t other = 1; other < priorities; ++other) {
            if (other != from && !lines_[other].empty()) ++passed_over_[other];
        }
        passed_over_[from] = 0;
        set_queued(queued() - 1);
        return lines_[from].pop_front();
    }

    void share_out(job& j, job_share& share, std::size_t workers) noexcept {
        switch (j.take(share, workers)) {
            case left::more:  // behind the others: a long range does not keep them waiting
                return link(j);
            case left::nothing:
                return set_running(j);
            case left::not_now:
                paused_.push_back(j);
                return set_state(j, job_state::paused);
        }
    }

    void give_back(job& j, const job_call& c) noexcept {
        const bool again = j.give_back(c.share, c.ended - c.begun);
        if (state_of(j) == job_state::running) return;
        if (j.all_taken()) {  // it gave up the rest
            unlink(j);
            set_running(j);
        } else if (again) {
            resume(j);
        }
    }

    void refuse(job& j, intrusive_list<job>& refused) noexcept {
        unlink(j);
        j.withdraw_rest();
        j.end_ = job_end::refused;
        if (j.active_ != 0) return set_running(j);
        end(j);
        refused.push_back(j);
    }

    void end(job& j) noexcept {
        switch (j.end_) {
            case job_end::ran:
                ++counts_.done;
                if (j.failed_.load(std::memory_order_relaxed)) ++counts_.failed;
                break;
            case job_end::dropped:
                ++counts_.dropped;
                break;
            case job_end::refused:
                ++counts_.cancelled;
                break;
        }
        j.state_.store(job_state::over, std::memory_order_release);
    }

    std::array<intrusive_list<job>, priorities> lines_;
    std::array<unsigned, priorities> passed_over_{};
    intrusive_list<job> paused_;
    intrusive_list<job> running_;
    std::atomic<std::size_t> queued_{0};
    std::atomic<unsigned> brief_calls_{0};
    executor_statistics counts_;
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
