// Limits on time, and how to keep out of their way what must not be interrupted.
// SPDX-License-Identifier: BSL-1.0
// expect: ^saved, then closed$
#include <tandem/tandem.hpp>

#include <chrono>
#include <iostream>
#include <optional>
#include <string>

#include "check.hpp"

using namespace std::chrono_literals;

tandem::task<std::string> fetch(std::chrono::milliseconds delay) {
    co_await tandem::sleep(delay);
    co_return "the answer";
}

// timeout: the exception comes after the operation has stopped, so nothing of it runs on.
tandem::task<> with_an_exception() {
    bool in_time = true;
    try {
        co_await tandem::timeout(20ms, fetch(10s));
    } catch (const tandem::timeout_error&) {
        in_time = false;
    }
    check(!in_time, "the time is up after 20 ms");

    const std::string answer = co_await tandem::timeout(10s, fetch(5ms));
    check(answer == "the answer", "an operation that ends in time is not disturbed");
    std::cout << "timeout: one too slow, one in time\n";
}

// move_on_after: the same without an exception.
tandem::task<> with_an_optional() {
    std::optional<std::string> answer = co_await tandem::move_on_after(20ms, fetch(10s));
    check(!answer, "an empty optional says that the time was up");
    std::cout << "move_on_after: " << answer.value_or("something else instead") << '\n';
}

// deadline: a budget for everything inside. Each step can ask how much is left, and a longer limit
// further inside does not extend it.
tandem::task<int> try_until_the_deadline() {
    int attempts = 0;
    while (tandem::this_task::remaining() > 15ms) {  // not worth starting another one below that
        co_await tandem::sleep(10ms);
        ++attempts;
    }
    co_return attempts;
}

tandem::task<> with_a_budget() {
    const auto start = tandem::this_task::loop().now();
    const int attempts = co_await tandem::deadline(start + 60ms, try_until_the_deadline());
    check(attempts >= 1 && attempts <= 5, "the loop stops before its budget is used up");

    bool in_time = true;
    try {
        co_await tandem::deadline(start + 80ms, tandem::timeout(1h, fetch(10s)));
    } catch (const tandem::timeout_error&) {
        in_time = false;
    }
    check(!in_time, "the hour further inside does not extend the deadline outside");
    std::cout << "deadline: gave up in time by asking what is left\n";
}

// shield: what has to be done completely or not at all. The cancellation waits until it is done.
// finally: what has to be done at the end, however it comes. Unlike a destructor, it may wait.
std::string journal;

tandem::task<> save() {
    co_await tandem::sleep(30ms);
    journal += "saved";
}

tandem::task<> edit() {
    co_await tandem::sleep(1ms);
    co_await tandem::shield(save());
    co_await tandem::sleep(0ms);  // the cancellation that came during the shield is delivered here
    journal += ", and went on";   // never reached
}

tandem::task<> close_document() {
    co_await tandem::sleep(5ms);
    journal += ", then closed";
}

tandem::task<> edit_and_close() { co_await tandem::finally(edit(), close_document); }

tandem::task<> with_something_to_protect() {
    auto editing = tandem::create_task(edit_and_close(), "editing");
    co_await tandem::sleep(10ms);  // now it is saving
    check(editing.cancel("the user closed the window"), "the first cancel asks the task to stop");

    std::string reason;
    try {
        co_await editing;  // waits for its end: it saves, stops, closes
    } catch (const tandem::cancelled_error& error) {
        reason = error.reason();
    }
    check(reason == "the user closed the window", "whoever awaits a cancelled task is told, with the reason");
    check(journal == "saved, then closed", "the shielded part ended, the rest did not run, the cleanup did");
}

tandem::task<> amain() {
    co_await with_an_exception();
    co_await with_an_optional();
    co_await with_a_budget();
    co_await with_something_to_protect();
    std::cout << journal << '\n';
}

int main() { tandem::run(amain()); }
