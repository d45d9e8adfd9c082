# SPDX-License-Identifier: BSL-1.0
# Every header, by the target that it belongs to; written by .ci/check_floors.py --write-headers,
# compared with the folder by .ci/check_floors.py. A header belongs to tandem_core when nothing it
# includes, near or far, is third party.

set(TANDEM_CORE_HEADERS
  include/tandem/base/callable.hpp
  include/tandem/base/config.hpp
  include/tandem/base/detail/intrusive_list.hpp
  include/tandem/base/detail/unique_function.hpp
  include/tandem/base/error.hpp
  include/tandem/base/exception_group.hpp
  include/tandem/base/fwd.hpp
  include/tandem/base/outcome.hpp
  include/tandem/base/version.hpp
  include/tandem/core/callback.hpp
  include/tandem/core/clock.hpp
  include/tandem/core/concepts.hpp
  include/tandem/core/context.hpp
  include/tandem/core/detail/inbox.hpp
  include/tandem/core/detail/loop_pins.hpp
  include/tandem/core/detail/ready_node.hpp
  include/tandem/core/detail/timer_heap.hpp
  include/tandem/core/drain.hpp
  include/tandem/core/fiber.hpp
  include/tandem/core/frame_alloc.hpp
  include/tandem/core/loop_core.hpp
  include/tandem/core/sleep.hpp
  include/tandem/core/task.hpp
  include/tandem/core/this_task.hpp
  include/tandem/sync/barrier.hpp
  include/tandem/sync/broadcast.hpp
  include/tandem/sync/condition.hpp
  include/tandem/sync/detail/basic_queue.hpp
  include/tandem/sync/detail/item_store.hpp
  include/tandem/sync/detail/waiter_queue.hpp
  include/tandem/sync/event.hpp
  include/tandem/sync/lock.hpp
  include/tandem/sync/queue.hpp
  include/tandem/sync/semaphore.hpp
  include/tandem/sync/statistics.hpp
  include/tandem/tasks/as_completed.hpp
  include/tandem/tasks/create_task.hpp
  include/tandem/tasks/detail/child_scope.hpp
  include/tandem/tasks/detail/children.hpp
  include/tandem/tasks/detail/combinator.hpp
  include/tandem/tasks/detail/handle_block.hpp
  include/tandem/tasks/finally.hpp
  include/tandem/tasks/gather.hpp
  include/tandem/tasks/main_scope.hpp
  include/tandem/tasks/race.hpp
  include/tandem/tasks/shield.hpp
  include/tandem/tasks/task_group.hpp
  include/tandem/tasks/task_handle.hpp
  include/tandem/tasks/timeout.hpp
  include/tandem/tasks/wait.hpp
  include/tandem/asio/detail/handler_memory.hpp
  include/tandem/trace/dump_tasks.hpp
  include/tandem/testing/sweep.hpp
  include/tandem/testing/test_loop.hpp
)

set(TANDEM_TANDEM_HEADERS
  include/tandem/tandem.hpp
  include/tandem/asio/co_spawn.hpp
  include/tandem/asio/event_loop.hpp
  include/tandem/asio/from_awaitable.hpp
  include/tandem/asio/run.hpp
  include/tandem/asio/signals.hpp
  include/tandem/asio/threadsafe.hpp
  include/tandem/asio/use_task.hpp
)

set(TANDEM_TESTING_HEADERS
)
