// tandem - unordered_map: the scope of map_unordered: a job on the workers, a task that takes its results
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <atomic>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <stop_token>
#include <type_traits>
#include <utility>
#include <vector>

#include <tandem/core/task.hpp>
#include <tandem/cpu/detail/element_calls.hpp>
#include <tandem/cpu/detail/job_leaf.hpp>
#include <tandem/cpu/detail/range_job.hpp>
#include <tandem/cpu/detail/result_chunk.hpp>
#include <tandem/cpu/throw_if_stopped.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// The scope of the task that takes the results; the job on the workers belongs to it as well. It ends
/// when both have ended.
template <class Calls>
class unordered_map : private Calls, public boundary, public range_job {
    using chunk = result_chunk<Calls>;

public:
    void cancel_children() noexcept override {
        if (consumer_) request_stop(consumer_.promise());
        stop_job();
    }
    void each_child(void (*visit)(void*, detail::fiber&), void* with) override {
        if (consumer_ && !consumer_done_) visit(with, consumer_.promise());
    }
    const char* kind() const noexcept override { return "map_unordered"; }

    /// Awaited by the consumer: a chunk, or null after the last one. Goes through the ready queue each
    /// time, so that results that come quickly do not keep the loop from other things.
    class next_chunk final : public leaf {
    public:
        explicit next_chunk(unordered_map& from) noexcept : from_(from) {}
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<> h) noexcept {
            if (!suspend(h)) return;
            if (from_.has_news()) return complete();
            from_.waiting_ = this;
        }
        chunk* await_resume() noexcept { return from_.arrived_.pop(); }
        const char* kind() const noexcept override { return "map_unordered, waiting for results"; }
        void wake() noexcept { complete(); }

    private:
        detach on_cancel() noexcept override {
            if (std::exchange(from_.waiting_, nullptr) != this) return detach::later;
            return detach::done;
        }
        unordered_map& from_;
    };

    void chunk_arrived(chunk& c) noexcept {
        ++chunks_arrived_;
        arrived_.push(c);
        news();
        finish_if_done();
    }
    void give_back_chunk(chunk& c) noexcept {
        c.values.clear();
        if (state() != job_state::over && !job_over_) pool_.pool().offer(*this, &c);
    }

protected:
    template <class R, class F>
    unordered_map(executor_ref pool, map_options options, R&& range, F&& fn)
        : Calls(std::forward<R>(range), std::forward<F>(fn)),
          range_job(Calls::count(), options),
          pool_(pool),
          arrival_(*this),
          stop_step_(*this) {
        const std::size_t asked = options.limit() ? options.limit() : 2 * pool.pool().max_workers();
        const std::size_t limit = std::min(asked, std::max<std::size_t>(1, size()));
        chunks_.reserve(limit);
        for (std::size_t i = 0; i < limit; ++i) chunks_.emplace_back(*this);
        for (chunk& c : chunks_) free_.push(c);
    }
    ~unordered_map() = default;

    transfer launch(std::coroutine_handle<> h) noexcept {
        if (!begin(h)) return stay_suspended();
        priority_ = pool_.options().priority();
        deadline_ = job_deadline(fiber(), *loop_, pool_, own_deadline_);
        loop_->expect_remote();
        try {
            pool_.pool().submit(*this);
        } catch (...) {
            loop_->remote_arrived();
            job_over_ = true;
            failure_ = std::current_exception();
            complete();
            return stay_suspended();
        }
        return transfer_to(enter_child(consumer_.promise(), fiber_flag::scope));
    }
    task<> consumer_;

    void throw_if_failed() {
        if (error()) std::rethrow_exception(error());
        if (consumer_error_) std::rethrow_exception(consumer_error_);
        if (failure_) std::rethrow_exception(failure_);
        if (consumer_stopped_) throw cancelled_error();
    }

