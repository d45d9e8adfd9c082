// tandem - what the sweep scenarios of the tests share: a world of primitives, its invariants, the list
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <tandem/sync/barrier.hpp>
#include <tandem/sync/broadcast.hpp>
#include <tandem/sync/condition.hpp>
#include <tandem/sync/event.hpp>
#include <tandem/sync/lock.hpp>
#include <tandem/sync/queue.hpp>
#include <tandem/sync/semaphore.hpp>
#include <tandem/tasks/create_task.hpp>
#include <tandem/testing/sweep.hpp>
#include <tandem/trace/dump_tasks.hpp>

#include "tandem_test.hpp"

namespace tandem_test {

/// Everything that a scenario may use; a fresh one for each run.
struct world {
    world() : condition(lock), barrier(2) {}
    world(const world&) = delete;
    world& operator=(const world&) = delete;

    int live = 0;                      // objects of class scoped
    bool misplaced = false;            // one was destroyed elsewhere than made, or twice
    std::map<std::string, int> tally;  // what the scenario counts

    tandem::event event;
    tandem::lock lock;
    tandem::semaphore semaphore{2};
    tandem::bounded_semaphore bounded{2};
    tandem::condition condition;
    tandem::barrier barrier;
    tandem::queue<int> queue{2};
    tandem::priority_queue<int> priority{2};
    tandem::lifo_queue<int> lifo{2};
    tandem::broadcast<int> broadcast{2};

    int count(const std::string& name) const {
        const auto found = tally.find(name);
        return found == tally.end() ? 0 : found->second;
    }

