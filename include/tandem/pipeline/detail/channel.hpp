// tandem - channel: the bounded queue before a stage, by count and by bytes; end of stream is its closing
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <tandem/base/detail/intrusive_list.hpp>
#include <tandem/core/fiber.hpp>
#include <tandem/pipeline/detail/meter.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// An item on its way, and what is known of it.
template <class T>
class envelope {
public:
    envelope(T&& item, std::int64_t seen,
             std::uint64_t counts) noexcept(std::is_nothrow_move_constructible_v<T>)
        : value(std::move(item)), first_seen(seen), weight(counts) {}

    T value;
    std::int64_t first_seen;  // when it came from the source; of a batch, its first item
    std::uint64_t weight;     // how many items it stands for: those of a batch
    std::size_t bytes = 0;
};

/// What does not depend on the type of the items: places, waiting slots, depth over time.
/// A place is granted before it is filled, an item is promised before it is taken, so that the one who
/// was woken finds it there and nobody overtakes; items themselves move when their slot runs.
class channel_base {
public:
    class take_awaiter;
    class room_awaiter;

    channel_base(const channel_base&) = delete;
    channel_base& operator=(const channel_base&) = delete;

    /// Waits for an item; true: one is promised, `pop` it. False: the stream has ended.
    [[nodiscard("co_await it")]] take_awaiter take() noexcept;
    /// The same up to a time on the loop's clock; `timed_out` tells it from the end.
    [[nodiscard("co_await it")]] take_awaiter take_until(std::int64_t when) noexcept;
    /// Waits for a place; `push` follows without a suspension in between.
    [[nodiscard("co_await it")]] room_awaiter room(std::size_t bytes) noexcept;

    /// Promises one more item without waiting.
    bool try_take() noexcept {
        if (available() == 0) return false;
        ++promised_;
        return true;
    }
    /// Grants a place without waiting.
    bool try_room(std::size_t bytes) noexcept {
        if (!putters_.empty() || !has_room(bytes)) return false;
        grant(bytes);
        return true;
    }
    /// Items that nobody was promised.
    std::size_t available() const noexcept { return size_ - promised_; }

    /// No more items will come.
    void close() noexcept;

    /// For an item that was popped and kept its place, as if it were still in line.
    void give_back(std::size_t bytes) noexcept {
        --kept_;
        bytes_ -= bytes;
        admit();
    }

    std::size_t capacity() const noexcept { return capacity_; }
    std::size_t size() const noexcept { return size_; }
    depth_track& depth() noexcept { return depth_; }

protected:
    channel_base(std::size_t capacity, std::size_t bytes) noexcept
        : capacity_(capacity), byte_capacity_(bytes) {}
    ~channel_base() = default;

    inline void pushed(std::size_t bytes, std::int64_t now) noexcept;
    void popped(std::size_t bytes, std::int64_t now, bool keeps_place) noexcept {
        --promised_;
        --size_;
        if (keeps_place) {
            ++kept_;
        } else {
            bytes_ -= bytes;
        }
        depth_.change(size_, now);
        admit();
    }
    void cleared() noexcept {
        size_ = promised_ = 0;
        bytes_ = 0;
    }

private:
    bool has_room(std::size_t bytes) const noexcept {
        if (size_ + granted_ + kept_ >= capacity_) return false;
        if (byte_capacity_ == 0 || bytes_ == 0) return true;
        return bytes <= byte_capacity_ && bytes_ <= byte_capacity_ - bytes;
    }
    void grant(std::size_t bytes) noexcept {
        ++granted_;
        bytes_ += bytes;
    }
    inline void admit() noexcept;

    std::size_t capacity_;
    std::size_t byte_capacity_;
    std::size_t size_ = 0;
    std::size_t promised_ = 0;  // of those inside
    std::size_t granted_ = 0;   // places for items that are about to come
    std::size_t kept_ = 0;      // places of items that were popped
    std::size_t bytes_ = 0;     // inside, granted and kept
    bool closed_ = false;
    intrusive_list<take_awaiter> takers_;
    intrusive_list<room_awaiter> putters_;
    depth_track depth_;
};

class channel_base::take_awaiter final : public leaf, public list_links<take_awaiter>, private timer_node {
public:
    take_awaiter(channel_base& from, std::int64_t until) noexcept : from_(from), until_(until) {}

