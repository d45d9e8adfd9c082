// tandem - random trees of combinators, held against a model of what they promise
// SPDX-License-Identifier: BSL-1.0
#include <cstdint>
#include <string>
#include <vector>

#include <tandem/base/exception_group.hpp>
#include <tandem/tasks/as_completed.hpp>
#include <tandem/tasks/create_task.hpp>
#include <tandem/tasks/finally.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/race.hpp>
#include <tandem/tasks/shield.hpp>
#include <tandem/tasks/task_group.hpp>
#include <tandem/tasks/timeout.hpp>

#include "support/probes.hpp"
#include "support/tandem_test.hpp"

#include "combinator_model.hpp"

using tandem::task;
using tandem_test::oops;

namespace {

using namespace tandem_test::model;

task<std::string> run(const node& n);

std::string told(const tandem::outcome<std::string>& o);

/// Exceptions as text: their nesting and order count.
std::string text(const std::exception_ptr& e) {
    try {
        std::rethrow_exception(e);
    } catch (const tandem::exception_group& group) {
        std::string all = "g[";
        for (const std::exception_ptr& member : group.exceptions()) all += text(member) + ",";
        return all + "]";
    } catch (const tandem::timeout_error&) {
        return "timeout";
    } catch (const std::exception& known) {
        return known.what();
    }
}
std::string told(const tandem::outcome<std::string>& o) {
    return o.was_cancelled() ? "-" : o.has_value() ? o.value() : text(o.exception());
}
std::string told(const std::vector<tandem::outcome<std::string>>& outcomes) {
    std::string all = "{";
    for (const auto& o : outcomes) all += told(o) + ",";
    return all + "}";
}

std::vector<task<std::string>> all_of(const node& n) {
    std::vector<task<std::string>> tasks;
    for (const node& child : n.children) tasks.push_back(run(child));
    return tasks;
}

task<std::string> run_caught(const node& n) {
    std::string error;
    try {
        co_return co_await run(n.children[0]);
    } catch (...) {
        error = text(std::current_exception());
    }
    co_await tandem::sleep(std::chrono::nanoseconds(n.time));
    co_return joined("caught ", error);
}
task<> end_after(std::chrono::nanoseconds time, tandem::task_group& group) {
    co_await tandem::sleep(time);
    group.cancel();
}
task<std::string> run_group(const node& n) {
    co_return co_await tandem::with_task_group([&n](tandem::task_group& group) -> task<std::string> {
        if (n.what == kind::ended_group)
            group.create_task(end_after(std::chrono::nanoseconds(n.time), group));
        for (std::size_t i = 1; i < n.children.size(); ++i) group.create_task(run(n.children[i]));
        co_return co_await run(n.children[0]);
    });
}
task<std::string> run_supervisor(const node& n) {
    const auto failures = co_await tandem::with_supervisor([&n](tandem::task_group& group) -> task<> {
        for (std::size_t i = 1; i < n.children.size(); ++i) group.create_task(run(n.children[i]));
        co_await run(n.children[0]);
    });
    std::string all = "s[";
    for (const std::exception_ptr& e : failures) all += text(e) + ",";
    co_return all + "]";
}
task<std::string> run_as_completed(const node& n) {
    std::string all = "a[";
    std::size_t count = 0;
    const auto note = [&](std::size_t index, tandem::outcome<std::string> o) {
        all += joined(std::to_string(index), told(o)) + ",";
        return ++count < enough(n);
    };
    auto tasks = all_of(n);
    co_await tandem::as_completed(std::move(tasks), note);
    co_return all + "]";
}

task<std::string> run(const node& n) {
    const std::chrono::nanoseconds time(n.time);
    auto tasks =
        n.what == kind::sequence || n.what == kind::cleanup || n.what == kind::caught || n.what >= kind::group
            ? std::vector<task<std::string>>()
            : all_of(n);
    switch (n.what) {
        case kind::sleep:
            co_await tandem::sleep(time);
            co_return numbered("v", n.id);
        case kind::fail:
            co_await tandem::sleep(time);
            throw oops(numbered("e", n.id));
        case kind::sequence: {
            co_await run(n.children[0]);
            co_return co_await run(n.children[1]);
        }
        case kind::caught:
            co_return co_await run_caught(n);
        case kind::gather: {
            const auto values = co_await tandem::gather(std::move(tasks));
            std::string all = "[";
            for (const std::string& value : values) all += value + ",";
            co_return all + "]";
        }
        case kind::outcomes: {
            const auto outcomes = co_await tandem::gather(tandem::return_exceptions, std::move(tasks));
            co_return told(outcomes);
        }
        case kind::within: {
            const auto outcomes = co_await tandem::gather(tandem::within(time), std::move(tasks));
            co_return told(outcomes);
        }
        case kind::limited: {
            const auto outcomes =
                co_await tandem::gather(tandem::limit(1), tandem::return_exceptions, std::move(tasks));
            co_return told(outcomes);
        }
        case kind::race: {
            auto winner = co_await tandem::race(std::move(tasks));
            co_return joined(numbered("r", winner.index()), winner.value());
        }
        case kind::any_success:
            co_return co_await tandem::any_success(std::move(tasks));
        case kind::timeout:
            co_return co_await tandem::timeout(time, std::move(tasks[0]));
        case kind::move_on: {
            const auto value = co_await tandem::move_on_after(time, std::move(tasks[0]));
            co_return joined("m", value.value_or("-"));
        }
        case kind::shield:
            co_return co_await tandem::shield(std::move(tasks[0]));
        case kind::cleanup: {
            const auto clean = [&n]() -> task<std::string> { return run(n.children[1]); };
            co_return co_await tandem::finally(run(n.children[0]), clean);
        }
        case kind::group:
        case kind::ended_group:
            co_return co_await run_group(n);
        case kind::handle: {
            const auto h = tandem::create_task(run(n.children[0]));
            co_return co_await h;
        }
        case kind::supervisor:
            co_return co_await run_supervisor(n);
        case kind::as_completed:
            co_return co_await run_as_completed(n);
    }
    co_return "";
}

task<> compare(const node& tree, std::int64_t stop) {
    const auto start = tandem::this_task::loop().now();
    tandem::this_task::loop().on_unhandled([](const tandem::unhandled_error&) {});
    auto h = tandem::create_task(run(tree));
    auto canceller =
        tandem::this_task::loop().call_later(std::chrono::nanoseconds(stop), [&h] { h.cancel(); });
    const std::exception_ptr error = co_await tandem_test::error_of(h);
    canceller.cancel();
    const auto took = std::chrono::nanoseconds(tandem::this_task::loop().now() - start).count();

    const ending expected = model(tree, 0, stop);
    const std::string seen = h.cancelled() ? "" : error ? text(error) : h.result();
    CHECK(h.cancelled() == expected.is(how::stopped));
    CHECK(static_cast<bool>(error) == !expected.is(how::value));
    CHECK(took == expected.when);
    if (!expected.is(how::stopped)) CHECK(seen == expected.text);
}

}  // namespace

TEST_CASE("combinators: random trees of all of them, cancelled or not, end as promised and when promised",
          "[tasks][virtual][model]") {
    const auto frames_before = tandem::detail::live_frames;
    for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
        grower random(seed);
        const node tree = random.grow(1 + random.below(5));
        const std::int64_t stop = random.below(3) == 0 ? never : random.time() * (1 + random.below(3));
        INFO("seed " << seed << ", stop at " << stop << ": " << print(tree));
        tandem::testing::run_virtual(compare(tree, stop), tandem::testing::virtual_options().seed(seed));
    }
    CHECK(tandem::detail::live_frames == frames_before);
}
