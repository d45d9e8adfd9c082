// tandem - range_job: a range of indices that workers take in chunks
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <stdexcept>
#include <stop_token>
#include <type_traits>
#include <utility>

#include <tandem/cpu/detail/job.hpp>

namespace tandem::inline TANDEM_ABI {

/// How `map` and `map_unordered` share a range out.
class map_options {
public:
    map_options() {}

    /// Elements that a worker takes at a time. Default: found by timing, for about 100 us of work.
    map_options& chunk(std::size_t elements) {
        if (elements == 0) throw std::invalid_argument("tandem::map_options: chunk is 0; give 1 or more");
        chunk_ = elements;
        return *this;
    }
    /// Chunks that may be on workers at a time; for `map_unordered`, also those whose results wait for
    /// `on_result`. Default: as many as there are workers; for `map_unordered` twice that.
    map_options& limit(std::size_t chunks) {
        if (chunks == 0) throw std::invalid_argument("tandem::map_options: limit is 0; give 1 or more");
        limit_ = chunks;
        return *this;
    }

    std::size_t chunk() const noexcept { return chunk_; }
    std::size_t limit() const noexcept { return limit_; }

private:
    std::size_t chunk_ = 0;
    std::size_t limit_ = 0;
};
static_assert(!std::is_aggregate_v<map_options>);

namespace detail {

class range_job : public job {
protected:
    range_job(std::size_t size, map_options options) noexcept
        : job(true),
          size_(size),
          chunk_(options.chunk()),
          limit_(options.limit() ? options.limit() : std::numeric_limits<std::size_t>::max()) {}
    ~range_job() = default;

    // ---- under the executor's lock

    left take(job_share& share, std::size_t workers) noexcept override {
        share.first = next_;
        next_ += next_chunk(workers);
        share.last = next_;
        ++taken_;
        if (next_ == size_) return left::nothing;
        return taken_ < limit_ ? left::more : left::not_now;
    }
    bool give_back(const job_share& share, std::int64_t nanoseconds) noexcept override {
        --taken_;
        if (share.last != share.first)
            per_element_ = nanoseconds / static_cast<std::int64_t>(share.last - share.first) + 1;
        if (stopping()) withdraw_rest();
        return true;
    }
    void withdraw_rest() noexcept override {
        if (next_ != size_) cut_ = true;
        size_ = next_;
        stop_early();
    }
    bool all_taken() const noexcept override { return next_ == size_; }
    void told_to_stop() noexcept override { stop_early(); }

    // ---- on workers

    /// Chunks that run end after the element they are at.
    void stop_early() noexcept { stopping_.store(true, std::memory_order_relaxed); }
    bool stopping() const noexcept { return stopping_.load(std::memory_order_relaxed); }

    /// Keeps the first exception; the rest of the range is given up.
    void fail(std::exception_ptr error) noexcept {
        note_failure();
        if (!failed_first_.exchange(true, std::memory_order_relaxed)) error_ = std::move(error);
        stop_early();
        if (std::stop_source* const source = stop_source()) source->request_stop();
    }
    /// A chunk ended before its last element.
    void note_cut() noexcept { cut_ = true; }

    // ---- when the job is over

    bool cut() const noexcept { return cut_.load(std::memory_order_relaxed); }
    const std::exception_ptr& error() const noexcept { return error_; }
    std::size_t size() const noexcept { return size_; }

private:
    // The first chunk is one element, and timed. At the end of the range chunks get smaller, so that the
    // workers end together.
    std::size_t next_chunk(std::size_t workers) const noexcept {
        const std::size_t rest = size_ - next_;
        if (chunk_ != 0) return std::min(chunk_, rest);
        if (per_element_ == 0) return 1;
        const auto wanted = static_cast<std::size_t>(std::max<std::int64_t>(1, target / per_element_));
        return std::min(wanted, std::max<std::size_t>(1, rest / (2 * workers)));
    }

    static constexpr std::int64_t target = 100'000;  // nanoseconds of work in a chunk

    std::size_t size_;
    std::size_t next_ = 0;
    std::size_t taken_ = 0;
    std::size_t chunk_;
    std::size_t limit_;
    std::int64_t per_element_ = 0;
    std::atomic<bool> cut_{false};
    std::atomic<bool> stopping_{false};
    std::atomic<bool> failed_first_{false};
    std::exception_ptr error_;
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
