// Limits: a hundred requests of 1 s, but the API allows ten at a time. The bound is 100 / 10 * 1 s.
// limit(10) starts the next request in the moment in which one ends; the server's own count says
// whether it ever saw an eleventh.
// Another API allows 60 requests in any minute and punishes the 61st with 429. 120 requests need two
// windows: with a rate_limiter each asks once and none is refused; without one, the clients that come too
// early ask again and again, and are no sooner done.
// SPDX-License-Identifier: BSL-1.0
#include "chapter.hpp"
#include "loop_watch.hpp"
#include "pictures.hpp"
#include "python.hpp"

#include <algorithm>
#include <iterator>

namespace quest {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

// ---- ten at a time

constexpr int requests = 100;
constexpr int at_a_time = 10;

tandem::task<std::vector<std::string>> ten_at_a_time(service& api, milliseconds latency) {
    std::vector<tandem::task<std::string>> pages;
    for (int n = 1; n <= requests; ++n) pages.push_back(api.get("page-" + std::to_string(n), latency));
    co_return co_await tandem::gather(tandem::limit(at_a_time), std::move(pages));
}

tandem::task<> measure_ten_at_a_time(course& with, chapter_result& result) {
    const auto latency = with.scaled(1s);
    result.bound = latency * requests / at_a_time;
    variant measured("limit(10)", {});
    for (int run = 0; run < with.runs_of(*result.bound); ++run) {
        co_await with.api.reset();
        stopwatch limited;
        const std::vector<std::string> texts = co_await ten_at_a_time(with.api, latency);
        measured.runs.push_back(limited.elapsed());
        const server_statistics seen = co_await with.api.statistics();
        const std::vector<seen_request> log = co_await with.api.log();
        result.check(texts.size() == requests && texts.back() == "page-100",
                     "an answer is missing or out of order");
        result.check(seen.peak == at_a_time,
                     "the server's peak is " + std::to_string(seen.peak) + ", not 10");
        result.check(seen.answered == requests, "the server did not answer all");
        measured.spans = slots_of(log, limited.start());
        measured.curves.assign(1, in_flight_of(log, limited.start()));
        measured.curves.back().limit = at_a_time;
    }
    result.tandem = median(measured.runs);
    // Each of the ten rounds may wait for the scheduler; at a small scale that is more than the usual 2 %.
    const seconds rounds = 2ms * requests / at_a_time;
    result.check(*result.tandem <= *result.bound * 1.02 + rounds + whim(),
                 "tandem is more than 2 % + 2 ms a round + a whim above the bound");
    result.found("the server answered " + std::to_string(requests) + " and never saw more than " +
                 std::to_string(at_a_time) + " at a time");
    result.variants.push_back(std::move(measured));
}

// ---- sixty a minute

constexpr int allowed = 60;
constexpr int wanted = 120;

/// The API that counts. Between a departure, which the limiter counts, and an arrival, which the server
/// counts, lie the making of connections and the scheduler's whims: the margin.
class strict_api {
public:
    explicit strict_api(const course& with) : window(with.scaled(60s)), latency(with.scaled(100ms)) {}

    static constexpr milliseconds margin{50};
    milliseconds window;
    milliseconds latency;
    seconds bound() const { return window * (wanted / allowed - 1) + latency; }
};

tandem::task<> ask_once(service& api, tandem::rate_limiter& limiter, strict_api what) {
    co_await limiter.acquire();
    co_await api.get_limited("with", what.latency, allowed, what.window);
}

// Whoever is refused comes again after a "second" or three, for as long as it takes.
tandem::task<> ask_until_answered(service& api, strict_api what) {
    const milliseconds pause = what.window / 20;
    for (bool answered = false; !answered;) {
        try {
            co_await api.get_limited("without", what.latency, allowed, what.window);
            answered = true;
        } catch (const too_many_requests&) {
        }
        if (!answered) co_await tandem::sleep(pause);
    }
}

tandem::task<seconds> with_limiter(service& api, strict_api what) {
    stopwatch whole;
    auto limiter = tandem::rate_limiter::window(allowed, what.window, what.margin);
    std::vector<tandem::task<>> all;
    for (int n = 0; n < wanted; ++n) all.push_back(ask_once(api, limiter, what));
    co_await tandem::gather(std::move(all));
    co_return whole.elapsed();
}

tandem::task<seconds> without_limiter(service& api, strict_api what) {
    stopwatch whole;
    std::vector<tandem::task<>> all;
    for (int n = 0; n < wanted; ++n) all.push_back(ask_until_answered(api, what));
    co_await tandem::gather(std::move(all));
    co_return whole.elapsed();
}

/// What the server saw of one of the two.
class traffic {
public:
    traffic(const std::vector<seen_request>& log, const std::string& path, strict_api what, seconds time)
        : took(time) {
        std::ranges::copy_if(log, std::back_inserter(seen),
                             [&](const seen_request& r) { return r.path == path; });
        std::ranges::sort(seen, {}, &seen_request::arrived);
        for (const seen_request& request : seen) {
            if (request.status == 200) arrivals.push_back(request.arrived);
        }
        refused = seen.size() - arrivals.size();
        reached = rate(what.window);
    }

