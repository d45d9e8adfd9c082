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

/// Where the results of a stage go: the queue of the next one.
template <class Out>
class outlet {
public:
    outlet() = default;
    outlet(const outlet&) = delete;
    outlet& operator=(const outlet&) = delete;

    void connect(channel<Out>& next) noexcept { next_ = &next; }
    channel<Out>& next() noexcept { return *next_; }

private:
    channel<Out>* next_ = nullptr;
};

/// Waits for room in the next queue and puts an item there.
template <class Out>
task<> emit(stage_base& from, outlet<Out>& to, envelope<Out> item) {
    channel<Out>& next = to.next();
    item.bytes = next.bytes_of(item.value);
    co_await next.room(item.bytes);
    next.push(std::move(item), from.now());
    ++from.counts().emitted;
}

/// Puts an item there if that takes no waiting, and so no coroutine.
template <class Out>
bool emit_at_once(stage_base& from, outlet<Out>& to, Out& value, std::int64_t first_seen,
                  std::uint64_t weight) {
    channel<Out>& next = to.next();
    const std::size_t bytes = next.bytes_of(value);
    if (!next.try_room(bytes)) return false;
    envelope<Out> item(std::move(value), first_seen, weight);
    item.bytes = bytes;
    next.push(std::move(item), from.now());
    ++from.counts().emitted;
    return true;
}

/// The same for an item that is in the books beside the one that it was made of.
template <class Out>
task<> emit_more(stage_base& from, outlet<Out>& to, envelope<Out> item) {
    channel<Out>& next = to.next();
    item.bytes = next.bytes_of(item.value);
    const std::uint64_t weight = item.weight;
    co_await next.room(item.bytes);
    from.accounts().enters(weight);
    from.accounts().added += static_cast<std::int64_t>(weight);
    next.push(std::move(item), from.now());
    ++from.counts().emitted;
}

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
