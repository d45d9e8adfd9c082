// SPDX-License-Identifier: BSL-1.0
#include "agent.hpp"

#include <tandem/core/this_task.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/task_group.hpp>
#include <tandem/tasks/timeout.hpp>

#include <algorithm>
#include <cstdio>
#include <exception>

namespace quest {
namespace {

std::string decimal(double value, int digits) {
    char text[32];
    std::snprintf(text, sizeof text, "%.*f", digits, value);
    return text;
}

/// One run: what its tasks share.
class agent_run {
public:
    agent_run(agent_tools& with, agent_limits within, agent_report& into)
        : tools_(with), limits_(within), report_(into) {}

    tandem::task<> one_after_the_other();
    tandem::task<> barrier();
    tandem::task<> overlapped(bool in_parts);
    bool enough() const noexcept { return enough_; }

private:
    enum class reading_style { as_one, in_parts };

    source_slot& slot(std::size_t source) { return report_.slots[source]; }
    seconds now() const { return tandem::this_task::loop().now() - report_.start; }

    tandem::task<std::string> call(std::size_t source);
    tandem::task<> fetch(std::size_t source, std::string& text);
    tandem::task<> read(std::size_t source, std::string text, reading_style how);
    tandem::task<> ask(std::size_t source, reading_style how);
    void fail(source_slot& s, ending how, std::string text);
    void answered(source_slot& s, text::digest found);
    void look_for_quorum(const source_slot& latest);

    agent_tools& tools_;
    agent_limits limits_;
    agent_report& report_;
    tandem::task_group* group_ = nullptr;
    bool enough_ = false;
};

void agent_run::fail(source_slot& s, ending how, std::string text) {
    s.how = how;
    s.error = std::move(text);
    s.done = now();
}

void agent_run::answered(source_slot& s, text::digest found) {
    s.found = std::move(found);
    s.how = ending::answered;
    s.done = now();
    if (report_.first_result == seconds(0)) report_.first_result = s.done;
    look_for_quorum(s);
}

void agent_run::look_for_quorum(const source_slot& latest) {
    if (limits_.quorum() == 0 || !group_) return;
    std::size_t alike = 0;
    for (const source_slot& s : report_.slots) alike += s.found && tools_.agree(*s.found, *latest.found);
    if (alike < limits_.quorum()) return;
    enough_ = true;
    group_->cancel();  // what is still asked or worked on is no longer needed
}

// One call of an API. A timeout of its own is told from that of the budget, which passes through here as a
// stop: if both end at the same time the outer one wins.
tandem::task<std::string> agent_run::call(std::size_t source) {
    co_return co_await tandem::timeout(limits_.call(), tools_.fetch(source, slot(source)));
}

// Leaves the text empty if the source has failed.
tandem::task<> agent_run::fetch(std::size_t source, std::string& text) {
    source_slot& s = slot(source);
    s.asked = now();
    try {
        text = co_await call(source);
        s.received = now();
        s.how = ending::working;
    } catch (const tandem::timeout_error&) {
        const seconds after = now() - s.asked;
        fail(s, ending::timeout, "timeout after " + decimal(after.count(), 1) + " s");
    } catch (const std::exception& error) {  // a stop is not an exception: it passes
        fail(s, ending::error, error.what());
    }
}

tandem::task<> agent_run::read(std::size_t source, std::string text, reading_style how) {
    source_slot& s = slot(source);
    try {
        tandem::task<text::digest> reading;
        if (how == reading_style::in_parts) {
            reading = tools_.read_in_parts(source, std::move(text));
        } else {
            reading = tools_.read_as_one(source, std::move(text));
        }
        text::digest found = co_await std::move(reading);
        answered(s, std::move(found));
    } catch (const std::exception& error) {
        fail(s, ending::error, error.what());
    }
}

tandem::task<> agent_run::ask(std::size_t source, reading_style how) {
    std::string text;
    co_await fetch(source, text);
    if (slot(source).how == ending::working) co_await read(source, std::move(text), how);
}

tandem::task<> agent_run::one_after_the_other() {
    for (std::size_t i = 0; i < report_.slots.size(); ++i) co_await ask(i, reading_style::as_one);
}

// The design with two gathers: no work begins before the last text is there.
tandem::task<> agent_run::barrier() {
    std::vector<std::string> texts(report_.slots.size());
    std::vector<tandem::task<>> calls;
    for (std::size_t i = 0; i < texts.size(); ++i) calls.push_back(fetch(i, texts[i]));
    co_await tandem::gather(std::move(calls));
    std::vector<tandem::task<>> jobs;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        if (slot(i).how == ending::working)
            jobs.push_back(read(i, std::move(texts[i]), reading_style::as_one));
    }
    co_await tandem::gather(std::move(jobs));
}

// Each source's work begins in the task that asked it, when its text is there. That is the whole trick.
tandem::task<> agent_run::overlapped(bool in_parts) {
    const reading_style how = in_parts ? reading_style::in_parts : reading_style::as_one;
    co_await tandem::with_task_group([&](tandem::task_group& group) -> tandem::task<> {
        group_ = &group;
        for (std::size_t i = 0; i < report_.slots.size(); ++i) group.create_task(ask(i, how), slot(i).name);
        co_await group.join();
    });
    group_ = nullptr;
}

tandem::task<> run_schedule(agent_run& run, schedule how) {
    switch (how) {
        case schedule::one_after_the_other:
            return run.one_after_the_other();
        case schedule::barrier:
            return run.barrier();
        case schedule::overlapped_whole:
            return run.overlapped(false);
        case schedule::overlapped:
            break;
    }
    return run.overlapped(true);
}

void settle(agent_report& r, bool enough) {
    for (source_slot& s : r.slots) {
        for (const work_log::entry& e : r.work) {
            if (&s - r.slots.data() != static_cast<std::ptrdiff_t>(e.source)) continue;
            s.cpu += e.cpu;
            s.occupied += e.end - e.begin;
        }
        if (!s.open()) continue;
        s.error = enough                     ? "others had agreed"
                  : s.how == ending::working ? "budget, at work"
                                             : "budget, no answer";
        s.how = enough ? ending::not_needed : ending::budget;
        s.done = r.elapsed;
    }
    for (const work_log::entry& e : r.work) r.cpu += e.cpu;
    r.workers_used = most_at_once(r.work);
}

}  // namespace

