// tandem - intrusive 4-ary heap of timers; equal deadlines fire in the order of insertion
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <tandem/core/clock.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

class timer_node {
public:
    timer_node() noexcept = default;
    timer_node(const timer_node&) = delete;
    timer_node& operator=(const timer_node&) = delete;

    bool armed() const noexcept { return position_ != unarmed; }
    std::int64_t when() const noexcept { return when_; }

protected:
    ~timer_node() = default;

private:
    friend class timer_heap;

    /// The deadline has come. Must not throw; runs no user code, only queues it.
    virtual void fire() noexcept = 0;

    static constexpr std::uint32_t unarmed = UINT32_MAX;

    std::int64_t when_ = 0;
    std::uint32_t position_ = unarmed;
};

/// Cancelling clears an entry where it stands; the heap is rebuilt when more than half is empty.
/// That is amortised O(1) and half the cost of sifting when siblings are cancelled in a row.
class timer_heap {
public:
    bool empty() const noexcept { return entries_.size() == cleared_; }
    std::size_t size() const noexcept { return entries_.size() - cleared_; }

    /// False if there is no memory for the entry; the node is then not armed.
    bool add(timer_node& node, std::int64_t when) noexcept {
        const entry added{when, ++sequence_, &node};
        try {
            entries_.push_back(added);
        } catch (...) {
            return false;
        }
        node.when_ = when;
        sift_up(entries_.size() - 1, added);
        return true;
    }

    void remove(timer_node& node) noexcept {
        const std::size_t index = node.position_;
        node.position_ = timer_node::unarmed;
        entries_[index].node = nullptr;
        ++cleared_;
        if (index + 1 == entries_.size()) {
            drop_cleared_tail();
        } else if (cleared_ > 64 && cleared_ * 2 > entries_.size()) {
            rebuild();
        }
    }

    /// The earliest deadline; `never` if there is none.
    std::int64_t earliest() noexcept {
        while (!entries_.empty() && !entries_.front().node) pop();
        return entries_.empty() ? never : entries_.front().when;
    }

    /// Fires everything that is due.
    void fire_until(std::int64_t now) noexcept {
        while (!entries_.empty() && entries_.front().when <= now) {
            if (timer_node* const due = pop()) due->fire();
        }
    }

private:
    struct entry {
        std::int64_t when;
        std::uint64_t sequence;
        timer_node* node;

        bool before(const entry& other) const noexcept {
            return when < other.when || (when == other.when && sequence < other.sequence);
        }
    };

    void place(std::size_t index, const entry& e) noexcept {
        entries_[index] = e;
        if (e.node) e.node->position_ = static_cast<std::uint32_t>(index);
    }

    void sift_up(std::size_t index, entry e) noexcept {
        while (index != 0) {
            const std::size_t parent = (index - 1) / 4;
            if (!e.before(entries_[parent])) break;
            place(index, entries_[parent]);
            index = parent;
        }
        place(index, e);
    }

    void sift_down(std::size_t index, entry e) noexcept {
        const std::size_t count = entries_.size();
        for (std::size_t first = 4 * index + 1; first < count; first = 4 * index + 1) {
            std::size_t least = first;
            const std::size_t end = first + 4 < count ? first + 4 : count;
            for (std::size_t child = first + 1; child < end; ++child) {
                if (entries_[child].before(entries_[least])) least = child;
            }
            if (!entries_[least].before(e)) break;
            place(index, entries_[least]);
            index = least;
        }
        place(index, e);
    }

    timer_node* pop() noexcept {
        timer_node* const node = entries_.front().node;
        if (node) {
            node->position_ = timer_node::unarmed;
        } else {
            --cleared_;
        }
        const entry last = entries_.back();
        entries_.pop_back();
        if (!entries_.empty()) sift_down(0, last);
        return node;
    }

    void drop_cleared_tail() noexcept {
        while (!entries_.empty() && !entries_.back().node) {
            entries_.pop_back();
            --cleared_;
        }
    }

    void rebuild() noexcept {
        std::size_t kept = 0;
        for (const entry& e : entries_) {
            if (e.node) entries_[kept++] = e;
        }
        entries_.resize(kept);
        cleared_ = 0;
        for (std::size_t i = 0; i < kept; ++i) place(i, entries_[i]);
        if (kept < 2) return;
        for (std::size_t i = (kept - 2) / 4 + 1; i-- > 0;) sift_down(i, entries_[i]);
    }

    std::vector<entry> entries_;
    std::uint64_t sequence_ = 0;
    std::size_t cleared_ = 0;
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
