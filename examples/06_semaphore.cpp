// 100 tasks, 10 at a time: a semaphore where the limit is on a resource, limit(n) where it is on a list.
// SPDX-License-Identifier: BSL-1.0
// expect: ^100 done, at most 10 at a time, twice$
#include <tandem/tandem.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <iostream>
#include <ranges>
#include <vector>

#include "check.hpp"

using namespace std::chrono_literals;

// What a server with a limit would see.
class observed_server {
public:
    // A task that refers to an object must not outlive it; here the server lives in amain().
    tandem::task<int> request(int number) {
        ++now_;
        peak_ = std::max(peak_, now_);
        co_await tandem::sleep(2ms);
        --now_;
        ++served_;
        co_return number* number;
    }

    int peak() const { return peak_; }
    int served() const { return served_; }

private:
    int now_ = 0;
    int peak_ = 0;
    int served_ = 0;
};

// The permit is given back when it goes out of scope: also when the request throws or is cancelled.
tandem::task<int> polite_request(observed_server& server, tandem::semaphore& slots, int number) {
    auto permit = co_await slots.acquire();
    co_return co_await server.request(number);
}

// The semaphore belongs to the resource: whoever uses the server takes it, from any number of places.
tandem::task<> limit_the_resource() {
    observed_server server;
    tandem::semaphore slots(10);
    std::vector<tandem::task<int>> requests;
    for (int number = 0; number < 100; ++number) requests.push_back(polite_request(server, slots, number));

    const std::vector<int> squares = co_await tandem::gather(std::move(requests));
    check(squares.size() == 100 && squares[99] == 99 * 99, "all have an answer, in order");
    check(server.served() == 100 && server.peak() == 10,
          "the server saw 100 requests, never more than 10 at once");
    check(slots.value() == 10, "every permit came back");
    std::cout << "semaphore: peak " << server.peak() << ", free afterwards " << slots.value() << '\n';
}

// limit(n) belongs to one list. From a view, a task is made only when its turn has come: a million
// inputs need the memory of ten tasks and a million results.
tandem::task<> limit_the_list() {
    observed_server server;
    auto requests = std::views::iota(0, 100) |
                    std::views::transform([&server](int number) { return server.request(number); });
    const std::vector<int> squares = co_await tandem::gather(tandem::limit(10), requests);
    check(squares.size() == 100 && server.served() == 100 && server.peak() == 10, "the same by limit(10)");
    std::cout << "limit: peak " << server.peak() << '\n';
}

tandem::task<> amain() {
    co_await limit_the_resource();
    co_await limit_the_list();
    std::cout << "100 done, at most 10 at a time, twice\n";
}

int main() { tandem::run(amain()); }
