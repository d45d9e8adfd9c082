// tandem - filter, batch, broadcast, route: the stages of a pipeline that call nothing that waits
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <tandem/pipeline/detail/outlet.hpp>
#include <tandem/pipeline/detail/shape.hpp>
#include <tandem/pipeline/detail/stage.hpp>
#include <tandem/tasks/task_group.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// A stage with one slot, which takes an item and hands it to `Derived::handle`.
template <class Derived, class In, class Options>
class single_slot_stage : public consumer<In, Options> {
public:
    using consumer<In, Options>::consumer;

    void start(task_group& group) override { group.create_task(slot(), this->name()); }

private:
    task<> slot() {
        Derived& self = static_cast<Derived&>(*this);
        slot_clock& clock = this->meter().slot(0);
        for (;;) {
            const bool more = co_await this->in().take();
            if (!more) break;
            const std::int64_t begun = this->now();
            held<In> item(*this, this->in().pop(begun));
            this->meter().enter(clock, stage_state::busy, begun);
            co_await self.handle(item, clock);
            this->enter(clock, stage_state::blocked_up);
        }
        self.finish();
    }
};

template <class In, class Pred, class Options>
class filter_stage final : public single_slot_stage<filter_stage<In, Pred, Options>, In, Options> {
    using base = single_slot_stage<filter_stage, In, Options>;

    static_assert(
        !Options::template has<retry_part> && !Options::template has<key_part> &&
            !Options::template has<done_part>,
        "tandem::pipeline: filter() asks a plain function once for each item and waits for nothing: "
        "retry, limit_by and on_done have no meaning there; give them to the stage before or after");

public:
    filter_stage(books& accounts, std::string name, const stage_room& room, Pred keep, Options options)
        : base(accounts, std::move(name), "filter", room, std::move(options)), keep_(std::move(keep)) {
        if (!this->settings().limiter && this->settings().item_deadline == never) return;
        throw std::invalid_argument("tandem::pipeline::filter: stage \"" + this->name() +
                                    "\": a filter waits for nothing, so that limit and item_deadline have no "
                                    "meaning; give them to the stage before or after");
    }

    outlet<In>& to() noexcept { return to_; }

    task<> handle(held<In>& item, slot_clock& clock) {
        bool keep = false;
        std::exception_ptr error;
        try {
            keep = static_cast<bool>(std::invoke(keep_, std::as_const(item.value())));
        } catch (...) {
            error = std::current_exception();
        }
        this->enter(clock, stage_state::blocked_down);
        this->meter().item_served(clock);
        if (error) {
            co_await fail(item, error);
            co_return;
        }
        if (!keep) {
            ++this->counts().filtered;
            item.left(&books::filtered);
            co_return;
        }
        co_await to_.emit(*this, envelope<In>(std::move(item.value()), item.first_seen(), item.weight()));
        item.passed_on();
    }
    void finish() noexcept { to_.next().close(); }

private:
    task<> fail(held<In>& item, std::exception_ptr error) {
        this->note_failure(error);
        if constexpr (Options::template has<dead_part>) {
            if (this->settings().policy == on_error::dead_letter) {
                dead_item<In> letter =
                    letter_of(*this, item, dead_reason::error, error, std::vector<retry_record>(), 1);
                co_await this->options().template part<dead_part>().queue->put(std::move(letter));
                this->died(item);
                co_return;
            }
        }
        this->skipped(item);
    }

    Pred keep_;
    outlet<In> to_;
};

/// Each item to every branch.
template <class In, class Options>
class broadcast_stage final : public single_slot_stage<broadcast_stage<In, Options>, In, Options> {
    using base = single_slot_stage<broadcast_stage, In, Options>;

public:
    broadcast_stage(books& accounts, std::string name, const stage_room& room, std::size_t branches,
                    Options options)
        : base(accounts, std::move(name), "broadcast", room, std::move(options)), to_(branches) {}

    outlet<In>& to(std::size_t branch) noexcept { return to_[branch]; }

    task<> handle(held<In>& item, slot_clock& clock) {
        this->enter(clock, stage_state::blocked_down);
        this->meter().item_served(clock);
        for (std::size_t i = 0; i + 1 < to_.size(); ++i) {
            In copy(std::as_const(item.value()));
            co_await to_[i].emit_more(*this, envelope<In>(std::move(copy), item.first_seen(), item.weight()));
        }
        co_await to_.back().emit(*this,
                                 envelope<In>(std::move(item.value()), item.first_seen(), item.weight()));
        item.passed_on();
    }
    void finish() noexcept {
        for (outlet<In>& each : to_) each.next().close();
    }

private:
    std::vector<outlet<In>> to_;
};

