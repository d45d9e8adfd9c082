// tandem - done_log: which items are finished, also after kill -9
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

#include <tandem/base/config.hpp>
#include <tandem/core/clock.hpp>
#include <tandem/core/task.hpp>
#include <tandem/core/this_task.hpp>
#include <tandem/cpu/to_thread.hpp>
#include <tandem/pipeline/detail/log_file.hpp>
#include <tandem/sync/event.hpp>
#include <tandem/tasks/shield.hpp>

namespace tandem::inline TANDEM_ABI {

/// How often a `done_log` asks the disk to keep what it wrote. A killed process loses nothing that was
/// recorded, whatever stands here; a machine that loses power loses what came after the last sync.
class done_log_options {
public:
    done_log_options() noexcept {}

    /// Syncs once `lines` lines were written since the last time; 1: every batch. Default: by time only.
    done_log_options& sync_every(std::size_t lines) {
        if (lines == 0) {
            throw std::invalid_argument(
                "tandem::done_log_options::sync_every: 0 lines; give at least 1, or a duration");
        }
        sync_lines_ = lines;
        return *this;
    }
    /// Syncs with the first batch that is written this long after the last sync. Default: 1 s.
    done_log_options& sync_every(duration interval) noexcept {
        sync_interval_ = interval;
        return *this;
    }

    std::size_t sync_lines() const noexcept { return sync_lines_; }
    duration sync_interval() const noexcept { return sync_interval_; }

private:
    std::size_t sync_lines_ = static_cast<std::size_t>(-1);
    duration sync_interval_ = std::chrono::seconds(1);
};

struct done_log_statistics {
    std::size_t keys = 0;     ///< that are done, those of earlier runs included
    std::size_t batches = 0;  ///< writes of this run; several keys share one
    std::size_t syncs = 0;    ///< of this run
    std::size_t damaged =
        0;  ///< lines found unreadable when the file was opened; their items count as not done
};

/// An append-only file of the keys of finished items. A run that was killed opens it again and leaves out
/// what `contains` says is done: at least once for each item, exactly once if storing it twice is harmless.
/// Keys that are recorded at the same time share one write (group commit), made on a thread of the loop's
/// blocking pool. The file is locked against a second process.
/// Threads: the loop's. Lifetime: outlives its `record` and `flush` calls; its destructor writes keys whose
/// `record` was cancelled, and does not sync.
class done_log {
public:
    /// Opens or creates the file and reads it.
    /// Errors: `std::system_error`, naming the file, if it cannot be opened, is in use, or is no done-log;
    ///   then nothing of it is touched.
    explicit done_log(const std::string& path, done_log_options options = {})
        : options_(options), file_(path), keys_(file_.read_keys()) {}
    done_log(const done_log&) = delete;
    done_log& operator=(const done_log&) = delete;
    ~done_log() {
        if (!failure_) file_.write_quietly(pending_);
    }

    /// Whether the item of this key was finished, by this run or an earlier one.
    bool contains(const std::string& key) const { return keys_.contains(key); }

    /// Notes that the item of `key` is finished; ends when this is written. Any bytes make a key.
    /// Cancellation: the line is written all the same, by the next call or the destructor.
    /// Errors: `std::system_error` if the file cannot be written (disk full), also for every later call:
    ///   what is recorded is never more than what is on the disk.
    task<> record(std::string key) {
        detail::append_line(pending_, key);
        ++pending_lines_;
        const std::uint64_t mine = ++recorded_;
        keys_.insert(std::move(key));
        while (written_ < mine) {
            if (writing_) {
                co_await batch_ended_.wait();
            } else {
                co_await shield(write_batch(false));
            }
        }
    }

    /// Writes and syncs everything that was recorded so far.
    /// Cancellation: takes effect after the write. Errors: as `record`.
    task<> flush() {
        while (writing_) co_await batch_ended_.wait();
        co_await shield(write_batch(true));
    }

    done_log_statistics statistics() const noexcept {
        return {keys_.size(), batches_, syncs_, file_.damaged_lines()};
    }

private:
    bool sync_is_due(time_point now) const noexcept {
        return unsynced_lines_ >= options_.sync_lines() || now - last_sync_ >= options_.sync_interval();
    }

    task<> write_batch(bool must_sync) {
        if (failure_) std::rethrow_exception(failure_);
        batch_guard guard(*this);
        const std::string batch = std::exchange(pending_, {});
        const std::uint64_t upto = recorded_;
        unsynced_lines_ += std::exchange(pending_lines_, 0);
        const time_point now = this_task::loop().now();
        const bool sync = must_sync || sync_is_due(now);
        try {
            co_await to_thread(&detail::log_file::append, std::ref(file_), std::cref(batch), sync);
        } catch (...) {
            failure_ = std::current_exception();
            throw;
        }
        written_ = upto;
        ++batches_;
        if (sync) {
            ++syncs_;
            unsynced_lines_ = 0;
            last_sync_ = now;
        }
    }

    /// One batch at a time; whoever waits for its end is woken, however it ends.
    class batch_guard {
    public:
        explicit batch_guard(done_log& log) noexcept : log_(log) {
            log.writing_ = true;
            log.batch_ended_.clear();
        }
        batch_guard(const batch_guard&) = delete;
        batch_guard& operator=(const batch_guard&) = delete;
        ~batch_guard() {
            log_.writing_ = false;
            log_.batch_ended_.set();
        }

    private:
        done_log& log_;
    };

    done_log_options options_;
    detail::log_file file_;
    std::unordered_set<std::string> keys_;
    event batch_ended_;
    std::string pending_;  // lines that no write has taken yet
    std::size_t pending_lines_ = 0;
    std::size_t unsynced_lines_ = 0;
    std::uint64_t recorded_ = 0;
    std::uint64_t written_ = 0;
    std::size_t batches_ = 0;
    std::size_t syncs_ = 0;
    std::exception_ptr failure_;
    time_point last_sync_{};
    bool writing_ = false;
};

}  // namespace tandem::inline TANDEM_ABI
