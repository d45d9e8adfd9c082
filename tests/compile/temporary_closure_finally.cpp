// expect: tandem: GCC before 13 destroys the captures of this temporary lambda twice
// compiler: gcc<13
// SPDX-License-Identifier: BSL-1.0
#include <chrono>
#include <string>

#include <tandem/core/sleep.hpp>
#include <tandem/tasks/finally.hpp>

tandem::task<> f(std::string s) {
    // tandem-lint: allow S2 (the form that the library refuses)
    co_await tandem::finally(tandem::sleep(std::chrono::seconds(1)), [s]() -> tandem::task<> { co_return; });
}