    bool await_ready() noexcept {
        if (stop_pending()) return false;
        got_ = from_.try_take();
        return got_ || from_.closed_;
    }
    void await_suspend(std::coroutine_handle<> h) noexcept {
        if (!suspend(h)) return;
        if (until_ != never) {
            if (until_ <= loop().ticks() || !loop().arm_timer(*this, until_)) return fire_now();
        }
        from_.takers_.push_back(*this);
    }
    bool await_resume() const noexcept { return got_; }
    const char* kind() const noexcept override { return "pipeline: waits for an item"; }

private:
    friend class channel_base;

    void fire() noexcept override {
        from_.takers_.erase(*this);
        complete();
    }
    void fire_now() noexcept { complete(); }
    void served(bool got) noexcept {
        loop().disarm_timer(*this);
        got_ = got;
        complete();
    }
    detach on_cancel() noexcept override {
        loop().disarm_timer(*this);
        from_.takers_.erase(*this);
        return detach::done;
    }

    channel_base& from_;
    std::int64_t until_;
    bool got_ = false;
};

class channel_base::room_awaiter final : public leaf, public list_links<room_awaiter> {
public:
    room_awaiter(channel_base& to, std::size_t bytes) noexcept : to_(to), bytes_(bytes) {}

    bool await_ready() noexcept { return !stop_pending() && to_.try_room(bytes_); }
    void await_suspend(std::coroutine_handle<> h) noexcept {
        if (suspend(h)) to_.putters_.push_back(*this);
    }
    void await_resume() const noexcept {}
    const char* kind() const noexcept override { return "pipeline: waits for room"; }

private:
    friend class channel_base;

    detach on_cancel() noexcept override {
        to_.putters_.erase(*this);
        return detach::done;
    }

    channel_base& to_;
    std::size_t bytes_;
};

inline channel_base::take_awaiter channel_base::take() noexcept { return take_awaiter(*this, never); }
inline channel_base::take_awaiter channel_base::take_until(std::int64_t when) noexcept {
    return take_awaiter(*this, when);
}
inline channel_base::room_awaiter channel_base::room(std::size_t bytes) noexcept {
    return room_awaiter(*this, bytes);
}

inline void channel_base::pushed(std::size_t, std::int64_t now) noexcept {
    --granted_;
    ++size_;
    depth_.change(size_, now);
    if (take_awaiter* const taker = takers_.pop_front()) {
        ++promised_;
        taker->served(true);
    }
}

inline void channel_base::admit() noexcept {
    while (room_awaiter* const putter = putters_.front()) {
        if (!has_room(putter->bytes_)) return;
        putters_.pop_front();
        grant(putter->bytes_);
        putter->complete();
    }
}

inline void channel_base::close() noexcept {
    closed_ = true;
    while (take_awaiter* const taker = takers_.pop_front()) taker->served(false);
}

/// The queue before a stage that takes `T`. Its ring is allocated when the pipeline is built.
template <class T>
class channel final : public channel_base {
public:
    using size_function = std::size_t (*)(const void*, const T&);

    channel(std::size_t capacity, std::size_t bytes, size_function measure, const void* with)
        : channel_base(capacity, bytes), ring_(capacity), size_of_(measure), with_(with) {}

    std::size_t bytes_of(const T& value) const { return size_of_ ? size_of_(with_, value) : 0; }

    void push(envelope<T>&& item, std::int64_t now) {
        ring_[(first_ + size()) % ring_.size()].emplace(std::move(item));
        pushed(item.bytes, now);
    }
    envelope<T> pop(std::int64_t now, bool keeps_place = false) {
        std::optional<envelope<T>>& oldest = ring_[first_];
        envelope<T> item(std::move(*oldest));
        oldest.reset();
        first_ = (first_ + 1) % ring_.size();
        popped(item.bytes, now, keeps_place);
        return item;
    }
    /// Drops what is inside; gives how many items it stood for.
    std::uint64_t discard() noexcept {
        std::uint64_t weight = 0;
        for (std::optional<envelope<T>>& each : ring_) {
            if (each) weight += each->weight;
            each.reset();
        }
        first_ = 0;
        cleared();
        return weight;
    }

private:
    std::vector<std::optional<envelope<T>>> ring_;
    std::size_t first_ = 0;
    size_function size_of_;
    const void* with_;
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
