// tandem - random trees of combinators, and a model of what the library promises of them
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <tandem/base/error.hpp>

namespace tandem_test::model {

enum class kind {
    sleep,
    fail,
    sequence,
    caught,
    gather,
    outcomes,
    within,
    limited,
    race,
    any_success,
    timeout,
    move_on,
    shield,
    cleanup,
    group,
    supervisor,
    as_completed,
    ended_group,
    handle
};
inline constexpr int kinds = 19;
inline constexpr int leaf_kinds = 2;

struct node {
    node() = default;

    int id = 0;
    kind what = kind::sleep;
    std::int64_t time = 0;  // nanoseconds; drawn so that no two sums of them are equal
    std::vector<node> children;
};

class grower {
public:
    explicit grower(std::uint64_t seed) : random_(seed) {}

    node grow(int depth) {
        node n;
        n.id = ++last_id_;
        n.what = static_cast<kind>(depth == 0 ? below(leaf_kinds) : below(kinds));
        n.time = time();
        for (int i = children_of(n.what); i > 0; --i) n.children.push_back(grow(depth - 1));
        return n;
    }
    std::int64_t time() { return 1 + static_cast<std::int64_t>(random_() % 1'000'000'000); }
    int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }

private:
    int children_of(kind what) {
        switch (what) {
            case kind::sleep:
            case kind::fail:
                return 0;
            case kind::caught:
            case kind::timeout:
            case kind::move_on:
            case kind::shield:
            case kind::handle:
                return 1;
            case kind::sequence:
            case kind::cleanup:
                return 2;
            default:
                return 1 + below(3);
        }
    }

    std::mt19937_64 random_;
    int last_id_ = 0;
};

/// How many results as_completed is to be told.
inline std::size_t enough(const node& n) { return 1 + static_cast<std::size_t>(n.time) % n.children.size(); }
template <class Number>
std::string numbered(std::string text, Number n) {
    text += std::to_string(n);  // text in front of a temporary string draws a false warning from GCC 12
    return text;
}
inline std::string joined(std::string text, const std::string& more) {
    text += more;
    return text;
}

inline constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

enum class how { value, error, stopped };

struct ending {
    ending(std::int64_t at, how h, std::string what) : when(at), outcome(h), text(std::move(what)) {}

    bool is(how h) const { return outcome == h; }

    std::int64_t when;
    how outcome;
    std::string text;
};

/// How `n` ends that starts at `start` in a task that is told to stop at `stop`.
inline ending model(const node& n, std::int64_t start, std::int64_t stop);

inline std::vector<ending> model_all(const node& n, std::int64_t start, std::int64_t stop) {
    std::vector<ending> all;
    for (const node& child : n.children) all.push_back(model(child, start, stop));
    return all;
}
inline std::int64_t last_of(const std::vector<ending>& all) {
    std::int64_t last = 0;
    for (const ending& e : all) last = std::max(last, e.when);
    return last;
}
inline bool any_stopped(const std::vector<ending>& all) {
    return std::any_of(all.begin(), all.end(), [](const ending& e) { return e.is(how::stopped); });
}
/// The first that `decides`; `all.size()` if none does.
template <class F>
inline std::size_t first_of(const std::vector<ending>& all, F decides) {
    std::size_t first = all.size();
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (decides(all[i], i) && (first == all.size() || all[i].when < all[first].when)) first = i;
    }
    return first;
}
/// All, when the first that `decides` has the others cancelled.
template <class F>
inline std::vector<ending> decided(const node& n, std::int64_t start, std::int64_t stop, F decides,
                                   std::size_t& first) {
    std::vector<ending> all = model_all(n, start, stop);
    first = first_of(all, decides);
    if (first == all.size()) return all;
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (i != first) all[i] = model(n.children[i], start, std::min(stop, all[first].when));
    }
    return all;
}
inline std::string errors_in(std::vector<ending> all, std::string text, std::size_t from = 0) {
    all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(from));
    std::sort(all.begin(), all.end(), [](const ending& a, const ending& b) { return a.when < b.when; });
    for (const ending& e : all) text += e.is(how::error) ? e.text + "," : "";
    return text + "]";
}
inline std::string outcomes_in(const std::vector<ending>& all) {
    std::string text = "{";
    for (const ending& e : all) text += (e.is(how::stopped) ? "-" : e.text) + ",";
    return text + "}";
}

