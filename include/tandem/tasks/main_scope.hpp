// tandem - the scope of the task that a loop was asked to run
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <utility>

#include <tandem/base/error.hpp>
#include <tandem/core/task.hpp>
#include <tandem/core/this_task.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

class main_scope : public boundary {
public:
    bool done() const noexcept { return done_; }
    void cancel_children() noexcept override {
        if (!done_) request_stop(*main_);
    }
    void each_child(void (*visit)(void*, detail::fiber&), void* with) override {
        if (!done_) visit(with, *main_);
    }
    const char* kind() const noexcept override { return "run"; }
    void await_resume() const noexcept {}

protected:
    explicit main_scope(loop_core& loop) noexcept { loop_ = &loop; }
    ~main_scope() = default;

    void start(frame& first) {
        main_ = &first;
        trace_run_begins();
        first.become_fiber(*this, nullptr, 0);
        set_name(first, "main");
        loop_->ready(first, step::start);
    }

private:
    void child_done(detail::fiber&) noexcept override {
        done_ = true;
        loop_->main_ended();
    }

    detail::fiber* main_ = nullptr;
    bool done_ = false;
};

template <class T>
class main_task final : public main_scope {
public:
    main_task(loop_core& loop, task<T>&& main) : main_scope(loop), task_(std::move(main)) {
        start(unawaited(task_).promise());
    }
    /// A task that was stopped goes with its locals, in the loop and as the running one: they may start
    /// others as they go, which never run but have to be joined.
    void drop_stopped() noexcept {
        if (!task_ || task_.promise().ended_by != ending::stopped) return;
        stopped_ = true;
        const current_loop_scope here(*loop_);
        loop_->set_running(&task_.promise());
        task_ = task<T>();
    }
    /// Gives the result of the ended task, or throws what it ended with.
    T take() {
        if (stopped_) throw cancelled_error("the main task of the loop");
        return task_.promise().take();
    }
    bool stopped() const noexcept { return stopped_; }

private:
    task<T> task_;
    bool stopped_ = false;
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