/// Each item to the branch that the key function names.
template <class In, class Key, class Options>
class route_stage final : public single_slot_stage<route_stage<In, Key, Options>, In, Options> {
    using base = single_slot_stage<route_stage, In, Options>;

public:
    route_stage(books& accounts, std::string name, const stage_room& room, std::size_t branches, Key key,
                Options options)
        : base(accounts, std::move(name), "route", room, std::move(options)),
          to_(branches),
          key_(std::move(key)) {}

    outlet<In>& to(std::size_t branch) noexcept { return to_[branch]; }

    task<> handle(held<In>& item, slot_clock& clock) {
        const auto branch = static_cast<std::size_t>(std::invoke(key_, std::as_const(item.value())));
        this->enter(clock, stage_state::blocked_down);
        this->meter().item_served(clock);
        if (branch >= to_.size()) {
            throw std::out_of_range("tandem::pipeline::route: stage \"" + this->name() +
                                    "\": the key function gave " + std::to_string(branch) +
                                    " and there are " + std::to_string(to_.size()) + " branches; give 0 to " +
                                    std::to_string(to_.size() - 1));
        }
        co_await to_[branch].emit(*this,
                                  envelope<In>(std::move(item.value()), item.first_seen(), item.weight()));
        item.passed_on();
    }
    void finish() noexcept {
        for (outlet<In>& each : to_) each.next().close();
    }

private:
    std::vector<outlet<In>> to_;
    Key key_;
};

/// When a batch is complete.
class batch_limits {
public:
    batch_limits(std::size_t most, std::int64_t time, std::size_t most_bytes) noexcept
        : items(most), window(time), bytes(most_bytes) {}

    std::size_t items;
    std::int64_t window;
    std::size_t bytes;  // 0: no limit
};

/// Collects items; a batch leaves when it is full, when its first item has waited for the window, and at
/// the end of the stream.
template <class In, class Size, class Options>
class batch_stage final : public consumer<In, Options> {
    using base = consumer<In, Options>;

public:
    batch_stage(books& accounts, std::string name, const stage_room& room, batch_limits limits, Size size,
                Options options)
        : base(accounts, std::move(name), "batch", room, std::move(options)),
          limits_(limits),
          size_(std::move(size)) {
        open_.reserve(std::min<std::size_t>(limits.items, 1024));  // "all that there are" is a size, too
    }

    outlet<std::vector<In>>& to() noexcept { return to_; }
    void start(task_group& group) override { group.create_task(slot(), this->name()); }

private:
    task<> slot() {
        slot_clock& clock = this->meter().slot(0);
        for (;;) {
            const std::int64_t until = open_.empty() ? never : due_;
            const bool got = co_await this->in().take_until(until);
            if (got) {
                collect();
                if (!full()) continue;
            } else if (open_.empty()) {
                break;  // the end: there is no window to run out
            }
            this->enter(clock, stage_state::blocked_down);
            co_await flush();
            this->enter(clock, stage_state::blocked_up);
        }
        to_.next().close();
    }
    void collect() {
        const std::int64_t ticks = this->now();
        held<In> item(*this, this->in().pop(ticks));
        if (open_.empty()) due_ = later(ticks, limits_.window);
        if (limits_.bytes != 0) {
            const auto more = static_cast<std::size_t>(size_(std::as_const(item.value())));
            if (__builtin_add_overflow(bytes_, more, &bytes_)) bytes_ = limits_.bytes;
        }
        open_.push_back(std::move(item));
    }
    bool full() const noexcept {
        return open_.size() >= limits_.items || (limits_.bytes != 0 && bytes_ >= limits_.bytes) ||
               this->accounts().alone != 0;
    }
    task<> flush() {
        std::vector<In> items;
        items.reserve(open_.size());
        std::uint64_t weight = 0;
        for (held<In>& each : open_) {
            weight += each.weight();
            items.push_back(std::move(each.value()));
        }
        co_await to_.emit(*this,
                          envelope<std::vector<In>>(std::move(items), open_.front().first_seen(), weight));
        for (held<In>& each : open_) each.passed_on();
        open_.clear();
        bytes_ = 0;
    }
    std::uint64_t discard() noexcept override {
        open_.clear();  // those in an open batch count themselves
        return base::discard();
    }

    batch_limits limits_;
    Size size_;
    std::vector<held<In>> open_;
    std::int64_t due_ = 0;
    std::size_t bytes_ = 0;
    outlet<std::vector<In>> to_;
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