    seconds took;
    std::vector<seen_request> seen;
    std::vector<tandem::time_point> arrivals;  ///< of the answered ones
    std::size_t refused = 0;
    double reached = 0;  ///< the rate as a share of what is allowed

private:
    // The n-th of a window could have come one window after the n-th of the window before.
    double rate(seconds window) const {
        if (arrivals.size() <= allowed) return 0;
        seconds apart{0};
        for (std::size_t n = allowed; n < arrivals.size(); ++n) apart += arrivals[n] - arrivals[n - allowed];
        return window / (apart / static_cast<double>(arrivals.size() - allowed));
    }
};

std::vector<std::string> row_of(const char* name, const traffic& of, double most) {
    return {name,
            std::to_string(of.seen.size()),
            std::to_string(of.refused),
            with_decimals(most, 0),
            in_seconds(of.took),
            in_percent(of.reached)};
}

variant picture_of(std::string name, const traffic& of, tandem::time_point start, strict_api what) {
    variant picture(std::move(name), {of.took});
    picture.same_work = false;
    picture.bound = what.bound();
    for (const bool attempts : {false, true}) {
        picture.curves.push_back(window_of(of.seen, start, what.window, attempts));
        picture.curves.back().limit = allowed;
    }
    return picture;
}

void check_limits(chapter_result& result, const traffic& limited, const traffic& hasty, strict_api what) {
    result.check(limited.arrivals.size() == wanted && hasty.arrivals.size() == wanted,
                 "not every request was answered in the end");
    result.check(limited.refused == 0,
                 "with the limiter the server refused " + std::to_string(limited.refused));
    result.check(hasty.refused >= wanted - allowed, "without the limiter the server hardly refused anything");
    const double share = what.window / (what.window + what.margin + whim());
    result.check(limited.reached >= share, "the limiter reaches " + in_percent(limited.reached) +
                                               " of the allowed rate, less than the margin explains");
    result.check(limited.took <= what.bound() * 1.02 + what.margin + whim(),
                 "with the limiter it took more than 2 % + its margin + a whim above the bound");
}

// Both at once, against two counters of the server: one window's time is long enough.
tandem::task<> measure_sixty_a_minute(course& with, chapter_result& result) {
    const strict_api what(with);
    co_await with.api.reset();
    stopwatch start;
    auto times = co_await tandem::gather(with_limiter(with.api, what), without_limiter(with.api, what));
    auto& [limited_time, hasty_time] = times;
    const std::vector<seen_request> log = co_await with.api.log();
    const traffic limited(log, "/limited/with", what, limited_time);
    const traffic hasty(log, "/limited/without", what, hasty_time);
    check_limits(result, limited, hasty, what);

    result.variants.push_back(picture_of("60 a minute, rate_limiter", limited, start.start(), what));
    result.variants.push_back(picture_of("60 a minute, no limiter", hasty, start.start(), what));
    panel table("120 requests to an API that allows 60 in any " + in_seconds(what.window),
                {"", "requests", "refused (429)", "most in a window", "time", "of the allowed rate"});
    const auto& drawn = result.variants;
    table.rows.push_back(row_of("rate_limiter", limited, peak_of(drawn[drawn.size() - 2].curves.back())));
    table.rows.push_back(row_of("no limiter", hasty, peak_of(drawn.back().curves.back())));
    table.note =
        "Counted by the server. The limiter keeps 50 ms more than a window between a request and the "
        "sixtieth after it, for what happens on the way.";
    result.panels.push_back(std::move(table));
    result.found("60 a minute: with a rate_limiter " + std::to_string(limited.refused) + " of " +
                 std::to_string(limited.seen.size()) + " requests were refused, at " +
                 in_percent(limited.reached) + " of the allowed rate; without, " +
                 std::to_string(hasty.refused) + " of " + std::to_string(hasty.seen.size()));
}

}  // namespace

tandem::task<chapter_result> limits(course& with) {
    chapter_result result;
    result.talk = "10 at a time";
    co_await measure_ten_at_a_time(with, result);
    std::vector<std::string> arguments{"--runs=" + std::to_string(with.runs_of(*result.bound))};
    co_await measure_python(with, result, "limits", std::move(arguments));
    co_await measure_sixty_a_minute(with, result);
    co_return result;
}

}  // namespace quest
