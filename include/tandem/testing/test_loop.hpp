// tandem - run_virtual: runs a task on virtual time, where a hang is an error
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <tandem/core/task.hpp>
#include <tandem/tasks/create_task.hpp>
#include <tandem/tasks/main_scope.hpp>
#include <tandem/trace/dump_tasks.hpp>

namespace tandem::inline TANDEM_ABI {
namespace testing {

/// Says that a program on virtual time can go no further, or left something behind; `what()` names
/// the tasks and what they wait for.
class hang_error : public error {
public:
    using error::error;
};

/// How `run_virtual` schedules.
class virtual_options {
public:
    virtual_options() {}

    /// Permutes the ready queue: the same seed gives the same order. Lines of waiters stay FIFO.
    virtual_options& seed(std::uint64_t s) {
        seed_ = s;
        return *this;
    }
    /// The number of steps at one instant of virtual time after which the program is taken to spin.
    /// Default: 10,000,000.
    virtual_options& step_limit(std::uint64_t steps) {
        step_limit_ = steps;
        return *this;
    }

    std::optional<std::uint64_t> seed() const noexcept { return seed_; }
    std::uint64_t step_limit() const noexcept { return step_limit_; }

private:
    std::optional<std::uint64_t> seed_;
    std::uint64_t step_limit_ = 10'000'000;
};

/// A loop without I/O whose clock jumps to the next deadline when nothing is ready. It starts at
/// time zero and never reads the real clock.
class test_loop final : public loop_core {
public:
    explicit test_loop(virtual_options options = virtual_options()) : options_(options), root_tasks_(*this) {
        virtual_clock_ = true;
        root_ = &root_tasks_;
        if (options_.seed()) random_ = *options_.seed();
        random_source_ = tandem::detail::random_source(random_);
    }
    ~test_loop() {
        possessions_.clear();
        wait_for_pins();
        root_tasks_.report_unretrieved();
        discard_callbacks();
    }

    /// Runs `main`, then cancels and joins what `create_task` left; gives or throws what `main` did.
    /// Errors: `hang_error` if nothing is left that could happen, `cancelled_error` if `main` stopped,
    ///   `std::logic_error` inside a running loop.
    template <class T>
    T run(task<T> main);

    /// Sets what is called before each step and before time moves, with the number of steps so far; a
    /// sweep cancels there.
    void before_step(tandem::detail::unique_function<void(std::uint64_t)> fn) {
        before_step_ = std::move(fn);
    }

    /// Cancels the task given to `run`, as a signal would.
    void cancel_main() noexcept {
        if (main_) main_->cancel_children();
    }

private:
    void schedule_drain() noexcept override {}
    void wake_remote() noexcept override {
        wakes_.fetch_add(1, std::memory_order_release);
        wakes_.notify_one();
    }
    void arm(std::int64_t) noexcept override { armed_until_ = tandem::detail::never; }

    template <class Done>
    void drive_until(Done done);
    void run_ready();
    std::uint64_t shuffle_ready();
    void advance();
    void abandon();
    std::uint64_t next_random() noexcept;

