// SPDX-License-Identifier: BSL-1.0
#include "cpu_work.hpp"

#include <tandem/cpu/thread_executor.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <algorithm>
#include <csignal>
#include <ctime>
#include <map>
#include <utility>

namespace quest {
namespace {

seconds read_clock(clockid_t which) {
    std::timespec t{};
    ::clock_gettime(which, &t);
    return std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
}

/// The median of short runs. Not the least: where cores share their clock with neighbours, that is a burst
/// which no second of work keeps up.
double measure_squares_per_second() {
    std::uint64_t squares = 10'000;
    while (run_piece(cpu_piece(0, squares)).cpu < std::chrono::milliseconds(5)) squares *= 2;
    std::vector<seconds> taken;
    for (int i = 0; i < 15; ++i) taken.push_back(run_piece(cpu_piece(0, squares)).cpu);
    return static_cast<double>(squares) / median(std::move(taken)).count();
}

/// n (n - 1) (2n - 1) / 6, modulo 2^64: divided first, so that nothing is lost.
std::uint64_t formula(std::uint64_t n) {
    if (n == 0) return 0;
    std::uint64_t factors[] = {n, n - 1, 2 * n - 1};
    for (const std::uint64_t divisor : {2, 3}) {
        for (std::uint64_t& factor : factors) {
            if (factor % divisor == 0) {
                factor /= divisor;
                break;
            }
        }
    }
    return factors[0] * factors[1] * factors[2];
}

/// Hears of signals while the loop, which hears of them too, is kept from running.
class signal_watch {
public:
    signal_watch() : signals_(context_, SIGINT, SIGTERM) {
        signals_.async_wait([this](const boost::system::error_code& error, int) { seen_ = !error; });
    }
    bool seen() {
        if (!seen_) context_.poll();
        return seen_;
    }

private:
    boost::asio::io_context context_;
    boost::asio::signal_set signals_;
    bool seen_ = false;
};

bool interrupted_meanwhile() {
    static signal_watch watch;
    return watch.seen();
}

}  // namespace

seconds cpu_time_of_thread() { return read_clock(CLOCK_THREAD_CPUTIME_ID); }
seconds cpu_time_of_process() { return read_clock(CLOCK_PROCESS_CPUTIME_ID); }

double squares_per_second() {
    static const double measured = measure_squares_per_second();
    return measured;
}

std::uint64_t sum_of_squares(std::uint64_t first, std::uint64_t last) {
    std::uint64_t sum = 0;
    for (std::uint64_t i = first; i < last; ++i) {
        sum += i * i;
        asm volatile("" : "+r"(sum));  // or the compiler finds the formula
    }
    return sum;
}

cpu_run::cpu_run(cpu_piece piece, bool (*give_up)())
    : begin(tandem::time_point::clock::now()), thread(std::this_thread::get_id()) {
    const seconds before = cpu_time_of_thread();
    sum = 0;
    const std::uint64_t slice = give_up ? std::uint64_t(4'000'000) : piece.last;
    for (std::uint64_t i = piece.first; i < piece.last && !(give_up && give_up()); i += slice) {
        sum += sum_of_squares(i, std::min(i + slice, piece.last));
    }
    cpu = cpu_time_of_thread() - before;
    end = tandem::time_point::clock::now();
}

cpu_run run_piece(const cpu_piece& piece) { return cpu_run(piece); }

tandem::task<cpu_run> on_the_loop(cpu_piece piece) { co_return cpu_run(piece, interrupted_meanwhile); }

cpu_work::cpu_work(seconds on_one_core)
    : squares_(static_cast<std::uint64_t>(on_one_core.count() * squares_per_second())) {}

std::vector<cpu_piece> cpu_work::split(std::size_t pieces) const {
    std::vector<cpu_piece> result;
    std::uint64_t first = 0;
    for (std::size_t i = 0; i < pieces; ++i) {
        const std::uint64_t left = pieces - i;
        const std::uint64_t last = first + (squares_ - first + left - 1) / left;
        result.emplace_back(first, last);
        first = last;
    }
    return result;
}

bool cpu_work::done_by(std::uint64_t sum) const { return sum == formula(squares_); }

bool cpu_work::done_by(const std::vector<cpu_run>& runs) const {
    std::uint64_t sum = 0;
    for (const cpu_run& run : runs) sum += run.sum;
    return done_by(sum);
}

seconds cpu_time_of(const std::vector<cpu_run>& runs) {
    seconds sum{0};
    for (const cpu_run& run : runs) sum += run.cpu;
    return sum;
}

void draw(variant& on, const std::vector<cpu_run>& runs, tandem::time_point start, const std::string& lane) {
    // What follows on the same thread within a pixel is one stretch.
    const seconds pixel = on.runs.empty() ? seconds(0) : on.runs.back() / 1000;
    std::vector<const cpu_run*> sorted;
    for (const cpu_run& run : runs) sorted.push_back(&run);
    std::ranges::sort(sorted, {}, [](const cpu_run* run) { return run->begin; });

    std::map<std::thread::id, span*> latest;
    std::vector<span> spans;
    spans.reserve(sorted.size());
    for (const cpu_run* run : sorted) {
        const seconds begin = run->begin - start;
        const seconds end = run->end - start;
        span*& last = latest[run->thread];
        if (last && begin - last->end <= pixel) {
            last->end = end;
            continue;
        }
        const std::string name = !lane.empty() ? lane
                                 : last        ? last->lane
                                               : "core " + std::to_string(latest.size());
        last = &spans.emplace_back(name, activity::computing, begin, end);
    }

    std::vector<std::pair<seconds, double>> changes;
    for (const span& one : spans) {
        changes.emplace_back(one.begin, 1);
        changes.emplace_back(one.end, -1);
    }
    std::ranges::sort(changes);
    series busy("cores busy", "cores");
    busy.limit = static_cast<double>(tandem::available_cores());
    double now = 0;
    for (const auto& [when, change] : changes) {
        now += change;
        busy.points.emplace_back(when, now);
    }
    on.spans.insert(on.spans.end(), spans.begin(), spans.end());
    on.curves.push_back(std::move(busy));
}

}  // namespace quest
