// tandem - work_stage: slots that take an item, call the function, and pass the result on
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <tandem/base/outcome.hpp>
#include <tandem/pipeline/dead_item.hpp>
#include <tandem/pipeline/detail/call.hpp>
#include <tandem/pipeline/detail/chunk.hpp>
#include <tandem/pipeline/detail/order.hpp>
#include <tandem/pipeline/detail/outlet.hpp>
#include <tandem/pipeline/detail/shape.hpp>
#include <tandem/pipeline/detail/stage.hpp>
#include <tandem/resilience/limiter_map.hpp>
#include <tandem/resilience/rate_limiter.hpp>
#include <tandem/resilience/retry.hpp>
#include <tandem/tasks/task_group.hpp>
#include <tandem/tasks/timeout.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

template <class In, class Call, class Options, shape Shape>
class work_stage final : public consumer<In, Options> {
public:
    using base = consumer<In, Options>;
    using result = typename Call::result;
    using stored = stored_t<result>;
    using out = typename shaped<Shape, stored>::type;

    work_stage(books& accounts, std::string name, const char* kind, const stage_room& room, Call call,
               Options options)
        : base(accounts, std::move(name), kind, room, std::move(options)),
          call_(std::move(call)),
          size_(std::max<std::size_t>(1, room.queue / lanes())),
          logs_(has_retry ? room.slots : 0),
          calls_(has_dead ? room.slots : 0) {
        several_in_order_ = this->settings().ordered && lanes() > 1;
        if (in_order()) order_.open(room.items(), room.extra);
    }

    outlet<out>& to() noexcept { return to_; }
    Call& function() noexcept { return call_; }
    const executor* workers() const noexcept override { return call_.workers(); }
    /// Where the executor alone bounds what runs, twice as many jobs as it has workers: when one comes back,
    /// its worker goes on with the next at once. With fewer slots that would run too many at a time.
    std::size_t lanes() const noexcept override {
        const std::size_t slots = this->slots();
        if (!Call::on_workers || careful() || slots < workers()->max_workers()) return slots;
        return std::max<std::size_t>(slots, 2 * workers()->max_workers());
    }

    void start(task_group& group) override {
        for (std::size_t i = 0; i < lanes(); ++i) {
            if constexpr (Call::on_workers) {
                if (!careful()) {
                    group.create_task(chunk_lane(i), this->name());
                    continue;
                }
            }
            group.create_task(slot(i), this->name());
        }
    }

private:
    static constexpr bool has_retry = Options::template has<retry_part>;
    static constexpr bool has_key = Options::template has<key_part>;
    static constexpr bool has_done = Options::template has<done_part>;
    static constexpr bool has_dead = Options::template has<dead_part>;

    /// A result that waits for its turn outside its slot.
    class parked_result {
    public:
        parked_result(held<In>&& taken, stored&& given) : item(std::move(taken)), value(std::move(given)) {}
        held<In> item;
        stored value;
    };
    bool in_order() const noexcept { return Shape != shape::last && several_in_order_; }
    bool careful() const noexcept {
        return has_retry || has_key || this->settings().limiter || this->settings().item_deadline != never;
    }

    task<> slot(std::size_t index);
    task<> chunk_lane(std::size_t index);
    template <class Chunk>
    void fill(Chunk& chunk);
    template <class Chunk>
    void add(Chunk& chunk, std::int64_t now);
    template <class Item>
    bool settle_at_once(Item& each, std::int64_t now);
    template <class Item>
    void leave(const Item& each) noexcept {
        if (each.keeps_place) {
            this->in().give_back(each.item.bytes());
        } else {
            --in_slots_;
        }
    }
    template <class Item>
    task<> settle(Item& each, std::size_t index);
    task<result> carefully(held<In>& item, slot_clock& clock, std::size_t index);
    task<result> attempts(In& item, slot_clock& clock, std::size_t index);
    task<result> attempt(In& item, slot_clock& clock, bool with_backoff);
    task<result> called(In& item, slot_clock& clock);
    bool deliver_at_once(held<In>& item, std::uint64_t k, stored& value, std::int64_t now);
    task<> deliver(held<In>& item, std::uint64_t k, stored& value);
    task<> deliver_parked();
    task<> pass_on(held<In>& item, stored& value);
    task<> fail(held<In>& item, std::uint64_t k, std::size_t index, std::exception_ptr error);
    task<> bury(held<In>& item, std::size_t index, dead_reason why, std::exception_ptr error);
    task<> done(held<In>& item);

    std::int64_t deadline_of_item(const held<In>& item) const noexcept {
        return later(item.first_seen(), this->settings().item_deadline);
    }
    dead_reason reason_of(const held<In>& item, const std::exception_ptr& error) const {
        try {
            std::rethrow_exception(error);
        } catch (const limiter_too_late&) {
            return dead_reason::rejected;
        } catch (const timeout_error&) {
            const bool late =
                this->settings().item_deadline != never && this->now() >= deadline_of_item(item);
            return late ? dead_reason::deadline : dead_reason::timeout;
        } catch (const refused_error&) {
            return dead_reason::rejected;
        } catch (...) {
            return dead_reason::error;
        }
    }
    std::size_t index_of(const slot_clock& clock) noexcept {
        return static_cast<std::size_t>(&clock - &this->meter().slot(0));
    }

    std::uint64_t discard() noexcept override {
        order_.discard();
        return base::discard();
    }

    Call call_;
    outlet<out> to_;
    order_window<parked_result> order_;
    std::uint64_t sequence_ = 0;
    chunk_size size_;
    std::size_t in_slots_ = 0;     // items in chunks that keep no place in the queue
    std::vector<retry_log> logs_;  // of each slot
    bool several_in_order_ = false;
    std::vector<std::size_t> calls_;  // of each slot, for its item
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
