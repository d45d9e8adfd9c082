// tandem - the ring that keeps the newest events of one thread
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include <tandem/base/detail/trace_point.hpp>
#include <tandem/core/fiber.hpp>
#include <tandem/core/loop_core.hpp>
#include <tandem/core/this_task.hpp>
#include <tandem/trace/detail/clock.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// One event as it is read back.
struct trace_event {
    std::uint64_t time = 0;
    std::uint64_t id = 0;
    std::uint64_t argument = 0;
    std::uint64_t more = 0;
    trace_kind kind = trace_kind::instant;
    bool virtual_time = false;
};

/// Names that are no literals, each kept once for as long as a ring refers to it.
class trace_names {
public:
    const char* keep(const char* name, std::size_t length) {
        const std::lock_guard hold(mutex_);
        return names_.emplace(name, length).first->c_str();
    }

private:
    std::mutex mutex_;
    std::unordered_set<std::string> names_;
};

/// The events of one thread: the newest `capacity`, and a count of those that they have displaced.
class thread_ring final : public trace_cursor {
public:
    /// A ring without room serves a thread whose loop is watched while nobody records.
    thread_ring(std::size_t capacity, std::shared_ptr<trace_names> names, std::uint64_t recording,
                std::uint64_t thread_number)
        : number(thread_number),
          words_(capacity == 0 ? nullptr : new word[capacity * words_per_event]),
          capacity_(capacity),
          names_(std::move(names)),
          recording_(recording) {
        ring_ = words_.get();
        mask_ = capacity_ - 1;
        if (!trace_clock::processor()) clock_ = &trace_clock::steady;
        numbers_ = number << 40;
        keep_ = [](const trace_cursor& self, const char* name, std::size_t length) noexcept -> const char* {
            try {
                return static_cast<const thread_ring&>(self).names_->keep(name, length);
            } catch (...) {
                return nullptr;
            }
        };
    }

    // ---- on the ring's own thread

    void serve(loop_core* loop) noexcept {
        watch_ = loop ? loop->watch() : nullptr;
        if (!loop || !loop->has_virtual_clock()) return;
        clock_ = &trace_clock::of_virtual_loop;
        flags_ = trace_cursor::virtual_time;
    }
    /// The task in which the recording was started goes on.
    void join(const fiber* running) noexcept {
        if (running) step(trace_kind::task_resumed, running);
    }
    std::uint64_t recording() const noexcept { return recording_; }

    /// Notes a task that was there before the ring, and what it waits for, in turn.
    void describe(fiber& f, int depth = 0) noexcept {
        if (f.has(fiber_flag::ended) || depth > 64) return;
        boundary& scope = *f.root.owner;
        put(trace_kind::task_created, &f, scope.awaiting() ? &scope.fiber() : nullptr,
            f.has(fiber_flag::scope));
        if (f.root.info) {
            const std::string_view name = f.root.info->name();
            put(trace_kind::task_named, &f, keep(name.data(), name.size()));
        }
        leaf* const waits = f.has(fiber_flag::started) ? f.current_leaf() : nullptr;
        if (!waits) return;
        put(trace_kind::task_suspended, &f, waits->kind());
        boundary* const inner = dynamic_cast<boundary*>(waits);
        if (!inner) return;
        std::pair<thread_ring*, int> with(this, depth + 1);
        inner->each_child(
            [](void* to, fiber& child) {
                const auto& [ring, level] = *static_cast<std::pair<thread_ring*, int>*>(to);
                ring->describe(child, level);
            },
            &with);
    }

    // ---- on any thread

    /// Copies what is there now, oldest first, while the thread may go on; gives how many were displaced.
    std::uint64_t copy_to(std::vector<trace_event>& events) const {
        const std::uint64_t end = next_.load(std::memory_order_acquire);
        const std::uint64_t first = end > capacity_ ? end - capacity_ : 0;  // as `displaced` was then
        events.reserve(static_cast<std::size_t>(end - first));
        for (std::uint64_t i = first; i < end; ++i) events.push_back(read(i));
        // What the thread has begun to overwrite meanwhile may be torn.
        const std::uint64_t now = next_.load(std::memory_order_acquire);
        const std::uint64_t intact = now == end || now + 1 <= capacity_ ? first : now + 1 - capacity_;
        const std::uint64_t torn = intact > first ? std::min(intact - first, end - first) : 0;
        events.erase(events.begin(), events.begin() + static_cast<std::ptrdiff_t>(torn));
        return first + torn;
    }

    std::uint64_t displaced() const noexcept {
        const std::uint64_t end = next_.load(std::memory_order_acquire);
        return end > capacity_ ? end - capacity_ : 0;
    }

    enum class role : std::uint8_t { thread, worker, loop };

    const std::uint64_t number;  // of the thread, from 1

    // Under the mutex of the session.
    role as = role::thread;
    std::string label;

private:
    trace_event read(std::uint64_t index) const noexcept {
        const word* const words = ring_ + (index & mask_) * words_per_event;
        const std::uint64_t head = load(words[1]);
        trace_event e;
        e.time = load(words[0]);
        e.id = load(words[2]);
        e.argument = load(words[3]);
        e.kind = static_cast<trace_kind>(head & 0xff);
        e.virtual_time = (head & trace_cursor::virtual_time) != 0;
        e.more = head >> 16;
        return e;
    }

    std::unique_ptr<word[]> words_;
    std::uint64_t capacity_;
    std::shared_ptr<trace_names> names_;
    std::uint64_t recording_;
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
