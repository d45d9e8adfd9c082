// tandem - run: the way into asynchronous code
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <utility>

#include <tandem/asio/event_loop.hpp>
#include <tandem/base/detail/refuse.hpp>

namespace tandem::inline TANDEM_ABI {

/// Makes an event loop on this thread, runs `main`, then cancels and joins what `create_task` left,
/// and returns or throws what `main` did.
/// Errors: `cancelled_error` if main was stopped; `interrupted_error` if SIGINT or SIGTERM stopped it
///   (a second signal ends the process at once, a second SIGINT also while a step of the loop goes on;
///   a SIGTERM that comes again within 20 ms is the same one, as timeout(1) sends it twice;
///   one that the process was started to ignore, as a shell does for `command &`, stays ignored);
///   `std::logic_error` inside a running loop.
/// See: `event_loop::running()` gives the tasks inside the executor for their sockets.
template <class T>
T run(task<T> main, run_options options = run_options()) {
    event_loop loop;
    return loop.run(std::move(main), options);
}

TANDEM_REFUSE(
    "tandem::run: takes a task: call the function that gives it, tandem::run(amain(args)), move a "
    "named one, and await anything else in it",
    run(detail::any_argument, ...));

}  // namespace tandem::inline TANDEM_ABI
