// tandem - doubly linked FIFO whose links live in the items: no allocation, removal in O(1)
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <tandem/base/config.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

template <class T>
class list_links {
    template <class>
    friend class intrusive_list;

    T* previous_ = nullptr;
    T* next_ = nullptr;
};

/// `T` derives from `list_links<T>`. An item may stand in one list at a time.
template <class T>
class intrusive_list {
public:
    bool empty() const noexcept { return head_ == nullptr; }
    T* front() const noexcept { return head_; }
    static T* next(const T& item) noexcept { return links(item).next_; }

    void push_back(T& item) noexcept {
        links(item).previous_ = tail_;
        links(item).next_ = nullptr;
        (tail_ ? links(*tail_).next_ : head_) = &item;
        tail_ = &item;
    }

    void erase(T& item) noexcept {
        T* const previous = links(item).previous_;
        T* const next = links(item).next_;
        (previous ? links(*previous).next_ : head_) = next;
        (next ? links(*next).previous_ : tail_) = previous;
    }

    T* pop_front() noexcept {
        T* const item = head_;
        if (item) erase(*item);
        return item;
    }

private:
    static list_links<T>& links(T& item) noexcept { return item; }
    static const list_links<T>& links(const T& item) noexcept { return item; }

    T* head_ = nullptr;
    T* tail_ = nullptr;
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
