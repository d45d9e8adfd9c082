// tandem - calls to a server that has a bad minute: deadline, retry, breaker, hedge and limit together
// SPDX-License-Identifier: BSL-1.0
// expect: ok: [0-9]+ of 300 answered, slowest [0-9]+ ms, the server saw [0-9]+ calls in its bad minute
#include <tandem/resilience/adaptive_semaphore.hpp>
#include <tandem/resilience/circuit_breaker.hpp>
#include <tandem/resilience/hedge.hpp>
#include <tandem/resilience/retry.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/tasks/timeout.hpp>
#include <tandem/testing/test_loop.hpp>

#include <algorithm>
#include <cstdio>
#include <vector>

using namespace std::chrono_literals;

/// Answers in about 100 ms, now and then in a second; between 60 s and 120 s not at all.
class server {
public:
    tandem::task<int> answer(int question) {
        tandem::loop_core& loop = tandem::this_task::loop();
        const tandem::duration now = loop.now().time_since_epoch();
        const bool bad = now >= 60s && now < 120s;
        calls_in_bad_minute += bad;
        const bool straggler = ++calls_ % 20 == 0;
        if (straggler) {
            co_await tandem::sleep(1s);
        } else {
            co_await tandem::sleep(100ms);
        }
        if (bad) throw std::runtime_error("503");
        co_return question * 2;
    }
    int calls_in_bad_minute = 0;

private:
    int calls_ = 0;
};

/// What all calls to one server share.
class guarded_client {
public:
    explicit guarded_client(server& s) : server_(s) {}

    // deadline > retry > breaker > hedge > semaphore > call
    tandem::task<int> ask(int question) {
        const auto end = tandem::this_task::loop().now() + 3s;
        const auto retried = [](guarded_client& self, int q) {
            return self.breaker_.call(hedged, std::ref(self), q);
        };
        co_return co_await tandem::deadline(end, tandem::retry(retry_, retried, std::ref(*this), question));
    }

private:
    static tandem::task<int> hedged(guarded_client& self, int question) {
        const auto limited = [](guarded_client& me, int q) {
            return me.limit_.call(one_call, std::ref(me.server_), q);
        };
        co_return co_await tandem::hedge(self.hedge_, tandem::idempotent(limited), std::ref(self), question);
    }
    static tandem::task<int> one_call(server& s, int question) { return s.answer(question); }

    server& server_;
    tandem::retry_budget budget_;
    tandem::retry_policy retry_ = tandem::retry_policy().attempts(3).budget(budget_);
    tandem::circuit_breaker breaker_{tandem::circuit_breaker_options().open_for(5s, 10s)};
    tandem::hedge_policy hedge_ = tandem::hedge_policy().after(300ms).budget(budget_);
    tandem::adaptive_semaphore limit_{tandem::vegas_limit()};
};

class result {
public:
    result(bool good, tandem::duration took) : good_(good), took_(took) {}
    bool good() const { return good_; }
    tandem::duration took() const { return took_; }

private:
    bool good_;
    tandem::duration took_;
};

tandem::task<result> user(guarded_client& client, int number) {
    co_await tandem::sleep(number * 600ms);
    const auto start = tandem::this_task::loop().now();
    int answer = 0;
    try {
        answer = co_await client.ask(number);
    } catch (const tandem::error&) {  // circuit_open, timeout_error
    } catch (const std::runtime_error&) {
    }
    co_return result(answer == number * 2 && number != 0, tandem::this_task::loop().now() - start);
}

tandem::task<int> amain() {
    server s;
    guarded_client client(s);
    std::vector<tandem::task<result>> users;
    for (int i = 1; i <= 300; ++i) users.push_back(user(client, i));
    const std::vector<result> results = co_await tandem::gather(std::move(users));
    int answered = 0;
    tandem::duration slowest{};
    for (const result& r : results) {
        answered += r.good();
        slowest = std::max(slowest, r.took());
    }
    const bool good = answered >= 180 && slowest <= 3s && s.calls_in_bad_minute < 60;
    std::printf("%s: %d of 300 answered, slowest %d ms, the server saw %d calls in its bad minute\n",
                good ? "ok" : "wrong", answered, static_cast<int>(slowest / 1ms), s.calls_in_bad_minute);
    co_return good ? 0 : 1;
}

int main() { return tandem::testing::run_virtual(amain()); }
