// tandem - tests of this_task and task_local
// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/this_task.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <tandem/core/context.hpp>
#include <tandem/core/sleep.hpp>
#include <tandem/tasks/create_task.hpp>
#include <tandem/tasks/finally.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/race.hpp>
#include <tandem/tasks/shield.hpp>
#include <tandem/tasks/task_group.hpp>
#include <tandem/tasks/timeout.hpp>

#include "support/tandem_test.hpp"

using namespace std::chrono_literals;
using tandem::task;
namespace this_task = tandem::this_task;

namespace {

tandem::task_local<int> number{1};
tandem::task_local<std::string> label{"none"};

template <class F>
std::string text_of(F call) {
    try {
        call();
    } catch (const tandem::invalid_state_error& e) {
        return e.what();
    }
    return "no error";
}

task<std::string> name_here() { co_return this_task::name(); }
task<std::uint64_t> id_here() { co_return this_task::id(); }
task<int> number_here() { co_return number.get(); }
task<> sets(int v) {
    number.set(v);
    co_await this_task::checkpoint();
    CHECK(number.get() == v);
}

}  // namespace

TEST_CASE("this_task: outside of a task it is an invalid_state_error", "[core][this_task][virtual]") {
    const std::string rest = ": no task is running here; call it from a task of a running loop";
    CHECK(text_of([] { this_task::id(); }) == "tandem::this_task::id" + rest);
    CHECK(text_of([] { this_task::name(); }) == "tandem::this_task::name" + rest);
    CHECK(text_of([] { this_task::set_name("x"); }) == "tandem::this_task::set_name" + rest);
    CHECK(text_of([] { this_task::stop_requested(); }) == "tandem::this_task::stop_requested" + rest);
    CHECK(text_of([] { this_task::loop(); }) == "tandem::this_task::loop" + rest);
    CHECK(text_of([] { this_task::deadline(); }) == "tandem::this_task::deadline" + rest);
    CHECK(text_of([] { number.set(2); }) == "tandem::task_local::set" + rest);
    CHECK(number.get() == 1);
}

TANDEM_TEST("this_task: in a callback of the loop there is no task", "[core][this_task][virtual]") {
    std::string text;
    this_task::loop().call_soon([&text] { text = text_of([] { this_task::id(); }); });
    co_await this_task::checkpoint();
    co_await this_task::checkpoint();
    CHECK(text.find("this_task::id: no task is running here") != std::string::npos);
}

TANDEM_TEST("this_task: names and ids", "[core][this_task][virtual]") {
    CHECK(this_task::name() == "main");
    const std::uint64_t mine = this_task::id();
    CHECK(this_task::id() == mine);
    const std::string same = co_await name_here();
    CHECK(same == "main");
    auto named = tandem::create_task(name_here(), "worker");
    auto unnamed = tandem::create_task(name_here());
    const std::string first = co_await named;
    const std::string second = co_await unnamed;
    CHECK(first == "worker");
    CHECK(second.rfind("task-", 0) == 0);
    CHECK(named.name() == "worker");
    CHECK(unnamed.name() == second);
    CHECK(named.id() != unnamed.id());
    this_task::set_name("renamed, and longer than it was before");
    CHECK(this_task::name() == "renamed, and longer than it was before");
    CHECK(this_task::id() == mine);
    this_task::set_name("");
    CHECK(this_task::name().empty());
}

namespace {

/// Notes which task it goes in, as a span or a line of a log would.
class goodbye {
public:
    explicit goodbye(std::string& to) : to_(&to) {}
    goodbye(goodbye&& other) noexcept : to_(std::exchange(other.to_, nullptr)) {}
    goodbye& operator=(goodbye&&) = delete;
    ~goodbye() {
        if (!to_) return;
        const std::string text = text_of([this] { *to_ += this_task::name() + ' ' + label.get(); });
        *to_ += text == "no error" ? "; " : "no task " + label.get() + "; ";
    }

private:
    std::string* to_;
};

task<> parks(std::string& to, const char* value) {
    label.set(value);
    const goodbye last(to);
    co_await tandem::sleep(1h);
}
task<> takes(goodbye, const char* value) {
    label.set(value);
    co_return;
}

}  // namespace

