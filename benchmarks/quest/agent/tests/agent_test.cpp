// The agent on virtual time: its sources sleep, and so do its workers, of which there are as many as a
// semaphore has permits. What is measured is the schedule alone, to the nanosecond.
// SPDX-License-Identifier: BSL-1.0
#include "../agent.hpp"
#include "../bound.hpp"

#include <tandem/core/sleep.hpp>
#include <tandem/sync/semaphore.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/timeout.hpp>

#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include "tandem_test.hpp"

using namespace quest;
using namespace std::chrono_literals;

namespace {

constexpr tandem::duration chunk = 20ms;
constexpr tandem::duration for_ever = 1000h;

class model_source {
public:
    model_source(std::string title, tandem::duration waits, tandem::duration computes)
        : name(std::move(title)), io(waits), cpu(computes) {}
    std::string name;
    tandem::duration io;
    tandem::duration cpu;
    bool throws = false;       ///< instead of an answer
    bool work_throws = false;  ///< in the middle of the work
};

class model_tools final : public agent_tools {
public:
    model_tools(std::vector<model_source> sources, std::size_t workers)
        : sources_(std::move(sources)), workers_(static_cast<std::ptrdiff_t>(workers)), count_(workers) {}

    std::vector<std::string> sources() const override {
        std::vector<std::string> names;
        for (const model_source& s : sources_) names.push_back(s.name);
        return names;
    }
    tandem::task<std::string> fetch(std::size_t source, source_slot& slot) override {
        ++slot.attempts;
        co_await tandem::sleep(sources_[source].io);
        if (sources_[source].throws) throw std::runtime_error("503 Unavailable");
        co_return sources_[source].name;
    }
    tandem::task<text::digest> read_in_parts(std::size_t source, std::string text) override {
        std::vector<tandem::task<>> parts;
        for (tandem::duration left = sources_[source].cpu; left > 0s; left -= chunk)
            parts.push_back(work(chunk));
        co_await tandem::gather(std::move(parts));
        co_return digest_of(source, std::move(text));
    }
    tandem::task<text::digest> read_as_one(std::size_t source, std::string text) override {
        co_await work(sources_[source].cpu);
        co_return digest_of(source, std::move(text));
    }
    tandem::task<text::answer> conclude(std::vector<const text::digest*> found) override {
        text::answer made;
        for (const text::digest* const d : found) made.text += d->source + " ";
        co_return made;
    }
    bool agree(const text::digest& a, const text::digest& b) const override {
        return (a.source == "liar") == (b.source == "liar");
    }
    std::size_t workers() const override { return count_; }
    std::vector<work_log::entry> take_work() override { return {}; }

    tandem::duration worked{};

private:
    tandem::task<> work(tandem::duration time) {
        const auto permit = co_await workers_.acquire();
        co_await tandem::sleep(time);
        worked += time;
    }
    text::digest digest_of(std::size_t source, std::string text) {
        if (sources_[source].work_throws) throw std::runtime_error("a part of the work failed");
        text::digest d;
        d.source = std::move(text);
        return d;
    }

    std::vector<model_source> sources_;
    tandem::semaphore workers_;
    std::size_t count_;
};

std::vector<model_source> three() {
    return {model_source("weather", 2s, 2s), model_source("news", 1500ms, 2s),
            model_source("knowledge_base", 3s, 2s)};
}
std::vector<model_source> six() {
    return {model_source("wiki", 600ms, 900ms),   model_source("papers", 900ms, 800ms),
            model_source("news", 1200ms, 800ms),  model_source("code", 1500ms, 900ms),
            model_source("forum", 1800ms, 800ms), model_source("archive", 1500ms, 800ms)};
}
std::vector<model_source> three_that_hang() {
    return {model_source("a", for_ever, 0s), model_source("b", for_ever, 0s),
            model_source("c", for_ever, 0s)};
}

tandem::task<agent_report> run(std::vector<model_source> sources, std::size_t workers, schedule how,
                               agent_limits limits = agent_limits()) {
    model_tools tools(std::move(sources), workers);
    co_return co_await run_agent(tools, how, limits);
}
tandem::task<double> time_of(std::vector<model_source> sources, std::size_t workers, schedule how) {
    const agent_report r = co_await run(std::move(sources), workers, how);
    CHECK(!r.partial());
    co_return r.elapsed.count();
}
seconds bound_of(const std::vector<model_source>& sources, std::size_t workers) {
    std::vector<arriving_work> work;
    for (const model_source& s : sources) work.emplace_back(s.io, s.cpu);
    return least_time(work, workers);
}

class cell {
public:
    cell(std::size_t m, double whole_barrier, double whole_overlapped, double best)
        : workers(m), barrier(whole_barrier), overlapped_whole(whole_overlapped), bound(best) {}
    std::size_t workers;
    double barrier;
    double overlapped_whole;
    double bound;
};

}  // namespace