inline ending model_gather(const node& n, std::int64_t start, std::int64_t stop) {
    std::size_t first = 0;
    const auto all = decided(
        n, start, stop, [](const ending& e, std::size_t) { return e.is(how::error); }, first);
    const std::int64_t end = last_of(all);
    if (first != all.size()) return ending(end, how::error, all[first].text);
    if (any_stopped(all)) return ending(end, how::stopped, "");
    std::string text = "[";
    for (const ending& e : all) text += e.text + ",";
    return ending(end, how::value, text + "]");
}
inline ending model_outcomes(const node& n, std::int64_t start, std::int64_t stop, std::int64_t limit) {
    const auto all = model_all(n, start, std::min(stop, limit));
    const std::int64_t end = last_of(all);
    if (any_stopped(all) && stop <= end) return ending(end, how::stopped, "");
    return ending(end, how::value, outcomes_in(all));
}
inline ending model_limited(const node& n, std::int64_t start, std::int64_t stop) {
    std::vector<ending> all;
    std::int64_t now = start;
    for (const node& child : n.children) {
        if (stop <= now) return ending(now, how::stopped, "");
        all.push_back(model(child, now, stop));
        now = all.back().when;
    }
    return ending(now, any_stopped(all) ? how::stopped : how::value, outcomes_in(all));
}
inline ending model_race(const node& n, std::int64_t start, std::int64_t stop) {
    std::size_t first = 0;
    const auto all = decided(
        n, start, stop, [](const ending& e, std::size_t) { return !e.is(how::stopped); }, first);
    const std::int64_t end = last_of(all);
    if (first == all.size()) return ending(end, how::stopped, "");
    const bool failed = all[first].is(how::error);
    return ending(end, all[first].outcome,
                  failed ? all[first].text : joined(numbered("r", first), all[first].text));
}
inline ending model_any_success(const node& n, std::int64_t start, std::int64_t stop) {
    std::size_t first = 0;
    const auto all = decided(
        n, start, stop, [](const ending& e, std::size_t) { return e.is(how::value); }, first);
    const std::int64_t end = last_of(all);
    if (first != all.size()) return ending(end, how::value, all[first].text);
    if (any_stopped(all)) return ending(end, how::stopped, "");
    return ending(end, how::error, errors_in(all, "g["));
}
inline ending model_cleanup(const node& n, std::int64_t start, std::int64_t stop) {
    const ending body = model(n.children[0], start, stop);
    const ending cleanup = model(n.children[1], body.when, never);
    if (!cleanup.is(how::error)) return ending(cleanup.when, body.outcome, body.text);
    if (!body.is(how::error)) return cleanup;
    return ending(cleanup.when, how::error, joined("g[", body.text) + "," + cleanup.text + ",]");
}
inline ending model_group(const node& n, std::int64_t start, std::int64_t stop) {
    std::size_t first = 0;
    const auto all = decided(
        n, start, stop, [](const ending& e, std::size_t) { return e.is(how::error); }, first);
    const std::int64_t end = last_of(all);
    if (first != all.size()) return ending(end, how::error, errors_in(all, "g["));
    if (any_stopped(all)) return ending(end, how::stopped, "");
    return ending(end, how::value, all[0].text);
}
inline ending model_ended_group(const node& n, std::int64_t start, std::int64_t stop) {
    const std::int64_t over = start + n.time;
    const ending group = model_group(n, start, std::min(stop, over));
    const auto failed = [](const ending& e, std::size_t) { return e.is(how::error); };
    std::size_t first = 0;
    const auto all = decided(n, start, std::min(stop, over), failed, first);
    const bool fails = first != all.size();
    const std::int64_t ended = std::min(over, fails ? std::min(stop, all[first].when) : stop);
    const std::int64_t end = std::max(group.when, ended);  // the one that ends the group is waited for
    if (fails) return ending(end, how::error, group.text);
    if ((any_stopped(all) || stop < over) && stop <= end) return ending(end, how::stopped, "");
    if (!all[0].is(how::stopped)) return ending(end, how::value, all[0].text);
    return ending(end, how::error,
                  tandem::cancelled_error("the group was cancelled before its body had a result").what());
}
inline ending model_supervisor(const node& n, std::int64_t start, std::int64_t stop) {
    std::size_t first = 0;
    const auto all = decided(
        n, start, stop, [](const ending& e, std::size_t i) { return i == 0 && e.is(how::error); }, first);
    const std::int64_t end = last_of(all);
    if (first != all.size()) return ending(end, how::error, all[0].text);
    if (any_stopped(all)) return ending(end, how::stopped, "");
    return ending(end, how::value, errors_in(all, "s[", 1));
}
inline ending model_as_completed(const node& n, std::int64_t start, std::int64_t stop) {
    std::vector<ending> all = model_all(n, start, stop);
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (!all[i].is(how::stopped)) order.push_back(i);
    }
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return all[a].when < all[b].when; });
    const bool early = order.size() >= enough(n) && (stop == never || all[order[enough(n) - 1]].when < stop);
    std::string text = "a[";
    if (!early) {
        return ending(last_of(all), how::stopped, "");
    }
    order.resize(enough(n));
    const std::int64_t last_told = all[order.back()].when;
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (all[i].when > last_told || all[i].is(how::stopped)) {
            all[i] = model(n.children[i], start, std::min(stop, last_told));
        }
    }
    for (const std::size_t i : order) text += joined(std::to_string(i), all[i].text) + ",";
    const std::int64_t end = last_of(all);
    if (any_stopped(all) && stop <= end) return ending(end, how::stopped, "");
    return ending(end, how::value, text + "]");
}

