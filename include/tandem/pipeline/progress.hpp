// tandem - progress: how far a pipeline is, while it runs
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include <tandem/core/clock.hpp>
#include <tandem/core/loop_core.hpp>
#include <tandem/core/task.hpp>
#include <tandem/core/this_task.hpp>
#include <tandem/pipeline/detail/report_text.hpp>
#include <tandem/pipeline/pipeline_line.hpp>
#include <tandem/pipeline/pipeline_options.hpp>
#include <tandem/pipeline/report.hpp>

namespace tandem::inline TANDEM_ABI {

/// What is shown of a run, where and how often.
class progress_options {
public:
    progress_options() {}

    /// How many items the source will give, those that `skip_if` leaves out included: makes a percentage
    /// and an estimate of the time that is left. Default: not known.
    progress_options& of(std::size_t items) noexcept {
        items_ = items;
        return *this;
    }
    /// Where it is written. Default: `std::cerr`. Lifetime: outlives the run.
    progress_options& to(std::ostream& out) noexcept {
        out_ = &out;
        return *this;
    }
    /// Whether one line is drawn again and again, or a new one written each time. Default: the former if it
    /// goes to `std::cerr` and that is a terminal.
    progress_options& terminal(bool yes) noexcept {
        terminal_ = yes;
        return *this;
    }
    /// How often. Default: five times a second on a terminal, every 5 s otherwise.
    /// Errors: `std::invalid_argument` for an interval that is not positive.
    template <class Rep, class Period>
    progress_options& every(std::chrono::duration<Rep, Period> interval) {
        if (interval <= interval.zero()) {
            throw std::invalid_argument(
                "tandem::progress_options::every: the interval is not positive; give 1 ms or more");
        }
        interval_ = detail::to_ticks(interval);
        return *this;
    }

