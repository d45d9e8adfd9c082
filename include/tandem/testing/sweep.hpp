// tandem - sweep_cancel: runs a scenario again and again, cancelled at each of its steps
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <tandem/base/detail/unique_function.hpp>
#include <tandem/core/frame_alloc.hpp>
#include <tandem/testing/test_loop.hpp>

namespace tandem::inline TANDEM_ABI {
namespace testing {

/// Says which run of a sweep went wrong, and how.
class sweep_error : public error {
public:
    using error::error;
};

/// One run of a sweep, for the check after it.
class sweep_run {
public:
    sweep_run(std::optional<std::uint64_t> point, std::uint64_t points,
              std::optional<std::uint64_t> seed) noexcept
        : point_(point), points_(points), seed_(seed) {}

    /// The step before which the scenario was cancelled; empty in the first run of an order.
    const std::optional<std::uint64_t>& point() const noexcept { return point_; }
    /// The number of points of this order; in its first run 0, they are being counted.
    std::uint64_t points() const noexcept { return points_; }
    /// The seed of the order; empty if the ready queue is taken as it is.
    const std::optional<std::uint64_t>& seed() const noexcept { return seed_; }

    bool stopped() const noexcept { return end_ == end::stopped; }
    bool completed() const noexcept { return end_ == end::completed; }
    /// What the scenario threw, or null.
    const std::exception_ptr& exception() const noexcept { return exception_; }

private:
    friend class sweep_runner;
    enum class end { completed, stopped, failed };

    std::optional<std::uint64_t> point_;
    std::uint64_t points_;
    std::optional<std::uint64_t> seed_;
    end end_ = end::completed;
    std::exception_ptr exception_;
};

/// What a sweep did.
class sweep_report {
public:
    sweep_report() noexcept = default;

    /// Points at which the scenario was cancelled, over all orders.
    std::uint64_t points() const noexcept { return points_; }
    /// Runs in all: one for each point, and one for each order to count its points.
    std::uint64_t runs() const noexcept { return runs_; }
    /// Cancelled runs that stopped, that came to their end all the same, and that threw.
    std::uint64_t stopped() const noexcept { return stopped_; }
    std::uint64_t completed() const noexcept { return completed_; }
    std::uint64_t failed() const noexcept { return failed_; }

private:
    friend class sweep_runner;

    std::uint64_t points_ = 0;
    std::uint64_t runs_ = 0;
    std::uint64_t stopped_ = 0;
    std::uint64_t completed_ = 0;
    std::uint64_t failed_ = 0;
};

/// How a sweep runs.
class sweep_options {
public:
    sweep_options() {}

    /// Sweeps also with the ready queue permuted by the seeds 1 to `count`. Default: 0.
    sweep_options& seeds(std::uint64_t count) noexcept {
        seeds_ = count;
        return *this;
    }
    /// Lets a cancelled run end with an exception; the check sees it. Default: that is an error.
    sweep_options& allow_exceptions(bool allowed = true) noexcept {
        exceptions_allowed_ = allowed;
        return *this;
    }
    /// As `virtual_options::step_limit`. Default: 1,000,000.
    sweep_options& step_limit(std::uint64_t steps) noexcept {
        step_limit_ = steps;
        return *this;
    }

    std::uint64_t seeds() const noexcept { return seeds_; }
    bool exceptions_allowed() const noexcept { return exceptions_allowed_; }
    std::uint64_t step_limit() const noexcept { return step_limit_; }

private:
    std::uint64_t seeds_ = 0;
    std::uint64_t step_limit_ = 1'000'000;
    bool exceptions_allowed_ = false;
};

/// What is true after each run: called without arguments or with the `sweep_run`; gives a text that
/// says what is wrong, empty if nothing is, or a bool.
template <class F>
concept sweep_check = std::is_invocable_r_v<std::string, F&> || std::is_invocable_r_v<bool, F&> ||
    std::is_invocable_r_v<std::string, F&, const sweep_run&> ||
    std::is_invocable_r_v<bool, F&, const sweep_run&>;

/// The machinery of the sweeps; use the functions below.
class sweep_runner {
public:
    using scenario = tandem::detail::unique_function<task<>()>;
    using action = tandem::detail::unique_function<void(test_loop&)>;
    using check = tandem::detail::unique_function<std::string(const sweep_run&)>;

    sweep_runner(std::string call, scenario make, action act, check verify, const sweep_options& options)
        : call_(std::move(call)),
          make_(std::move(make)),
          act_(std::move(act)),
          verify_(std::move(verify)),
          options_(options),
          frames_before_(tandem::detail::live_frames) {}

    sweep_report run();

    template <sweep_check F>
    static check to_check(F&& fn);

private:
    void sweep_order(std::optional<std::uint64_t> seed);
    std::uint64_t run_once(sweep_run& current);
    void judge(const sweep_run& current, std::size_t timers);
    [[noreturn]] void fail(const sweep_run& current, const std::string& what) const;