    virtual_options options_;
    tandem::detail::root_group root_tasks_;
    std::uint64_t random_ = 0;
    std::uint64_t steps_when_time_moved_ = 0;
    std::atomic<std::uint32_t> wakes_{0};
    tandem::detail::unique_function<void(std::uint64_t)> before_step_;
};

/// Runs `main` on a loop of its own in virtual time: an hour's sleep takes no time. Real threads may
/// hand work over; I/O does not exist here.
/// Errors: what `main` throws; `hang_error` if it waits for something that cannot happen any more.
template <class T>
T run_virtual(task<T> main, virtual_options options = virtual_options()) {
    test_loop loop(options);
    return loop.run(std::move(main));
}

// ---- implementation

template <class T>
T test_loop::run(task<T> main) {
    if (current()) {
        throw std::logic_error(
            "tandem::testing::run_virtual: a loop runs on this thread already; await the task");
    }
    tandem::detail::current_loop_scope here(*this);
    thread_ = &tandem::detail::current_loop;
    root_tasks_.reopen();
    tandem::detail::main_task<T> scope(*this, std::move(main));
    main_ = &scope;
    try {
        drive_until([&] { return scope.done(); });
        root_tasks_.cancel_children();
        drive_until([&] { return root_tasks_.empty(); });
        scope.drop_stopped();
        drive_until([&] { return root_tasks_.empty(); });
    } catch (...) {
        abandon();
        scope.drop_stopped();
        abandon();
        main_ = nullptr;
        possessions_.clear();
        throw;
    }
    main_ = nullptr;
    possessions_.clear();
    return scope.take();
}

template <class Done>
void test_loop::drive_until(Done done) {
    draining_ = true;
    while (!done()) {
        take_inbox();
        if (idle()) {
            if (before_step_) before_step_(steps_);
            if (idle()) advance();
        } else {
            run_ready();
        }
    }
}

inline void test_loop::run_ready() {
    const std::uint64_t before = steps_;
    const std::uint64_t limit = options_.seed() ? shuffle_ready() : batch_steps_;
    do {  // one step at a time, so that a hook sees each
        if (before_step_) before_step_(steps_);
        run_steps(1);
    } while (!idle() && steps_ - before < limit);
    if (steps_ - steps_when_time_moved_ > options_.step_limit()) {
        throw hang_error("tandem::testing::run_virtual: " + std::to_string(options_.step_limit()) +
                         " steps and no time has passed; a task spins. " +
                         tandem::detail::task_tree::draw(*this));
    }
}

// Gives the number of steps after which to shuffle again: what becomes ready meanwhile may overtake
// what was ready before.
inline std::uint64_t test_loop::shuffle_ready() {
    std::vector<std::pair<tandem::detail::ready_node*, tandem::detail::step>> nodes;
    while (!ready_.empty()) {
        tandem::detail::step kind;
        tandem::detail::ready_node* const node = ready_.pop(kind);
        nodes.emplace_back(node, kind);
    }
    for (std::size_t i = nodes.size(); i > 1; --i) std::swap(nodes[i - 1], nodes[next_random() % i]);
    for (const auto& node : nodes) ready_.push(*node.first, node.second);
    return nodes.empty() ? 1 : 1 + next_random() % nodes.size();
}

// Time stands still while another thread owes this loop something.
inline void test_loop::advance() {
    if (remote_expected_ != 0) {
        const std::uint32_t seen = wakes_.load(std::memory_order_acquire);
        if (inbox_.empty()) wakes_.wait(seen, std::memory_order_acquire);
        return;
    }
    const std::int64_t next = timers_.earliest();
    if (next == tandem::detail::never) {
        throw hang_error("tandem::testing::run_virtual: nothing is left that could happen; " +
                         tandem::detail::task_tree::draw(*this));
    }
    if (next > virtual_now_) virtual_now_ = next;
    steps_when_time_moved_ = steps_;
    timers_.fire_until(virtual_now_);
}

// After a hang: everything is stopped, what is shielded too, so that all frames are destroyed.
inline void test_loop::abandon() {
    before_step_ = nullptr;
    const auto force = [](void*, tandem::detail::fiber& f) { tandem::detail::stop_in_spite_of_shields(f); };
    for (int round = 0; round < 1000; ++round) {
        if (main_) main_->each_child(force, nullptr);
        root_tasks_.each_child(force, nullptr);
        take_inbox();
        while (!idle()) run_steps(batch_steps_);
        const bool main_left = main_ && !static_cast<tandem::detail::main_scope*>(main_)->done();
        if (!main_left && root_tasks_.empty()) return;
    }
}

inline std::uint64_t test_loop::next_random() noexcept {  // SplitMix64, Steele, Lea, Flood 2014
    std::uint64_t z = (random_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

}  // namespace testing
}  // namespace tandem::inline TANDEM_ABI
