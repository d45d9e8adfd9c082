// tandem - sixty requests a minute against a server that punishes the 61st, on virtual time
// SPDX-License-Identifier: BSL-1.0
// expect: ok: 600 requests, 0 refused with the limiter \(9 minutes\), [1-9][0-9]* refused without
#include <tandem/core/sleep.hpp>
#include <tandem/resilience/rate_limiter.hpp>
#include <tandem/tasks/gather.hpp>
#include <tandem/testing/test_loop.hpp>

#include <cstdio>
#include <deque>
#include <vector>

using namespace std::chrono_literals;

/// Counts what arrived in the last minute, refused requests too, as servers do.
class strict_server {
public:
    bool answers() {
        const tandem::time_point now = tandem::this_task::loop().now();
        while (!arrivals_.empty() && now - arrivals_.front() >= 1min) arrivals_.pop_front();
        arrivals_.push_back(now);
        const bool within = arrivals_.size() <= 60;
        refused_ += !within;
        return within;
    }
    int refused() const { return refused_; }

private:
    std::deque<tandem::time_point> arrivals_;
    int refused_ = 0;
};

tandem::task<> polite(tandem::rate_limiter& limiter, strict_server& server) {
    co_await limiter.acquire();
    if (!server.answers()) limiter.penalise(30s);  // never happens here
}

tandem::task<> eager(int number, strict_server& server) {
    co_await tandem::sleep(number * 900ms);  // "about one a second"
    server.answers();
}

tandem::task<int> amain() {
    strict_server guarded;
    tandem::rate_limiter limiter = tandem::rate_limiter::window(60, 1min);
    std::vector<tandem::task<>> requests;
    for (int i = 0; i < 600; ++i) requests.push_back(polite(limiter, guarded));
    co_await tandem::gather(std::move(requests));
    const auto minutes =
        std::chrono::duration_cast<std::chrono::minutes>(tandem::this_task::loop().now().time_since_epoch());

    strict_server bare;
    std::vector<tandem::task<>> others;
    for (int i = 0; i < 600; ++i) others.push_back(eager(i, bare));
    co_await tandem::gather(std::move(others));

    const bool good = guarded.refused() == 0 && bare.refused() > 0 && minutes == 9min;
    std::printf("%s: 600 requests, %d refused with the limiter (%d minutes), %d refused without\n",
                good ? "ok" : "wrong", guarded.refused(), static_cast<int>(minutes.count()), bare.refused());
    co_return good ? 0 : 1;
}

int main() { return tandem::testing::run_virtual(amain()); }
