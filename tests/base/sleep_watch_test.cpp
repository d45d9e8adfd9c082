// tandem - tests of what a loop does before it sleeps, and of waiting awake
// SPDX-License-Identifier: BSL-1.0
#include <tandem/base/detail/sleep_watch.hpp>

#include <cstdint>
#include <deque>
#include <string>

#include "support/catch.hpp"

using tandem::detail::late_call;
using tandem::detail::linger;
using tandem::detail::sleep_watch;

namespace {

class noted_call final : public late_call {
public:
    noted_call(std::string& to, char name) : late_call(&noted_call::call), to_(to), name_(name) {}

private:
    static void call(late_call& self) noexcept {
        noted_call& mine = static_cast<noted_call&>(self);
        mine.to_ += mine.name_;
    }
    std::string& to_;
    char name_;
};

/// A clock that moves by 100 ns for each look at it.
class slow_clock {
public:
    std::int64_t operator()() noexcept { return now_ += 100; }

private:
    std::int64_t now_ = 0;
};

}  // namespace

TEST_CASE("sleep_watch: late calls come before the sleep, once, in order, unless they are forgotten",
          "[base][virtual]") {
    sleep_watch watch;
    std::string said;
    noted_call a(said, 'a');
    noted_call b(said, 'b');
    noted_call c(said, 'c');
    watch.call_late(a);
    watch.call_late(b);
    watch.call_late(c);
    watch.forget(b);
    watch.forget(b);
    watch.before_sleep();
    CHECK(said == "ac");
    watch.before_sleep();
    watch.forget(a);
    CHECK(said == "ac");
    watch.call_late(a);
    watch.before_sleep();
    CHECK(said == "aca");
}

TEST_CASE("sleep_watch: late calls of a loop that never sleeps come after four turns", "[base][virtual]") {
    sleep_watch watch;
    std::string said;
    noted_call a(said, 'a');
    noted_call b(said, 'b');
    watch.call_late(a);
    watch.after_turn();
    watch.call_late(b);
    for (int i = 0; i < 2; ++i) watch.after_turn();
    CHECK(said.empty());
    watch.after_turn();
    CHECK(said == "a");
    watch.after_turn();
    CHECK(said == "ab");
}

TEST_CASE("sleep_watch: a loop that expects nothing does not wait awake", "[base][virtual]") {
    sleep_watch watch;
    slow_clock clock;
    int looks = 0;
    const auto never_comes = [&looks] {
        ++looks;
        return false;
    };
    CHECK_FALSE(watch.comes_soon(never_comes, clock));
    CHECK(looks == 0);
    watch.expect_soon();
    CHECK_FALSE(watch.comes_soon(never_comes, clock));
    CHECK(looks > 0);
    const int after_first = looks;
    for (int i = 0; i < 10; ++i) CHECK_FALSE(watch.comes_soon(never_comes, clock));
    CHECK(looks == after_first);  // once for each thing that is expected
}

TEST_CASE("linger: ends after a moment; who waits in vain four times does so one time in 64",
          "[base][virtual]") {
    linger l;
    slow_clock clock;
    int waits = 0;
    for (int i = 0; i < 4 + 640; ++i) {
        if (!l.worthwhile()) continue;
        ++waits;
        CHECK_FALSE(linger::wait([] { return false; }, [&] { return clock(); }));
        l.note(false);
    }
    CHECK(waits == 4 + 10);
    l.note(linger::wait([] { return true; }, [&] { return clock(); }));
    CHECK(l.worthwhile());
}