    std::string call_;
    scenario make_;
    action act_;
    check verify_;
    sweep_options options_;
    std::ptrdiff_t frames_before_;
    sweep_report report_;
};

/// Runs the task that `make_scenario()` gives on virtual time and counts its steps; then runs a fresh
/// one for each step and cancels it just before that. So every suspension is met while it waits, when
/// it is done and has not resumed, and before it began. After each run no frame and no timer is left,
/// and `check` agrees.
/// Errors: `sweep_error` names the point and what is wrong there: the check's text, frames or timers
///   left, a hang with all tasks that wait, an exception. What the run that is not cancelled throws
///   passes unchanged.
/// Lifetime: `make_scenario` and `check` share state by reference; the former resets it, the latter
///   drops the handles in it, which count as frames. Frames are counted under TANDEM_COUNT_FRAMES.
template <class Make, class Check>
requires sweep_check<std::decay_t<Check>> sweep_report sweep_cancel(Make&& make_scenario, Check&& check,
                                                                    sweep_options options = sweep_options()) {
    return sweep_runner(
               "sweep_cancel", std::forward<Make>(make_scenario), [](test_loop& loop) { loop.cancel_main(); },
               sweep_runner::to_check(std::forward<Check>(check)), options)
        .run();
}
template <class Make>
sweep_report sweep_cancel(Make&& make_scenario, sweep_options options = sweep_options()) {
    return sweep_cancel(
        std::forward<Make>(make_scenario), [] { return true; }, options);
}

/// As `sweep_cancel`, but calls `act()` at each step: cancels a handle, ends a group, shuts a queue down.
template <class Make, class Act, class Check>
requires sweep_check<std::decay_t<Check>> sweep_report sweep_steps(Make&& make_scenario, Act&& act,
                                                                   Check&& check,
                                                                   sweep_options options = sweep_options()) {
    return sweep_runner(
               "sweep_steps", std::forward<Make>(make_scenario),
               [fn = std::forward<Act>(act)](test_loop&) mutable { fn(); },
               sweep_runner::to_check(std::forward<Check>(check)), options)
        .run();
}

// ---- implementation

template <sweep_check F>
sweep_runner::check sweep_runner::to_check(F&& fn) {
    using function = std::decay_t<F>;
    return [kept = std::forward<F>(fn)](const sweep_run& current) mutable -> std::string {
        const auto ask = [&] {
            if constexpr (std::is_invocable_v<function&, const sweep_run&>) {
                return kept(current);
            } else {
                return kept();
            }
        };
        if constexpr (std::is_same_v<decltype(ask()), bool>) {
            const bool holds = ask();
            return holds ? std::string() : std::string("the check is false");
        } else {
            return ask();
        }
    };
}

inline sweep_report sweep_runner::run() {
    sweep_order(std::nullopt);
    for (std::uint64_t seed = 1; seed <= options_.seeds(); ++seed) sweep_order(seed);
    return report_;
}

inline void sweep_runner::sweep_order(std::optional<std::uint64_t> seed) {
    sweep_run whole(std::nullopt, 0, seed);
    const std::uint64_t points = run_once(whole);
    for (std::uint64_t point = 0; point < points; ++point) {
        sweep_run current(point, points, seed);
        run_once(current);
        ++report_.points_;
        switch (current.end_) {
            case sweep_run::end::completed:
                ++report_.completed_;
                break;
            case sweep_run::end::stopped:
                ++report_.stopped_;
                break;
            case sweep_run::end::failed:
                ++report_.failed_;
                break;
        }
    }
}

inline std::uint64_t sweep_runner::run_once(sweep_run& current) {
    std::uint64_t steps = 0;
    std::size_t timers = 0;
    {
        virtual_options options;
        options.step_limit(options_.step_limit());
        if (current.seed()) options.seed(*current.seed());
        test_loop loop(options);
        loop.before_step([&](std::uint64_t) {
            if (current.point() == steps) act_(loop);
            ++steps;
        });
        try {
            loop.run(make_());
        } catch (const hang_error& hang) {
            fail(current, hang.what());
        } catch (const cancelled_error&) {
            current.end_ = sweep_run::end::stopped;
        } catch (...) {
            if (!current.point()) throw;
            current.end_ = sweep_run::end::failed;
            current.exception_ = std::current_exception();
        }
        timers = loop.statistics().timers;
    }
    ++report_.runs_;
    judge(current, timers);
    return steps;
}

inline void sweep_runner::judge(const sweep_run& current, std::size_t timers) {
    if (!current.point() && current.stopped()) fail(current, "stopped though nobody cancelled it");
    if (current.exception() && !options_.exceptions_allowed()) {
        fail(current, "the scenario threw: " + tandem::detail::message_of(current.exception()));
    }
    const std::string wrong = verify_(current);
    if (!wrong.empty()) fail(current, wrong);
    if (timers != 0) fail(current, std::to_string(timers) + " timers are still armed");
    const std::ptrdiff_t left = tandem::detail::live_frames - frames_before_;
    if (left != 0) fail(current, std::to_string(left) + " frames are left");
}

inline void sweep_runner::fail(const sweep_run& current, const std::string& what) const {
    std::string where = "tandem::testing::" + call_ + ": ";
    if (current.point()) {
        where += "point " + std::to_string(*current.point()) + " of " + std::to_string(current.points());
    } else {
        where += "the run that counts the points";
    }
    if (current.seed()) where += ", seed " + std::to_string(*current.seed());
    throw sweep_error(where + ": " + what);
}

}  // namespace testing
}  // namespace tandem::inline TANDEM_ABI