TANDEM_TEST("this_task: the locals of a cancelled task know its name and its values as they go",
            "[core][this_task][virtual]") {
    std::string log;
    auto kept = tandem::create_task(parks(log, "a"), "kept");
    auto unnamed = tandem::create_task(parks(log, "b"));
    const std::string numbered = unnamed.name();
    co_await this_task::checkpoint();
    kept.cancel();
    unnamed.cancel();
    co_await this_task::checkpoint();
    CHECK(log == "kept a; " + numbered + " b; ");
    CHECK(unnamed.name() == numbered);
    CHECK(kept.name() == "kept");
    log.clear();
    co_await tandem::with_task_group([&log](tandem::task_group& group) -> task<> {
        group.create_task(parks(log, "d"), "child");
        co_await this_task::checkpoint();
        group.cancel();
    });
    CHECK(log == "child d; ");
    log.clear();
    const auto moved_on = co_await tandem::move_on_after(1s, parks(log, "e"));
    CHECK_FALSE(moved_on.has_value());
    CHECK(log == "main e; ");
}

TANDEM_TEST("this_task: the parameters of a task that has ended go outside of it",
            "[core][this_task][virtual]") {
    std::string log;
    { tandem::create_task(takes(goodbye(log), "a"), "named"); }
    { tandem::create_task(takes(goodbye(log), "b")); }
    auto kept = tandem::create_task(takes(goodbye(log), "c"), "kept");
    auto never = tandem::create_task(takes(goodbye(log), "d"), "never");
    never.cancel();
    co_await this_task::checkpoint();
    CHECK(log == "no task none; no task none; no task none; no task none; ");
    log.clear();
    co_await takes(goodbye(log), "mine");  // one that is awaited is part of this task
    CHECK(log == "main mine; ");
}

TANDEM_TEST("this_task: every task has an id of its own, bodies of scopes have their task's",
            "[core][this_task][virtual]") {
    std::vector<task<std::uint64_t>> children;
    for (int i = 0; i < 50; ++i) children.push_back(id_here());
    const auto ids = co_await tandem::gather(std::move(children));
    CHECK(std::set<std::uint64_t>(ids.begin(), ids.end()).size() == 50);
    const std::uint64_t mine = this_task::id();
    const std::uint64_t in_timeout = co_await tandem::timeout(1s, id_here());
    const std::uint64_t in_shield = co_await tandem::shield(id_here());
    const std::uint64_t in_finally = co_await tandem::finally(id_here(), []() -> task<> { co_return; });
    const std::uint64_t in_body = co_await tandem::with_task_group(
        [](tandem::task_group&) -> task<std::uint64_t> { co_return this_task::id(); });
    CHECK(in_timeout == mine);
    CHECK(in_shield == mine);
    CHECK(in_finally == mine);
    CHECK(in_body == mine);
}

TANDEM_TEST("this_task: stop_requested is true once cancelled, false inside a shield",
            "[core][this_task][virtual]") {
    std::vector<bool> seen;
    const auto child = [](std::vector<bool>& to) -> task<> {
        to.push_back(this_task::stop_requested());
        const auto inside = [](std::vector<bool>& log) -> task<> {
            co_await tandem::sleep(1s);
            log.push_back(this_task::stop_requested());
        };
        co_await tandem::shield(inside(to));
        to.push_back(this_task::stop_requested());
        co_await this_task::checkpoint();
        to.push_back(true);
    };
    auto handle = tandem::create_task(child(seen));
    co_await this_task::checkpoint();
    handle.cancel();
    co_await tandem::sleep(2s);
    CHECK(seen == std::vector<bool>{false, false, true});
    CHECK_FALSE(this_task::stop_requested());
}

TANDEM_TEST("this_task: a deadline at either end of time", "[core][this_task][virtual]") {
    co_await tandem::sleep(1h);
    const auto asks = [](tandem::duration& left) -> task<> {
        left = this_task::remaining();
        co_await tandem::sleep(1s);
    };
    auto left = tandem::duration::min();
    bool timed_out = false;
    try {
        co_await tandem::deadline(tandem::time_point::min() + 1ns, asks(left));
    } catch (const tandem::timeout_error&) {
        timed_out = true;
    }
    CHECK(timed_out);
    CHECK(left == tandem::duration::zero());
    co_await tandem::deadline(tandem::time_point::max(), asks(left));
    CHECK(left == tandem::duration::max());
    co_await tandem::deadline(tandem::time_point::max() - 1ns, asks(left));
    CHECK(left == tandem::duration::max() - 1ns - 1h - 1s);
}