TANDEM_TEST("agent: takes the time of the model in each schedule and with 1, 2, 4 and 8 workers", "[agent]") {
    for (const cell c :
         {cell(1, 9, 7.5, 7.5), cell(2, 7, 5.5, 4.5), cell(4, 5, 5, 3.5), cell(8, 5, 5, 3.25)}) {
        const double one = co_await time_of(three(), c.workers, schedule::one_after_the_other);
        const double barrier = co_await time_of(three(), c.workers, schedule::barrier);
        const double whole = co_await time_of(three(), c.workers, schedule::overlapped_whole);
        const double split = co_await time_of(three(), c.workers, schedule::overlapped);
        CHECK(one == 12.5);
        CHECK(barrier == c.barrier);
        CHECK(whole == c.overlapped_whole);
        CHECK(bound_of(three(), c.workers).count() == c.bound);
        CHECK(split >= c.bound);
        CHECK(split <= c.bound + 0.02 * (1 - 1 / static_cast<double>(c.workers)) + 1e-9);
    }
}

TANDEM_TEST("agent: with six sources the overlapped schedule is within one part of its bound", "[agent]") {
    const double sequential = co_await time_of(six(), 2, schedule::one_after_the_other);
    CHECK(std::abs(sequential - 12.5) < 1e-9);
    for (const cell c :
         {cell(1, 6.8, 5.6, 5.6), cell(2, 0, 0, 3.1), cell(4, 0, 0, 2.125), cell(8, 0, 0, 1.9)}) {
        const double split = co_await time_of(six(), c.workers, schedule::overlapped);
        CHECK(std::abs(bound_of(six(), c.workers).count() - c.bound) < 1e-9);
        CHECK(split >= c.bound - 1e-9);
        CHECK(split <= c.bound + 0.02 + 1e-9);
    }
}

TANDEM_TEST("agent: a source that hangs ends at its own limit, and the answer has the others", "[agent]") {
    std::vector<model_source> sources = three();
    sources[2].io = for_ever;
    const agent_report r = co_await run(sources, 2, schedule::overlapped);
    CHECK(r.elapsed == 5s);
    CHECK(r.partial());
    CHECK(r.answered() == 2);
    CHECK(r.slots[2].how == ending::timeout);
    CHECK(r.slots[0].done <= seconds(3.52));
    CHECK(r.answer.text == "weather news ");
    CHECK(r.last_line() ==
          "2 of 3 sources answered in 5.00 s (budget 15 s, 2 workers); knowledge_base: timeout after 5.0 s");
}

TANDEM_TEST("agent: sources that all hang cost one limit at once", "[agent]") {
    const agent_report r = co_await run(three_that_hang(), 2, schedule::overlapped);
    CHECK(r.elapsed == 5s);
    CHECK(r.answered() == 0);
    CHECK(r.answer.empty());
    for (const source_slot& s : r.slots) CHECK(s.how == ending::timeout);
}

TANDEM_TEST("agent: where limit and budget end together it is the budget that is named", "[agent]") {
    const agent_report r = co_await run(three_that_hang(), 2, schedule::one_after_the_other);
    CHECK(r.elapsed == 15s);
    CHECK(r.slots[0].how == ending::timeout);
    CHECK(r.slots[1].how == ending::timeout);
    CHECK(r.slots[2].how == ending::budget);
}

