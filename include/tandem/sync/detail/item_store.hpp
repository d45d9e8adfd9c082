// tandem - where a queue keeps its items: first in first out, last in first out, or by priority
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>
#include <vector>

#include <tandem/base/config.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// A ring that grows by doubling. `T` needs a move constructor that does not throw half-way; one that
/// throws leaves the ring as it was for `push`, and loses nothing.
template <class T>
class fifo_store {
public:
    fifo_store() noexcept = default;
    fifo_store(const fifo_store&) = delete;
    fifo_store& operator=(const fifo_store&) = delete;
    ~fifo_store() {
        clear();
        deallocate(slots_);
    }

    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }

    void push(T&& item) {
        if (size_ == capacity_) grow();
        ::new (static_cast<void*>(slot(size_))) T(std::move(item));
        ++size_;
    }
    T pop() {
        T* const oldest = slot(0);
        T item(std::move(*oldest));
        drop_oldest(oldest);
        return item;
    }
    void clear() noexcept {
        while (size_ != 0) drop_oldest(slot(0));
    }

private:
    T* slot(std::size_t offset) const noexcept { return slots_ + ((first_ + offset) & (capacity_ - 1)); }

    void drop_oldest(T* oldest) noexcept {
        oldest->~T();
        first_ = (first_ + 1) & (capacity_ - 1);
        --size_;
    }

    TANDEM_NEVER_INLINE void grow() {
        const std::size_t capacity = capacity_ == 0 ? 8 : capacity_ * 2;
        T* const room = allocate(capacity);
        std::size_t moved = 0;
        try {
            for (; moved < size_; ++moved) {
                ::new (static_cast<void*>(room + moved)) T(std::move_if_noexcept(*slot(moved)));
            }
        } catch (...) {
            while (moved != 0) room[--moved].~T();
            deallocate(room);
            throw;
        }
        for (std::size_t i = 0; i < size_; ++i) slot(i)->~T();
        deallocate(slots_);
        slots_ = room;
        capacity_ = capacity;
        first_ = 0;
    }

    static T* allocate(std::size_t count) {
        return static_cast<T*>(::operator new(count * sizeof(T), std::align_val_t(alignof(T))));
    }
    static void deallocate(T* slots) noexcept {
        if (slots) ::operator delete(static_cast<void*>(slots), std::align_val_t(alignof(T)));
    }

    T* slots_ = nullptr;
    std::size_t capacity_ = 0;
    std::size_t first_ = 0;
    std::size_t size_ = 0;
};

template <class T>
class lifo_store {
public:
    std::size_t size() const noexcept { return items_.size(); }
    bool empty() const noexcept { return items_.empty(); }
    void push(T&& item) { items_.push_back(std::move(item)); }
    T pop() {
        T item(std::move(items_.back()));
        items_.pop_back();
        return item;
    }
    void clear() noexcept { items_.clear(); }

private:
    std::vector<T> items_;
};

/// A binary heap; equal items leave in the order of arrival.
template <class T, class Less>
class priority_store {
public:
    explicit priority_store(Less less = Less()) : less_(std::move(less)) {}

    std::size_t size() const noexcept { return heap_.size(); }
    bool empty() const noexcept { return heap_.empty(); }
    void push(T&& item) {
        heap_.push_back(entry{std::move(item), ++arrivals_});
        std::size_t hole = heap_.size() - 1;
        for (const std::size_t place = place_of_last(); hole != place; hole = (hole - 1) / 2) {
            std::swap(heap_[hole], heap_[(hole - 1) / 2]);
        }
    }
    T pop() {
        std::swap(heap_.front(), heap_.back());
        T item(std::move(heap_.back().item));
        heap_.pop_back();
        for (std::size_t hole = 0;;) {
            std::size_t least = hole;
            for (std::size_t child = 2 * hole + 1; child < 2 * hole + 3 && child < heap_.size(); ++child) {
                if (before(heap_[child], heap_[least])) least = child;
            }
            if (least == hole) return item;
            std::swap(heap_[hole], heap_[least]);
            hole = least;
        }
    }
    void clear() noexcept { heap_.clear(); }

private:
    struct entry {
        T item;
        std::uint64_t arrival;
    };

    /// How far up the last entry belongs. If `Less` throws, the entry goes: its put has failed.
    std::size_t place_of_last() {
        std::size_t place = heap_.size() - 1;
        try {
            while (place != 0 && before(heap_.back(), heap_[(place - 1) / 2])) place = (place - 1) / 2;
        } catch (...) {
            heap_.pop_back();
            throw;
        }
        return place;
    }
    bool before(const entry& a, const entry& b) const {
        if (less_(a.item, b.item)) return true;
        return !less_(b.item, a.item) && a.arrival < b.arrival;
    }

    Less less_;
    std::vector<entry> heap_;
    std::uint64_t arrivals_ = 0;
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