inline ending model(const node& n, std::int64_t start, std::int64_t stop) {
    if (n.what == kind::shield) return model(n.children[0], start, never);
    if (n.what == kind::caught) {
        const ending inner = model(n.children[0], start, stop);
        if (!inner.is(how::error)) return inner;
        if (stop < inner.when + n.time) return ending(std::max(inner.when, stop), how::stopped, "");
        return ending(inner.when + n.time, how::value, joined("caught ", inner.text));
    }
    if (n.what == kind::sequence) {
        const ending before = model(n.children[0], start, stop);
        return before.is(how::value) ? model(n.children[1], before.when, stop) : before;
    }
    if (stop <= start) return ending(start, how::stopped, "");
    const std::int64_t end = start + n.time;
    switch (n.what) {
        case kind::sleep:
        case kind::fail:
            if (stop < end) return ending(stop, how::stopped, "");
            return ending(end, n.what == kind::fail ? how::error : how::value,
                          numbered(n.what == kind::fail ? "e" : "v", n.id));
        case kind::gather:
            return model_gather(n, start, stop);
        case kind::outcomes:
            return model_outcomes(n, start, stop, never);
        case kind::within:
            return model_outcomes(n, start, stop, end);
        case kind::limited:
            return model_limited(n, start, stop);
        case kind::race:
            return model_race(n, start, stop);
        case kind::any_success:
            return model_any_success(n, start, stop);
        case kind::timeout:
        case kind::move_on: {
            const ending body = model(n.children[0], start, std::min(stop, end));
            const bool moves_on = n.what == kind::move_on;
            if (body.is(how::value))
                return ending(body.when, how::value, joined(moves_on ? "m" : "", body.text));
            if (body.is(how::error) || stop <= body.when) return body;
            return moves_on ? ending(body.when, how::value, "m-") : ending(body.when, how::error, "timeout");
        }
        case kind::cleanup:
            return model_cleanup(n, start, stop);
        case kind::group:
            return model_group(n, start, stop);
        case kind::supervisor:
            return model_supervisor(n, start, stop);
        case kind::ended_group:
            return model_ended_group(n, start, stop);
        case kind::handle: {
            const ending target = model(n.children[0], start, never);
            return stop < target.when ? ending(stop, how::stopped, "") : target;
        }
        default:
            return model_as_completed(n, start, stop);
    }
}

inline std::string print(const node& n) {
    static const char* const names[] = {"sleep",      "fail",         "sequence",    "caught",  "gather",
                                        "outcomes",   "within",       "limited",     "race",    "any",
                                        "timeout",    "move_on",      "shield",      "finally", "group",
                                        "supervisor", "as_completed", "ended_group", "handle"};
    std::string text = numbered(names[static_cast<int>(n.what)], n.id) + " " + std::to_string(n.time) + "(";
    for (const node& child : n.children) text += print(child) + " ";
    return text + ")";
}

}  // namespace tandem_test::model
