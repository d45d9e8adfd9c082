// tandem - gather(limit(n), range): what has ended when a cancel comes
// SPDX-License-Identifier: BSL-1.0
#include <list>
#include <ranges>
#include <sstream>
#include <vector>

#include <tandem/tasks/create_task.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/shield.hpp>

#include "support/probes.hpp"
#include "support/tandem_test.hpp"

using namespace std::chrono_literals;
using namespace tandem_test;
using tandem::task;

namespace {

/// Has its value in spite of a cancel.
task<int> keeps_on(int v) { co_return co_await tandem::shield(value_after(10ms, v)); }

/// Runs `gather` of what `make` gives, cancelled while its last children run; the results it delivers.
template <class Range>
task<std::vector<int>> cancelled_at(milliseconds when, Range make, std::size_t at_a_time) {
    std::vector<int> delivered;
    const auto body = [](Range from, std::size_t n, std::vector<int>& to) -> task<> {
        to = co_await tandem::gather(tandem::limit(n), from());
        co_await tandem::this_task::checkpoint();
        to.clear();  // it has passed a suspension although it was cancelled
    };
    auto h = tandem::create_task(body, make, at_a_time, std::ref(delivered));
    co_await tandem::sleep(when);
    h.cancel();
    const auto e = co_await error_of(h);
    CHECK(is<tandem::cancelled_error>(e));
    co_return delivered;
}

}  // namespace

TANDEM_TEST("gather: a limited one whose last children run when the cancel comes delivers all results",
            "[tasks][gather][virtual]") {
    const auto tasks = [] {
        std::vector<task<int>> all;
        for (int i = 1; i <= 3; ++i) all.push_back(keeps_on(i));
        return all;
    };
    const auto one_at_a_time = co_await cancelled_at(25ms, tasks, 1);
    CHECK(one_at_a_time == std::vector<int>{1, 2, 3});
    const auto two_at_a_time = co_await cancelled_at(15ms, tasks, 2);
    CHECK(two_at_a_time == std::vector<int>{1, 2, 3});

    static const std::list<int> numbers{4, 5};
    const auto view = [] { return numbers | std::views::transform([](int i) { return keeps_on(i); }); };
    const auto of_a_view = co_await cancelled_at(15ms, view, 1);
    CHECK(of_a_view == std::vector<int>{4, 5});
}

TANDEM_TEST("gather: a limited one with a child left to start when the cancel comes stops",
            "[tasks][gather][virtual]") {
    const auto tasks = [] {
        std::vector<task<int>> all;
        for (int i = 1; i <= 3; ++i) all.push_back(keeps_on(i));
        return all;
    };
    const auto none = co_await cancelled_at(15ms, tasks, 1);
    CHECK(none.empty());
}

TANDEM_TEST("gather: a limited one reads a range that can be read once no further when it is cancelled",
            "[tasks][gather][virtual]") {
    static std::istringstream text;
    text.str("1 2 3");
    text.clear();
    const auto once = [] {
        return std::ranges::istream_view<int>(text) |
               std::views::transform([](int i) { return keeps_on(i); });
    };
    const auto none = co_await cancelled_at(15ms, once, 1);
    CHECK(none.empty());
    int next = 0;
    text >> next;
    CHECK(next == 3);
}