private:
    // ---- on workers; take, give_back and take_back under the executor's lock

    left take(job_share& share, std::size_t workers) noexcept override {
        const left rest = range_job::take(share, workers);
        share.slot = free_.pop();
        return rest == left::more && free_.empty() ? left::not_now : rest;
    }
    bool give_back(const job_share& share, std::int64_t nanoseconds) noexcept override {
        return range_job::give_back(share, nanoseconds) && !free_.empty();
    }
    void take_back(void* slot) noexcept override { free_.push(*static_cast<chunk*>(slot)); }

    void run(const job_share& share) noexcept override {
        chunk& to = *static_cast<chunk*>(share.slot);
        to.first = share.first;
        std::size_t i = share.first;
        try {
            to.values.reserve(share.last - share.first);
            for (; i != share.last && !stopping(); ++i) {
                if constexpr (std::is_void_v<typename Calls::result>) {
                    Calls::call(i);
                    to.values.emplace_back();
                } else {
                    to.values.emplace_back(Calls::call(i));
                }
            }
        } catch (const job_gave_up&) {
            stop_early();
        } catch (...) {
            fail(std::current_exception());
        }
        if (i != share.last) note_cut();
        chunks_sent_.fetch_add(1, std::memory_order_relaxed);
        loop_->ready_from_thread(to, step::call);
    }
    void finished() noexcept override { loop_->ready_from_thread(arrival_, step::call); }
    std::stop_source* stop_source() noexcept override { return Calls::source(); }

    // ---- on the loop

    bool complete_job() const noexcept {
        return job_over_ && chunks_arrived_ == chunks_sent_.load(std::memory_order_relaxed);
    }
    bool has_news() const noexcept { return !arrived_.empty() || (complete_job() && !parked_); }
    void news() noexcept {
        if (waiting_ && has_news()) std::exchange(waiting_, nullptr)->wake();
    }

    void arrive() noexcept {
        loop_->remote_arrived();
        job_over_ = true;
        if (!stop_queued_) conclude();  // else that step is in the ready queue and concludes
    }
    void tell_to_stop() noexcept {
        stop_queued_ = false;
        if (job_over_) return conclude();
        stop_source()->request_stop();
    }
    void conclude() noexcept {
        if (end() == job_end::dropped && !own_deadline_) {
            parked_ = !consumer_done_;  // the scope with that deadline is about to stop this task
        } else if (error() || cut() || end() != job_end::ran) {
            if (!error() && !consumer_done_ && !stop_pending()) failure_ = unfinished_error(end());
            if (!consumer_done_) request_stop(consumer_.promise());
        }
        news();
        finish_if_done();
    }
    void stop_job() noexcept {
        if (job_over_ || state() == job_state::over) return;
        switch (pool_.pool().withdraw(*this)) {
            case withdrawal::gone:
                loop_->remote_arrived();
                job_over_ = true;
                return finish_if_done();
            case withdrawal::running:
                told_to_stop();
                if (stop_source() && !std::exchange(told_, true)) {
                    stop_queued_ = true;
                    loop_->ready(stop_step_, step::call);
                }
                return;
            case withdrawal::over:
                return;
        }
    }

    void child_done(detail::fiber& child) noexcept override {
        consumer_done_ = true;
        if (child.ended_by == ending::error) consumer_error_ = child.exception();
        if (child.ended_by == ending::stopped) {
            consumer_stopped_ = true;
            static_cast<void>(consumer_.release());
            loop_->bury(child.handle());
        }
        stop_job();
        finish_if_done();
    }
    void finish_if_done() noexcept {
        if (!consumer_done_ || !complete_job() || stop_queued_ || std::exchange(finished_, true)) return;
        finish(error() || consumer_error_ || failure_ || !consumer_stopped_);
    }

    executor_ref pool_;
    std::vector<chunk> chunks_;
    chunk_line<chunk> free_;  // under the executor's lock
    chunk_line<chunk> arrived_;
    next_chunk* waiting_ = nullptr;
    member_step<unordered_map, &unordered_map::arrive> arrival_;
    member_step<unordered_map, &unordered_map::tell_to_stop> stop_step_;
    std::atomic<std::size_t> chunks_sent_{0};
    std::size_t chunks_arrived_ = 0;
    std::exception_ptr failure_;
    std::exception_ptr consumer_error_;
    bool own_deadline_ = false;
    bool parked_ = false;
    bool told_ = false;
    bool stop_queued_ = false;
    bool job_over_ = false;
    bool consumer_done_ = false;
    bool consumer_stopped_ = false;
    bool finished_ = false;
};

template <class Calls, class OnResult>
task<> take_results(unordered_map<Calls>& from, OnResult& on_result) {
    using result = typename Calls::result;
    for (;;) {
        auto* const chunk = co_await typename unordered_map<Calls>::next_chunk(from);
        if (!chunk) co_return;
        for (std::size_t i = 0; i != chunk->values.size(); ++i) {
            if constexpr (std::is_void_v<result>) {
                if constexpr (is_task_v<std::invoke_result_t<OnResult&, std::size_t>>) {
                    co_await on_result(chunk->first + i);
                } else {
                    on_result(chunk->first + i);
                }
            } else if constexpr (is_task_v<std::invoke_result_t<OnResult&, std::size_t, result>>) {
                co_await on_result(chunk->first + i, static_cast<result&&>(chunk->values[i]));
            } else {
                on_result(chunk->first + i, static_cast<result&&>(chunk->values[i]));
            }
        }
        from.give_back_chunk(*chunk);
    }
}

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
