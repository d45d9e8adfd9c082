// tandem - the line of suspended tasks under every primitive: FIFO, no allocation, leaving is O(1)
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coroutine>
#include <cstddef>

#include <tandem/base/detail/intrusive_list.hpp>
#include <tandem/core/fiber.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

template <class Waiter>
class waiter_queue {
public:
    waiter_queue() noexcept = default;
    waiter_queue(const waiter_queue&) = delete;
    waiter_queue& operator=(const waiter_queue&) = delete;
    ~waiter_queue() {
        TANDEM_ASSERT(list_.empty(),
                      "tandem: a primitive is destroyed while tasks wait for it; let it outlive them");
    }

    bool empty() const noexcept { return list_.empty(); }
    Waiter* front() const noexcept { return list_.front(); }
    std::size_t size() const noexcept {
        std::size_t count = 0;
        for (Waiter* w = list_.front(); w; w = list_.next(*w)) ++count;
        return count;
    }

    void push_back(Waiter& w) noexcept { list_.push_back(w); }
    void erase(Waiter& w) noexcept { list_.erase(w); }
    Waiter* pop_front() noexcept { return list_.pop_front(); }

private:
    intrusive_list<Waiter> list_;
};

/// A leaf that waits in one line and, when its task is cancelled, leaves it.
template <class Derived>
class line_awaiter : public leaf, public list_links<Derived> {
protected:
    line_awaiter() noexcept = default;
    ~line_awaiter() = default;

    /// Gets in line, unless the task is to stop here.
    void line_up(std::coroutine_handle<> h, waiter_queue<Derived>& line) noexcept {
        if (!suspend(h)) return;
        line_ = &line;
        line.push_back(static_cast<Derived&>(*this));
    }

private:
    detach on_cancel() noexcept final {
        line_->erase(static_cast<Derived&>(*this));
        return detach::done;
    }

    waiter_queue<Derived>* line_ = nullptr;
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
