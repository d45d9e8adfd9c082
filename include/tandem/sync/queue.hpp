// tandem - queue, priority_queue, lifo_queue: hand items from task to task
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <functional>

#include <tandem/sync/detail/basic_queue.hpp>
#include <tandem/sync/detail/item_store.hpp>

namespace tandem::inline TANDEM_ABI {

/// First in, first out.
template <class T>
class queue : public basic_queue<T, detail::fifo_store<T>> {
public:
    using basic_queue<T, detail::fifo_store<T>>::basic_queue;
};

/// The smallest first, equal ones in the order of arrival.
template <class T, class Less = std::less<>>
class priority_queue : public basic_queue<T, detail::priority_store<T, Less>> {
public:
    using basic_queue<T, detail::priority_store<T, Less>>::basic_queue;
};

/// The newest first.
template <class T>
class lifo_queue : public basic_queue<T, detail::lifo_store<T>> {
public:
    using basic_queue<T, detail::lifo_store<T>>::basic_queue;
};

}  // namespace tandem::inline TANDEM_ABI
