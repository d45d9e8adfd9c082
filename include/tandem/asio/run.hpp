// tandem - run: the way into asynchronous code
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <utility>

#include <tandem/asio/event_loop.hpp>

namespace tandem::inline TANDEM_ABI {

/// Makes an event loop on this thread, runs `main`, then cancels and joins what `create_task` left,
/// and returns or throws what `main` did.
/// Errors: `cancelled_error` if main was stopped; `interrupted_error` if SIGINT or SIGTERM stopped it
///   (a second signal ends the process at once); `std::logic_error` inside a running loop.
template <class T>
T run(task<T> main, run_options options = run_options()) {
    event_loop loop;
    return loop.run(std::move(main), options);
}

}  // namespace tandem::inline TANDEM_ABI