    /// What must be true after every run of every scenario; empty if it is.
    std::string problems() const {
        std::ostringstream out;
        if (live != 0) out << live << " objects live; ";
        if (misplaced) out << "an object was copied bitwise or destroyed twice; ";
        if (event.statistics().waiting != 0) out << "waiters at the event; ";
        if (lock.locked()) out << "the lock is held; ";
        if (lock.statistics().waiting != 0) out << "waiters at the lock; ";
        if (semaphore.value() != 2) out << "semaphore: " << semaphore.value() << " permits; ";
        if (semaphore.statistics().waiting != 0) out << "waiters at the semaphore; ";
        if (bounded.value() != 2) out << "bounded_semaphore: " << bounded.value() << " permits; ";
        if (condition.statistics().waiting != 0) out << "waiters at the condition; ";
        if (barrier.waiting() != 0) out << "waiters at the barrier; ";
        check_queue(out, "queue", queue.statistics());
        check_queue(out, "priority", priority.statistics());
        check_queue(out, "lifo", lifo.statistics());
        if (broadcast.statistics().subscribers != 0) out << "a subscription is left; ";
        if (broadcast.statistics().waiting_to_put != 0) out << "waiters at the broadcast; ";
        if (count("caught") != 0) out << "a stop was seen by a catch; ";
        return out.str();
    }

private:
    // put: counted when put() returned; got: when get() gave an item.
    void check_queue(std::ostringstream& out, const std::string& name, const tandem::queue_statistics& s) const {
        if (s.waiting_to_put != 0 || s.waiting_to_get != 0 || s.waiting_to_join != 0) {
            out << "waiters at " << name << "; ";
        }
        const int inside = static_cast<int>(s.size);
        const int put = count("put " + name);
        const int got = count("got " + name);
        if (put != got + inside + count("dropped " + name)) {
            out << name << ": " << put << " put, " << got << " got, " << inside << " inside; ";
        }
    }
};

/// Counts live objects; keeps its own address, so that a bitwise copy is seen.
class scoped {
public:
    explicit scoped(world& w) noexcept : world_(w), self_(this) { ++world_.live; }
    scoped(const scoped& other) noexcept : world_(other.world_), self_(this) { ++world_.live; }
    scoped& operator=(const scoped&) = delete;
    ~scoped() {
        if (self_ != this) world_.misplaced = true;
        self_ = nullptr;
        --world_.live;
    }

private:
    world& world_;
    scoped* self_;
};

using scenario = tandem::task<> (*)(world&);
using extra_check = std::string (*)(const world&, const tandem::testing::sweep_run&);

inline std::string no_extra(const world&, const tandem::testing::sweep_run&) { return {}; }

/// The kinds of leaf that tasks of the running loop are waiting for.
inline void collect_kinds(std::set<std::string>& kinds) {
    std::ostringstream out;
    tandem::dump_tasks(out);
    std::istringstream lines(out.str());
    for (std::string line; std::getline(lines, line);) {
        const std::size_t start = line.find("waits for ");
        if (start == std::string::npos) continue;
        std::string rest = line.substr(start + 10);
        if (const std::size_t place = rest.find("  ("); place != std::string::npos) rest.resize(place);
        for (std::size_t next; !rest.empty(); rest = next == std::string::npos ? "" : rest.substr(next + 3)) {
            next = rest.find(" > ");
            kinds.insert(rest.substr(0, next));
        }
    }
}

inline tandem::task<> run_as_child(scenario run, world& w, tandem::task_handle<>& handle) {
    handle = tandem::create_task(run(w), "scenario");
    try {
        co_await handle;
    } catch (const tandem::cancelled_error&) {
        ++w.tally["child stopped"];
    }
}

/// Sweeps a scenario: its main task cancelled at each step, and a task cancelled through its handle.
inline void sweep_scenario(scenario run, extra_check extra, std::uint64_t seeds, std::set<std::string>& kinds) {
    namespace testing = tandem::testing;
    std::optional<world> w;
    const auto after = [&](const testing::sweep_run& current) {
        std::string wrong = w->problems();
        if (wrong.empty()) wrong = extra(*w, current);
        if (wrong.empty()) w.reset();
        return wrong;
    };
    const auto report = testing::sweep_cancel(
        [&] {
            w.emplace();
            return run(*w);
        },
        after, testing::sweep_options().seeds(seeds));
    CHECK(report.points() >= 2);
    CHECK(report.stopped() >= 1);
    CHECK(report.runs() == report.points() + seeds + 1);

    tandem::task_handle<> handle;
    const auto by_handle = testing::sweep_steps(
        [&] {
            w.emplace();
            return run_as_child(run, *w, handle);
        },
        [&] {
            collect_kinds(kinds);
            if (handle) handle.cancel();
        },
        [&](const testing::sweep_run& current) {
            handle = tandem::task_handle<>();
            return after(current);
        },
        testing::sweep_options().seeds(seeds));
    CHECK(by_handle.stopped() == 0);
    CHECK(by_handle.completed() == by_handle.points());
}

struct named_scenario {
    std::string name;
    scenario run;
    extra_check extra;
};

inline std::vector<named_scenario>& scenarios() {
    static std::vector<named_scenario> all;
    return all;
}

inline bool enlist(const char* name, scenario run, extra_check extra) {
    scenarios().push_back({name, run, extra});
    return true;
}

/// The kinds of all leaves that the headers of a floor define, by the class that gives it.
inline std::map<std::string, std::set<std::string>> kinds_in_headers(const std::string& floor) {
    std::map<std::string, std::set<std::string>> found;
    const auto folder = std::filesystem::path(__FILE__).parent_path() / ".." / ".." / "include" / "tandem" / floor;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        if (entry.path().extension() != ".hpp") continue;
        std::ifstream file(entry.path());
        const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
        const std::regex class_head(R"(\bclass ([A-Za-z_:<>, ]*?\w+)( final)?\s*:\s*public)");
        std::size_t at = 0;
        while ((at = text.find("kind() const noexcept override {", at)) != std::string::npos) {
            std::string name = "?";
            const std::string before = text.substr(0, at);
            for (std::sregex_iterator it(before.begin(), before.end(), class_head), end; it != end; ++it) {
                name = (*it)[1];
            }
            const std::string body = text.substr(at, text.find('}', at) - at);
            const std::regex literal("\"([^\"]*)\"");
            for (std::sregex_iterator it(body.begin(), body.end(), literal), end; it != end; ++it) {
                found[name].insert((*it)[1]);
            }
            at += 10;
        }
    }
    return found;
}

/// Runs all scenarios of this program and compares what their tasks waited for with the headers.
inline void check_that_all_are_covered(const std::string& floor, const std::set<std::string>& never_parked,
                                       std::size_t at_least) {
    std::set<std::string> seen = never_parked;
    for (const named_scenario& s : scenarios()) {
        INFO(s.name);
        sweep_scenario(s.run, s.extra, 0, seen);
    }
    const auto in_headers = kinds_in_headers(floor);
    CHECK(in_headers.size() >= at_least);
    for (const auto& entry : in_headers) {
        for (const std::string& kind : entry.second) {
            INFO(entry.first << " waits as \"" << kind << "\", and no scenario does; write one");
            CHECK(seen.count(kind) == 1);
        }
    }
}

}  // namespace tandem_test

#define TANDEM_SWEEP(name, tags, run, extra)                                                \
    static const bool TANDEM_TEST_JOIN(run, _enlisted) = tandem_test::enlist(name, &run, extra); \
    TEST_CASE(name, tags) {                                                                 \
        std::set<std::string> kinds;                                                        \
        tandem_test::sweep_scenario(&run, extra, 8, kinds);                                 \
        CHECK(TANDEM_TEST_JOIN(run, _enlisted));                                            \
    }
