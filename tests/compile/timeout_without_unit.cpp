// expect: tandem::timeout: takes a time with its unit and what is awaited, timeout\(1s, f\(\)\): not the
// number 1 expect: tandem::move_on_after: takes a time with its unit and what is awaited, move_on_after\(1s,
// f\(\)\) expect: tandem::timeout_at: takes a time_point of the loop clock and what is awaited expect:
// tandem::deadline: takes a time_point of the loop clock and what is awaited expect: tandem::within: a number
// has no unit; write within\(1s\) SPDX-License-Identifier: BSL-1.0
#include <chrono>

#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/timeout.hpp>

tandem::task<int> g();

tandem::task<> f() {
    co_await tandem::timeout(1, g());
    co_await tandem::move_on_after(std::chrono::seconds(1), g);
    co_await tandem::timeout_at(std::chrono::seconds(1), g());
    co_await tandem::deadline(tandem::time_point(), g);
    co_await tandem::gather(tandem::within(1), g());
}
