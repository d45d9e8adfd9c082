// tandem - what the stages of a pipeline share: books, slots, an item in hand
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <tandem/base/error.hpp>
#include <tandem/core/loop_core.hpp>
#include <tandem/core/task.hpp>
#include <tandem/cpu/executor.hpp>
#include <tandem/pipeline/detail/channel.hpp>
#include <tandem/pipeline/detail/meter.hpp>
#include <tandem/pipeline/stage_options.hpp>
#include <tandem/pipeline/stage_report.hpp>
#include <tandem/sync/event.hpp>

namespace tandem::inline TANDEM_ABI {

class task_group;

namespace detail {

class stage_base;

/// Where every item of a pipeline is accounted for, and what its stages share.
class books {
public:
    books() = default;
    books(const books&) = delete;
    books& operator=(const books&) = delete;

    std::int64_t now() const noexcept { return loop->ticks(); }

    void enters(std::uint64_t weight) noexcept {
        live += weight;
        if (live > peak_live) peak_live = live;
    }
    void leaves(std::uint64_t weight) noexcept {
        live -= weight;
        if (live == 0) empty.set();
    }
    /// One more item has run alone; after the last of them the times count afresh.
    inline void ran_alone() noexcept;

    loop_core* loop = nullptr;
    std::int64_t began = 0;
    overlap_meter overlap;
    event empty;            // set when nothing is inside
    std::size_t alone = 0;  // items that are yet to run in isolation
    std::vector<stage_base*> stages;
    bool draining = false;

    std::uint64_t taken = 0;
    std::int64_t added = 0;
    std::uint64_t stored = 0;
    std::uint64_t filtered = 0;
    std::uint64_t skipped = 0;
    std::uint64_t dead = 0;
    std::uint64_t abandoned = 0;
    std::uint64_t resumed = 0;
    std::uint64_t live = 0;
    std::uint64_t peak_live = 0;
    std::uint64_t max_live = 0;
};

class stage_base {
public:
    stage_base(books& accounts, std::string name, const char* kind, std::size_t slots)
        : books_(accounts), name_(std::move(name)), kind_(kind), slots_(slots) {}
    stage_base(const stage_base&) = delete;
    stage_base& operator=(const stage_base&) = delete;
    virtual ~stage_base() = default;

    /// Creates the tasks of the stage.
    virtual void start(task_group& group) = 0;
    /// The queue before it; null for a source.
    virtual channel_base* queue() noexcept { return nullptr; }
    /// Where its jobs run; null on the loop.
    virtual const executor* workers() const noexcept { return nullptr; }
    /// `drain` was called: a source gives no more.
    virtual void drain() noexcept {}
    /// The calibration is over.
    void calibrated() noexcept;

    const std::string& name() const noexcept { return name_; }
    std::size_t slots() const noexcept { return slots_; }
    /// The tasks that work in it: its slots, and more if that keeps workers from waiting for the loop.
    virtual std::size_t lanes() const noexcept { return slots_; }
    books& accounts() const noexcept { return books_; }
    stage_meter& meter() noexcept { return meter_; }
    stage_report& counts() noexcept { return counts_; }
    std::int64_t now() const noexcept { return books_.now(); }

    std::int64_t enter(slot_clock& slot, stage_state next) noexcept {
        const std::int64_t ticks = now();
        meter_.enter(slot, next, ticks);
        return ticks;
    }
    void note_message(const std::exception_ptr& error) {
        if (counts_.messages.size() < kept_messages) counts_.messages.push_back(message_of(error));
    }

    virtual void begin();
    stage_report report(std::int64_t now);
    /// After the run: what still waits in the stage is abandoned.
    void close_books() noexcept {
        const std::uint64_t left = discard();
        counts_.abandoned += left;
        books_.abandoned += left;
        books_.leaves(left);
    }

protected:
    /// Drops what waits in it; gives how many items that stood for.
    virtual std::uint64_t discard() noexcept { return 0; }

private:
    static constexpr std::size_t kept_messages = 8;

    books& books_;
    std::string name_;
    const char* kind_;
    std::size_t slots_;
    stage_meter meter_;
    stage_report counts_;
    std::uint64_t items_before_ = 0;  // in the calibration
    std::int64_t isolated_ = 0;
};

inline void books::ran_alone() noexcept {
    if (alone == 0 || --alone != 0) return;
    began = now();
    for (stage_base* const stage : stages) stage->calibrated();
    overlap.restart(began);
}

inline void stage_base::begin() {
    const std::int64_t ticks = books_.began;
    meter_.begin(slots_, lanes(), books_.overlap, workers() != nullptr, ticks);
    if (channel_base* const q = queue()) q->depth().begin(ticks);
}

inline void stage_base::calibrated() noexcept {
    const std::int64_t ticks = books_.began;
    isolated_ = meter_.served().mean().count();
    items_before_ = counts_.items;
    meter_.restart(ticks);
    if (channel_base* const q = queue()) q->depth().begin(ticks);
}

inline stage_report stage_base::report(std::int64_t now) {
    stage_report r = counts_;
    r.name = name_;
    r.kind = kind_;
    r.concurrency = slots_;
    r.measured = r.items - items_before_;
    r.elapsed = std::chrono::nanoseconds(now - books_.began);
    r.isolated = std::chrono::nanoseconds(isolated_);
    const auto sums = meter_.sums(now);
    for (std::size_t i = 0; i < sums.size(); ++i) r.times[i] = std::chrono::nanoseconds(sums[i]);
    r.limiter_busy = std::chrono::nanoseconds(meter_.limited(now));
    r.service = meter_.served();
    if (channel_base* const q = queue()) {
        r.queue_capacity = q->capacity();
        r.queue_peak = q->depth().peak();
        r.queue_mean = q->depth().mean(now);
        r.queue_depth = q->depth().means(now);
        r.queue_stretch = std::chrono::nanoseconds(q->depth().stretch());
    }
    return r;
}

/// An item in a slot. One that leaves it undecided, because the slot was stopped, is abandoned.
template <class T>
class held {
public:
    held(stage_base& stage, envelope<T>&& item) : stage_(&stage), item_(std::move(item)) {
        ++stage.counts().taken;
    }
    held(held&& other) noexcept(std::is_nothrow_move_constructible_v<T>)
        : stage_(std::exchange(other.stage_, nullptr)), item_(std::move(other.item_)) {}
    held& operator=(held&&) = delete;
    ~held() {
        if (!stage_) return;
        ++stage_->counts().abandoned;
        stage_->accounts().abandoned += weight();
        stage_->accounts().leaves(weight());
    }