TANDEM_TEST("agent: an error of a source or of its work leaves the others alone", "[agent]") {
    std::vector<model_source> sources = three();
    sources[0].throws = true;
    sources[1].work_throws = true;
    const agent_report r = co_await run(sources, 2, schedule::overlapped);
    CHECK(r.slots[0].how == ending::error);
    CHECK(r.slots[0].error == "503 Unavailable");
    CHECK(r.slots[1].how == ending::error);
    CHECK(r.slots[1].error == "a part of the work failed");
    CHECK(r.slots[2].how == ending::answered);
    CHECK(r.elapsed == 4s);
}

TANDEM_TEST("agent: what is done when the budget ends is kept, the rest says budget", "[agent]") {
    const agent_report r = co_await run(three(), 2, schedule::overlapped, agent_limits().budget(3s));
    CHECK(r.elapsed == 3s);
    CHECK(r.slots[2].how == ending::budget);
    CHECK(r.slots[2].error == "budget, no answer");
    const agent_report later = co_await run(three(), 2, schedule::overlapped, agent_limits().budget(4s));
    CHECK(later.elapsed == 4s);
    CHECK(later.slots[1].how == ending::answered);
    CHECK(later.slots[2].error == "budget, at work");
}

TANDEM_TEST("agent: as the budget grows each source's ending changes once and never back", "[agent]") {
    std::vector<model_source> sources = three();
    sources[2].io = for_ever;
    std::vector<ending> before(3, ending::budget);
    for (auto budget = 0ms; budget <= 16s; budget += 100ms) {
        const agent_report r = co_await run(sources, 2, schedule::overlapped, agent_limits().budget(budget));
        CHECK(r.elapsed <= std::max<seconds>(budget, 0s));
        for (std::size_t i = 0; i < 3; ++i) {
            if (before[i] != ending::budget) CHECK(r.slots[i].how == before[i]);
            before[i] = r.slots[i].how;
        }
    }
    CHECK(before[0] == ending::answered);
    CHECK(before[2] == ending::timeout);
}

TANDEM_TEST("agent: when enough sources agree the rest is not waited for and works no more", "[agent]") {
    std::vector<model_source> sources = three();
    sources.emplace_back("slow", for_ever, 2s);
    model_tools tools(sources, 2);
    const agent_report r = co_await run_agent(tools, schedule::overlapped, agent_limits().quorum(2));
    CHECK(r.answered() == 2);
    CHECK(r.slots[2].how == ending::not_needed);
    CHECK(r.slots[3].how == ending::not_needed);
    CHECK(r.elapsed < 5s);
    const tandem::duration worked = tools.worked;
    co_await tandem::sleep(10s);
    CHECK(tools.worked == worked);
}

TANDEM_TEST("agent: a source that disagrees does not count for the quorum", "[agent]") {
    std::vector<model_source> sources{model_source("liar", 1s, 0s), model_source("a", 2s, 0s),
                                      model_source("b", 3s, 0s)};
    const agent_report r = co_await run(sources, 2, schedule::overlapped, agent_limits().quorum(2));
    CHECK(r.elapsed == 3s);
    CHECK(r.answered() == 3);
}

TANDEM_TEST("agent: no source at all is an empty report", "[agent]") {
    const agent_report r = co_await run({}, 2, schedule::overlapped);
    CHECK(r.answered() == 0);
    CHECK(!r.partial());
    CHECK(r.last_line() == "0 of 0 sources answered in 0.00 s (budget 15 s, 2 workers)");
}

TANDEM_TEST("agent: a cancelled run stops at once and leaves nothing behind", "[agent]") {
    for (auto after = 0ms; after < 5s; after += 250ms) {
        const auto start = tandem::this_task::loop().now();
        const auto r = co_await tandem::move_on_after(after, run(three(), 2, schedule::overlapped));
        CHECK(r.has_value() == (after > 4500ms));
        CHECK(tandem::this_task::loop().now() - start <= after);
    }
}
