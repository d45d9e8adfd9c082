// tandem - a function to be called when a task has ended
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exception>
#include <source_location>
#include <type_traits>
#include <utility>

#include <tandem/base/error.hpp>
#include <tandem/core/loop_core.hpp>
#include <tandem/tasks/detail/handle_block.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// Waits in the line of a task; called in a step of its own after the task's end. Owns itself, and a
/// handle, so that the result is still there when the function asks for it.
template <class Handle, class Fn>
class done_callback final : public handle_waiter, public call_node {
public:
    template <class F>
    done_callback(loop_core& loop, const Handle& of, F&& fn)
        : call_node(&done_callback::run), loop_(loop), of_(of), fn_(std::forward<F>(fn)) {}

    void target_ended() noexcept override { loop_.ready(static_cast<call_node&>(*this), step::call); }

private:
    static void run(call_node& node, loop_core* loop) noexcept {
        done_callback* const self = static_cast<done_callback*>(&node);
        if (loop) self->call(*loop);  // without one it has ended, and nobody is called any more
        delete self;
    }
    void call(loop_core& loop) noexcept {
        try {
            if constexpr (std::is_invocable_v<Fn&, const Handle&>) {
                fn_(std::as_const(of_));
            } else {
                fn_();
            }
        } catch (...) {
            loop.report_unhandled(
                {"a callback of the loop", std::source_location(), std::current_exception()});
        }
    }

    loop_core& loop_;
    Handle of_;
    Fn fn_;
};

/// The loop of a task that runs; of one that has ended, the loop that runs here.
inline loop_core& loop_for_callback(const handle_block& of) {
    if (!of.done()) return of.target()->root.owner->loop();
    if (loop_core* const here = loop_core::current()) return *here;
    throw invalid_state_error(
        "tandem::task_handle::add_done_callback: the task has ended and no loop runs on this thread to call "
        "the function; ask done() first");
}

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
