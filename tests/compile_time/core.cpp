// tandem - compile time: the core alone, and one coroutine
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

tandem::task<int> answer(int x) { co_return x; }
