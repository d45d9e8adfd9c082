// The wall: four tasks of 2 s that do not wait but compute. A task gives way only where it waits, so
// inside the loop four of them take 8 s, gathered or not, and for so long nothing else happens: no timer
// fires, no fetch is served. Threads that take turns under one lock, as Python's do, leave the loop alone,
// but two cores do no more than one.
// SPDX-License-Identifier: BSL-1.0
#include "chapter.hpp"
#include "cpu_work.hpp"
#include "loop_watch.hpp"
#include "python.hpp"

#include <algorithm>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

namespace quest {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t tasks = 4;

tandem::task<> one_after_the_other(const std::vector<cpu_piece>& pieces, std::vector<cpu_run>& runs) {
    for (const cpu_piece& piece : pieces) runs.push_back(co_await on_the_loop(piece));
}

tandem::task<> gathered(const std::vector<cpu_piece>& pieces, std::vector<cpu_run>& runs) {
    std::vector<tandem::task<cpu_run>> all;
    for (const cpu_piece& piece : pieces) all.push_back(on_the_loop(piece));
    runs = co_await tandem::gather(std::move(all));
}

/// Threads that hold one lock while they compute, a few microseconds at a time.
class threads_under_one_lock {
public:
    explicit threads_under_one_lock(const std::vector<cpu_piece>& pieces) : pieces_(pieces) {}

    void run(const std::stop_token& stop) {
        next_look_ = tandem::time_point::clock::now();
        std::vector<std::jthread> threads;  // joined by their destructors
        for (std::size_t i = 0; i < pieces_.size(); ++i) {
            threads.emplace_back([this, &stop, i] { compute(stop, i); });
        }
    }
    std::uint64_t sum() const noexcept { return sum_; }
    /// How long the lock was held, by whichever thread.
    seconds computing() const noexcept { return computing_; }

    /// Who had the lock, looked at every 5 ms.
    void draw(variant& on, const loop_watch& watched) const {
        for (std::size_t i = 0; i < looks_.size(); ++i) {
            const auto& [from, who] = looks_[i];
            const seconds begin = from - watched.begin();
            const bool last = i + 1 == looks_.size();
            const seconds end = last ? watched.elapsed() : seconds(looks_[i + 1].first - watched.begin());
            on.spans.emplace_back("thread " + std::to_string(who + 1), activity::computing, begin, end);
        }
    }

private:
    void compute(const std::stop_token& stop, std::size_t who) {
        constexpr std::uint64_t turn = 10'000;
        const cpu_piece mine = pieces_[who];
        for (std::uint64_t i = mine.first; i < mine.last && !stop.stop_requested(); i += turn) {
            const std::lock_guard<std::mutex> hold(lock_);
            const tandem::time_point begin = tandem::time_point::clock::now();
            if (begin >= next_look_) look(who, begin);
            sum_ += sum_of_squares(i, std::min(i + turn, mine.last));
            computing_ += tandem::time_point::clock::now() - begin;
        }
    }
    void look(std::size_t who, tandem::time_point now) {
        if (looks_.empty() || looks_.back().second != who) looks_.emplace_back(now, who);
        next_look_ = now + 5ms;
    }

    const std::vector<cpu_piece>& pieces_;
    std::mutex lock_;
    std::uint64_t sum_ = 0;
    seconds computing_{0};
    std::vector<std::pair<tandem::time_point, std::size_t>> looks_;  // since when, which thread
    tandem::time_point next_look_;
};

void run_threads(const std::stop_token& stop, threads_under_one_lock& threads) { threads.run(stop); }

tandem::task<> in_threads(threads_under_one_lock& threads) {
    co_await tandem::to_thread(run_threads, std::ref(threads));
}

}  // namespace

tandem::task<chapter_result> wall(course& with) {
    const cpu_work work(tasks * with.scaled(2s));
    const std::vector<cpu_piece> pieces = work.split(tasks);
    chapter_result result;
    result.talk = "8 s, however";

    loop_watch plain(with.api);
    std::vector<cpu_run> plain_runs;
    co_await plain.during(one_after_the_other(pieces, plain_runs));

    loop_watch at_once(with.api);
    std::vector<cpu_run> gathered_runs;
    co_await at_once.during(gathered(pieces, gathered_runs));

    loop_watch locked(with.api);
    threads_under_one_lock threads(pieces);
    co_await locked.during(in_threads(threads));

    const seconds computing = cpu_time_of(plain_runs);
    result.sequential = plain.elapsed();
    result.tandem = at_once.elapsed();
    result.bound = computing / static_cast<double>(tandem::available_cores());

    result.check(work.done_by(plain_runs) && work.done_by(gathered_runs) && work.done_by(threads.sum()),
                 "the sums are not what the formula gives");
    result.check(plain.lag(1) >= 0.9 * computing,
                 "the loop was not held up for as long as the tasks computed");
    result.check(at_once.elapsed() >= 0.9 * cpu_time_of(gathered_runs),
                 "gathered tasks computed side by side");
    result.check(plain.served() + at_once.served() <= loop_watch::clients,
                 "fetches were served while tasks computed on the loop");
    result.check(threads.computing() <= locked.elapsed(), "threads under one lock computed side by side");
    result.check(locked.lag(0.5) < plain.lag(0.5), "the loop was as late beside threads as behind tasks");

    result.found("the work: " + with_decimals(static_cast<double>(work.squares()) / 1e6, 0) +
                 " million squares");
    result.found("on the loop, one after the other: " + in_seconds(plain.elapsed()) +
                 "; a timer was late by up to " + in_milliseconds(plain.lag(1)) + ", " +
                 std::to_string(plain.served()) + " of " + std::to_string(plain.servable()) +
                 " fetches served meanwhile");
    result.found("gathered: " + in_seconds(at_once.elapsed()) +
                 ", no faster: " + with_decimals(at_once.cores_busy(), 2) + " cores busy");
    result.found(
        "threads under one lock: " + in_seconds(locked.elapsed()) + "; one computed at a time, together " +
        with_decimals(100 * (threads.computing() / locked.elapsed()), 0) + " % of it; " +
        std::to_string(locked.served()) + " of " + std::to_string(locked.servable()) + " fetches served");

    result.variants.push_back(plain.as_variant("tasks, one after the other"));
    draw(result.variants.back(), plain_runs, plain.begin(), "loop");
    result.variants.push_back(at_once.as_variant("tasks, gathered"));
    draw(result.variants.back(), gathered_runs, at_once.begin(), "loop");
    result.variants.push_back(locked.as_variant("threads under one lock"));
    threads.draw(result.variants.back(), locked);

    panel table = watch_panel("Four tasks that compute, in the way of the loop");
    table.rows.push_back(watch_row("tasks, one after the other", plain));
    table.rows.push_back(watch_row("tasks, gathered", at_once));
    table.rows.push_back(watch_row("threads under one lock", locked));
    result.panels.push_back(std::move(table));
    // As much work as takes one core of Python the same time: many fewer squares.
    co_await measure_python(with, result, "wall");
    co_return result;
}

}  // namespace quest
