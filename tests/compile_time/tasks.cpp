// tandem - compile time: everything of core, sync and tasks, and one coroutine
// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/callback.hpp>
#include <tandem/core/clock.hpp>
#include <tandem/core/concepts.hpp>
#include <tandem/core/context.hpp>
#include <tandem/core/drain.hpp>
#include <tandem/core/fiber.hpp>
#include <tandem/core/frame_alloc.hpp>
#include <tandem/core/loop_core.hpp>
#include <tandem/core/loop_owned.hpp>
#include <tandem/core/loop_reports.hpp>
#include <tandem/core/random.hpp>
#include <tandem/core/sleep.hpp>
#include <tandem/core/task.hpp>
#include <tandem/core/this_task.hpp>
#include <tandem/sync/barrier.hpp>
#include <tandem/sync/broadcast.hpp>
#include <tandem/sync/condition.hpp>
#include <tandem/sync/event.hpp>
#include <tandem/sync/lock.hpp>
#include <tandem/sync/queue.hpp>
#include <tandem/sync/semaphore.hpp>
#include <tandem/sync/statistics.hpp>
#include <tandem/tasks/as_completed.hpp>
#include <tandem/tasks/create_task.hpp>
#include <tandem/tasks/finally.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/main_scope.hpp>
#include <tandem/tasks/race.hpp>
#include <tandem/tasks/shield.hpp>
#include <tandem/tasks/task_group.hpp>
#include <tandem/tasks/task_handle.hpp>
#include <tandem/tasks/time_limit.hpp>
#include <tandem/tasks/timeout.hpp>
#include <tandem/tasks/wait.hpp>

tandem::task<int> answer(int x) { co_return x; }