    std::optional<std::size_t> items() const noexcept { return items_; }
    std::ostream& out() const noexcept { return *out_; }
    bool on_terminal() const noexcept { return terminal_.value_or(out_ == &std::cerr && ::isatty(2) == 1); }
    std::chrono::nanoseconds interval() const noexcept {
        const std::chrono::nanoseconds usual =
            on_terminal() ? std::chrono::milliseconds(200) : std::chrono::milliseconds(5000);
        return interval_ ? std::chrono::nanoseconds(*interval_) : usual;
    }

private:
    std::ostream* out_ = &std::cerr;
    std::optional<std::size_t> items_;
    std::optional<std::int64_t> interval_;
    std::optional<bool> terminal_;
};
static_assert(!std::is_aggregate_v<progress_options>);

/// Runs the pipeline as `line.run(how)` does, and shows meanwhile how far it is:
/// `crawl: 120 of 200 items, 60.0 %, 52.3 per s, 2 s left, 1 skipped`. A last line is written however the
/// run ends.
/// Cancellation, Errors: those of `run`; an error of the stream only ends the output.
/// Lifetime: the pipeline and the stream outlive it.
/// Cost: a snapshot of the report each time.
[[nodiscard("co_await it: a task that is not awaited never runs")]] task<pipeline_report> run_with_progress(
    pipeline_line& line, progress_options show = progress_options(),
    pipeline_options how = pipeline_options());

// ---- implementation

namespace detail {

/// Items per second, over the last ten seconds.
class recent_rate {
public:
    void note(std::chrono::nanoseconds when, std::uint64_t items) {
        samples_.emplace_back(when, items);
        while (samples_.size() > 2 && when - samples_.front().first > window) samples_.pop_front();
    }
    double per_second() const noexcept {
        if (samples_.size() < 2) return 0;
        const std::chrono::duration<double> time = samples_.back().first - samples_.front().first;
        const auto items = static_cast<double>(samples_.back().second - samples_.front().second);
        return time.count() > 0 ? items / time.count() : 0;
    }

private:
    static constexpr std::chrono::nanoseconds window = std::chrono::seconds(10);
    std::deque<std::pair<std::chrono::nanoseconds, std::uint64_t>> samples_;
};

/// 9 s, 3 min 05 s, 2 h 10 min.
inline std::string time_left_text(double seconds) {
    if (!(seconds < 360'000)) return "days";
    const auto all = static_cast<std::int64_t>(seconds + 0.999);
    const auto two = [](std::int64_t n) { return (n < 10 ? "0" : "") + std::to_string(n); };
    if (all < 60) return std::to_string(all) + " s";
    if (all < 3600) return std::to_string(all / 60) + " min " + two(all % 60) + " s";
    return std::to_string(all / 3600) + " h " + two(all % 3600 / 60) + " min";
}

inline std::uint64_t finished_items(const pipeline_report& r) noexcept {
    return r.stored + r.filtered + r.skipped + r.dead;
}

inline void append_count(std::string& text, std::uint64_t count, const char* what) {
    if (count != 0) text += ", " + std::to_string(count) + " " + what;
}

/// What is said of a run that goes on. `items`: that the source gives, if it is known.
inline std::string progress_line(const pipeline_report& r, std::optional<std::size_t> items, double rate) {
    const std::uint64_t done = finished_items(r);
    std::string text = r.name + ": " + std::to_string(done);
    if (items) {
        const std::int64_t all =
            static_cast<std::int64_t>(*items) + r.added - static_cast<std::int64_t>(r.resumed);
        const std::uint64_t expected =
            std::max(done, static_cast<std::uint64_t>(std::max<std::int64_t>(all, 0)));
        const double share = expected == 0 ? 1 : static_cast<double>(done) / static_cast<double>(expected);
        text +=
            " of " + std::to_string(expected) + " items, " + percent(share) + " %, " + fixed(rate) + " per s";
        if (rate > 0) text += ", " + time_left_text(static_cast<double>(expected - done) / rate) + " left";
    } else {
        text += " items, " + fixed(rate) + " per s";
    }
    append_count(text, r.skipped, "skipped");
    append_count(text, r.dead, "dead");
    append_count(text, r.resumed, "done before");
    return text;
}

/// What is said of a run that is over.
inline std::string progress_end(const pipeline_report& r) {
    const std::chrono::duration<double> time = r.elapsed;
    const auto stored = static_cast<double>(r.stored);
    std::string text = r.name + ": " + std::to_string(r.stored) + " items stored in " + time_text(r.elapsed);
    if (time.count() > 0) text += ", " + fixed(stored / time.count()) + " per s";
    append_count(text, r.skipped, "skipped");
    append_count(text, r.dead, "dead");
    append_count(text, r.abandoned, "abandoned");
    append_count(text, r.resumed, "done before");
    return text;
}

/// Writes a line now and then, from its construction until its end, which writes the last one.
class progress_display {
public:
    progress_display(pipeline_line& line, const progress_options& options)
        : line_(line), loop_(this_task::loop()), options_(options), terminal_(options.on_terminal()) {
        rate_.note(std::chrono::nanoseconds(0), 0);
        wait();
    }
    progress_display(const progress_display&) = delete;
    progress_display& operator=(const progress_display&) = delete;
    ~progress_display() {
        next_.cancel();
        try {
            write(progress_end(line_.snapshot()));
            if (terminal_) options_.out() << std::endl;
        } catch (...) {  // a stream that throws; the run matters more
        }
    }

private:
    void wait() {
        next_ = loop_.call_later(options_.interval(), [this] { show(); });
    }
    void show() noexcept {
        try {
            const pipeline_report r = line_.snapshot();
            rate_.note(r.elapsed, finished_items(r));
            write(progress_line(r, options_.items(), rate_.per_second()));
            wait();
        } catch (...) {  // as above: nothing more is shown
        }
    }
    void write(const std::string& text) {
        if (terminal_) {
            options_.out() << '\r' << text << "\x1b[K" << std::flush;  // clears what an earlier line left
        } else {
            options_.out() << text << std::endl;
        }
    }

    pipeline_line& line_;
    loop_core& loop_;
    progress_options options_;
    bool terminal_;
    recent_rate rate_;
    call_handle next_;
};

}  // namespace detail

inline task<pipeline_report> run_with_progress(pipeline_line& line, progress_options show,
                                               pipeline_options how) {
    const detail::progress_display shown(line, show);
    co_return co_await line.run(how);
}

}  // namespace tandem::inline TANDEM_ABI
