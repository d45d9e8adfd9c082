// tandem - what dead letters say of an item: why it was given up, and how often the function was called for
// it SPDX-License-Identifier: BSL-1.0
#include <tandem/pipeline/pipeline.hpp>

#include <optional>
#include <string>

#include "pipeline_probes.hpp"

using namespace tandem_test;

namespace {

using letters = tandem::queue<tandem::dead_item<int>>;

tandem::task<int> take_an_hour(int v) {
    co_await tandem::sleep(1h);
    co_return v;
}

}  // namespace

TANDEM_TEST("dead letters: an item that a limiter would grant too late was refused, and nothing was called",
            "[pipeline][virtual]") {
    letters dead(10);
    auto limiter = tandem::rate_limiter::window(1, 1s);
    auto line = tandem::pipeline("late", numbers(2))
                    .io("a", pass, stage_options().limit(limiter).item_deadline(10ms).dead_letter(dead))
                    .sink("b", forget);
    const tandem::pipeline_report r = co_await line.run();
    CHECK(r.stored == 1);
    REQUIRE(dead.size() == 1);
    const tandem::dead_item<int> letter = dead.get_nowait();
    CHECK(letter.item() == 1);
    CHECK(letter.reason() == tandem::dead_reason::rejected);
    CHECK(letter.attempts() == 0);
    CHECK(
        letter.message() ==
        "tandem::rate_limiter::acquire: the grant would come 990 ms after the deadline; allow more time, or "
        "ask for less");
    CHECK(tandem::this_task::loop().now().time_since_epoch() == 0s);
    check_books(r);
}

TANDEM_TEST("dead letters: the call that ran when the item became too old counts as well",
            "[pipeline][virtual]") {
    letters dead(10);
    auto line = tandem::pipeline("late", numbers(1))
                    .io("a", take_an_hour,
                        stage_options()
                            .retry(tandem::retry_policy().attempt_timeout(10ms).base(0s).attempts(9))
                            .item_deadline(25ms)
                            .dead_letter(dead))
                    .sink("b", forget);
    const tandem::pipeline_report r = co_await line.run();
    REQUIRE(dead.size() == 1);
    const tandem::dead_item<int> letter = dead.get_nowait();
    CHECK(letter.reason() == tandem::dead_reason::deadline);
    CHECK(letter.attempts() == 3);
    CHECK(letter.history().size() == 2);  // those that ended
    CHECK(letter.elapsed() == 25ms);
    check_books(r);
}

TANDEM_TEST("dead letters: attempts are of this item, not of the one before in its slot",
            "[pipeline][virtual]") {
    letters dead(10);
    const auto fail_twos = [](const int& v) -> tandem::task<int> {
        if (v % 2 == 0) throw oops();
        co_return v;
    };
    auto line =
        tandem::pipeline("slots", numbers(6))
            .io("a", fail_twos,
                stage_options().retry(tandem::retry_policy().attempts(4)).dead_letter(dead).concurrency(2))
            .sink("b", forget);
    const tandem::pipeline_report r = co_await line.run();
    CHECK(r.dead == 3);
    while (const std::optional<tandem::dead_item<int>> letter = dead.try_get()) {
        CHECK(letter->attempts() == 4);
        CHECK(letter->history().size() == 4);
    }
    check_books(r);
}

TANDEM_TEST("dead letters: a queue for them that was shut down ends the run, and no item gets lost unseen",
            "[pipeline][virtual]") {
    letters dead(10);
    dead.shutdown();
    const auto fail = [](int) -> tandem::task<int> {
        throw oops();
        co_return 0;
    };
    auto line = tandem::pipeline("shut", numbers(3))
                    .io("a", fail, stage_options().dead_letter(dead))
                    .sink("b", forget);
    const std::exception_ptr error = co_await error_of(line.run());
    CHECK(text_of(error) ==
          "tandem::exception_group: 1 exception, the first: tandem::queue::put: the queue was shut down; put "
          "before shutdown()");
    CHECK(line.snapshot().abandoned == line.snapshot().taken);
    check_books(line.snapshot());
}