const char* to_string(ending how) noexcept {
    switch (how) {
        case ending::waiting:
            return "waiting";
        case ending::working:
            return "working";
        case ending::answered:
            return "answered";
        case ending::timeout:
            return "timeout";
        case ending::error:
            return "error";
        case ending::budget:
            return "budget";
        case ending::not_needed:
            return "not needed";
    }
    return "unknown";
}

std::size_t agent_report::answered() const noexcept {
    return static_cast<std::size_t>(std::count_if(
        slots.begin(), slots.end(), [](const source_slot& s) { return s.how == ending::answered; }));
}

std::string agent_report::last_line() const {
    std::string line = std::to_string(answered()) + " of " + std::to_string(slots.size()) +
                       " sources answered in " + decimal(elapsed.count(), 2) + " s (budget " +
                       decimal(budget.count(), budget.count() < 1 ? 2 : 0) + " s, " +
                       std::to_string(workers) + (workers == 1 ? " worker)" : " workers)");
    for (const source_slot& s : slots) {
        if (s.how != ending::answered) line += "; " + s.name + ": " + s.error;
    }
    return line;
}

tandem::task<agent_report> run_agent(agent_tools& tools, schedule how, agent_limits limits) {
    agent_report r;
    for (std::string& name : tools.sources()) r.slots.emplace_back(std::move(name));
    r.start = tandem::this_task::loop().now();
    for (source_slot& s : r.slots) s.start = r.start;
    r.budget = limits.budget();
    r.workers = tools.workers();
    agent_run run(tools, limits, r);
    co_await tandem::move_on_after(limits.budget(), run_schedule(run, how));
    std::vector<const text::digest*> found;
    for (const source_slot& s : r.slots) {
        if (s.found) found.push_back(&*s.found);
    }
    if (!found.empty()) r.answer = co_await tools.conclude(std::move(found));
    r.elapsed = tandem::this_task::loop().now() - r.start;
    r.work = tools.take_work();
    settle(r, run.enough());
    co_return r;
}

}  // namespace quest
