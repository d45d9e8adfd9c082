// The first program: a task, a wait, a result.
// SPDX-License-Identifier: BSL-1.0
// expect: ^Hello, Ada! Hello, Grace!$
#include <tandem/tandem.hpp>

#include <chrono>
#include <iostream>
#include <string>

#include "check.hpp"

using namespace std::chrono_literals;

// A function that returns a task and contains co_await or co_return is a coroutine. Calling it runs
// nothing yet: the task starts when somebody awaits it. Parameters are taken by value, because the
// coroutine goes on after the caller's temporaries are gone.
tandem::task<std::string> greet(std::string name) {
    co_await tandem::sleep(20ms);  // the task waits, the thread does not
    co_return "Hello, " + name + "!";
}

tandem::task<std::string> amain() {
    std::string first = co_await greet("Ada");     // one after the other:
    std::string second = co_await greet("Grace");  // the second starts when the first has ended
    co_return first + " " + second;
}

int main() {
    // run() makes an event loop on this thread and gives what the task returns. If the task throws,
    // run() throws; if you press Ctrl-C, the task is cancelled and run() throws interrupted_error.
    const std::string greeting = tandem::run(amain());

    check(greeting == "Hello, Ada! Hello, Grace!", "both greetings arrive, in order");
    std::cout << greeting << '\n';
}