    T& value() noexcept { return item_.value; }
    std::uint64_t weight() const noexcept { return item_.weight; }
    std::size_t bytes() const noexcept { return item_.bytes; }
    std::int64_t first_seen() const noexcept { return item_.first_seen; }

    /// It is in the next queue, or parked: somebody else answers for it.
    void passed_on() noexcept {
        ++stage_->counts().items;
        stage_ = nullptr;
    }
    void left(std::uint64_t books::*account) noexcept {
        ++stage_->counts().items;
        leave(account);
    }
    void failed(std::uint64_t books::*account) noexcept { leave(account); }
    /// Its results replace it in the books.
    void replaced() noexcept {
        stage_->accounts().added -= static_cast<std::int64_t>(weight());
        stage_->accounts().leaves(weight());
        passed_on();
    }

private:
    void leave(std::uint64_t books::*account) noexcept {
        stage_->accounts().*account += weight();
        stage_->accounts().leaves(weight());
        stage_ = nullptr;
    }

    stage_base* stage_;
    envelope<T> item_;
};

/// How many may work and wait in a stage.
class stage_room {
public:
    stage_room(const char* kind, const std::string& name, const stage_settings& s, std::size_t default_slots,
               std::size_t least_queue = 0)
        : slots(s.concurrency == stage_settings::by_default ? default_slots : s.concurrency),
          queue(s.queue == stage_settings::by_default ? std::max(4 * slots, least_queue) : s.queue),
          extra(s.ordered && slots > 1 ? s.reorder : 0) {
        require(kind, name, "concurrency", slots);
        require(kind, name, "queue", queue);
        require(kind, name, "reorder", extra, 0);
    }
    std::size_t items() const noexcept { return slots + queue + extra; }

    std::size_t slots;
    std::size_t queue;
    std::size_t extra;

private:
    static void require(const char* kind, const std::string& name, const char* what, std::size_t given,
                        std::size_t least = 1) {
        if (given >= least && given <= most) return;
        throw std::invalid_argument(std::string("tandem::pipeline::") + kind + ": stage \"" + name +
                                    "\": " + what + " is " + std::to_string(given) +
                                    (given == 0 ? ", so no item would ever pass; give 1 or more"
                                                : "; give at most " + std::to_string(most)));
    }
    static constexpr std::size_t most = 1'000'000'000;  // a negative number is far beyond it
};

/// A stage with a queue before it.
template <class In, class Options>
class consumer : public stage_base {
public:
    consumer(books& accounts, std::string name, const char* kind, const stage_room& room, Options options)
        : stage_base(accounts, std::move(name), kind, room.slots),
          options_(std::move(options)),
          in_(room.queue, options_.settings().queue_bytes, size_function(), &options_),
          open_lanes_(0) {}

    channel<In>& in() noexcept { return in_; }
    channel_base* queue() noexcept final { return &in_; }
    Options& options() noexcept { return options_; }
    const stage_settings& settings() const noexcept { return options_.settings(); }

    void begin() override {
        stage_base::begin();
        open_lanes_ = this->lanes();
    }
    /// A call has failed. Throws what it threw if that is to end the run.
    void note_failure(const std::exception_ptr& error) {
        ++counts().errors;
        note_message(error);
        if (settings().policy == on_error::fail_fast) std::rethrow_exception(error);
    }
    void skipped(held<In>& item) noexcept {
        ++counts().skipped;
        item.failed(&books::skipped);
    }
    /// It is in the queue for dead letters.
    void died(held<In>& item) noexcept {
        ++counts().dead;
        item.failed(&books::dead);
    }
    /// A lane has come to the end of the stream; true: it was the last one.
    bool lane_ends() noexcept { return --open_lanes_ == 0; }

protected:
    std::uint64_t discard() noexcept override { return in_.discard(); }

private:
    static typename channel<In>::size_function size_function() noexcept {
        if constexpr (Options::template has<bytes_part>) {
            return [](const void* options, const In& item) {
                const Options& mine = *static_cast<const Options*>(options);
                return static_cast<std::size_t>(mine.template part<bytes_part>().size(item));
            };
        } else {
            return nullptr;
        }
    }

    Options options_;
    channel<In> in_;
    std::size_t open_lanes_;
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
