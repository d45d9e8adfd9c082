// quest - the agent: asks several sources, works on what they say, answers within a budget of time
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <tandem/core/task.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "answer.hpp"
#include "reading.hpp"
#include "work_log.hpp"

namespace quest {

using seconds = std::chrono::duration<double>;

/// How it went with a source.
enum class ending {
    waiting,  ///< asked, or about to be
    working,  ///< its text is being read
    answered,
    timeout,  ///< it took longer than a call may take
    error,
    budget,      ///< the time of the whole run was up
    not_needed,  ///< others had agreed before
};
const char* to_string(ending how) noexcept;

/// What is known of a source so far. It lives outside of the budget, so whatever was written before the
/// time was up is still there.
class source_slot {
public:
    explicit source_slot(std::string title) : name(std::move(title)) {}
    bool open() const noexcept { return how == ending::waiting || how == ending::working; }

    std::string name;
    ending how = ending::waiting;
    std::string error;
    std::string note;  ///< what else is worth knowing: "hedged", "cut after 3 events"
    int attempts = 0;
    tandem::time_point start;  ///< of the run; the next four count from there
    seconds asked{};
    seconds head{};  ///< when its answer began; zero if it is not known
    seconds received{};
    seconds done{};
    seconds cpu{};       ///< of its work, on all workers
    seconds occupied{};  ///< for how long its work had a worker: the same, unless others had the core
    std::optional<text::digest> found;
};

/// What the agent can do; the schedules below decide when.
class agent_tools {
public:
    virtual ~agent_tools() = default;

    virtual std::vector<std::string> sources() const = 0;
    /// Asks a source; counts attempts in its slot, and may keep there what came before an error.
    virtual tandem::task<std::string> fetch(std::size_t source, source_slot& slot) = 0;
    /// Works on a text, in parts that all workers share.
    virtual tandem::task<text::digest> read_in_parts(std::size_t source, std::string text) = 0;
    /// The same as one job on one worker.
    virtual tandem::task<text::digest> read_as_one(std::size_t source, std::string text) = 0;
    virtual tandem::task<text::answer> conclude(std::vector<const text::digest*> found) = 0;
    /// Whether two digests answer alike; for the quorum.
    virtual bool agree(const text::digest& a, const text::digest& b) const = 0;

    virtual std::size_t workers() const = 0;
    /// What the workers did since the last call.
    virtual std::vector<work_log::entry> take_work() = 0;
};

enum class schedule {
    one_after_the_other,
    barrier,           ///< all texts first, then one job for each of them
    overlapped_whole,  ///< one job for each text, as soon as it is there
    overlapped,        ///< the same in parts: no worker rests while there is work
};

class agent_limits {
public:
    agent_limits() {}
    agent_limits& call(tandem::duration longest) noexcept { return call_ = longest, *this; }
    agent_limits& budget(tandem::duration all) noexcept { return budget_ = all, *this; }
    /// Ends the run when so many sources have answered alike; 0 waits for all.
    agent_limits& quorum(std::size_t sources) noexcept { return quorum_ = sources, *this; }

    tandem::duration call() const noexcept { return call_; }
    tandem::duration budget() const noexcept { return budget_; }
    std::size_t quorum() const noexcept { return quorum_; }

private:
    tandem::duration call_ = std::chrono::seconds(5);
    tandem::duration budget_ = std::chrono::seconds(15);
    std::size_t quorum_ = 0;
};

/// Always complete: each source has an ending, also where the answer is partial.
class agent_report {
public:
    agent_report() {}
    std::size_t answered() const noexcept;
    bool partial() const noexcept { return answered() != slots.size(); }
    /// "2 of 3 sources answered in 5.00 s (budget 15 s, 2 workers); archive: timeout after 5.0 s"
    std::string last_line() const;

    std::vector<source_slot> slots;
    text::answer answer;
    tandem::time_point start;
    seconds elapsed{};
    seconds first_result{};  ///< when the first source was done; zero if none was
    seconds budget{};
    seconds cpu{};
    std::size_t workers = 0;
    std::size_t workers_used = 0;  ///< the most that were seen at work at one time
    std::vector<work_log::entry> work;
};

/// Asks all sources. A source that fails does not stop the others.
/// Cancellation: requests and jobs are cancelled and joined.
/// Errors: only of the agent's own: the sources' are in their slots.
tandem::task<agent_report> run_agent(agent_tools& tools, schedule how, agent_limits limits);

}  // namespace quest