TANDEM_TEST("this_task: deadline is the earliest around, remaining counts down",
            "[core][this_task][virtual]") {
    CHECK_FALSE(this_task::deadline().has_value());
    CHECK(this_task::remaining() == tandem::duration::max());
    const auto inner = []() -> task<> {
        CHECK(this_task::remaining() == 5s);
        co_await tandem::sleep(2s);
        CHECK(this_task::remaining() == 3s);
        CHECK(this_task::deadline()->time_since_epoch() == 5s);
        const auto shielded = []() -> task<> {
            CHECK_FALSE(this_task::deadline().has_value());
            co_return;
        };
        co_await tandem::shield(shielded());
        const auto shorter = []() -> task<> {
            CHECK(this_task::remaining() == 1s);
            co_return;
        };
        co_await tandem::timeout(1s, shorter());
        const auto longer = []() -> task<> {
            CHECK(this_task::remaining() == 3s);
            co_return;
        };
        co_await tandem::timeout(1h, longer());
        const auto in_child = []() -> task<> {
            co_await this_task::checkpoint();
            CHECK(this_task::remaining() == 3s);
        };
        co_await tandem::gather(in_child(), in_child());
    };
    co_await tandem::timeout(1h, tandem::deadline(tandem::time_point(5s), inner()));
}

// ---- task_local

TANDEM_TEST("task_local: the initial value until it is set, then what was set",
            "[core][task_local][virtual]") {
    CHECK(number.get() == 1);
    CHECK(label.get() == "none");
    number.set(2);
    CHECK(number.get() == 2);
    const int below = co_await number_here();
    CHECK(below == 2);
    number.set(3);
    CHECK(number.get() == 3);
    CHECK(label.get() == "none");
}

TANDEM_TEST("task_local: children inherit, parent and siblings do not see what they set",
            "[core][task_local][virtual]") {
    number.set(10);
    co_await tandem::gather(sets(11), sets(12), sets(13));
    CHECK(number.get() == 10);
    auto child = tandem::create_task(number_here());
    number.set(20);
    const int inherited = co_await child;
    CHECK(inherited == 10);  // set after it was created
    co_await tandem::race(sets(14), sets(15));
    CHECK(number.get() == 20);
    co_await tandem::with_task_group([](tandem::task_group& group) -> task<> {
        group.create_task(sets(21));
        number.set(22);
        auto h = group.create_task(number_here());
        const int v = co_await h;
        CHECK(v == 22);
    });
    CHECK(number.get() == 22);  // a group's body is part of the task
}

TANDEM_TEST("task_local: timeout, shield and finally share the task's values",
            "[core][task_local][virtual]") {
    co_await tandem::timeout(1s, sets(5));
    CHECK(number.get() == 5);
    co_await tandem::shield(sets(6));
    CHECK(number.get() == 6);
    co_await tandem::finally(sets(7), [] { return sets(8); });
    CHECK(number.get() == 8);
}

TANDEM_TEST("task_local: setting in a loop does not pile up", "[core][task_local][virtual]") {
    number.set(0);
    const auto before = tandem::detail::live_frames;
    for (int i = 0; i < 1000; ++i) number.set(i);
    CHECK(tandem::detail::live_frames == before);
    label.set("x");
    for (int i = 0; i < 1000; ++i) {
        number.set(i);
        label.set("y");
    }
    CHECK(tandem::detail::live_frames <= before + 1);
    CHECK(number.get() == 999);
    co_return;
}

TEST_CASE("task_local: values are destroyed with the last task that sees them",
          "[core][task_local][virtual]") {
    static tandem::task_local<std::shared_ptr<int>> shared;
    const auto token = std::make_shared<int>(1);
    const auto body = [](std::shared_ptr<int> value) -> task<> {
        shared.set(std::move(value));
        const auto child = []() -> task<> {
            co_await tandem::sleep(1s);
            CHECK(shared.get().use_count() >= 2);
        };
        tandem::create_task(child());
        co_await tandem::gather(child(), child());
        shared.set(nullptr);
    };
    tandem::testing::run_virtual(body(token));
    CHECK(token.use_count() == 1);
}
