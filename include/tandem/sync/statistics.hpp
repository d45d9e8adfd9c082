// tandem - what the primitives say of themselves
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

#include <tandem/base/config.hpp>

namespace tandem::inline TANDEM_ABI {

struct event_statistics {
    std::size_t waiting = 0;
};

struct semaphore_statistics {
    std::size_t value = 0;  ///< permits that are free
    std::size_t waiting = 0;
};

struct lock_statistics {
    bool locked = false;
    std::size_t waiting = 0;
};

struct condition_statistics {
    std::size_t waiting = 0;  ///< for a notification; those that wait to get the lock back count there
};

struct barrier_statistics {
    std::size_t parties = 0;
    std::size_t waiting = 0;
    bool broken = false;
};

struct queue_statistics {
    std::size_t size = 0;
    std::size_t maxsize = 0;     ///< 0: unbounded
    std::size_t unfinished = 0;  ///< items put and not yet reported by `task_done`
    std::size_t waiting_to_put = 0;
    std::size_t waiting_to_get = 0;
    std::size_t waiting_to_join = 0;
};

struct broadcast_statistics {
    std::size_t size = 0;     ///< items that the slowest subscriber has yet to take
    std::size_t maxsize = 0;  ///< 0: unbounded
    std::size_t subscribers = 0;
    std::size_t waiting_to_put = 0;
};

}  // namespace tandem::inline TANDEM_ABI
