// A task group: all or nothing. A trip is booked at three places at once; if one of them refuses,
// the other bookings are cancelled, and what is already held is given back.
// SPDX-License-Identifier: BSL-1.0
// expect: ^after the failed trip: 0 places held$
#include <tandem/tandem.hpp>

#include <chrono>
#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>

#include "check.hpp"

using namespace std::chrono_literals;

class sold_out : public std::runtime_error {
    using std::runtime_error::runtime_error;
};
class no_refund : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

int places_held = 0;

// Holds a place until it is confirmed; given back by the destructor otherwise.
class reservation {
public:
    reservation() { ++places_held; }
    ~reservation() { --places_held; }
};

tandem::task<std::string> book(std::string what, std::chrono::milliseconds delay) {
    reservation held;
    co_await tandem::sleep(delay);  // if another booking fails meanwhile, this one stops here
    co_return what + " booked";
}

tandem::task<> find_nothing() {
    co_await tandem::sleep(10ms);
    throw sold_out("no room for these dates");
}

tandem::task<> return_ticket() {
    co_await tandem::sleep(5ms);  // cleanup may wait: the cancellation does not reach it
    throw no_refund("the fee for the flight is lost");
}

// However the booking ends, finally() awaits the cleanup; here that fails too, which makes two errors.
tandem::task<> book_with_fee() { co_await tandem::finally(book("flight", 10s), return_ticket); }

// The handles of create_task give the results once the group has ended.
tandem::task<std::string> book_trip() {
    tandem::task_handle<std::string> flight;
    tandem::task_handle<std::string> hotel;
    // [&] is safe: the group waits for the body and for all children before this line ends.
    co_await tandem::with_task_group([&](tandem::task_group& group) -> tandem::task<> {
        flight = group.create_task(book("flight", 20ms));
        hotel = group.create_task(book("hotel", 30ms));
        co_return;  // the body may end before the children: the group waits for them
    });
    co_return flight.result() + ", " + hotel.result();
}

tandem::task<> book_trip_that_fails() {
    co_await tandem::with_task_group([](tandem::task_group& group) -> tandem::task<> {
        group.create_task(book_with_fee(), "flight");  // names are seen by dump_tasks
        group.create_task(find_nothing(), "hotel");
        co_return;
    });
}

// A group that does its work until somebody has the answer: cancel() ends it without an error.
tandem::task<int> first_answer() {
    tandem::queue<int> answers;
    co_return co_await tandem::with_task_group([&](tandem::task_group& group) -> tandem::task<int> {
        for (int worker = 1; worker <= 3; ++worker) {
            // fn, args...: callable and arguments are kept for as long as the child runs.
            group.create_task(
                [](tandem::queue<int>& to, int n) -> tandem::task<> {
                    co_await tandem::sleep(n * 10ms);
                    co_await to.put(n);
                },
                std::ref(answers), worker);
        }
        int answer = co_await answers.get();
        group.cancel();
        co_return answer;
    });
}

tandem::task<> amain() {
    const std::string trip = co_await book_trip();
    check(trip == "flight booked, hotel booked", "handles give the results of the children");
    std::cout << trip << '\n';

    // A group always throws an exception_group, because several children may fail.
    // handle<E> is Python's except*: it takes the errors of one type out of the group.
    std::string problems;
    try {
        co_await book_trip_that_fails();
    } catch (tandem::exception_group& errors) {
        errors.handle<sold_out>([&](const sold_out& e) { problems += e.what(); });
        errors.handle<no_refund>([&](const no_refund& e) { problems += std::string("; ") + e.what(); });
        errors.rethrow_unhandled();  // whatever else it was is not ours to swallow
    }
    check(problems == "no room for these dates; the fee for the flight is lost",
          "the group keeps both errors");
    std::cout << "not booked: " << problems << '\n';

    const int winner = co_await first_answer();
    check(winner == 1, "the fastest worker answers, the others are cancelled");
    std::cout << "first answer from worker " << winner << '\n';

    check(places_held == 0, "the flight was cancelled and its place given back");
    std::cout << "after the failed trip: " << places_held << " places held\n";
}

int main() { tandem::run(amain()); }
