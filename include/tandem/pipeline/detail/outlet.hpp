// tandem - outlet: how the items of a stage get into the queue of the next one
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include <tandem/core/task.hpp>
#include <tandem/pipeline/detail/channel.hpp>
#include <tandem/pipeline/detail/stage.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// Where the results of a stage go: the queue of the next one. What puts them there are members, as GCC 12
/// warns (-Wsubobject-linkage) of the frames of free coroutine templates with types of unnamed namespaces.
template <class Out>
class outlet {
public:
    outlet() = default;
    outlet(const outlet&) = delete;
    outlet& operator=(const outlet&) = delete;

    void connect(channel<Out>& next) noexcept { next_ = &next; }
    channel<Out>& next() noexcept { return *next_; }

    /// Waits for room in the next queue and puts an item there.
    task<> emit(stage_base& from, envelope<Out> item) {
        item.bytes = next_->bytes_of(item.value);
        co_await next_->room(item.bytes);
        push(from, std::move(item), from.now());
    }

    /// Puts an item there if that takes no waiting, and so no coroutine. `now` was read since the last one.
    bool emit_at_once(stage_base& from, Out& value, std::int64_t first_seen, std::uint64_t weight,
                      std::int64_t now) {
        const std::size_t bytes = next_->bytes_of(value);
        if (!next_->try_room(bytes)) return false;
        envelope<Out> item(std::move(value), first_seen, weight);
        item.bytes = bytes;
        push(from, std::move(item), now);
        return true;
    }

    /// As `emit`, for an item that is in the books beside the one that it was made of.
    task<> emit_more(stage_base& from, envelope<Out> item) {
        item.bytes = next_->bytes_of(item.value);
        const std::uint64_t weight = item.weight;
        co_await next_->room(item.bytes);
        from.accounts().enters(weight);
        from.accounts().added += static_cast<std::int64_t>(weight);
        push(from, std::move(item), from.now());
    }

private:
    void push(stage_base& from, envelope<Out>&& item, std::int64_t now) {
        next_->push(std::move(item), now);
        ++from.counts().emitted;
    }

    channel<Out>* next_ = nullptr;
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
